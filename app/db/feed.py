"""A store's feed: its revision, and what each revision touched."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast
from uuid import UUID

from sqlalchemy import and_, select, true
from sqlalchemy.ext.asyncio import AsyncSession

from app.db.core.statement import among
from app.db.core.unit import Database
from app.db.reservations import WITH_OVERDUE, any_overdue
from app.db.tables import Change, Feed, Level, Product


@dataclass(frozen=True, slots=True)
class Changes:
    """What happened after a revision, up to `head`; `latest` is the store's revision now.

    Incomplete when it cannot be told from there any more. `overdue` says that the store holds
    goods for orders whose time is over.
    """

    head: int
    latest: int
    at: datetime | None
    product_ids: frozenset[UUID]
    document_ids: frozenset[UUID]
    overdue: bool
    complete: bool


async def head(db: Database, tenant: UUID, store: UUID) -> int:
    """The store's revision now; 0 when it has none."""
    async with db.read(tenant) as session:
        return await revision(session, tenant, store)


async def revision(session: AsyncSession, tenant: UUID, store: UUID) -> int:
    """The revision that a read transaction sees."""
    query = select(Feed.revision).where(Feed.tenant_id == tenant, Feed.store_id == store)
    return await session.scalar(query) or 0


async def changes_after(
    db: Database, tenant: UUID, store: UUID, after: int, limit: int = 1000
) -> Changes:
    """What at most `limit` revisions after this one touched; `head` is the last one told."""
    later = (
        select(Change.revision, Change.at, Change.product_ids, Change.document_ids)
        .where(Change.tenant_id == tenant, Change.store_id == store, Change.revision > after)
        .order_by(Change.revision)
        .limit(limit)
        .subquery()
        .lateral()
    )
    query = (
        select(Feed.revision, *later.c, any_overdue(tenant, store))
        .outerjoin(later, true())
        .where(and_(Feed.tenant_id == tenant, Feed.store_id == store))
    )
    async with db.read(tenant) as session:
        found = (await session.execute(query)).all()
    told = [row for row in found if row[1] is not None]
    if not told:
        known = found[0][0] if found else 0
        overdue = bool(found) and found[0][-1]
        return Changes(known, known, None, frozenset(), frozenset(), overdue, known == after)
    products, documents = (
        frozenset(id for row in told for id in cast(Any, row[place])) for place in (3, 4)
    )
    head, at, complete = told[-1][1], told[-1][2], told[0][1] == after + 1
    return Changes(head, told[0][0], at, products, documents, told[0][-1], complete)


async def levels(
    db: Database, tenant: UUID, store: UUID, product_ids: Collection[UUID] | None
) -> tuple[int, list[Level]]:
    """The store's stock (of these products, or all) and the revision it is true at."""
    query: Any = (
        select(Level, Product)
        .join(Product, and_(Product.tenant_id == Level.tenant_id, Product.id == Level.product_id))
        .where(Level.tenant_id == tenant, Level.store_id == store)
        # What is made when it is ordered has a level for its lock, and no stock.
        .where(Product.kind == "GOODS")
        .options(WITH_OVERDUE)
    )
    if product_ids is not None:
        query = query.where(among(Level.product_id, product_ids))
    async with db.read(tenant) as session:
        now = await revision(session, tenant, store)
        rows: Any = await session.execute(query.order_by(Level.product_id))
        found = [(row[0], row[1]) for row in rows]
    for level, product in found:
        level.joined = {"products": product}
    return now, [level for level, _ in found]
