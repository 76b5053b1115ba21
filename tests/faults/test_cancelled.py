"""Requests cancelled at every moment: no connection of the pool keeps a transaction open."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from uuid import uuid4

import asyncpg
import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from app.db.core.unit import Database
from app.db.tables import Store
from app.run.embedded import Urls
from tests.conftest import unheard
from tests.support.identity import eventually

MOMENTS = 60
OPEN = """
SELECT count(*) FROM pg_stat_activity
WHERE datname = current_database() AND application_name = 'kucun'
AND state LIKE 'idle in transaction%'
"""


@pytest.fixture
async def narrow(urls: Urls) -> AsyncIterator[Database]:
    """One connection, so that whoever comes next gets what the one before left."""
    db = Database(urls.database, unheard, pool_size=1)
    yield db
    await db.close()


async def read(db: Database) -> None:
    async with db.read(uuid4()) as session:
        await session.fetch("SELECT 1")


async def write(db: Database) -> None:
    async with db.unit(uuid4()) as unit:
        await unit.session.execute(text("SELECT 1"))


async def fail_to_flush(db: Database) -> None:
    """Write a row without its name; the flush at the unit's end raises."""
    tenant = uuid4()
    row = Store(tenant_id=tenant, id=uuid4(), code="s", timezone="Asia/Shanghai")
    with pytest.raises(IntegrityError):
        async with db.unit(tenant) as unit:
            unit.session.add(row)


async def test_failed_flush_leaves_no_transaction(narrow: Database) -> None:
    await fail_to_flush(narrow)
    await read(narrow)


async def none_open(owner: asyncpg.Connection) -> bool:
    """A cancelled connection may be closed, which the server notices a moment later; one that the
    pool keeps would stay open for 15 s."""
    return await owner.fetchval(OPEN) == 0


@pytest.mark.parametrize("work", [read, write, fail_to_flush])
async def test_no_transaction_stays_open(
    narrow: Database, urls: Urls, work: Callable[[Database], Awaitable[None]]
) -> None:
    owner = await asyncpg.connect(urls.owner)
    await work(narrow)
    done = 0
    for moment in range(MOMENTS):
        task = asyncio.ensure_future(work(narrow))
        for _ in range(moment):
            await asyncio.sleep(0.0002)
        done += task.done()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await eventually(lambda: none_open(owner), 3)
    # Some were cancelled on their way, some had ended by themselves.
    assert 0 < done < MOMENTS
    await work(narrow)
    await owner.close()


WAITING = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"


async def test_a_read_that_outlives_its_operation_gives_its_connection_back(
    narrow: Database, urls: Urls
) -> None:
    owner = await asyncpg.connect(urls.owner)
    await owner.execute("SELECT pg_advisory_lock(7)")
    snapshot = narrow.new_snapshot()

    async def waiting() -> bool:
        return await owner.fetchval(WAITING) == 1

    async with snapshot.read(None) as session:
        late = asyncio.ensure_future(session.fetch("SELECT pg_advisory_xact_lock(7)"))
        await eventually(waiting, 5)
    # The operation ends while a loader still reads; the pool has one connection.
    await snapshot.close()
    await owner.execute("SELECT pg_advisory_unlock(7)")
    with pytest.raises(RuntimeError, match="has ended"):
        await late
    async with asyncio.timeout(5), narrow.read(None) as session:
        assert [row[0] for row in await session.fetch("SELECT 1")] == [1]
    await owner.close()
