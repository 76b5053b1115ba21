"""What settings of alerts and notifications refuse, and what the refusal advises."""

from typing import Any
from uuid import uuid4

import pytest

from tests.api.test_notices import CREATE, QUIET, RECIPIENTS, TARGET
from tests.support.api import Desk, mutation


@pytest.fixture
def desk(fresh: Desk) -> Desk:
    return fresh


async def refused(desk: Desk, text: str, **input: Any) -> tuple[str, str]:
    """The refused part of the input and the message, in Chinese."""
    values = {"key": str(uuid4()), **input}
    answer = await desk.asking.raw(text, desk.owner, input=values)
    [error] = answer["errors"]
    assert error["extensions"]["code"] == "BAD_INPUT"
    return error["extensions"]["path"][-1], error["message"]


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ({"rule": "LOW_STOCK", "days": [3]}, "“低库存”预警没有天数，请去掉"),
        ({"rule": "NEAR_EXPIRY", "hours": 3}, "“临期”预警没有小时数，请去掉"),
        ({"rule": "EXPIRED", "fewerThan": 3}, "“过期”预警没有销量下限，请去掉"),
    ],
)
async def test_a_value_that_the_rule_does_not_read(
    desk: Desk, setting: dict[str, Any], message: str
) -> None:
    field = next(name for name in setting if name != "rule")
    assert await refused(desk, mutation("setAlertRule"), **setting) == (field, message)


async def test_an_audit_has_no_products(desk: Desk) -> None:
    product = await desk.product("大米")
    setting = {"rule": "AUDIT_DRIFT", "productId": product}
    assert (await refused(desk, mutation("setAlertRule"), **setting))[0] == "rule"
    category = (await desk.do("createCategory", name="食品"))["id"]
    recipients = {"rule": "WRITE_OFF_WAITING", "categoryId": category, "roles": ["OWNER"]}
    assert (await refused(desk, RECIPIENTS, **recipients))[0] == "categoryId"


async def test_quiet_hours_name_their_times(desk: Desk) -> None:
    own = {"storeId": desk.store, "end": "08:00"}
    assert await refused(desk, QUIET, start="25:00", **own) == (
        "start",
        "开始时间须为时刻，例如 22:00",
    )
    assert (await refused(desk, QUIET, start="08:00", **own))[0] == "end"


@pytest.mark.parametrize(
    "url",
    ["https://127.0.0.1/x", "https://10.0.0.1/", "https://[::1]/", "https://localhost/x",
     "https://a.localhost/", "https://2130706433/", "https://0x7f000001/", "https://127.1/"],
)  # fmt: skip
async def test_a_webhook_needs_a_public_address(desk: Desk, url: str) -> None:
    field, message = await refused(desk, CREATE, url=url, events=["ALERT_RAISED"])
    assert (field, message) == ("url", "须为公网地址：内网地址收不到推送")


async def test_a_public_address_by_its_number(desk: Desk) -> None:
    hook = await desk.chain.do(CREATE, url="https://8.8.8.8/hook", events=["ALERT_RAISED"])
    assert hook["webhook"]["url"] == "https://8.8.8.8/hook"


@pytest.mark.parametrize(
    ("url", "service"),
    [
        ("https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=693a91f6-7abc-4bc4", "WECOM"),
        ("https://oapi.dingtalk.com/robot/send?access_token=0123456789abcdef", "DINGTALK"),
        ("https://open.feishu.cn/open-apis/bot/v2/hook/5e2f8a0c-1234-4a5b", "FEISHU"),
    ],
)
async def test_a_robot_is_added_by_the_address_that_its_service_shows(
    desk: Desk, url: str, service: str
) -> None:
    added = await desk.chain.do(TARGET, name="群", url=url, storeId=desk.store)
    assert added["service"] == service


async def test_an_address_that_no_service_has(desk: Desk) -> None:
    field, message = await refused(desk, TARGET, name="群", url="https://example.com/hook")
    assert field == "url"
    assert message == "不支持这个通知地址，请粘贴企业微信、钉钉或飞书群机器人的 Webhook 地址"
