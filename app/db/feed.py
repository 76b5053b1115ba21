"""A store's feed: its revision, and what each revision touched."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from sqlalchemy import and_, select, true
from sqlalchemy.ext.asyncio import AsyncSession

from app.db.statement import among
from app.db.tables import Change, Feed, Level, Product

if TYPE_CHECKING:
    from app.db.unit import Database


def closing(tenant: UUID, changed: Mapping[UUID, Collection[UUID]]) -> str:
    """The last round trip of a unit: bump the feeds it touched, in store order, and commit.

    I6: the feed rows are locked last and held for this one trip. It is plain text because only
    the simple protocol carries several statements; it is made of UUIDs alone.
    """
    bumps = (
        f"SELECT bump_feed('{tenant}', '{store}', '{{{','.join(map(str, changed[store]))}}}'); "
        for store in sorted(changed)
    )
    return "".join(bumps) + "COMMIT"


@dataclass(frozen=True, slots=True)
class Changes:
    """What happened after a revision, up to `head`; `latest` is the store's revision now.

    Incomplete when it cannot be told from there any more.
    """

    head: int
    latest: int
    at: datetime | None
    product_ids: frozenset[UUID]
    complete: bool


async def head(db: "Database", tenant: UUID, store: UUID) -> int:
    """The store's revision now; 0 when it has none."""
    async with db.read(tenant) as session:
        return await revision(session, tenant, store)


async def revision(session: AsyncSession, tenant: UUID, store: UUID) -> int:
    """The revision that a read transaction sees."""
    query = select(Feed.revision).where(Feed.tenant_id == tenant, Feed.store_id == store)
    return await session.scalar(query) or 0


async def changes_after(
    db: "Database", tenant: UUID, store: UUID, after: int, limit: int = 1000
) -> Changes:
    """What at most `limit` revisions after this one touched; `head` is the last one told."""
    later = (
        select(Change.revision, Change.at, Change.product_ids)
        .where(Change.tenant_id == tenant, Change.store_id == store, Change.revision > after)
        .order_by(Change.revision)
        .limit(limit)
        .subquery()
        .lateral()
    )
    query = (
        select(Feed.revision, later.c.revision, later.c.at, later.c.product_ids)
        .outerjoin(later, true())
        .where(and_(Feed.tenant_id == tenant, Feed.store_id == store))
    )
    async with db.read(tenant) as session:
        found = (await session.execute(query)).all()
    told = [row for row in found if row[1] is not None]
    if not told:
        known = found[0][0] if found else 0
        return Changes(known, known, None, frozenset(), complete=known == after)
    products = frozenset(product for row in told for product in row[3])
    head, at = told[-1][1], told[-1][2]
    return Changes(head, told[0][0], at, products, complete=told[0][1] == after + 1)


async def levels(
    db: "Database", tenant: UUID, store: UUID, product_ids: Collection[UUID] | None
) -> tuple[int, list[Level]]:
    """The store's stock (of these products, or all) and the revision it is true at."""
    query: Any = (
        select(Level, Product)
        .join(Product, and_(Product.tenant_id == Level.tenant_id, Product.id == Level.product_id))
        .where(Level.tenant_id == tenant, Level.store_id == store)
        # What is made when it is ordered has a level for its lock, and no stock.
        .where(Product.kind == "GOODS")
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
