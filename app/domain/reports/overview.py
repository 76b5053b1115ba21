"""The owner's overview: what all stores hold, sold today, and what waits."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from uuid import UUID

from app.db import overview
from app.db.core.snapshot import AnySession
from app.db.flow_reports import SalesSums, sales_of_days
from app.db.overview import StockSums, Waiting

WEEKS = 4
"""The number of earlier days with the same weekday whose average today's sales are compared
with."""


@dataclass(frozen=True, slots=True)
class StoreOverview:
    """One store today; money is in 1/10000 yuan, but for sales."""

    store_id: UUID
    stock: StockSums
    at_risk: int
    waiting: Waiting
    sales: SalesSums
    usual: int | None
    """Fen that it usually sold until this hour of this weekday; None in its first week."""


@dataclass(frozen=True, slots=True)
class CategoryStock:
    """The stock of a category; None for products without one."""

    category_id: UUID | None
    stock: StockSums


@dataclass(frozen=True, slots=True)
class Overview:
    """All stores of the reader, each with its figures of now."""

    stores: list[StoreOverview]
    categories: list[CategoryStock]


async def overview_of(session: AnySession, tenant: UUID, stores: Collection[UUID]) -> Overview:
    """The overview of these stores; the stores of the largest sales come first."""
    stock = await overview.stock_now(session, tenant, stores)
    waiting = await overview.waiting(session, tenant, stores)
    days = await overview.days_of(session, tenant, stores)
    sales: dict[UUID, SalesSums] = {}
    usual: dict[UUID, int] = {}
    for today, hour in sorted(set(days.values())):
        here = [store for store in stores if days[store] == (today, hour)]
        before = [today - timedelta(weeks=week) for week in range(1, WEEKS + 1)]
        days_sold = await sales_of_days(session, tenant, here, [today, *before], hour)
        sales |= {store: sold[0] for (store, day), sold in days_sold.items() if day == today}
        usual |= _usual(days_sold, today)
    shown = [
        StoreOverview(
            store,
            stock.stores.get(store, StockSums()),
            stock.at_risk.get(store, 0),
            waiting.get(store, Waiting()),
            sales.get(store, SalesSums()),
            usual.get(store),
        )
        for store in days
    ]
    shown.sort(key=lambda each: (-each.sales.revenue, each.store_id))
    by_value = sorted(stock.categories.items(), key=lambda each: (-each[1].value, str(each[0])))
    return Overview(shown, [CategoryStock(*each) for each in by_value])


def _usual(
    days_sold: Mapping[tuple[UUID, date], tuple[SalesSums, int]], today: date
) -> dict[UUID, int]:
    """The average revenue until this hour, of the last weeks' same weekday on which it sold."""
    sold: dict[UUID, list[int]] = {}
    for (store, day), (_, revenue) in days_sold.items():
        if day != today:
            sold.setdefault(store, []).append(revenue)
    return {store: sum(days) // len(days) for store, days in sold.items()}
