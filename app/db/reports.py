"""Reports: totals of the ledger and of orders, per channel, and per store or day and product."""

from collections.abc import Collection
from datetime import date, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import UUID as UUIDType
from sqlalchemy import BigInteger, Date, and_, case, cast, func, null, select

from app.db.core.snapshot import AnySession, planned_each_time
from app.db.core.statement import among
from app.db.days import day_began, store_day
from app.db.report_keys import NO_SHIFT, time_key
from app.db.tables import Order, Product, RollUp, Store

U = RollUp.__table__.c


class ChannelFilter(NamedTuple):
    """The days from `since` to `until`, both included, by each store's clock, and what the figures
    of a channel are grouped by: CHANNEL alone, STORE, DAY, WEEK or MONTH. Each day counts as the
    day that is `shift` later."""

    stores: Collection[UUID]
    since: date
    until: date
    group: str = "STORE"
    shift: timedelta = NO_SHIFT

    def keys(self, store: Any, day: Any, channel: Any) -> tuple[Any, Any, Any]:
        """SQL: the columns of a `ChannelKey`."""
        by_time = self.group not in ("STORE", "CHANNEL")
        return (
            store if self.group == "STORE" else cast(null(), UUIDType()).label("no_store"),
            time_key(self.group, day, self.shift)
            if by_time
            else cast(null(), Date).label("no_day"),
            channel,
        )


class ChannelKey(NamedTuple):
    """A channel, in one store or in one day, week or month if its figures are grouped by them."""

    store_id: UUID | None
    day: date | None
    channel: str


class Ordered(NamedTuple):
    """Counts of a channel's orders."""

    placed: int = 0
    paid: int = 0
    fulfilled: int = 0
    cancelled: int = 0
    expired: int = 0


class Sold(NamedTuple):
    """Quantities of a product sold by a channel, in base units.

    `revenue`, in fen, and `cost`, in 1/10000 yuan, leave out returned goods.
    """

    store_id: UUID | None
    day: date | None
    channel: str
    product_id: UUID
    scale: int
    sold: int
    returned: int
    revenue: int
    cost: int


async def ordered(
    session: AnySession, tenant: UUID, filter: ChannelFilter
) -> dict[ChannelKey, Ordered]:
    """Orders placed on these days."""
    count, paid = func.count(), Order.paid_at.is_not(None)
    states = [count.filter(Order.state == name) for name in ("FULFILLED", "CANCELLED", "EXPIRED")]
    keys = filter.keys(Order.store_id, store_day(Store.timezone, Order.placed_at), Order.channel)
    query = (
        select(*keys, count, count.filter(paid), *states)
        .join(Store, and_(Store.tenant_id == Order.tenant_id, Store.id == Order.store_id))
        .where(Order.tenant_id == tenant, among(Order.store_id, filter.stores))
        .where(Order.placed_at >= day_began(filter.since, Store.timezone))
        .where(Order.placed_at < day_began(filter.until + timedelta(days=1), Store.timezone))
        .group_by(*keys)
    )
    rows: Any = await planned_each_time(session).execute(query)
    return {ChannelKey(*row[:3]): Ordered(*row[3:]) for row in rows}


async def revenues(
    session: AnySession, tenant: UUID, filter: ChannelFilter
) -> dict[ChannelKey, tuple[int, int]]:
    """Revenue in fen and cost in 1/10000 yuan of what customers kept."""
    kept = case((U.flow == "SOLD", 1), else_=-1)
    sums = (cast(func.sum(each * kept), BigInteger) for each in (U.amount, U.cost))
    keys = filter.keys(U.store_id, U.day, U.channel)
    query = _sold(select(*keys, *sums), tenant, filter)
    rows: Any = await planned_each_time(session).execute(query.group_by(*keys))
    return {ChannelKey(*row[:3]): (row[3], row[4]) for row in rows}


async def sold(session: AnySession, tenant: UUID, filter: ChannelFilter) -> list[Sold]:
    """Goods that customers received and returned on these days."""
    sold, returned = U.flow == "SOLD", U.flow == "RETURNED"
    kept = case((sold, 1), else_=-1)
    store, day, channel = filter.keys(U.store_id, U.day, U.channel)
    columns = (
        store.label("store_id"),
        day.label("day"),
        channel.label("channel"),
        U.product_id,
        func.sum(U.quantity).filter(sold).label("sold"),
        func.sum(U.quantity).filter(returned).label("returned"),
        func.sum(U.amount * kept).label("revenue"),
        func.sum(U.cost * kept).label("cost"),
    )
    sums = _sold(select(*columns), tenant, filter)
    sums = sums.group_by(store, day, channel, U.product_id).subquery("sums")
    each = sums.c
    query = (
        select(
            *(each.store_id, each.day, each.channel, each.product_id, Product.scale),
            *(each.sold, each.returned, each.revenue, each.cost),
        )
        .join(Product, and_(Product.tenant_id == tenant, Product.id == each.product_id))
        .order_by(each.store_id, each.day, each.channel, each.product_id)
    )
    rows: Any = await planned_each_time(session).execute(query)
    return [Sold._make((*row[:5], *(int(sum or 0) for sum in row[5:]))) for row in rows]


def _sold(query: Any, tenant: UUID, filter: ChannelFilter) -> Any:
    query = query.where(U.tenant_id == tenant, among(U.store_id, filter.stores))
    return query.where(
        U.day.between(filter.since, filter.until),
        U.flow.in_(("SOLD", "RETURNED")),
        U.channel != "",
    )
