"""A store's feed: its revision, and what each revision touched. Each read is one statement."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Uuid, and_, any_, bindparam, case, func, outerjoin, select

from app.db.core.unit import Database
from app.db.reservations import OVERDUE, any_overdue, with_overdue
from app.db.tables import Change, Feed, Level, Product


@dataclass(frozen=True, slots=True)
class Changes:
    """The changes after a revision, up to `head`; `latest` is the store's revision now.

    `levels` are the levels of the products that changed, as they are at `latest`. `complete` is
    false when the oldest changes were deleted. `overdue` is whether the store has overdue
    reservations.
    """

    head: int
    latest: int
    at: datetime | None
    product_ids: frozenset[UUID]
    document_ids: frozenset[UUID]
    levels: Sequence[Level]
    overdue: bool
    complete: bool


TENANT, STORE = bindparam("tenant", type_=Uuid()), bindparam("store", type_=Uuid())
AFTER, LIMIT = bindparam("after", type_=BigInteger()), bindparam("limit", type_=BigInteger())
OF_STORE = and_(Feed.tenant_id == TENANT, Feed.store_id == STORE)


def _stocked(*conditions: Any) -> Any:
    """The feed, joined with the levels of its store that meet the conditions, and their goods."""
    here = and_(Level.tenant_id == Feed.tenant_id, Level.store_id == Feed.store_id, Level.shown)
    # Dishes and services have a level only as a lock; they have no stock.
    goods = and_(
        Product.tenant_id == Level.tenant_id,
        Product.id == Level.product_id,
        Product.kind == "GOODS",
    )
    return outerjoin(outerjoin(Feed, Level, and_(here, *conditions)), Product, goods)


HEAD = select(Feed.revision).where(OF_STORE)

LEVELS = (
    select(Feed.revision, Level, OVERDUE, Product)
    .select_from(_stocked())
    .where(OF_STORE)
    .order_by(Level.product_id)
)


def _changes() -> Any:
    """One row for each level that changed, or one without a level. The first row has the ids: an
    array in each row would take more memory than all levels."""
    later = (
        select(Change.revision, Change.at, Change.product_ids, Change.document_ids)
        .where(Change.tenant_id == TENANT, Change.store_id == STORE, Change.revision > AFTER)
        .order_by(Change.revision)
        .limit(LIMIT)
        .cte("later")
    )

    def of_all(*columns: Any) -> Any:
        return select(*columns).select_from(later).scalar_subquery()

    def ids(column: Any) -> Any:
        return func.array(of_all(func.unnest(column)))

    is_first = func.row_number().over(order_by=Level.product_id) == 1
    return (
        select(
            Feed.revision,
            of_all(func.min(later.c.revision)),
            of_all(func.max(later.c.revision)),
            select(later.c.at).order_by(later.c.revision.desc()).limit(1).scalar_subquery(),
            case((is_first, ids(later.c.product_ids))),
            case((is_first, ids(later.c.document_ids))),
            any_overdue(TENANT, STORE),
            Level,
            OVERDUE,
            Product,
        )
        .select_from(_stocked(Level.product_id == any_(ids(later.c.product_ids))))
        .where(OF_STORE)
        .order_by(Level.product_id)
    )


CHANGES = _changes()
NO_FEED: tuple[Any, ...] = 0, None, None, None, (), (), False
"""The first columns of `CHANGES` for a store that has not changed yet."""


async def head(db: Database, tenant: UUID, store: UUID) -> int:
    """The store's revision now; 0 when it has none."""
    async with db.read_once(tenant) as session:
        return await session.scalar(HEAD, {"tenant": tenant, "store": store}) or 0


async def changes_after(
    db: Database, tenant: UUID, store: UUID, after: int, limit: int = 1000
) -> Changes:
    """The changes of at most `limit` revisions after this one; `head` is the last of them."""
    values = {"tenant": tenant, "store": store, "after": after, "limit": limit}
    async with db.read_once(tenant, by_keys=True) as session:
        rows = await session.execute(CHANGES, values)
    latest, first, head, at, product_ids, document_ids, overdue = rows[0][:7] if rows else NO_FEED
    if first is None:
        # Without a later change only the present revision can be resumed: older changes may be
        # deleted.
        return Changes(latest, latest, None, frozenset(), frozenset(), [], overdue, latest == after)
    return Changes(
        head=head,
        latest=latest,
        at=at,
        product_ids=frozenset(product_ids),
        document_ids=frozenset(document_ids),
        levels=_levels(row[7:] for row in rows),
        overdue=overdue,
        complete=first == after + 1,
    )


async def levels(db: Database, tenant: UUID, store: UUID) -> tuple[int, Sequence[Level]]:
    """The store's revision, and its levels at that revision."""
    async with db.read_once(tenant) as session:
        rows = await session.execute(LEVELS, {"tenant": tenant, "store": store})
    return rows[0][0] if rows else 0, _levels(row[1:] for row in rows)


def _levels(rows: Iterable[Sequence[Any]]) -> Sequence[Level]:
    """The levels of goods."""
    levels: list[Level] = []
    for level, overdue, product in rows:
        if product is not None:
            level.joined = {"product_id": product}
            levels.append(with_overdue(level, overdue))
    return levels
