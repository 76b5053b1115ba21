"""Monthly reports: requested once when a month is over, sent with a link, ended with the rights."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest
from pytest_httpserver import HTTPServer

from app.db.core.unit import Database
from app.domain.reports.export_run import run_exports
from app.domain.reports.exports import ExportFiles
from app.domain.reports.monthly import month_before, request_monthly
from app.jobs.alerts import notify
from app.platforms.image_store import Bucket, open_store
from app.run.embedded import Urls
from tests.api.conftest import served
from tests.conftest import SECRET
from tests.support.api import Desk, a_desk
from tests.support.exports import tenant_of
from tests.support.identity import a_chain
from tests.support.phones import providers_of
from tests.support.worker import store_changes

SUBSCRIBE = """mutation($input: SubscribeReportInput!) { subscribeReport(input: $input) {
  ... on ReportSubscription { id report storeIds } ... on Problem { code } } }"""
UNSUBSCRIBE = """mutation($input: UnsubscribeReportInput!) { unsubscribeReport(input: $input) {
  ... on ReportSubscription { id endedAt } ... on Problem { code } } }"""
LIST = """{ reportSubscriptions { id report groupBy
  latest { state url fileName expiresAt finishedAt } } }"""
TARGET = """mutation($input: AddNotificationTargetInput!) { addNotificationTarget(input: $input) {
  ... on NotificationTarget { id } ... on Problem { code } } }"""
DELIVERIES = "{ deliveries { nodes { channel state event body error } } }"


@pytest.fixture
def receiver() -> Iterator[HTTPServer]:
    with HTTPServer(threaded=True) as server:
        server.expect_request("/robot").respond_with_data("ok")
        yield server


@pytest.fixture
async def shop(urls: Urls, db: Database, tmp_path: Path) -> AsyncIterator[tuple[Desk, ExportFiles]]:
    async with served(urls, data=tmp_path, private_hosts="127.0.0.1,localhost") as asking:
        desk = await a_desk(await a_chain(db, asking))
        yield (
            desk,
            ExportFiles(open_store("", tmp_path / "exports", Bucket("", "", "", "")), SECRET),
        )


@pytest.fixture
async def owner(urls: Urls) -> AsyncIterator[Any]:
    connection = await asyncpg.connect(urls.owner)
    yield connection
    await connection.close()


async def subscribe(desk: Desk, by: str | None = None, **input: Any) -> Any:
    values = {"key": str(uuid4()), **input}
    return await desk.asking(SUBSCRIBE, by or desk.owner, input=values)


async def let_a_month_pass(owner: Any, id: str) -> None:
    query = "UPDATE report_subscriptions SET month = month - interval '1 month' WHERE id = $1"
    await owner.execute(query, UUID(id))


async def test_a_month_is_sent_once(
    shop: Any, db: Database, owner: Any, receiver: HTTPServer
) -> None:
    desk, files = shop
    person = str(desk.chain.founded.owner.id)
    url = receiver.url_for("/robot").replace("http://", "json://")
    for staff in (person, None):
        input = {"key": str(uuid4()), "name": "我的群", "url": url, "staffId": staff}
        await desk.asking(TARGET, desk.owner, input=input)
    input = {"key": str(uuid4()), "report": "SALES", "groupBy": "DAY"}
    first, again = [await subscribe(desk, **input) for _ in range(2)]
    assert first["id"] == again["id"]
    tenant = tenant_of(desk)
    await request_monthly(db, tenant)
    [waiting] = await desk.ask(LIST)
    assert (waiting["groupBy"], waiting["latest"]) == ("DAY", None), "the month is not over"
    await let_a_month_pass(owner, first["id"])
    await asyncio.gather(*(request_monthly(db, tenant) for _ in range(3)))
    await asyncio.gather(*(run_exports(db, files, tenant) for _ in range(2)))
    await run_exports(db, files, tenant)
    await request_monthly(db, tenant)
    assert await owner.fetchval("SELECT count(*) FROM exports WHERE tenant_id = $1", tenant) == 1
    async with providers_of() as providers:
        await notify(db, tenant, providers, store_changes(db))
        await notify(db, tenant, providers, store_changes(db))
    # The shared target gets nothing: the report is for one person.
    [delivery] = (await desk.ask(DELIVERIES))["nodes"]
    assert (delivery["channel"], delivery["state"]) == ("MESSAGE", "DELIVERED"), delivery
    assert (delivery["event"], "token=" in delivery["body"]) == ("REPORT_READY", False)
    [request] = [each for each, _ in receiver.log]
    text = request.get_json()["message"]
    [sent] = await desk.ask(LIST)
    assert text.startswith("销售报表 ")
    link = text.split()[-1]
    assert (await desk.asking.http.get(link)).status_code == 200
    lasts = sent["latest"]["expiresAt"][:10] > sent["latest"]["finishedAt"][:10]
    assert lasts, "it can be fetched for days"


async def test_it_ends_with_the_rights(shop: Any, db: Database, owner: Any) -> None:
    desk, files = shop
    for report in ("SALES", "LOSSES"):
        values = {"key": str(uuid4()), "report": report}
        assert await desk.asking.code(SUBSCRIBE, desk.cashier, input=values) == "FORBIDDEN"
    levels = await subscribe(desk, desk.cashier, report="LEVELS")
    await let_a_month_pass(owner, levels["id"])
    await request_monthly(db, tenant_of(desk))
    await run_exports(db, files, tenant_of(desk))
    [mine] = await desk.asking(LIST, desk.cashier)
    assert (mine["latest"]["state"], await desk.ask(LIST)) == ("READY", [])
    others = {"key": str(uuid4()), "subscriptionId": levels["id"]}
    answer = await desk.asking(UNSUBSCRIBE, desk.owner, input=others)
    assert answer == {"code": "UNKNOWN_NOTIFICATION"}
    cashier = await owner.fetchval(
        "UPDATE staff SET removed_at = now() WHERE id = "
        "(SELECT staff_id FROM report_subscriptions WHERE id = $1) RETURNING id",
        UUID(levels["id"]),
    )
    await let_a_month_pass(owner, levels["id"])
    await request_monthly(db, tenant_of(desk))
    query = "SELECT ended_at IS NOT NULL FROM report_subscriptions WHERE staff_id = $1"
    assert await owner.fetchval(query, cashier)


async def test_nothing_comes_after_its_end(shop: Any, db: Database, owner: Any) -> None:
    desk, _ = shop
    subscription = await subscribe(desk, report="LEVELS", storeIds=[desk.store])
    input = {"key": str(uuid4()), "subscriptionId": subscription["id"]}
    ended, again = [await desk.asking(UNSUBSCRIBE, desk.owner, input=input) for _ in range(2)]
    assert ended["endedAt"] == again["endedAt"] is not None
    await let_a_month_pass(owner, subscription["id"])
    await request_monthly(db, tenant_of(desk))
    query = "SELECT count(*) FROM exports WHERE subscription_id = $1"
    assert await owner.fetchval(query, UUID(subscription["id"])) == 0


@pytest.mark.parametrize(
    ("now", "month"),
    [
        ("2026-12-01T07:59:00+08:00", "2026-10-01"),
        ("2026-12-01T08:00:00+08:00", "2026-11-01"),
        ("2027-01-31T12:00:00+08:00", "2026-12-01"),
        ("2026-11-30T23:59:00+00:00", "2026-10-01"),
    ],
)
def test_the_month_that_is_over(now: str, month: str) -> None:
    assert month_before(datetime.fromisoformat(now), "Asia/Shanghai").isoformat() == month
