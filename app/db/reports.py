"""Reports: totals of the ledger and of orders, per store, channel and product."""

from collections.abc import Collection
from datetime import date, timedelta
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import and_, case, func, select

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


async def sold(
    session: AnySession, tenant: UUID, stores: Collection[UUID], since: date, until: date
) -> list[Sold]:
    """Goods that customers received and returned on the days from `since` to `until`, both
    included, by each store's clock."""
    sold, returned = U.flow == "SOLD", U.flow == "RETURNED"
    kept = case((sold, 1), else_=-1)
    query = (
        select(
            U.store_id,
            U.channel,
            U.product_id,
            Product.scale,
            func.sum(U.quantity).filter(sold),
            func.sum(U.quantity).filter(returned),
            func.sum(U.amount * kept),
            func.sum(U.cost * kept),
        )
        .join(Product, and_(Product.tenant_id == U.tenant_id, Product.id == U.product_id))
        .where(U.tenant_id == tenant, among(U.store_id, stores), U.day.between(since, until))
        .where(U.flow.in_(("SOLD", "RETURNED")), U.channel != "")
        .group_by(U.store_id, U.channel, U.product_id, Product.scale)
        .order_by(U.store_id, U.channel, U.product_id)
    )
    rows = await session.execute(query)
    return [Sold._make((*row[:4], *(int(sum or 0) for sum in row[4:]))) for row in rows]
