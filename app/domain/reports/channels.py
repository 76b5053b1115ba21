"""What the channels of stores did in a period: their orders, and what they sold."""

from collections.abc import Collection
from dataclasses import dataclass
from uuid import UUID

from app.db import reports as rows
from app.db.core.snapshot import AnySession
from app.db.reports import Ordered, Sold
from app.domain.rules.periods import Period


@dataclass(frozen=True, slots=True)
class Figures:
    """What one channel did in one store."""

    ordered: Ordered
    sold: list[Sold]
    store_id: UUID

    @property
    def revenue(self) -> int:
        """Fen."""
        return sum(each.revenue for each in self.sold)

    @property
    def cost(self) -> int:
        """1/10000 yuan."""
        return sum(each.cost for each in self.sold)


async def channel_figures(
    session: AnySession, tenant: UUID, stores: Collection[UUID], period: Period
) -> list[Figures]:
    """The figures of every channel that took an order or sold something, by store and channel."""
    ordered = await rows.ordered(session, tenant, stores, *period)
    sold = await rows.sold(session, tenant, stores, *period)
    orders = {each[:2]: each for each in ordered}
    keys = sorted({*orders, *(each[:2] for each in sold)})
    return [
        Figures(
            orders.get(key) or Ordered(*key, 0, 0, 0, 0, 0),
            [each for each in sold if each[:2] == key],
            key[0],
        )
        for key in keys
    ]
