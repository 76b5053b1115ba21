"""The database is killed while the app has connections open: the next request is answered."""

import asyncio
import os
import signal
from collections.abc import Iterator

import asyncpg
import pytest

from app.db import identity
from app.db.core.lane import Lane
from app.db.core.outage import is_passing
from app.db.core.unit import Database
from app.db.tables import Movement
from app.domain.ledger.post import PostDrafts
from app.domain.rules.kinds import Kind
from app.run.embedded import Engines
from app.run.migrate import upgrade
from tests.conftest import unheard
from tests.support.identity import eventually
from tests.support.server import new_folder
from tests.support.shop import a_shop


@pytest.fixture
def engines() -> Iterator[Engines]:
    """PostgreSQL of this test's own, to be killed."""
    with new_folder() as folder, Engines(folder, valkey=False) as engines:
        yield engines


async def test_every_connection_is_replaced(engines: Engines) -> None:
    urls = engines.urls()
    await asyncio.to_thread(upgrade, urls.owner)
    db = Database(urls.database, unheard, pool_size=4)
    lane = Lane(urls.database, PostDrafts(), unheard)
    shop = await a_shop(db, lane)
    await shop.receive("米", 10)
    await asyncio.gather(*(identity.resolve_name(db, "store", "x") for _ in range(8)))
    sale = await shop.draft(Kind.SALE, ("米", 1))
    os.kill(engines.postgres.pid, signal.SIGKILL)

    async def answers() -> bool:
        engines.revive()
        try:
            # A connection of its own: one of the pool may still reach an orphan of the killed one.
            await (await asyncpg.connect(urls.database)).close()
        except Exception as error:
            if not is_passing(error):
                raise
            await asyncio.sleep(0.05)
            return False
        return True

    await eventually(answers, 20)
    # All connections of the pool died, and nobody notices.
    await asyncio.gather(*(identity.resolve_name(db, "store", "x") for _ in range(8)))
    assert isinstance(await shop.post(sale), Movement)
    assert isinstance(await shop.post(sale), Movement)
    assert await shop.bins("米") == (9, 0, 0, 0)
    await lane.close()
    await db.close()
