"""The owner's overview: what all stores hold, sold today, and what waits."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, timedelta
from uuid import UUID

from app.db import flow_reports, overview
from app.db.core.snapshot import AnySession
from app.db.flow_reports import FlowFilter, SalesSums
from app.db.overview import StockSums, Waiting

WEEKS = 4
"""Sales of today are compared with the average of so many same weekdays."""


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
    stock = await overview.stock_by(session, tenant, stores, "STORE")
    at_risk = await overview.value_at_risk(session, tenant, stores)
    waiting = await overview.waiting(session, tenant, stores)
    days = await overview.days_of(session, tenant, stores)
    sales: dict[UUID, SalesSums] = {}
    usual: dict[UUID, int] = {}
    for today, hour in sorted(set(days.values())):
        here = [store for store in stores if days[store] == (today, hour)]
        sales |= await _sales(session, tenant, here, today, 23)
        usual |= await _usual(session, tenant, here, today, hour)
    shown = [
        StoreOverview(
            store,
            stock.get(store, StockSums()),
            at_risk.get(store, 0),
            waiting.get(store, Waiting()),
            sales.get(store, SalesSums()),
            usual.get(store),
        )
        for store in days
    ]
    shown.sort(key=lambda each: (-each.sales.revenue, each.store_id))
    categories = await overview.stock_by(session, tenant, stores, "CATEGORY")
    by_value = sorted(categories.items(), key=lambda each: -each[1].value)
    return Overview(shown, [CategoryStock(*each) for each in by_value])


async def _sales(
    session: AnySession, tenant: UUID, stores: Collection[UUID], day: date, hour: int
) -> dict[UUID, SalesSums]:
    """The sales of a day by store, until the end of an hour."""
    chosen = FlowFilter(stores, (day, day), hour=hour)
    rows = await flow_reports.sales(session, tenant, chosen, "STORE", len(stores))
    return {key: sums for key, sums in rows if isinstance(key, UUID)}


async def _usual(
    session: AnySession, tenant: UUID, stores: Collection[UUID], today: date, hour: int
) -> dict[UUID, int]:
    """The average revenue until this hour, of the last weeks' same weekday on which it sold."""
    sold: dict[UUID, list[int]] = {}
    for week in range(1, WEEKS + 1):
        day = today - timedelta(weeks=week)
        for store, sums in (await _sales(session, tenant, stores, day, hour)).items():
            sold.setdefault(store, []).append(sums.revenue)
    return {store: sum(days) // len(days) for store, days in sold.items()}
