"""Reads of levels, movements and entries."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import and_, bindparam, select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession

from app.db.core.statement import among, arrays, rows
from app.db.reservations import WITH_OVERDUE
from app.db.tables import Entry, Level, Movement, Product

WANTED = rows("wanted", Level.store_id, Level.product_id)
BY_PAIR = (
    select(Level)
    .join(
        WANTED, and_(Level.store_id == WANTED.c.store_id, Level.product_id == WANTED.c.product_id)
    )
    .where(Level.tenant_id == bindparam("tenant"))
    .options(WITH_OVERDUE)
)


async def levels_by_pair(
    session: AsyncSession, tenant: UUID, pairs: Collection[tuple[UUID, UUID]]
) -> dict[tuple[UUID, UUID], Level]:
    """Levels by (store, product); a product never stocked in the store has none."""
    wanted = arrays("wanted", ["store_id", "product_id"], list(pairs))
    found = await session.scalars(BY_PAIR, {"tenant": tenant, **wanted})
    return {(level.store_id, level.product_id): level for level in found}


async def movements_by_id(
    session: AsyncSession, tenant: UUID, ids: Collection[UUID]
) -> Sequence[Movement]:
    return (
        await session.scalars(
            select(Movement).where(Movement.tenant_id == tenant, among(Movement.id, ids))
        )
    ).all()


async def reversals_of(
    session: AsyncSession, tenant: UUID, ids: Collection[UUID]
) -> dict[UUID, Movement]:
    """The movement that undid each of these, where one did."""
    found = await session.scalars(
        select(Movement).where(Movement.tenant_id == tenant, among(Movement.reverses_id, ids))
    )
    return {movement.reverses_id: movement for movement in found if movement.reverses_id}


async def entries_of(
    session: AsyncSession, tenant: UUID, movements: Collection[UUID]
) -> Sequence[Entry]:
    return (
        await session.scalars(
            select(Entry)
            .where(Entry.tenant_id == tenant, among(Entry.movement_id, movements))
            .order_by(Entry.movement_id, Entry.line)
        )
    ).all()


async def movement_with_entries(
    session: AsyncSession, tenant: UUID, movement_id: UUID
) -> tuple[Movement, Sequence[Entry]] | None:
    found = await session.get(Movement, (tenant, movement_id))
    return (found, await entries_of(session, tenant, [movement_id])) if found else None


@dataclass(frozen=True, slots=True)
class LevelFilter:
    stores: Collection[UUID]
    category_id: UUID | None = None
    status: str | None = None
    search: str | None = None


SORTS: dict[str, Any] = {"NAME": Product.pinyin, "AVAILABLE": Level.shelf}


async def levels(
    session: AsyncSession,
    tenant: UUID,
    wanted: LevelFilter,
    sort: str,
    after: tuple[Any, ...] | None,
    limit: int,
) -> list[tuple[Level, Any]]:
    """A page of levels of products still in the catalogue, each with its sort key.

    `after` is (sort key, product id, store id) of the row before the page.
    """
    key = SORTS[sort]
    order = (key, Level.product_id, Level.store_id)
    query: Any = (
        select(Level, Product, key)
        .join(Product, (Product.tenant_id == Level.tenant_id) & (Product.id == Level.product_id))
        .where(Level.tenant_id == tenant, among(Level.store_id, wanted.stores))
        .where(Product.archived_at.is_(None), Product.kind == "GOODS")
        .order_by(*order)
        .limit(limit)
        .options(WITH_OVERDUE)
    )
    query = _narrowed(query, wanted)
    if after is not None:
        query = query.where(tuple_(*order) > tuple_(*after))
    found = []
    rows: Any = await session.execute(query)
    for level, product, value in rows:
        level.joined = {"products": product}
        found.append((level, value))
    return found


def _narrowed(query: Any, wanted: LevelFilter) -> Any:
    if wanted.category_id is not None:
        query = query.where(Product.category_id == wanted.category_id)
    if wanted.status is not None:
        query = query.where(Level.status == wanted.status)
    if wanted.search:
        query = query.where(Product.search.contains(wanted.search.lower(), autoescape=True))
    return query


@dataclass(frozen=True, slots=True)
class MovementFilter:
    stores: Collection[UUID]
    product_id: UUID | None = None
    kinds: Collection[str] | None = None
    channel: str | None = None
    since: datetime | None = None
    until: datetime | None = None


async def movements(
    session: AsyncSession,
    tenant: UUID,
    wanted: MovementFilter,
    after: UUID | None,
    limit: int,
) -> Sequence[Movement]:
    """A page of movements, the newest first; `since` is included, `until` is not."""
    query = (
        select(Movement)
        .where(Movement.tenant_id == tenant, among(Movement.store_id, wanted.stores))
        .order_by(Movement.id.desc())
        .limit(limit)
    )
    if wanted.product_id is not None:
        query = query.where(
            select(Entry.line)
            .where(
                Entry.tenant_id == Movement.tenant_id,
                Entry.movement_id == Movement.id,
                Entry.product_id == wanted.product_id,
            )
            .exists()
        )
    if wanted.kinds is not None:
        query = query.where(Movement.kind.in_(wanted.kinds))
    if wanted.channel is not None:
        query = query.where(Movement.channel == wanted.channel)
    if wanted.since is not None:
        query = query.where(Movement.occurred_at >= wanted.since)
    if wanted.until is not None:
        query = query.where(Movement.occurred_at < wanted.until)
    if after is not None:
        query = query.where(Movement.id < after)
    return (await session.scalars(query)).all()


async def scanned(
    session: AsyncSession, tenant: UUID, store: UUID, product: UUID | None
) -> tuple[Level | None, Movement | None]:
    """The product's level in the store, and its last receipt there."""
    if product is None:
        return None, None
    level = await session.get(Level, (tenant, store, product), options=[WITH_OVERDUE])
    last = await session.scalar(
        select(Movement)
        .join(Entry, (Entry.tenant_id == Movement.tenant_id) & (Entry.movement_id == Movement.id))
        .where(
            Entry.tenant_id == tenant,
            Entry.to_store == store,
            Entry.product_id == product,
            Entry.to_seq.is_not(None),
            Entry.from_bin == "supplier",
        )
        .order_by(Entry.to_seq.desc())
        .limit(1)
    )
    return level, last
