"""Escalation of alerts that wait, daily digests, and recipients by category."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

from pytest_httpserver import HTTPServer
from sqlalchemy import update

from app.db.tables import Alert, Delivery, Store
from app.domain.rules.alert_texts import ENGLISH_NAMES, RULE_NAMES
from app.domain.rules.digest_texts import DigestLine, digest_text
from app.domain.rules.recipients import Person, next_role
from tests.api.test_notices import RECIPIENTS, TARGET
from tests.support.phones import Phones

ESCALATE = """
mutation($input: SetEscalationInput!) { setEscalation(input: $input) {
  ... on EscalationSetting { rule minutes } ... on Problem { code }
} }
"""
DIGEST = """
mutation($input: SetDigestInput!) { setDigest(input: $input) {
  ... on DigestSetting { hour } ... on Problem { code }
} }
"""
ROUTE = """
query($rule: AlertRule!, $store: UUID!) { alertRoute(rule: $rule, storeId: $store) {
  ... on AlertRoute { digestHour escalatesAfterMinutes }
} }
"""
DELIVERIES = "{ deliveries { nodes { channel event body recipientId alert { rule } } } }"


async def deliveries(phones: Phones, channel: str) -> list[Any]:
    nodes = (await phones.desk.ask(DELIVERIES))["nodes"]
    return [each for each in nodes if each["channel"] == channel]


async def wait(phones: Phones, minutes: int) -> None:
    """Every alert was raised and notified so many minutes earlier."""
    pause = timedelta(minutes=minutes)
    earlier = {"raised_at": Alert.raised_at - pause, "notified_at": Alert.notified_at - pause}
    async with phones.db.unit(phones.tenant) as unit:
        execute = unit.session.execute
        await execute(update(Alert).where(Alert.tenant_id == phones.tenant).values(earlier))
        mine = update(Delivery).where(Delivery.tenant_id == phones.tenant)
        await execute(mine.values(occasion=Delivery.occasion - pause))


async def test_an_alert_that_nobody_acknowledges(phones: Phones) -> None:
    """After 30 minutes it goes to the purchaser, after 60 to the owner, once to each."""
    buyer, _ = await phones.desk.chain.hired(role="PURCHASER", name="采购")
    answer = await phones.do(ESCALATE, phones.desk.owner, rule="OUT_OF_STOCK", minutes=30)
    assert answer == {"rule": "OUT_OF_STOCK", "minutes": 30}
    route = await phones.desk.ask(ROUTE, rule="OUT_OF_STOCK", store=phones.desk.store)
    assert route == {"digestHour": None, "escalatesAfterMinutes": 30}
    only = {"rule": "OUT_OF_STOCK", "roles": ["MANAGER"]}
    await phones.do(RECIPIENTS, phones.desk.owner, **only)
    await phones.run_out()
    await phones.run()
    await wait(phones, 29)
    await phones.run()
    assert len(await deliveries(phones, "IN_APP")) == 1
    await wait(phones, 2)
    for _ in range(2):
        await phones.run()
    second, _ = await deliveries(phones, "IN_APP")
    assert second["recipientId"] == buyer["id"]
    assert second["body"] == "南山店：30 分钟无人处理：大米已断货，请立即补货"
    await wait(phones, 60)
    for _ in range(3):
        await phones.run()
    assert len(await deliveries(phones, "IN_APP")) == 3
    await wait(phones, 600)
    await phones.run()
    assert len(await deliveries(phones, "IN_APP")) == 3, "the owner is the last"


async def test_what_is_acknowledged_waits_for_nobody(phones: Phones) -> None:
    await phones.do(ESCALATE, phones.desk.owner, rule="OUT_OF_STOCK", minutes=5)
    here = {"rule": "OUT_OF_STOCK", "storeId": phones.desk.store, "minutes": None}
    await phones.run_out()
    await phones.run()
    [alert] = (await phones.desk.ask("{ alerts { nodes { id } } }"))["nodes"]
    before = len(await deliveries(phones, "IN_APP"))
    await phones.do(ESCALATE, phones.desk.manager, **here)
    await wait(phones, 60)
    await phones.run()
    assert len(await deliveries(phones, "IN_APP")) == before, "the store's own setting binds"
    await phones.do(ESCALATE, phones.desk.manager, **{**here, "minutes": 10})
    await phones.desk.do("acknowledgeAlert", alertId=alert["id"])
    await phones.run()
    assert len(await deliveries(phones, "IN_APP")) == before
    for wrong in ({**here, "minutes": 0}, {"rule": "OUT_OF_STOCK", "minutes": 5}):
        input = {"key": str(uuid4()), **wrong}
        code = await phones.desk.asking.code(ESCALATE, phones.desk.manager, input=input)
        assert code == "BAD_INPUT"


def test_the_next_role() -> None:
    people = [Person(UUID(int=n), role, True) for n, role in enumerate(("CASHIER", "OWNER"), 1)]
    assert next_role(people, {UUID(int=1)}) == "OWNER"
    assert next_role(people, {UUID(int=2)}) is None
    assert next_role(people, ()) == "CASHIER"


async def test_a_daily_digest(phones: Phones, httpserver: HTTPServer) -> None:
    """One message for what is not urgent; what is urgent goes out at once."""
    httpserver.expect_request("/group").respond_with_data("ok")
    url = f"json://127.0.0.1:{httpserver.port}/group"
    await phones.do(TARGET, phones.desk.owner, name="群", url=url)
    hour = datetime.now(UTC).astimezone(ZoneInfo("Asia/Shanghai")).hour
    input = {"storeId": phones.desk.store, "hour": hour}
    assert (await phones.do(DIGEST, **input))["hour"] == hour
    for rule, holds in (("LOW_STOCK", hour), ("OUT_OF_STOCK", None)):
        route = await phones.desk.ask(ROUTE, rule=rule, store=phones.desk.store)
        assert route == {"digestHour": holds, "escalatesAfterMinutes": None}
    for name in ("面粉", "白糖"):
        point = {"productId": await phones.desk.product(name), "quantity": "4"}
        await phones.desk.do("setReorderPoint", **point)
        await phones.desk.receive(name, 6)
        await phones.desk.post("sell", (name, 3))
    await phones.run_out("大米")
    await phones.run()
    [(request, _)] = httpserver.log
    assert request.get_json()["message"] == "南山店：大米已断货，请立即补货"
    async with phones.db.unit(phones.tenant) as unit:
        mine = Store.tenant_id == phones.tenant
        await unit.session.execute(update(Store).where(mine).values(digest_on=None))
    for _ in range(2):
        await phones.run()
    _, (request, _) = httpserver.log
    zh, en = request.get_json()["message"].split("\n\n")
    assert zh.splitlines()[0] == "南山店今日待处理：低库存 2"
    assert "· 面粉库存仅剩 3 袋，需尽快补货" in zh.splitlines()
    assert en.splitlines()[0] == "南山店 today: low stock 2"
    assert [each["event"] for each in await deliveries(phones, "MESSAGE")] == [
        "DAILY_DIGEST",
        "ALERT_RAISED",
    ]
    wrong = {"key": str(uuid4()), "storeId": phones.desk.store, "hour": 24}
    assert await phones.desk.asking.code(DIGEST, phones.desk.owner, input=wrong) == "BAD_INPUT"


def test_a_digest_fits_into_a_message() -> None:
    lines = [DigestLine("NEAR_EXPIRY", "牛奶" * 60, "Milk " * 30)] * 500
    text = digest_text("店" * 40, lines)
    assert len(text.encode()) <= 2000
    assert "另有" in text
    assert "more" in text
    assert ENGLISH_NAMES.keys() == RULE_NAMES.keys()


async def test_recipients_of_a_category(phones: Phones) -> None:
    """The nearest category binds, also for the categories below it."""
    desk = phones.desk
    food = (await desk.do("createCategory", name="食品"))["id"]
    rice = (await desk.do("createCategory", name="米面", parentId=food))["id"]
    cook, _ = await desk.chain.hired(name="厨师长")
    chosen = {"rule": "OUT_OF_STOCK", "categoryId": food, "staffIds": [cook["id"]]}
    await phones.do(RECIPIENTS, desk.owner, **chosen)
    await desk.product("大米", categoryId=rice)
    await phones.run_out("大米")
    await phones.run_out("洗发水")
    await phones.run()
    by_text = {
        each["body"][4:6]: each["recipientId"] for each in await deliveries(phones, "IN_APP")
    }
    assert by_text["大米"] == cook["id"]
    assert by_text["洗发"] != cook["id"]
    absent = {**chosen, "categoryId": str(uuid4())}
    assert (await phones.do(RECIPIENTS, desk.owner, **absent))["code"] == "UNKNOWN_CATEGORY"
