"""Rows of bulk queries: a tenant's products, levels and movements, in pages by their keys."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import func, select, tuple_

from app.db.categories import subtree
from app.db.core.snapshot import AnySession
from app.db.core.statement import among
from app.db.days import first_movement_id
from app.db.reservations import OVERDUE, with_overdue
from app.db.tables import Level, Movement, Product
from app.db.updates import is_kept, levels_since, products_since


class BulkFilter(NamedTuple):
    """Which rows a bulk query returns; None does not filter. `since` is included, `until` not."""

    stores: Collection[UUID]
    category_id: UUID | None = None
    archived: bool | None = None
    updated_since: datetime | None = None
    since: datetime | None = None
    until: datetime | None = None


def _of_products(query: Any, tenant: UUID, filter: BulkFilter) -> Any:
    query = query.where(Product.tenant_id == tenant)
    if filter.archived is not None:
        at = Product.archived_at
        query = query.where(at.is_not(None) if filter.archived else at.is_(None))
    if filter.category_id is not None:
        query = query.where(Product.category_id.in_(subtree(tenant, filter.category_id)))
    return query


def _products(tenant: UUID, filter: BulkFilter, *columns: Any) -> Any:
    query = _of_products(select(*columns), tenant, filter)
    if filter.updated_since is not None:
        query = query.where(Product.id.in_(products_since(tenant, filter.updated_since)))
    return query


async def count_products(session: AnySession, tenant: UUID, filter: BulkFilter) -> int:
    """How many rows `products` returns in all."""
    return await session.scalar(_products(tenant, filter, func.count())) or 0


async def products(
    session: AnySession, tenant: UUID, filter: BulkFilter, after: UUID | None, limit: int
) -> Sequence[Product]:
    """A page of products by id, behind the product `after`."""
    query = _products(tenant, filter, Product)
    if after is not None:
        query = query.where(Product.id > after)
    return (await session.scalars(query.order_by(Product.id).limit(limit))).all()


def _levels(tenant: UUID, filter: BulkFilter, *columns: Any) -> Any:
    of_product = (Product.tenant_id == Level.tenant_id) & (Product.id == Level.product_id)
    query = select(*columns).select_from(Level).join(Product, of_product)
    query = _of_products(query, tenant, filter).where(
        Level.tenant_id == tenant,
        among(Level.store_id, filter.stores),
        Product.kind == "GOODS",
        Level.shown,
    )
    if filter.updated_since is not None and is_kept(filter.updated_since):
        changed = levels_since(tenant, filter.stores, filter.updated_since)
        query = query.where(tuple_(Level.store_id, Level.product_id).in_(changed))
    return query


async def count_levels(session: AnySession, tenant: UUID, filter: BulkFilter) -> int:
    """How many rows `levels` returns in all."""
    return await session.scalar(_levels(tenant, filter, func.count())) or 0


async def levels(
    session: AnySession,
    tenant: UUID,
    filter: BulkFilter,
    after: tuple[UUID, UUID] | None,
    limit: int,
) -> list[tuple[Level, Product]]:
    """A page of levels with their products by (store, product), behind the level `after`."""
    order = Level.store_id, Level.product_id
    query = _levels(tenant, filter, Level, OVERDUE, Product)
    if after is not None:
        query = query.where(tuple_(*order) > tuple_(*after))
    rows: Any = await session.execute(query.order_by(*order).limit(limit))
    return [(with_overdue(level, overdue), product) for level, overdue, product in rows]


async def movements(
    session: AnySession, tenant: UUID, filter: BulkFilter, after: UUID | None, limit: int
) -> Sequence[Movement]:
    """A page of movements in the order of recording, behind the movement `after`."""
    query = select(Movement).where(
        Movement.tenant_id == tenant, among(Movement.store_id, filter.stores)
    )
    if filter.since is not None:
        query = query.where(Movement.occurred_at >= filter.since)
        after = max(after or UUID(int=0), first_movement_id(filter.since))
    if filter.until is not None:
        query = query.where(Movement.occurred_at < filter.until)
    if after is not None:
        query = query.where(Movement.id > after)
    return (await session.scalars(query.order_by(Movement.id).limit(limit))).all()
