"""Channel sync: send each connected channel what it may sell, and apply what it reports."""

import asyncio
from uuid import UUID

import structlog

from app.db import identity
from app.db.core.postgres import is_away
from app.domain.channels.accounts import Shops
from app.domain.channels.sync import follow_orders, push_stock
from app.domain.movements.record import Books

log = structlog.get_logger()

PAUSE_SECONDS = 0.5
AT_ONCE = 16
"""Tenants served at the same time; a slow channel takes one of these places at most."""


async def serve_shops(books: Books, shops: Shops) -> None:
    """Run for ever, twice a second; a failure delays its tenant only."""
    rounds = Rounds(books, shops)
    async with asyncio.TaskGroup() as running:
        while True:
            for tenant in await rounds.idle():
                running.create_task(rounds.serve(tenant))
            await asyncio.sleep(PAUSE_SECONDS)


class Rounds:
    """Which tenants are served now, and which failed the last time."""

    def __init__(self, books: Books, shops: Shops) -> None:
        self._books, self._shops = books, shops
        self._turn = asyncio.Semaphore(AT_ONCE)
        self._busy: set[UUID] = set()
        self._failing: set[UUID | None] = set()

    async def idle(self) -> list[UUID]:
        """Tenants with a connected channel that are not being served; marks them as served."""
        idle: list[UUID] = []
        try:
            tenants = await identity.tenants(self._books.db, "shop")
        except Exception as error:
            self._failed(None, error)
        else:
            self._failing.discard(None)
            idle = [tenant for tenant in tenants if tenant not in self._busy]
            self._busy.update(idle)
        return idle

    async def serve(self, tenant: UUID) -> None:
        try:
            async with self._turn:
                outcomes = await asyncio.gather(
                    push_stock(self._books.db, self._shops, tenant),
                    follow_orders(self._books, self._shops, tenant),
                    # An error of one does not cancel the other.
                    return_exceptions=True,
                )
            for outcome in outcomes:
                if isinstance(outcome, Exception):
                    raise outcome
            self._failing.discard(tenant)
        except Exception as error:
            self._failed(tenant, error)
        finally:
            self._busy.discard(tenant)

    def _failed(self, tenant: UUID | None, error: Exception) -> None:
        if tenant not in self._failing and not is_away(error):
            log.warning("shops.failing", tenant=tenant and str(tenant), error=error)
        self._failing.add(tenant)
