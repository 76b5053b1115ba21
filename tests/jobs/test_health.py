"""Health: failing jobs are kept until they work, and the nightly audit leaves its result."""

import asyncio
from collections.abc import AsyncIterator
from uuid import UUID, uuid4

import asyncpg
import pytest
from sqlalchemy import select
from structlog.testing import capture_logs
from typer.testing import CliRunner

from app.db import health
from app.db.core.lane import Lane
from app.db.core.tally import JOB_FAILURES
from app.db.core.unit import Database
from app.db.tables import Alert
from app.domain.ledger.post import PostDrafts
from app.domain.people.stores import create_tenant
from app.jobs import admin, commands
from app.jobs.audit import audit
from app.jobs.rounds import Rounds
from app.jobs.tenants import for_every_tenant
from app.run.embedded import Urls
from app.run.premises import Unusable
from app.settings import Settings
from tests.conftest import VAULT, Cloning, unheard
from tests.support.identity import PASSWORD
from tests.support.shop import Shop


@pytest.fixture(scope="module")
async def urls(clone: Cloning) -> Urls:
    """A database of its own: these jobs take turns for all its tenants."""
    return await clone()


@pytest.fixture(scope="module")
async def db(urls: Urls) -> AsyncIterator[Database]:
    database = Database(urls.database, unheard, vault=VAULT)
    yield database
    await database.close()


@pytest.fixture(scope="module")
async def lane(urls: Urls) -> AsyncIterator[Lane]:
    lane = Lane(urls.database, PostDrafts(), unheard)
    yield lane
    await lane.close()


@pytest.fixture
async def shop(db: Database, lane: Lane) -> Shop:
    """A shop of a chain that jobs serve."""
    name = uuid4().hex
    founded = await create_tenant(db, name, name, PASSWORD, name, "南山店")
    store = founded.store
    return Shop(db, lane, store.tenant_id, founded.owner.id, store.id)


HOURLY = "* * * * *"


class Poison:
    """A job that fails for one tenant while it is `broken`."""

    def __init__(self, shop: Shop) -> None:
        self.shop, self.broken = shop, True

        @for_every_tenant
        async def poisoned(_db: Database, _lane: Lane, tenant: object) -> None:
            if tenant == shop.tenant and self.broken:
                raise KeyError("an unforeseen row")

        self.job = poisoned


async def failing(shop: Shop) -> list[tuple[str, int, str]]:
    async with shop.db.read(shop.tenant) as session:
        rows = await health.failures(session, shop.tenant)
    return [(row.job, row.failures, row.error) for row in rows]


async def test_a_failing_job_is_counted_until_it_works(shop: Shop) -> None:
    poison = Poison(shop)
    with capture_logs():
        for _ in range(3):
            await poison.job(shop.db, shop.lane)
    assert await failing(shop) == [("poisoned", 3, "KeyError: 'an unforeseen row'")]
    poison.broken = False
    await poison.job(shop.db, shop.lane)
    assert await failing(shop) == []


async def test_another_process_ends_the_failure(shop: Shop) -> None:
    broken, restarted = Poison(shop), Poison(shop)
    with capture_logs():
        await broken.job(shop.db, shop.lane)
    restarted.broken = False
    await restarted.job(shop.db, shop.lane)
    assert await failing(shop) == []


async def test_rounds_that_fail_are_kept_until_they_work(shop: Shop) -> None:
    broken = True

    async def serve(_tenant: UUID) -> None:
        if broken:
            raise KeyError("an unforeseen answer")

    async def tenants() -> list[UUID]:
        return [shop.tenant]

    rounds = Rounds(shop.db, "shops", tenants, serve)
    with capture_logs() as logs:
        for _ in range(3):
            await rounds.serve(shop.tenant)
    assert [line["event"] for line in logs] == ["shops.failing"]
    assert await failing(shop) == [("shops", 1, "KeyError: 'an unforeseen answer'")]
    broken = False
    await rounds.serve(shop.tenant)
    assert await failing(shop) == []


async def test_the_operator_lists_retries_and_drops(
    shop: Shop, urls: Urls, monkeypatch: pytest.MonkeyPatch
) -> None:
    poison = Poison(shop)
    monkeypatch.setitem(admin.SCHEDULE, "poisoned", (HOURLY, poison.job))
    settings = Settings(database_url=urls.database)
    with capture_logs():
        assert await admin.retry_job(settings, "poisoned") == [shop.tenant]
    [listed] = [job for job in await admin.list_jobs(settings) if job.name == "poisoned"]
    assert [(each.tenant, each.failures) for each in listed.failing] == [(shop.tenant, 1)]
    assert await admin.drop_failures(settings, "poisoned") == 1
    assert await failing(shop) == []
    poison.broken = False
    assert await admin.retry_job(settings, "poisoned") == []


async def test_the_operator_drops_failures_of_what_runs_all_the_time(
    shop: Shop, urls: Urls, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KUCUN_DATABASE_URL", urls.database)
    before = JOB_FAILURES["alerts"]
    await health.record_failure(shop.db, shop.tenant, "alerts", KeyError("an unforeseen answer"))
    assert JOB_FAILURES["alerts"] == before + 1, "for /metrics"
    command = CliRunner().invoke
    dropped = await asyncio.to_thread(command, commands.app, ["drop", "alerts"])
    assert (dropped.exit_code, "1" in dropped.output) == (0, True), dropped.output
    assert await failing(shop) == []
    unknown = await asyncio.to_thread(command, commands.app, ["drop", "alters"])
    assert isinstance(unknown.exception, Unusable)


async def test_the_audit_of_a_tenant(shop: Shop, urls: Urls) -> None:
    await shop.receive("米", 9)
    await shop.sell("米", 2)

    async def audited() -> tuple[int, list[str]]:
        await audit(shop.db, shop.lane)
        async with shop.db.read(shop.tenant) as session:
            result = await health.audit_result(session, shop.tenant)
        assert result
        return result.breaches, result.invariants

    async def drift() -> list[tuple[str, int | None]]:
        async with shop.db.read(shop.tenant) as session:
            query = select(Alert).where(Alert.rule == "AUDIT_DRIFT")
            return [(alert.state, alert.quantity) for alert in await session.scalars(query)]

    assert (await audited(), await drift()) == ((0, []), [])
    owner = await asyncpg.connect(urls.owner)
    change = "UPDATE levels SET shelf = shelf + $1 WHERE tenant_id = $2"
    await owner.execute(change, 1, shop.tenant)
    with capture_logs() as logs:
        assert await audited() == (1, ["I3 bins are the sum of their entries"])
    assert await drift() == [("OPEN", 1)]
    assert (str(shop.tenant), 1) in [(line.get("tenant"), line.get("breaches")) for line in logs]
    await owner.execute(change, -1, shop.tenant)
    await owner.close()
    assert await audited() == (0, [])
    assert await drift() == [("RESOLVED", 1)]
