"""Notifications through the API: who is notified, what is sent, and how failures end."""

import hashlib
import hmac
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, time
from typing import Any
from uuid import UUID, uuid4

import pytest
from pytest_httpserver import HTTPServer
from sqlalchemy import update

from app.db.core.unit import Database
from app.db.tables import Delivery
from app.domain.notices.deliver import AT_ONCE, MOST_ATTEMPTS, retry_at
from app.domain.rules.recipients import next_loud_moment
from app.jobs.alerts import notify
from app.platforms.messages import provider_of
from app.run.embedded import Urls
from tests.api.conftest import served
from tests.support.api import Desk, a_desk
from tests.support.http_server import http_server
from tests.support.identity import CREATE_KEY, CREATE_STORE, REVOKE_KEY, a_chain
from tests.support.phones import providers_of
from tests.support.worker import store_changes

HOSTS = frozenset(["127.0.0.1", "localhost"])
CREATE = """
mutation($input: CreateWebhookInput!) { createWebhook(input: $input) {
  ... on NewWebhook { secret webhook { id url events } } ... on Problem { code }
} }
"""
DELETE = """
mutation($input: DeleteWebhookInput!) { deleteWebhook(input: $input) {
  ... on Webhook { id endedAt } ... on Problem { code }
} }
"""
TARGET = """
mutation($input: AddNotificationTargetInput!) { addNotificationTarget(input: $input) {
  ... on NotificationTarget { id service staffId } ... on Problem { code }
} }
"""
RECIPIENTS = """
mutation($input: SetRecipientsInput!) { setRecipients(input: $input) {
  ... on RecipientsResult { rule roles staffIds } ... on Problem { code }
} }
"""
REDELIVER = """
mutation($input: RedeliverInput!) { redeliver(input: $input) {
  ... on NotificationDelivery { id state attempts } ... on Problem { code }
} }
"""
QUIET = """
mutation($input: SetQuietHoursInput!) { setQuietHours(input: $input) {
  ... on Store { id } ... on Problem { code }
} }
"""
DELIVERIES = """
query($state: DeliveryState) { deliveries(state: $state) { nodes {
  id channel state event body attempts error receipt recipientId alert { rule }
} } }
"""
ROUTE = """
query($rule: AlertRule!, $store: UUID!) { alertRoute(rule: $rule, storeId: $store) {
  ... on AlertRoute { people { person { name } notified reason } targets { name }
    quietStart quietEnd }
} }
"""


@pytest.fixture
async def desk(urls: Urls, db: Database) -> AsyncIterator[Desk]:
    """A new tenant on a server that may reach this machine."""
    async with served(urls, private_hosts=",".join(HOSTS)) as asking:
        yield await a_desk(await a_chain(db, asking))


@pytest.fixture
def receiver() -> Iterator[HTTPServer]:
    with http_server() as server:
        yield server


def tenant(desk: Desk) -> UUID:
    return desk.chain.founded.store.tenant_id


async def run(db: Database, desk: Desk) -> None:
    async with providers_of() as providers:
        await notify(db, tenant(desk), providers, store_changes(db))


async def run_out(desk: Desk, name: str = "大米") -> None:
    """The last of a product is sold."""
    await desk.receive(name, 3)
    await desk.post("sell", (name, 3))


async def sent(desk: Desk, **chosen: Any) -> list[Any]:
    return (await desk.ask(DELIVERIES, **chosen))["nodes"]


async def hook(desk: Desk, receiver: HTTPServer, *events: str) -> Any:
    return await desk.chain.do(CREATE, url=receiver.url_for("/hook"), events=list(events))


async def test_managers_are_notified_once(desk: Desk, db: Database) -> None:
    await run_out(desk)
    await run(db, desk)
    await run(db, desk)
    [delivery] = await sent(desk)
    assert (delivery["channel"], delivery["state"]) == ("IN_APP", "DELIVERED")
    assert delivery["body"] == "南山店：大米已断货，请立即补货"
    [text] = [
        each["notified"]
        for each in (await desk.ask(ROUTE, rule="OUT_OF_STOCK", store=desk.store))["people"]
        if each["person"]["name"] == "王店长"
    ]
    assert text


async def test_the_route_says_why(desk: Desk) -> None:
    route = await desk.ask(ROUTE, rule="EXPIRED", store=desk.store)
    assert {each["reason"]: each["notified"] for each in route["people"]} == {
        "BY_ROLE": True,
        "OTHER_ROLE": False,
    }
    roles = {"rule": "EXPIRED", "storeId": desk.store, "roles": ["PURCHASER"]}
    await desk.chain.do(RECIPIENTS, **roles)
    route = await desk.ask(ROUTE, rule="EXPIRED", store=desk.store)
    [owner] = [each for each in route["people"] if each["notified"]]
    assert owner["reason"] == "FALLBACK", "an alert is never without a recipient"


async def test_a_route_shows_no_accounts_of_other_stores(desk: Desk) -> None:
    """A manager and a cashier read the names of those who work with them, and no login."""
    store = await desk.asking(
        CREATE_STORE, desk.owner, input={"key": str(uuid4()), "code": uuid4().hex, "name": "西店"}
    )
    await desk.chain.hired(role="MANAGER", name="西店店长", storeIds=[store["id"]])
    for by, sees in ((desk.owner, True), (desk.manager, False), (desk.cashier, False)):
        route = await desk.ask(ROUTE, by=by, rule="EXPIRED", store=desk.store)
        names = {each["person"]["name"] for each in route["people"]}
        assert ("西店店长" in names) is sees
        assert "王店长" in names
        login = ROUTE.replace("person { name }", "person { login }")
        code = await desk.asking.code(login, by, rule="EXPIRED", store=desk.store)
        assert code == "BAD_INPUT"


async def test_a_webhook_is_signed(desk: Desk, db: Database, receiver: HTTPServer) -> None:
    receiver.expect_request("/hook", method="POST").respond_with_data("ok")
    created = await hook(desk, receiver, "ALERT_RAISED")
    await run_out(desk)
    await run(db, desk)
    [(request, _)] = receiver.log
    body = request.get_data(as_text=True)
    stamp, digest = request.headers["Kucun-Signature"].split(",")
    signature = hmac.new(
        created["secret"].encode(), f"{stamp[2:]}.{body}".encode(), hashlib.sha256
    ).hexdigest()
    assert digest == f"v1={signature}"
    [delivery] = [each for each in await sent(desk) if each["channel"] == "WEBHOOK"]
    assert request.headers["Kucun-Event-Id"] == delivery["id"] == request.get_json()["id"]
    assert (delivery["state"], delivery["receipt"]) == ("DELIVERED", "HTTP 200")
    assert request.get_json()["alert"]["rule"] == "OUT_OF_STOCK"


async def test_a_webhook_follows_the_store(desk: Desk, db: Database, receiver: HTTPServer) -> None:
    receiver.expect_request("/hook", method="POST").respond_with_data("ok")
    await hook(desk, receiver, "STORE_CHANGED")
    await desk.receive("米", 3)
    await run(db, desk)
    await desk.receive("米", 3)
    await desk.receive("油", 3)
    await run(db, desk)
    first, second = [request.get_json() for request, _ in receiver.log]
    assert first["revision"] == second["fromRevision"]
    assert second["productIds"] == sorted([await desk.product("米"), await desk.product("油")])
    await run(db, desk)
    assert len(receiver.log) == 2


async def test_a_change_carries_what_the_feed_shows(
    desk: Desk, db: Database, receiver: HTTPServer
) -> None:
    """A webhook sees what its creator may see: the owner everything, a key what it has scopes
    for."""
    receiver.expect_request("/owner").respond_with_data("ok")
    receiver.expect_request("/key").respond_with_data("", status=500)
    keys = {}
    for name, scopes in (("erp", ["STOCK_READ", "WEBHOOK_WRITE"]), ("poor", ["WEBHOOK_WRITE"])):
        created = await desk.chain.do(CREATE_KEY, name=name, scopes=scopes)
        keys[name] = created["apiKey"]["id"], created["secret"]
    changed: dict[str, Any] = {"events": ["STORE_CHANGED"]}
    await desk.chain.do(CREATE, url=receiver.url_for("/owner"), **changed)
    theirs = {"key": str(uuid4()), "url": receiver.url_for("/key"), **changed}
    assert await desk.asking.code(CREATE, keys["poor"][1], input=theirs) == "FORBIDDEN"
    own = (await desk.asking(CREATE, keys["erp"][1], input=theirs))["webhook"]
    assert await desk.ask("{ webhooks { id } }", by=keys["erp"][1]) == [{"id": own["id"]}]
    assert await desk.ask("{ webhooks { id } }", by=keys["poor"][1]) == []
    product = await desk.product("米", price="5.00")
    await desk.do("setReorderPoint", productId=product, quantity="2")
    await desk.receive("米", 3)
    await desk.post("sell", ("米", 1))
    code = desk.chain.founded.store.code
    lines = [await desk.line("米", 1)]
    order = await desk.do(
        "placeOrder", store=code, channel="WECHAT", contact="13800000000", lines=lines
    )
    await run(db, desk)
    events = {request.path: request.get_json() for request, _ in receiver.log}
    full, narrow = events["/owner"]["change"], events["/key"]["change"]
    assert full["revision"] == events["/owner"]["revision"]
    [level] = full["levels"]
    assert (level["onHand"], level["available"], level["status"]) == ("2", "1", "LOW")
    assert [each["id"] for each in full["orders"]] == [order["id"]]
    assert "13800000000" not in receiver.log[0][0].get_data(as_text=True)
    assert {each["rule"] for each in full["alerts"]} == {"LOW_STOCK"}
    assert full["alerts"][0]["text"].startswith("米库存仅剩")
    assert level["value"] is not None
    assert narrow["levels"] == [{**level, "value": None, "unitCost": None}]
    assert (narrow["orders"], narrow["alerts"]) == ([], [])
    await desk.chain.do(REVOKE_KEY, apiKeyId=keys["erp"][0])
    # Neither what failed before nor what changes from now on is sent.
    async with db.unit(tenant(desk)) as unit:
        failed = update(Delivery).where(Delivery.state == "PENDING")
        await unit.session.execute(failed.values(next_at=datetime.now(UTC)))
    await desk.receive("米", 3)
    await run(db, desk)
    assert [request.path for request, _ in receiver.log[2:]] == ["/owner"]


async def test_a_failure_is_tried_again_and_ends(
    desk: Desk, db: Database, receiver: HTTPServer
) -> None:
    receiver.expect_request("/hook").respond_with_data("", status=500)
    await hook(desk, receiver, "ALERT_RAISED")
    await run_out(desk)
    await run(db, desk)
    [delivery] = await sent(desk, state="PENDING")
    assert (delivery["attempts"], delivery["error"]) == (1, "HTTP 500")
    await run(db, desk)
    assert len(receiver.log) == 1, "it waits for its next attempt"
    last = {"attempts": MOST_ATTEMPTS - 1, "next_at": datetime.now(UTC)}
    async with db.unit(tenant(desk)) as unit:
        mine = Delivery.id == UUID(delivery["id"])
        await unit.session.execute(update(Delivery).where(mine).values(last))
    await run(db, desk)
    assert [each["state"] for each in await sent(desk, state="DEAD")] == ["DEAD"]
    receiver.clear()
    receiver.expect_request("/hook").respond_with_data("ok")
    done = await desk.chain.do(REDELIVER, deliveryId=delivery["id"])
    assert (done["state"], done["attempts"]) == ("PENDING", 0)
    await run(db, desk)
    assert await sent(desk, state="DEAD") == []


async def test_a_redirect_is_not_followed(desk: Desk, db: Database, receiver: HTTPServer) -> None:
    inside = receiver.url_for("/inside")
    receiver.expect_request("/hook").respond_with_data("", status=302, headers={"location": inside})
    await hook(desk, receiver, "ALERT_RAISED")
    await run_out(desk)
    await run(db, desk)
    assert [request.path for request, _ in receiver.log] == ["/hook"]
    [delivery] = await sent(desk, state="PENDING")
    assert delivery["error"] == "HTTP 302"


async def test_a_deleted_webhook_receives_nothing(
    desk: Desk, db: Database, receiver: HTTPServer
) -> None:
    created = await hook(desk, receiver, "ALERT_RAISED", "STORE_CHANGED")
    id = created["webhook"]["id"]
    assert (await desk.chain.do(DELETE, webhookId=id))["endedAt"]
    await run_out(desk)
    await run(db, desk)
    assert receiver.log == []
    assert await desk.ask("query { webhooks { id } }") == []


async def test_only_public_addresses(fresh: Desk) -> None:
    for url in ("http://example.com/x", "https://user@example.com/", "ftp://example.com"):
        assert await fresh.chain.bad(CREATE, url=url, events=["ALERT_RAISED"]) == "BAD_INPUT"
    assert await fresh.chain.bad(CREATE, url="https://example.com", events=[]) == "BAD_INPUT"


def test_services_of_messages() -> None:
    assert provider_of("wecombot://693a91f6-7abc-4bc4-97a0-0ec2sifa5aaa", ()) == "WECOM"
    assert provider_of("json://127.0.0.1:8000/x", HOSTS) == "OTHER"
    for url in ("json://127.0.0.1:8000/x", "syslog://", "file:///etc/passwd", "", "wecombot://"):
        assert provider_of(url, ()) is None


async def test_a_group_robot_and_a_personal_one(
    desk: Desk, db: Database, receiver: HTTPServer
) -> None:
    receiver.expect_request("/shared").respond_with_data("ok")
    receiver.expect_request("/mine").respond_with_data("ok")
    base = f"json://127.0.0.1:{receiver.port}"
    await desk.chain.do(TARGET, name="群", url=f"{base}/shared", storeId=desk.store)
    route = await desk.ask(ROUTE, rule="EXPIRED", store=desk.store)
    assert route["targets"] == [{"name": "群"}]
    cashier, _ = await desk.chain.hired(name="小张")
    added = await desk.chain.do(TARGET, name="自己", url=f"{base}/mine", staffId=cashier["id"])
    assert (added["service"], added["staffId"]) == ("OTHER", cashier["id"])
    await run_out(desk)
    await run(db, desk)
    [(request, _)] = receiver.log
    assert (request.path, request.get_json()["message"]) == (
        "/shared",
        "南山店：大米已断货，请立即补货",
    )
    named = {"rule": "OUT_OF_STOCK", "staffIds": [cashier["id"]]}
    await desk.chain.do(RECIPIENTS, **named)
    await run_out(desk, "面粉")
    await run(db, desk)
    assert sorted(request.path for request, _ in receiver.log[1:]) == ["/mine", "/shared"]


async def test_goods_that_run_out_are_one_message(
    desk: Desk, db: Database, receiver: HTTPServer
) -> None:
    """They are low as well, and both alerts are shown; the group hears of it once."""
    receiver.expect_request("/shared").respond_with_data("ok")
    url = f"json://127.0.0.1:{receiver.port}/shared"
    await desk.chain.do(TARGET, name="群", url=url, storeId=desk.store)
    await desk.do("setReorderPoint", productId=await desk.product("大米"), quantity="2")
    await run_out(desk)
    await run(db, desk)
    deliveries = [(each["channel"], each["alert"]["rule"]) for each in await sent(desk)]
    assert deliveries.count(("MESSAGE", "OUT_OF_STOCK")) == 1
    assert ("MESSAGE", "LOW_STOCK") not in deliveries
    assert ("IN_APP", "LOW_STOCK") in deliveries
    assert len(receiver.log) == 1


async def test_many_deliveries_go_out_in_one_turn(
    desk: Desk, db: Database, receiver: HTTPServer
) -> None:
    """More than are sent at once; none is sent twice."""
    receiver.expect_request("/hook").respond_with_data("ok")
    await hook(desk, receiver, "ALERT_RAISED")
    count = 2 * AT_ONCE + 5
    for each in range(count):
        await run_out(desk, f"商品 {each}")
    await run(db, desk)
    ids = [request.headers["Kucun-Event-Id"] for request, _ in receiver.log]
    assert len(ids) == len(set(ids)) == count


async def test_quiet_hours(desk: Desk, db: Database, receiver: HTTPServer) -> None:
    """Low stock waits for the morning; an empty shelf does not."""
    receiver.expect_request("/shared").respond_with_data("ok")
    url = f"json://127.0.0.1:{receiver.port}/shared"
    await desk.chain.do(TARGET, name="群", url=url)
    # All day long, but for one minute.
    assert "id" in await desk.chain.do(QUIET, storeId=desk.store, start="00:01", end="00:00")
    await desk.do("setReorderPoint", productId=await desk.product("面粉"), quantity="2")
    await desk.receive("面粉", 3)
    await desk.post("sell", ("面粉", 2))
    await run_out(desk)
    await run(db, desk)
    assert [request.get_json()["message"] for request, _ in receiver.log] == [
        "南山店：大米已断货，请立即补货"
    ]
    [waiting] = await sent(desk, state="PENDING")
    assert waiting["alert"]["rule"] == "LOW_STOCK"
    for rule, times in (("LOW_STOCK", ("00:01", "00:00")), ("OUT_OF_STOCK", (None, None))):
        route = await desk.ask(ROUTE, rule=rule, store=desk.store)
        assert (route["quietStart"], route["quietEnd"]) == times
    wrong = {"storeId": desk.store, "start": "25:00", "end": "08:00"}
    assert await desk.chain.bad(QUIET, **wrong) == "BAD_INPUT"


def test_the_next_loud_moment() -> None:
    zone, night = "Asia/Shanghai", (time(22), time(8))
    noon = datetime(2026, 11, 28, 4, tzinfo=UTC)
    assert next_loud_moment(noon, zone, *night) == noon
    evening = datetime(2026, 11, 28, 15, tzinfo=UTC)
    morning = datetime(2026, 11, 29, 0, tzinfo=UTC)
    assert next_loud_moment(evening, zone, *night) == morning
    assert next_loud_moment(datetime(2026, 11, 28, 20, tzinfo=UTC), zone, *night) == morning
    assert next_loud_moment(evening, zone, None, None) == evening


def test_attempts_wait_longer_and_longer() -> None:
    now = datetime(2026, 11, 28, tzinfo=UTC)
    pauses = [(retry_at(now, attempt) - now).total_seconds() for attempt in (1, 2, 3, 9)]
    assert pauses == [5, 20, 80, 3600]
