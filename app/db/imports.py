"""Imports: their rows, the worker's lease on them, and the reads that their files are compared
with."""

from collections.abc import Collection, Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import and_, case, func, select, update
from sqlalchemy.dialects.postgresql import insert

from app.db.core.snapshot import AnySession
from app.db.core.statement import among
from app.db.core.unit import Unit
from app.db.tables import Entry, Import, Level, Movement, Product, Supplier


async def openings(
    session: AnySession, tenant: UUID, store: UUID, products: Collection[UUID]
) -> dict[UUID, int]:
    """The opening stock of these products in the store that is not reversed, in base units."""
    signed = case((Entry.from_bin == "opening", Entry.quantity), else_=-Entry.quantity)
    query = (
        select(Entry.product_id, func.sum(signed))
        .join(
            Movement,
            and_(Movement.tenant_id == Entry.tenant_id, Movement.id == Entry.movement_id),
        )
        .where(
            Entry.tenant_id == tenant,
            Movement.store_id == store,
            among(Entry.product_id, products),
            (Entry.from_bin == "opening") | (Entry.to_bin == "opening"),
        )
        .group_by(Entry.product_id)
    )
    return {product: int(base) for product, base in await session.execute(query)}


async def own_points(
    session: AnySession, tenant: UUID, store: UUID, products: Collection[UUID]
) -> dict[UUID, int]:
    """The reorder points that the store has of its own, in base units."""
    query = select(Level.product_id, Level.reorder_point).where(
        Level.tenant_id == tenant,
        Level.store_id == store,
        Level.reorder_point_own,
        among(Level.product_id, products),
    )
    return {product: point for product, point in await session.execute(query)}


async def products_by_name(
    session: AnySession, tenant: UUID, names: Collection[str]
) -> Sequence[Product]:
    """The active products with these names."""
    query = select(Product).where(Product.tenant_id == tenant, among(Product.name, names))
    return (await session.scalars(query.where(Product.archived_at.is_(None)))).all()


async def suppliers_by_name(
    session: AnySession, tenant: UUID, names: Collection[str], locked: bool = False
) -> Sequence[Supplier]:
    """The suppliers with these names, `locked` in the order of their names."""
    query = select(Supplier).where(Supplier.tenant_id == tenant, among(Supplier.name, names))
    query = query.order_by(Supplier.name)
    return (await session.scalars(query.with_for_update() if locked else query)).all()


async def import_by_id(session: AnySession, tenant: UUID, id: UUID) -> Import | None:
    query = select(Import).where(Import.tenant_id == tenant, Import.id == id)
    return (await session.scalars(query)).first()


async def imports_by_id(
    session: AnySession, tenant: UUID, ids: Collection[UUID]
) -> Sequence[Import]:
    query = select(Import).where(Import.tenant_id == tenant, among(Import.id, ids))
    return (await session.scalars(query)).all()


async def open_imports(
    session: AnySession, tenant: UUID, stores: Collection[UUID], after: UUID | None, limit: int
) -> Sequence[Import]:
    """A page of the unfinished imports that the feeds of these stores announce."""
    query = select(Import).where(
        Import.tenant_id == tenant,
        among(Import.feed_store, stores),
        Import.finished_at.is_(None),
    )
    if after is not None:
        query = query.where(Import.id > after)
    return (await session.scalars(query.order_by(Import.id).limit(limit))).all()


async def locked_import(unit: Unit, id: UUID) -> Import | None:
    query = select(Import).where(Import.tenant_id == unit.tenant, Import.id == id)
    return await unit.session.scalar(query.with_for_update())


async def headers_of(session: AnySession, tenant: UUID, kind: str) -> dict[str, str]:
    """The shop's own headers of its latest import of this kind."""
    query = select(Import.headers).where(Import.tenant_id == tenant, Import.kind == kind)
    latest = query.order_by(Import.requested_at.desc()).limit(1)
    return (await session.scalars(latest)).first() or {}


async def add(unit: Unit, row: dict[str, Any]) -> None:
    """Insert the import, unless there is one with its id."""
    await unit.session.execute(insert(Import).values(row).on_conflict_do_nothing())


def _open(tenant: UUID) -> Any:
    query = select(Import).where(Import.tenant_id == tenant, Import.finished_at.is_(None))
    return query.order_by(Import.requested_at, Import.id).limit(1)


async def has_work(session: AnySession, tenant: UUID) -> bool:
    """Whether an import of the tenant is not finished."""
    return (await session.scalars(_open(tenant))).first() is not None


async def take(unit: Unit, lease: timedelta) -> Import | None:
    """Take the oldest import that is not finished, for the time of the lease.

    None if there is none, or another worker holds it: a tenant's imports run one after the other.
    """
    row = await unit.session.scalar(_open(unit.tenant).with_for_update())
    if row is None or (row.leased_until is not None and row.leased_until > unit.now):
        return None
    row.leased_until = unit.now + lease
    return row


async def advance(unit: Unit, row: Import, begun: int, **values: Any) -> bool:
    """Write the progress of a step that began at the row `begun`. False if another worker wrote it
    first."""
    answer = await unit.session.execute(
        update(Import)
        .where(Import.tenant_id == unit.tenant, Import.id == row.id, Import.done == begun)
        .values(**values)
        .returning(Import.id)
    )
    return answer.first() is not None
