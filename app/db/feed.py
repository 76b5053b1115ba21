"""A store's feed: its revision, and what each revision touched."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import and_, select, true

from app.db.core.snapshot import AnySession
from app.db.core.statement import among
from app.db.core.unit import Database
from app.db.reservations import OVERDUE, any_overdue, with_overdue
from app.db.tables import Change, Feed, Level, Product


@dataclass(frozen=True, slots=True)
class Changes:
    """The changes after a revision, up to `head`; `latest` is the store's revision now.

    `complete` is false when the oldest of them were deleted. `overdue` is whether the store has
    overdue reservations.
    """

    head: int
    latest: int
    at: datetime | None
    product_ids: frozenset[UUID]
    document_ids: frozenset[UUID]
    overdue: bool
    complete: bool


class Row(NamedTuple):
    """The store's revision now, and one change after the given revision, if there is one."""

    latest: int
    revision: int | None
    at: datetime | None
    product_ids: Sequence[UUID]
    document_ids: Sequence[UUID]
    overdue: bool


async def head(db: Database, tenant: UUID, store: UUID) -> int:
    """The store's revision now; 0 when it has none."""
    async with db.read(tenant) as session:
        return await revision(session, tenant, store)


async def revision(session: AnySession, tenant: UUID, store: UUID) -> int:
    """The revision that a read transaction sees."""
    query = select(Feed.revision).where(Feed.tenant_id == tenant, Feed.store_id == store)
    return await session.scalar(query) or 0


async def changes_after(
    db: Database, tenant: UUID, store: UUID, after: int, limit: int = 1000
) -> Changes:
    """The changes of at most `limit` revisions after this one; `head` is the last of them."""
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
        rows = [Row(*row) for row in await session.execute(query)]
    if not rows or rows[0].revision is None:
        latest = rows[0].latest if rows else 0
        overdue = bool(rows) and rows[0].overdue
        # Without a later change only the present revision can be resumed: older changes may be
        # deleted.
        return Changes(latest, latest, None, frozenset(), frozenset(), overdue, latest == after)
    return Changes(
        head=rows[-1].revision or 0,
        latest=rows[0].latest,
        at=rows[-1].at,
        product_ids=frozenset(id for row in rows for id in row.product_ids),
        document_ids=frozenset(id for row in rows for id in row.document_ids),
        overdue=rows[0].overdue,
        complete=rows[0].revision == after + 1,
    )


async def levels(
    db: Database, tenant: UUID, store: UUID, product_ids: Collection[UUID] | None
) -> tuple[int, list[Level]]:
    """The store's revision, and its levels at that revision: of these products, or of all."""
    query: Any = (
        select(Level, OVERDUE, Product)
        .join(Product, and_(Product.tenant_id == Level.tenant_id, Product.id == Level.product_id))
        .where(Level.tenant_id == tenant, Level.store_id == store, Level.shown)
        # Dishes and services have a level only as a lock; they have no stock.
        .where(Product.kind == "GOODS")
    )
    if product_ids is not None:
        query = query.where(among(Level.product_id, product_ids))
    async with db.read(tenant) as session:
        now = await revision(session, tenant, store)
        rows: Any = await session.execute(query.order_by(Level.product_id))
    levels: list[Level] = []
    for level, overdue, product in rows:
        level.joined = {"products": product}
        levels.append(with_overdue(level, overdue))
    return now, levels
