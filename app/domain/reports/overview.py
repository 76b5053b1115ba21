"""The owner's overview: what all stores hold, sold today, and what waits."""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from app.db import overview
from app.db.core.snapshot import AnySession, Reads
from app.db.core.unit import clock
from app.db.flow_reports import SalesSums, SalesWindow
from app.db.overview import StockSums, StoreDay, Waiting
from app.db.stock_reports import TurnoverSums
from app.db.stock_values import StockFilter
from app.domain.reports.comparison import Report
from app.domain.reports.stock import turnover_report
from app.domain.rules.periods import Period

WEEKS = 4
"""The number of earlier days with the same weekday whose average today's sales are compared
with."""
TURNOVER_DAYS = 30
"""Days whose turnover tells how long the stock lasts, today included."""
MOST_KEYS = 1_000_000


class Turnover:
    """How the stock of some stores turned in the last days; read once for each grouping, if a
    client selects it."""

    def __init__(self, tenant: UUID, stores: Collection[UUID], today: date) -> None:
        self._tenant, self._filter = tenant, StockFilter(list(stores))
        self._period = Period(today - timedelta(days=TURNOVER_DAYS - 1), today)
        self._reports: dict[str, Report[TurnoverSums]] = {}
        self._turn = asyncio.Lock()

    async def total(self, reads: Reads) -> TurnoverSums:
        """The turnover of all these stores."""
        return (await self._read(reads, "STORE")).total

    async def of(self, reads: Reads, group: str, key: UUID | None) -> TurnoverSums:
        """The turnover of one store or category."""
        rows = (await self._read(reads, group)).rows
        return next((row.sums for row in rows if row.key == key), TurnoverSums())

    async def _read(self, reads: Reads, group: str) -> Report[TurnoverSums]:
        async with self._turn:
            if group not in self._reports:
                what = self._tenant, self._filter, self._period, group, None, MOST_KEYS
                async with reads.read(self._tenant) as session:
                    self._reports[group] = await turnover_report(session, *what)
        return self._reports[group]


@dataclass(frozen=True, slots=True)
class StoreOverview:
    """One store on a day until its hour; money is in 1/10000 yuan, but for sales. What waits is
    known of the present only."""

    store_id: UUID
    joined: Mapping[str, Any] = field(compare=False)
    """The store, by the column that refers to it."""
    stock: StockSums
    at_risk: int
    waiting: Waiting | None
    sales: SalesSums
    usual: int | None
    """Fen that it usually sold until this hour of this weekday; None in its first week."""
    turnover: Turnover = field(compare=False)

    async def turned(self, reads: Reads) -> TurnoverSums:
        """The turnover of the store."""
        return await self.turnover.of(reads, "STORE", self.store_id)


@dataclass(frozen=True, slots=True)
class CategoryStock:
    """The stock of a category; None for products without one."""

    category_id: UUID | None
    stock: StockSums
    turnover: Turnover = field(compare=False)

    async def turned(self, reads: Reads) -> TurnoverSums:
        """The turnover of the category in all stores of the overview."""
        return await self.turnover.of(reads, "CATEGORY", self.category_id)


@dataclass(frozen=True, slots=True)
class Overview:
    """All stores of the reader, each with its figures of one moment."""

    stores: list[StoreOverview]
    categories: list[CategoryStock]
    turnover: Turnover = field(compare=False)

    async def turned(self, reads: Reads) -> TurnoverSums:
        """The turnover of all stores."""
        return await self.turnover.total(reads)


async def overview_of(
    session: AnySession, tenant: UUID, stores: Collection[UUID], at: datetime | None = None
) -> Overview:
    """The overview of these stores, now or at a past moment; the stores of the largest sales come
    first."""
    known = clock()
    past = at if at is not None and at < known else None
    days = await overview.store_days(session, tenant, stores, past)
    turnover = Turnover(tenant, stores, max((each.day for each in days), default=known.date()))
    if not days:
        return Overview([], [], turnover)
    windows = _windows(days)
    if past is None:
        stock, waiting, sales = await overview.present_figures(session, tenant, days, windows)
    else:
        waiting = None
        stock = await overview.stock_then(session, tenant, stores, past, known)
        sales = await overview.sales_of(session, tenant, windows)
    nothing = StockSums() if past is None else StockSums(low=None, out=None)
    usual = _usual(sales, {each.store.id: each.day for each in days})
    shown = [
        StoreOverview(
            store.id,
            {"store_id": store},
            stock.stores.get(store.id, nothing),
            stock.at_risk.get(store.id, 0),
            None if waiting is None else waiting.get(store.id, Waiting()),
            sales.get((store.id, day), SalesSums()),
            usual.get(store.id),
            turnover,
        )
        for store, day, *_ in days
    ]
    shown.sort(key=lambda each: (-each.sales.revenue, each.store_id))
    by_value = sorted(stock.categories.items(), key=lambda each: (-each[1].value, str(each[0])))
    return Overview(shown, [CategoryStock(*each, turnover) for each in by_value], turnover)


def _windows(days: Sequence[StoreDay]) -> list[SalesWindow]:
    """The day of each store until its hour, and the same weekdays before it. Stores in other time
    zones have windows of their own."""
    stores: dict[tuple[date, int], list[UUID]] = {}
    for store, day, hour, _ in days:
        stores.setdefault((day, hour), []).append(store.id)
    return [
        SalesWindow(here, [day - timedelta(weeks=week) for week in range(WEEKS + 1)], hour)
        for (day, hour), here in stores.items()
    ]


def _usual(
    sales: Mapping[tuple[UUID, date], SalesSums], today: Mapping[UUID, date]
) -> dict[UUID, int]:
    """The average revenue until this hour, of the last weeks' same weekday on which it sold."""
    sold: dict[UUID, list[int]] = {}
    for (store, day), sums in sales.items():
        if day != today[store]:
            sold.setdefault(store, []).append(sums.revenue)
    return {store: sum(days) // len(days) for store, days in sold.items()}
