"""Sums of the roll-ups for reports, by day, store, category, product, channel or reason."""

from collections.abc import Collection
from datetime import date
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import BigInteger, Date, and_, case, cast, func, select

from app.db.categories import subtree
from app.db.core.snapshot import AnySession
from app.db.core.statement import among
from app.db.tables import Product, RollUp

U, P = RollUp.__table__.c, Product.__table__.c
KEYS: dict[str, Any] = {
    "DAY": U.day,
    "WEEK": cast(func.date_trunc("week", U.day), Date),
    "MONTH": cast(func.date_trunc("month", U.day), Date),
    "HOUR": U.hour,
    "STORE": U.store_id,
    "CATEGORY": P.category_id,
    "PRODUCT": U.product_id,
    "CHANNEL": U.channel,
    "REASON": U.reason,
}
"""The keys by which a report can be grouped. The key of a week is its Monday, of a month its first
day."""
TIMES = ("DAY", "WEEK", "MONTH", "HOUR")
SALES = ("SOLD", "RETURNED")
MOST_DAYS = 10**4
LOSSES = ("WASTED", "MISSING", "FOUND")
Key = date | int | UUID | str | None


class FlowFilter(NamedTuple):
    """Which roll-ups are summed: `days` are the first and the last business day. `hour` leaves out
    the later hours of each day."""

    stores: Collection[UUID]
    days: tuple[date, date]
    category_id: UUID | None = None
    channel: str | None = None
    hour: int = 23


class SalesSums(NamedTuple):
    """Sales less returns. `revenue` and `discount` are in fen, `cost` in 1/10000 yuan; quantities
    are in base units of `scale`, which is meaningful for one product only."""

    revenue: int = 0
    cost: int = 0
    discount: int = 0
    sold: int = 0
    returned: int = 0
    scale: int = 1

    @property
    def margin(self) -> int:
        """1/10000 yuan."""
        return self.revenue * 100 - self.cost


class LossSums(NamedTuple):
    """The cost of losses in 1/10000 yuan: goods written off, missing in counts, and found in
    counts."""

    wasted: int = 0
    missing: int = 0
    surplus: int = 0

    @property
    def loss(self) -> int:
        """1/10000 yuan."""
        return self.wasted + self.missing - self.surplus


async def sales(
    session: AnySession, tenant: UUID, filter: FlowFilter, group: str, limit: int
) -> list[tuple[Key, SalesSums]]:
    """Sales by key: in order of time, or with the largest revenue first."""
    kept = case((U.flow == "SOLD", 1), else_=-1)
    revenue = _sum(U.amount * kept)
    columns = (
        revenue,
        _sum(U.cost * kept),
        _sum(U.discount * kept),
        _sum(case((U.flow == "SOLD", U.quantity), else_=0)),
        _sum(case((U.flow == "RETURNED", U.quantity), else_=0)),
        func.max(P.scale),
    )
    rows = await _grouped(session, tenant, filter, SALES, group, columns, revenue, limit)
    return [(row[0], SalesSums(*row[1:])) for row in rows]


async def losses(
    session: AnySession, tenant: UUID, filter: FlowFilter, group: str, limit: int
) -> list[tuple[Key, LossSums]]:
    """Losses by key: in order of time, or with the largest loss first."""
    columns = [_sum(case((U.flow == flow, U.cost), else_=0)) for flow in LOSSES]
    loss = columns[0] + columns[1] - columns[2]
    rows = await _grouped(session, tenant, filter, LOSSES, group, columns, loss, limit)
    return [(row[0], LossSums(*row[1:])) for row in rows]


async def total_sales(session: AnySession, tenant: UUID, filter: FlowFilter) -> SalesSums:
    """The sales of all that the filter chooses."""
    rows = await sales(session, tenant, filter, "DAY", MOST_DAYS)
    return SalesSums(*(sum(each) for each in zip(*(sums[:5] for _, sums in rows), strict=True)))


async def total_losses(session: AnySession, tenant: UUID, filter: FlowFilter) -> LossSums:
    """The losses of all that the filter chooses."""
    rows = await losses(session, tenant, filter, "DAY", MOST_DAYS)
    return LossSums(*(sum(each) for each in zip(*(sums for _, sums in rows), strict=True)))


async def _grouped(
    session: AnySession,
    tenant: UUID,
    filter: FlowFilter,
    flows: Collection[str],
    group: str,
    columns: Collection[Any],
    largest: Any,
    limit: int,
) -> Any:
    key = KEYS[group]
    query = (
        select(key, *columns)
        .join_from(
            RollUp.__table__,
            Product.__table__,
            and_(P.tenant_id == U.tenant_id, P.id == U.product_id),
        )
        .where(U.tenant_id == tenant, among(U.store_id, filter.stores), U.flow.in_(flows))
        .where(U.day.between(*filter.days), U.hour <= filter.hour)
        .group_by(key)
        .order_by(key if group in TIMES else largest.desc(), key)
        .limit(limit)
    )
    if filter.category_id is not None:
        query = query.where(P.category_id.in_(subtree(tenant, filter.category_id)))
    if filter.channel is not None:
        query = query.where(U.channel == filter.channel)
    return await session.execute(query)


def _sum(column: Any) -> Any:
    return cast(func.coalesce(func.sum(column), 0), BigInteger)
