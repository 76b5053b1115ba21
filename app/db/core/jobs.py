"""The job runner's scheduler; pgqueuer keeps its tables in the schema `jobs`."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from pgqueuer.adapters.drivers.asyncpg import AsyncpgDriver
from pgqueuer.adapters.persistence import qb
from pgqueuer.adapters.persistence.queries import Queries
from pgqueuer.core.sm import SchedulerManager
from pgqueuer.domain.settings import DBSettings

from app.db.core.postgres import connect
from app.db.core.unit import SERVER_SETTINGS

SETTINGS = DBSettings(db_schema="jobs")


@asynccontextmanager
async def scheduler(url: str) -> AsyncGenerator[SchedulerManager, None]:
    """A scheduler on its own connection; of several processes, one runs each due job."""
    raw = await connect(url, server_settings=SERVER_SETTINGS, timeout=5)
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
