"""Rows of exported movements and batches: read in pages by keyset."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Select, and_, cast, func, select, tuple_

from app.db.categories import subtree
from app.db.core.snapshot import AnySession
from app.db.core.statement import among
from app.db.days import id_of
from app.db.export_rows import StockFilter
from app.db.tables import Batch, BatchLevel, Entry, Level, Movement, Product

HELD = BatchLevel.shelf + BatchLevel.reserved + BatchLevel.quarantine
OF_ENTRY = and_(Movement.tenant_id == Entry.tenant_id, Movement.id == Entry.movement_id)


async def movement_rows(
    session: AnySession,
    tenant: UUID,
    filter: StockFilter,
    days: tuple[date, date],
    after: Sequence[Any] | None,
    limit: int,
) -> list[Any]:
    """A page of entries with movement, product and batch, in the order of recording; `after` is
    the key of the row before it: movement and line."""
    order = Entry.movement_id, Entry.line
    query = (
        select(Movement, Entry, Product, Batch.number, Batch.expires_on)
        .join(Entry, OF_ENTRY)
        .join(Product, and_(Product.tenant_id == Entry.tenant_id, Product.id == Entry.product_id))
        .outerjoin(Batch, and_(Batch.tenant_id == Entry.tenant_id, Batch.id == Entry.batch_id))
        .where(Movement.tenant_id == tenant, among(Movement.store_id, filter.stores))
        .where(Movement.business_date.between(*days))
        .order_by(*order)
        .limit(limit)
    )
    if filter.category_id is not None:
        query = query.where(Product.category_id.in_(subtree(tenant, filter.category_id)))
    start = after or (first_id(days[0]), 0)
    return list(await session.execute(query.where(tuple_(*order) > tuple_(*start))))


def first_id(day: date) -> UUID:
    """An id before the ids of all movements whose business date is `day` or later.

    An id begins with the time of recording, which is never before the event; and a store's day
    begins less than 24 hours before the same day in UTC.
    """
    moment = datetime.combine(day - timedelta(days=1), time(), UTC)
    return id_of(moment)


def _batches(
    tenant: UUID, filter: StockFilter, until: date, *columns: Any
) -> Select[*tuple[Any, ...]]:
    """Batches that the stores hold and that expire on this day or before, with product and
    level."""
    H, L = BatchLevel, Level
    of_level = and_(
        L.tenant_id == H.tenant_id, L.store_id == H.store_id, L.product_id == H.product_id
    )
    query = (
        select(*columns)
        .select_from(H)
        .join(Batch, and_(Batch.tenant_id == H.tenant_id, Batch.id == H.batch_id))
        .join(Product, and_(Product.tenant_id == H.tenant_id, Product.id == H.product_id))
        .join(L, of_level)
        .where(H.tenant_id == tenant, among(H.store_id, filter.stores), H.expires_on <= until)
        # Goods in transit count in the store that receives them.
        .where(HELD > 0)
    )
    if filter.category_id is not None:
        query = query.where(Product.category_id.in_(subtree(tenant, filter.category_id)))
    return query


async def batch_rows(
    session: AnySession,
    tenant: UUID,
    filter: StockFilter,
    until: date,
    after: Sequence[Any] | None,
    limit: int,
) -> list[Any]:
    """A page of batches that the stores hold and that expire on this day or before, the earliest
    first; `after` is the key of the row before it: expiry, store and batch."""
    order = BatchLevel.expires_on, BatchLevel.store_id, BatchLevel.batch_id
    query = _batches(tenant, filter, until, BatchLevel, Batch, Product, Level.unit_cost)
    if after is not None:
        query = query.where(tuple_(*order) > tuple_(*after))
    return list(await session.execute(query.order_by(*order).limit(limit)))


async def batches_by_day(
    session: AnySession, tenant: UUID, filter: StockFilter, until: date
) -> list[Any]:
    """The rows of `batch_rows` grouped by store and day of expiry: their number, and their value in
    1/10000 yuan."""
    cost = func.coalesce(Batch.unit_cost, Level.unit_cost, 0)
    value = cast(func.sum(HELD * cost / Product.scale), BigInteger)
    key = BatchLevel.store_id, BatchLevel.expires_on
    query = _batches(tenant, filter, until, *key, func.count(), value)
    return list(await session.execute(query.group_by(*key)))
