"""What the channels of stores did in a period: their orders, and what they sold."""

import asyncio
from dataclasses import dataclass
from datetime import date
from enum import Enum
from uuid import UUID

from app.db import reports as rows
from app.db.core.snapshot import AnySession, Reads
from app.db.reports import ChannelFilter, ChannelKey, Ordered, Sold
from app.domain.rules.periods import Comparison, Period, compared_with

NOTHING_ORDERED, NOTHING_SOLD = Ordered(), (0, 0)


class ChannelGroupBy(Enum):
    """What the figures of a channel report stand for."""

    STORE = "STORE"
    CHANNEL = "CHANNEL"
    DAY = "DAY"
    WEEK = "WEEK"
    MONTH = "MONTH"


class SoldProducts:
    """The products that the channels of a report sold; read once, if a client selects them."""

    def __init__(self, tenant: UUID, filter: ChannelFilter) -> None:
        self._tenant, self._filter = tenant, filter
        self._sold: dict[ChannelKey, list[Sold]] | None = None
        self._turn = asyncio.Lock()

    async def read(self, reads: Reads, key: ChannelKey) -> list[Sold]:
        """The products of these figures."""
        async with self._turn:
            if self._sold is None:
                self._sold = {}
                async with reads.read(self._tenant) as session:
                    for each in await rows.sold(session, self._tenant, self._filter):
                        self._sold.setdefault(ChannelKey(*each[:3]), []).append(each)
        return self._sold.get(key, [])


@dataclass(frozen=True, slots=True)
class Figures:
    """What a channel did: `revenue` in fen, `cost` in 1/10000 yuan; beside the same of the earlier
    period."""

    key: ChannelKey
    ordered: Ordered
    revenue: int
    cost: int
    sold: SoldProducts
    compared: "Figures | None"

    @property
    def store_id(self) -> UUID | None:
        return self.key.store_id

    @property
    def day(self) -> date | None:
        """The first day of what the figures stand for."""
        return self.key.day

    async def products(self, reads: Reads) -> list[Sold]:
        """What it sold, by product."""
        return await self.sold.read(reads, self.key)


async def channel_figures(
    session: AnySession, tenant: UUID, filter: ChannelFilter, comparison: Comparison | None = None
) -> list[Figures]:
    """The figures of every channel that took an order or sold something, in order of store or time
    and channel."""
    then: dict[ChannelKey, Figures] = {}
    if comparison is not None:
        period = Period(filter.since, filter.until)
        earlier = compared_with(period, comparison)
        shift = period.since - earlier.since
        before = filter._replace(since=earlier.since, until=earlier.until, shift=shift)
        then = {each.key: each for each in await channel_figures(session, tenant, before)}
    orders = await rows.ordered(session, tenant, filter)
    revenues = await rows.revenues(session, tenant, filter)
    sold = SoldProducts(tenant, filter)
    return [
        Figures(
            key,
            orders.get(key, NOTHING_ORDERED),
            *revenues.get(key, NOTHING_SOLD),
            sold,
            then.get(key),
        )
        for key in sorted({*orders, *revenues}, key=_place)
    ]


def _place(key: ChannelKey) -> tuple[str, date, str]:
    return str(key.store_id), key.day or date.min, key.channel
