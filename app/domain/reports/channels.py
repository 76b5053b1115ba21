"""What the channels of stores did in a period: their orders, and what they sold."""

import asyncio
from collections.abc import Collection
from dataclasses import dataclass
from uuid import UUID

from app.db import reports as rows
from app.db.core.snapshot import AnySession, Reads
from app.db.reports import Ordered, Sold
from app.domain.rules.periods import Period


class SoldProducts:
    """The products that the channels of a report sold; read once, if a client selects them."""

    def __init__(self, tenant: UUID, stores: Collection[UUID], period: Period) -> None:
        self._chosen = tenant, stores, *period
        self._sold: dict[tuple[UUID, str], list[Sold]] | None = None
        self._turn = asyncio.Lock()

    async def read(self, reads: Reads, store: UUID, channel: str) -> list[Sold]:
        """The products that the channel sold in the store."""
        async with self._turn:
            if self._sold is None:
                self._sold = {}
                async with reads.read(self._chosen[0]) as session:
                    for each in await rows.sold(session, *self._chosen):
                        self._sold.setdefault(each[:2], []).append(each)
        return self._sold.get((store, channel), [])


@dataclass(frozen=True, slots=True)
class Figures:
    """What one channel did in one store: `revenue` in fen, `cost` in 1/10000 yuan."""

    ordered: Ordered
    revenue: int
    cost: int
    sold: SoldProducts

    @property
    def store_id(self) -> UUID:
        return self.ordered.store_id

    async def products(self, reads: Reads) -> list[Sold]:
        """What it sold, by product."""
        return await self.sold.read(reads, self.store_id, self.ordered.channel)


async def channel_figures(
    session: AnySession, tenant: UUID, stores: Collection[UUID], period: Period
) -> list[Figures]:
    """The figures of every channel that took an order or sold something, by store and channel."""
    ordered = await rows.ordered(session, tenant, stores, *period)
    orders = {each[:2]: each for each in ordered}
    revenues = await rows.revenues(session, tenant, stores, *period)
    sold = SoldProducts(tenant, stores, period)
    return [
        Figures(orders.get(key) or Ordered(*key, 0, 0, 0, 0, 0), *revenues.get(key, (0, 0)), sold)
        for key in sorted({*orders, *revenues})
    ]
