"""Which errors of a real server mean an outage, and what is logged of one."""

import asyncio
import gc
from collections.abc import AsyncIterator, Awaitable
from types import SimpleNamespace
from uuid import uuid4

import asyncpg
import pytest
from sqlalchemy import text
from structlog.testing import capture_logs

from app.db.core import outage
from app.db.core.outage import is_passing, wait_out
from app.db.core.postgres import is_away, is_blocked
from app.db.core.unit import Database
from app.live.plans import Guard
from app.run.embedded import Urls
from app.schema.boundary import guarded
from tests.conftest import unheard

END_ALL = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE datname = current_database() AND application_name = 'kucun' AND query LIKE '%away%'
"""


@pytest.fixture
async def single(urls: Urls) -> AsyncIterator[Database]:
    """A database with one connection."""
    db = Database(urls.database, unheard, pool_size=1)
    yield db
    await db.close()


async def failing(db: Database, *statements: str) -> Exception:
    """The error of the last of these statements, in one unit."""

    async def run() -> None:
        async with db.unit(uuid4()) as unit:
            for statement in statements:
                await unit.session.execute(text(statement))

    return await error_of(run())


async def error_of(work: Awaitable[None]) -> Exception:
    [error] = await asyncio.gather(work, return_exceptions=True)
    assert isinstance(error, Exception)
    return error


async def test_statements_that_take_too_long_are_blocked(single: Database) -> None:
    error = await failing(single, "SET LOCAL statement_timeout = 10", "SELECT pg_sleep(1)")
    assert is_blocked(error)
    assert not is_away(error)


async def test_an_ended_connection_is_away_and_logged_once(
    single: Database, urls: Urls, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outage, "SETTLED_SECONDS", 0.0)
    owner = await asyncpg.connect(urls.owner)

    async def end() -> None:
        while not any(await owner.fetch(END_ALL)):  # noqa: ASYNC110
            await asyncio.sleep(0.01)

    with capture_logs() as logs:
        for _ in range(2):
            ending = asyncio.create_task(end())
            assert is_away(await failing(single, "SELECT pg_sleep(10) AS away"))
            await ending
        async with single.unit(uuid4()) as unit:
            await unit.session.execute(text("SELECT 1"))
    assert [line["event"] for line in logs] == ["database.away", "database.back"]
    assert logs[1]["failures"] == 2
    await owner.close()


async def test_a_server_that_is_not_there_is_away_and_waited_for() -> None:
    db, tries = Database("postgresql://kucun@127.0.0.1:1/kucun", unheard), 0

    async def write() -> None:
        nonlocal tries
        tries += 1
        async with db.unit(uuid4()):
            pass

    assert is_away(await error_of(wait_out(write)))
    assert tries > 3
    await db.close()


@pytest.mark.parametrize("statement", ["SELECT 1 / 0", "SELECT missing", "SELECT 'x'::uuid"])
async def test_faults_of_ours_are_no_outage(single: Database, statement: str) -> None:
    assert not is_passing(await failing(single, statement))


async def test_reads_behind_one_that_took_too_long_fail_like_it(single: Database) -> None:
    async with single.snapshot() as snapshot, snapshot.read(None) as session:
        await session.fetch("SET LOCAL statement_timeout = 10")
        reads = [session.fetch("SELECT pg_sleep(1)"), session.fetch("SELECT 1")]
        errors = await asyncio.gather(*reads, return_exceptions=True)
        assert [isinstance(each, Exception) and is_blocked(each) for each in errors] == [True] * 2
        # The next transaction of the operation works again.
        await snapshot.end()
        assert await session.fetch("SELECT 1") == [(1,)]


@pytest.mark.filterwarnings("error")
async def test_a_value_that_is_not_awaited_is_no_warning() -> None:
    """As when another field of the answer failed first."""
    loading: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    read = guarded(Guard(judge=lambda value, _: value * 2), lambda *_: loading)
    unawaited, value = (read(None, SimpleNamespace(context=None)) for _ in range(2))
    del unawaited
    gc.collect()
    loading.set_result(21)
    assert await value == 42
