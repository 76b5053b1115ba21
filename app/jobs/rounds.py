"""Rounds: work that is repeated for every tenant, in which a slow tenant does not delay the
others."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from uuid import UUID

import structlog

from app.db import health
from app.db.core.postgres import is_away
from app.db.core.unit import Database

log = structlog.get_logger()

AT_ONCE = 16
"""The most tenants that are served at the same time; a slow tenant occupies one of these places."""

Tenants = Callable[[], Awaitable[Sequence[UUID]]]
Serve = Callable[[UUID], Awaitable[None]]


class Rounds:
    """The tenants that are served now, and those that failed the last time.

    `tenants` reads the tenants to serve, and `serve` does the work for one. A tenant that begins to
    fail is logged as `<job>.failing`, and kept in `health` until it is served again.
    """

    def __init__(self, db: Database, job: str, tenants: Tenants, serve: Serve) -> None:
        self._db, self._job = db, job
        self._tenants, self._serve = tenants, serve
        self._turn = asyncio.Semaphore(AT_ONCE)
        self._busy: set[UUID] = set()
        self._failing: set[UUID | None] = set()
        self._served: set[UUID] = set()

    async def run(self, pause: float) -> None:
        """Run until cancelled, with a pause in seconds after each round."""
        async with asyncio.TaskGroup() as running:
            while True:
                for tenant in await self.idle():
                    running.create_task(self.serve(tenant))
                await asyncio.sleep(pause)

    async def idle(self) -> list[UUID]:
        """Tenants that are not being served; marks them as served."""
        idle: list[UUID] = []
        try:
            tenants = await self._tenants()
        except Exception as error:
            self._failed(None, error)
        else:
            self._failing.discard(None)
            idle = [tenant for tenant in tenants if tenant not in self._busy]
            self._busy.update(idle)
        return idle

    async def serve(self, tenant: UUID) -> None:
        """Do the work of one tenant; an error is logged once while it lasts."""
        try:
            async with self._turn:
                await self._serve(tenant)
                # Another process may have recorded a failure before.
                if tenant not in self._served:
                    await health.drop_failure(self._db, tenant, self._job)
                    self._served.add(tenant)
            self._failing.discard(tenant)
        except Exception as error:
            if self._failed(tenant, error):
                await self._record(tenant, error)
        finally:
            self._busy.discard(tenant)

    def _failed(self, tenant: UUID | None, error: Exception) -> bool:
        """Whether to log this failure: it is the first one of the tenant, and not part of an
        outage, which has its own log line."""
        begins = tenant not in self._failing and not is_away(error)
        if begins:
            log.warning(f"{self._job}.failing", tenant=tenant and str(tenant), error=error)
        self._failing.add(tenant)
        return begins

    async def _record(self, tenant: UUID, error: Exception) -> None:
        self._served.discard(tenant)
        try:
            await health.record_failure(self._db, tenant, self._job, error)
        except Exception as outage:
            if not is_away(outage):
                raise
