"""Rounds: work that is repeated for every tenant, so that a slow one delays none."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from uuid import UUID

import structlog

from app.db.core.postgres import is_away

log = structlog.get_logger()

AT_ONCE = 16
"""Tenants served at the same time; a slow one takes one of these places at most."""

Tenants = Callable[[], Awaitable[Sequence[UUID]]]
Serve = Callable[[UUID], Awaitable[None]]


class Rounds:
    """Which tenants are served now, and which failed the last time.

    `tenants` reads whom to serve, and `serve` does the work of one; `event` names the log line of
    a tenant that begins to fail.
    """

    def __init__(self, tenants: Tenants, serve: Serve, event: str) -> None:
        self._tenants, self._serve, self._event = tenants, serve, event
        self._turn = asyncio.Semaphore(AT_ONCE)
        self._busy: set[UUID] = set()
        self._failing: set[UUID | None] = set()

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
            self._failing.discard(tenant)
        except Exception as error:
            self._failed(tenant, error)
        finally:
            self._busy.discard(tenant)

    def _failed(self, tenant: UUID | None, error: Exception) -> None:
        if tenant not in self._failing and not is_away(error):
            log.warning(self._event, tenant=tenant and str(tenant), error=error)
        self._failing.add(tenant)
