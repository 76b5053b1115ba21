"""Alerts by messages of mini-programs: credits, errors of the platforms, and the next channel."""

import asyncio
from uuid import UUID, uuid4

import pytest

from app.db.subscriptions import bound
from tests.support.identity import REMOVE
from tests.support.mini_program import SECRET
from tests.support.phones import BIND, FIELDS, GRANT, LOG, MINE, SET_APP, TEMPLATE, UNBIND, Phones


async def test_the_owner_sets_templates(phones: Phones) -> None:
    answer = await phones.template(page="pages/alerts/index")
    assert (answer["template"], answer["fields"]) == ("T-WECHAT", FIELDS)
    acts = [each["act"] for each in (await phones.desk.ask(LOG))["nodes"]]
    assert acts[0] == "SET_MESSAGE_TEMPLATE"
    for fields in ([], FIELDS[:1] * 2, [{"name": "number1", "part": "TEXT"}]):
        input = {"key": str(uuid4()), "channel": "WECHAT", "template": "T", "fields": fields}
        code = await phones.desk.asking.code(TEMPLATE, phones.desk.owner, input=input)
        assert code == "BAD_INPUT"
    input = {"key": str(uuid4()), "channel": "WECHAT", "template": "T", "fields": FIELDS}
    assert await phones.desk.asking.code(TEMPLATE, phones.desk.manager, input=input) == "FORBIDDEN"


async def test_staff_bind_and_subscribe(phones: Phones) -> None:
    await phones.template()
    assert await phones.desk.ask(MINE, by=phones.desk.cashier) == [
        {"channel": "DOUYIN", "bound": False, "template": None, "credits": 0},
        {"channel": "WECHAT", "bound": False, "template": "T-WECHAT", "credits": 0},
    ]
    assert (await phones.do(BIND, channel="WECHAT", code="no"))["code"] == "INVALID_LOGIN_CODE"
    assert (await phones.do(BIND, channel="SMS", code="no"))["code"] == "WRONG_STATE"
    again = {"key": str(uuid4()), "channel": "WECHAT", "code": "ok:me"}
    for _ in range(2):
        assert (await phones.do(BIND, **again))["bound"], "a repeated request binds once"
    grant = {"key": str(uuid4()), "template": "T-WECHAT", "count": 3}
    for _ in range(2):
        assert (await phones.do(GRANT, **grant))["credits"] == 3
    grants = [phones.do(GRANT, template="T-WECHAT") for _ in range(5)]
    assert sorted(each["credits"] for each in await asyncio.gather(*grants)) == [4, 5, 6, 7, 8]
    assert (await phones.do(GRANT, **{**grant, "count": 2}))["code"] == "KEY_REUSED"
    other = await phones.do(GRANT, template="T-2")
    assert other["code"] == "UNKNOWN_NOTIFICATION"
    zero = {"key": str(uuid4()), "template": "T-WECHAT", "count": 0}
    assert await phones.desk.asking.code(GRANT, phones.desk.manager, input=zero) == "BAD_INPUT"
    assert not (await phones.do(UNBIND, channel="WECHAT"))["bound"]


@pytest.mark.parametrize("channel", ["WECHAT", "DOUYIN"])
async def test_an_alert_spends_a_credit(phones: Phones, channel: str) -> None:
    openid = await phones.subscribe(channel, 2)
    await phones.run_out("一种名字很长很长很长的有机东北五常大米")
    await phones.run()
    await phones.run()
    [message] = phones.mini.sent
    assert (message["to"], message["template"]) == (openid, f"T-{channel}")
    assert "一种名字很长很长很长的有机东北五常大米…" in message.values()
    delivery = (await phones.messages())[channel]
    assert (delivery["state"], delivery["attempts"]) == ("DELIVERED", 1)
    assert "一种名字" in delivery["body"]
    assert delivery["receipt"]
    assert (await phones.credits())[channel] == 1


ROUTE = """
query($store: UUID!) { alertRoute(rule: OUT_OF_STOCK, storeId: $store) {
  ... on AlertRoute { people { person { id name } channels } }
} }
"""


async def test_the_route_names_the_channels(phones: Phones) -> None:
    """A channel without a credit reaches no one, and a former member of staff has none."""
    await phones.subscribe("DOUYIN")
    await phones.subscribe("WECHAT")
    route = await phones.desk.ask(ROUTE, store=phones.desk.store)
    by_name = {each["person"]["name"]: each for each in route["people"]}
    manager = by_name["王店长"]
    assert manager["channels"] == ["WECHAT", "DOUYIN"]
    await phones.run_out()
    await phones.run()
    route = await phones.desk.ask(ROUTE, store=phones.desk.store)
    assert {tuple(each["channels"]) for each in route["people"]} == {(), ("DOUYIN",)}
    gone = await phones.do(REMOVE, phones.desk.owner, staffId=manager["person"]["id"])
    assert "code" not in gone
    async with phones.db.read(phones.tenant) as session:
        left = await bound(session, phones.tenant, [UUID(manager["person"]["id"])])
    assert left == set(), "what is personal ends with the account"


async def test_two_alerts_and_one_credit(phones: Phones) -> None:
    """The second alert goes by the next channel, without an attempt by the first."""
    await phones.subscribe("WECHAT")
    await phones.subscribe("DOUYIN")
    await phones.run_out("大米")
    await phones.run_out("面粉")
    await phones.run()
    assert sorted(each["template"] for each in phones.mini.sent) == ["T-DOUYIN", "T-WECHAT"]
    assert await phones.credits() == {"WECHAT": 0, "DOUYIN": 0}


async def test_no_subscription_left(phones: Phones) -> None:
    """43101 ends the message and the credits; the next channel tells the person."""
    openid = await phones.subscribe("WECHAT", 3)
    await phones.subscribe("DOUYIN")
    phones.mini.subscribed[openid] = 0
    await phones.run_out()
    await phones.run()
    await phones.run()
    messages = await phones.messages()
    assert (messages["WECHAT"]["state"], messages["WECHAT"]["attempts"]) == ("DEAD", 1)
    assert messages["DOUYIN"]["state"] == "DELIVERED"
    assert await phones.credits() == {"WECHAT": 0, "DOUYIN": 0}
    [message] = phones.mini.sent
    assert message["内容"] == "大米已断货，请立即补货"


async def test_a_refused_message_gives_its_credit_back(phones: Phones) -> None:
    await phones.subscribe("WECHAT", 2)
    phones.mini.failing = 40037
    await phones.run_out()
    await phones.run()
    assert (await phones.messages())["WECHAT"]["state"] == "DEAD"
    assert (await phones.credits())["WECHAT"] == 2


async def test_a_stale_token_is_renewed_once(phones: Phones) -> None:
    await phones.subscribe("WECHAT", 2)
    await phones.run_out("大米")
    await phones.run()
    phones.mini.stale = True
    await phones.run_out("面粉")
    await phones.run()
    assert len(phones.mini.sent) == 2
    assert phones.mini.tokens == 2


@pytest.mark.parametrize("code", [45009, -1])
async def test_a_quota_and_a_busy_platform_wait(phones: Phones, code: int) -> None:
    await phones.subscribe("WECHAT")
    phones.mini.failing = code
    await phones.run_out()
    await phones.run()
    waiting = (await phones.messages())["WECHAT"]
    assert (waiting["state"], waiting["error"]) == ("PENDING", f"{code}: {code}")
    phones.mini.failing = 0
    await phones.run()
    assert phones.mini.sent == [], "it waits"
    await phones.due()
    await phones.run()
    assert len(phones.mini.sent) == 1
    assert (await phones.messages())["WECHAT"]["attempts"] == 2


async def test_another_app_ends_the_identities_of_the_one_before(phones: Phones) -> None:
    await phones.subscribe("WECHAT")
    app = {"channel": "WECHAT", "appId": "wx-other", "secret": SECRET}
    await phones.do(SET_APP, phones.desk.owner, **app)
    await phones.run_out()
    await phones.run()
    assert await phones.messages() == {}
