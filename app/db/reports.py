"""Reports: totals of the ledger and of orders, per store, channel and product."""

from collections.abc import Collection
from datetime import date, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import BigInteger, and_, case, cast, func, select

from app.db.core.snapshot import AnySession
from app.db.core.statement import among
from app.db.days import day_began
from app.db.tables import Order, Product, RollUp, Store

U = RollUp.__table__.c


class Ordered(NamedTuple):
    """Counts of a channel's orders in a store."""

    store_id: UUID
    channel: str
    placed: int
    paid: int
    fulfilled: int
    cancelled: int
    expired: int


class Sold(NamedTuple):
    """Quantities of a product sold by a channel in a store, in base units.

    `revenue`, in fen, and `cost`, in 1/10000 yuan, leave out returned goods.
    """

    store_id: UUID
    channel: str
    product_id: UUID
    scale: int
    sold: int
    returned: int
    revenue: int
    cost: int


async def ordered(
    session: AnySession, tenant: UUID, stores: Collection[UUID], since: date, until: date
) -> list[Ordered]:
    """Orders placed on the days from `since` to `until`, both included, by each store's clock."""
    count, paid = func.count(), Order.paid_at.is_not(None)
    states = [count.filter(Order.state == name) for name in ("FULFILLED", "CANCELLED", "EXPIRED")]
    query = (
        select(Order.store_id, Order.channel, count, count.filter(paid), *states)
        .join(Store, and_(Store.tenant_id == Order.tenant_id, Store.id == Order.store_id))
        .where(Order.tenant_id == tenant, among(Order.store_id, stores))
        .where(Order.placed_at >= day_began(since, Store.timezone))
        .where(Order.placed_at < day_began(until + timedelta(days=1), Store.timezone))
        .group_by(Order.store_id, Order.channel)
    )
    rows = await session.execute(query)
    return [Ordered._make(row) for row in rows]


async def revenues(
    session: AnySession, tenant: UUID, stores: Collection[UUID], since: date, until: date
) -> dict[tuple[UUID, str], tuple[int, int]]:
    """Revenue in fen and cost in 1/10000 yuan of what customers kept, by store and channel."""
    kept = case((U.flow == "SOLD", 1), else_=-1)
    sums = (cast(func.sum(each * kept), BigInteger) for each in (U.amount, U.cost))
    query = _sold(select(U.store_id, U.channel, *sums), tenant, stores, since, until)
    rows: Any = await session.execute(query.group_by(U.store_id, U.channel))
    return {(row[0], row[1]): (row[2], row[3]) for row in rows}


async def sold(
    session: AnySession, tenant: UUID, stores: Collection[UUID], since: date, until: date
) -> list[Sold]:
    """Goods that customers received and returned on the days from `since` to `until`, both
    included, by each store's clock."""
    sold, returned = U.flow == "SOLD", U.flow == "RETURNED"
    kept = case((sold, 1), else_=-1)
    columns = (
        U.store_id,
        U.channel,
        U.product_id,
        func.sum(U.quantity).filter(sold).label("sold"),
        func.sum(U.quantity).filter(returned).label("returned"),
        func.sum(U.amount * kept).label("revenue"),
        func.sum(U.cost * kept).label("cost"),
    )
    sums = _sold(select(*columns), tenant, stores, since, until)
    sums = sums.group_by(U.store_id, U.channel, U.product_id).subquery("sums")
    each = sums.c
    query = (
        select(
            *(each.store_id, each.channel, each.product_id, Product.scale),
            *(each.sold, each.returned, each.revenue, each.cost),
        )
        .join(Product, and_(Product.tenant_id == tenant, Product.id == each.product_id))
        .order_by(each.store_id, each.channel, each.product_id)
    )
    rows: Any = await session.execute(query)
    return [Sold._make((*row[:4], *(int(sum or 0) for sum in row[4:]))) for row in rows]


def _sold(query: Any, tenant: UUID, stores: Collection[UUID], since: date, until: date) -> Any:
    query = query.where(U.tenant_id == tenant, among(U.store_id, stores))
    return query.where(
        U.day.between(since, until), U.flow.in_(("SOLD", "RETURNED")), U.channel != ""
    )
