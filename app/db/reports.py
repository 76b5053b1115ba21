"""Reports: totals of the ledger and of orders, per store, channel and product."""

from collections.abc import Collection
from datetime import date, timedelta
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import and_, case, func, select

from app.db.core.snapshot import AnySession
from app.db.core.statement import among
from app.db.days import day_began, first_id
from app.db.tables import Entry, Movement, Order, Store

LATE = timedelta(minutes=5)
"""Tolerance between clocks: a movement's id may be older than its `occurred_at` by this much."""


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

    `revenue` in fen and `cost` in 1/10000 yuan are of what customers kept.
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
    M, E = Movement, Entry
    out = case((E.to_bin == "customer", 1), else_=-1)
    began = day_began(since, Store.timezone)
    query = (
        select(
            M.store_id,
            M.channel,
            E.product_id,
            E.scale,
            func.coalesce(func.sum(E.quantity).filter(E.to_bin == "customer"), 0),
            func.coalesce(func.sum(E.quantity).filter(E.from_bin == "customer"), 0),
            func.coalesce(func.sum(E.amount * out), 0),
            func.coalesce(func.sum(E.cost * out), 0),
        )
        .join(E, and_(E.tenant_id == M.tenant_id, E.movement_id == M.id))
        .join(Store, and_(Store.tenant_id == M.tenant_id, Store.id == M.store_id))
        .where(M.tenant_id == tenant, among(M.store_id, stores), M.channel.is_not(None))
        # Ids begin with the time of recording, which is not before the movement.
        .where(M.id >= first_id(began - LATE), M.occurred_at >= began)
        .where(M.occurred_at < day_began(until + timedelta(days=1), Store.timezone))
        .where((E.to_bin == "customer") | (E.from_bin == "customer"))
        .group_by(M.store_id, M.channel, E.product_id, E.scale)
        .order_by(M.store_id, M.channel, E.product_id)
    )
    rows = await session.execute(query)
    return [Sold._make((*row[:4], *map(int, row[4:]))) for row in rows]
