"""The runner's own tables: pgqueuer keeps them in a schema of their own."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
from pgqueuer.adapters.drivers.asyncpg import AsyncpgDriver
from pgqueuer.adapters.persistence import qb
from pgqueuer.adapters.persistence.queries import Queries
from pgqueuer.core.sm import SchedulerManager
from pgqueuer.domain.settings import DBSettings

from app.db.core.unit import SERVER_SETTINGS

SETTINGS = DBSettings(db_schema="jobs")


@asynccontextmanager
async def scheduler(url: str) -> AsyncIterator[SchedulerManager]:
    """A scheduler on a connection of its own. Of several processes one runs what is due."""
    raw = await asyncpg.connect(url, server_settings=SERVER_SETTINGS, timeout=5)
    try:
        yield SchedulerManager(
            Queries(
                AsyncpgDriver(raw),
                qb.QueryBuilderEnvironment(SETTINGS),
                qb.QueryQueueBuilder(SETTINGS),
                qb.QuerySchedulerBuilder(SETTINGS),
            )
        )
    finally:
        raw.terminate()
