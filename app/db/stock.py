"""Reads of levels, movements and entries."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, Uuid, and_, any_, bindparam, column, func, select, tuple_

from app.db.categories import subtree
from app.db.core.paging import PAGES, Span
from app.db.core.snapshot import AnySession, planned_each_time, with_one_plan
from app.db.core.statement import among, table_of
from app.db.levels import Pair, bind_levels, level_keys
from app.db.reservations import OVERDUE, with_overdue
from app.db.tables import Entry, Level, Movement, Product, Store
from app.db.updates import is_kept, levels_since

L, P = Level, Product
KEYS = level_keys()
BY_PAIR = (
    select(Level, OVERDUE)
    .join(KEYS, and_(Level.store_id == KEYS.c.store_id, Level.product_id == KEYS.c.product_id))
    .where(Level.tenant_id == bindparam("tenant"), Level.shown)
)


async def levels_by_pair(
    session: AnySession, tenant: UUID, pairs: Collection[Pair]
) -> dict[Pair, Level]:
    """Levels by (store, product); a product never stocked in the store has none."""
    rows = await session.execute(BY_PAIR, {"tenant": tenant, **bind_levels(pairs)})
    return {(row[0].store_id, row[0].product_id): with_overdue(*row) for row in rows}


async def movements_by_id(
    session: AnySession, tenant: UUID, ids: Collection[UUID]
) -> Sequence[Movement]:
    """The movements with these ids, in no order."""
    return (
        await session.scalars(
            select(Movement).where(Movement.tenant_id == tenant, among(Movement.id, ids))
        )
    ).all()


async def sale_by_receipt(
    session: AnySession, tenant: UUID, store: UUID, receipt_no: str, day: date | None
) -> Movement | None:
    """The latest sale of a store with this receipt number, in capitals or small letters; on this
    day of the store if given."""
    query = (
        select(Movement)
        .where(Movement.tenant_id == tenant, Movement.store_id == store)
        .where(Movement.kind == "SALE", func.upper(Movement.document) == func.upper(receipt_no))
    )
    if day is not None:
        query = query.where(Movement.business_date == day)
    return await session.scalar(query.order_by(Movement.id.desc()).limit(1))


async def reversals_of(
    session: AnySession, tenant: UUID, ids: Collection[UUID]
) -> dict[UUID, Movement]:
    """The reversals of these movements, by the id of the reversed movement."""
    reversals = await session.scalars(
        select(Movement).where(Movement.tenant_id == tenant, among(Movement.reverses_id, ids))
    )
    return {movement.reverses_id: movement for movement in reversals if movement.reverses_id}


async def entries_of(
    session: AnySession, tenant: UUID, movements: Collection[UUID]
) -> Sequence[Entry]:
    """The entries of these movements, by movement and line."""
    return (
        await session.scalars(
            select(Entry)
            .where(Entry.tenant_id == tenant, among(Entry.movement_id, movements))
            .order_by(Entry.movement_id, Entry.line)
        )
    ).all()


async def movement_with_entries(
    session: AnySession, tenant: UUID, movement_id: UUID
) -> tuple[Movement, Sequence[Entry]] | None:
    """The movement and its entries in order; None for an unknown id."""
    movement = await session.get(Movement, (tenant, movement_id))
    if movement is None:
        return None
    return movement, await entries_of(session, tenant, [movement_id])


@dataclass(frozen=True, slots=True)
class LevelFilter:
    """Which levels a page shows; None does not filter."""

    stores: Collection[UUID]
    category_id: UUID | None = None
    status: str | None = None
    search: str | None = None
    archived: bool | None = False
    updated_since: datetime | None = None

    @property
    def is_plain(self) -> bool:
        """Whether the page shows all levels of the stores that are not archived."""
        chosen = self.category_id, self.status, self.search, self.updated_since
        return self.archived is False and not any(chosen)


FEW = 2000
"""So many changed levels are read by their keys in a few milliseconds."""
SORTS: dict[str, Any] = {"NAME": Product.pinyin, "AVAILABLE": Level.shelf}
STORES = bindparam("stores", type_=ARRAY(Uuid()))
JOINED = "product_id", "store_id"
"""Columns of a level whose rows its page reads as well."""


async def levels(
    session: AnySession,
    tenant: UUID,
    filter: LevelFilter,
    sort: str,
    with_stores: bool,
    span: Span,
) -> list[tuple[Level, Any]]:
    """A page of levels of goods, each with its sort key: of active ones, or of archived ones.

    Its keys are (sort key, product id, store id). Products are joined, and stores on request.
    """
    shown = _page_of_levels(sort, filter.archived, with_stores, span.shape)
    query = _filtered(shown, tenant, filter)
    if filter.updated_since is not None and is_kept(filter.updated_since):
        query = await _changed(session, query, tenant, filter.stores, filter.updated_since)
    elif sort == "AVAILABLE":
        query = await _least_available(session, query, tenant, filter, span)
    elif filter.status is not None:
        query = await _with_status(session, query, tenant, filter.stores, filter.status)
    if sort == "NAME" and filter.is_plain:
        # One plan fits all stores: it reads products in their order. Planning takes longer.
        session = with_one_plan(session)
    values = {"tenant": tenant, "stores": list(filter.stores)}
    page: list[tuple[Level, Any]] = []
    for level, overdue, value, product, *stores in await span.fetch(session, query, values):
        level.joined = dict(zip(JOINED, (product, *stores), strict=False))
        page.append((with_overdue(level, overdue), value))
    return page


@lru_cache(PAGES)
def _page_of_levels(sort: str, archived: bool | None, with_stores: bool, span: Span) -> Any:
    """The query of a page without further filters: making it takes as long as running it."""
    key = SORTS[sort]
    query = _shown(archived, Level, OVERDUE, key, Product)
    if with_stores:
        of_level = and_(Store.tenant_id == Level.tenant_id, Store.id == Level.store_id)
        query = query.add_columns(Store).join(Store, of_level)
    return span.query(query, key, Level.product_id, Level.store_id)


def _shown(archived: bool | None, *columns: Any) -> Any:
    """SQL: these columns of the levels of goods in the stores bound as `stores`."""
    query = (
        select(*columns)
        .join_from(Level, Product, (P.tenant_id == L.tenant_id) & (P.id == L.product_id))
        .where(Level.tenant_id == bindparam("tenant"), Level.store_id == any_(STORES))
        .where(Product.kind == "GOODS", Level.shown)
    )
    if archived is not None:
        at = Product.archived_at
        query = query.where(at.is_not(None) if archived else at.is_(None))
    return query


async def _least_available(
    session: AnySession, query: Any, tenant: UUID, filter: LevelFilter, span: Span
) -> Any:
    """The query, of the levels of its page. Their keys are read first: no index has the order,
    since each sale would have to change it. Sold-out levels come first and have an index."""
    order = Level.shelf, Level.product_id, Level.store_id
    keys = _filtered(_shown(filter.archived, Level.store_id, Level.product_id), tenant, filter)
    values = {"tenant": tenant, "stores": list(filter.stores)}
    session = planned_each_time(session)
    pairs: list[Any] = []
    if not span.backward and (span.key is None or span.key[0] == 0):
        sold_out = span.query(keys.where(Level.status == "OUT"), *order)
        pairs = await span.fetch(session, sold_out, values)
    if len(pairs) < span.limit:
        pairs = await span.fetch(session, span.query(keys, *order), values)
    return _of_keys(query, pairs)


async def _changed(
    session: AnySession, query: Any, tenant: UUID, stores: Collection[UUID], since: datetime
) -> Any:
    """The query, of the levels that changed. A few are read by their keys; of many, the page is
    found on the way along the list."""
    changed = levels_since(tenant, stores, since).subquery("changed")
    pairs: Any = await session.execute(select(*changed.c).distinct().limit(FEW + 1))
    if len(pairs) > FEW:
        return query.where(tuple_(Level.store_id, Level.product_id).in_(select(*changed.c)))
    return _of_keys(query, pairs)


async def _with_status(
    session: AnySession, query: Any, tenant: UUID, stores: Collection[UUID], status: str
) -> Any:
    """The query, of levels with this status. A few are read by their keys, so that the whole list
    is not searched for them."""
    keys = select(Level.store_id, Level.product_id).where(
        Level.tenant_id == tenant, among(Level.store_id, stores), Level.status == status
    )
    pairs: Any = (await session.execute(keys.limit(FEW + 1))).all()
    return query if len(pairs) > FEW else _of_keys(query, pairs)


def _of_keys(query: Any, pairs: Any) -> Any:
    """The query, of the levels with these keys (store, product)."""
    columns = column("store_id", Uuid()), column("product_id", Uuid())
    keys = table_of("chosen", columns, pairs)
    of_key = and_(keys.c.store_id == Level.store_id, keys.c.product_id == Level.product_id)
    return query.join(keys, of_key)


def _filtered(query: Any, tenant: UUID, filter: LevelFilter) -> Any:
    if filter.category_id is not None:
        query = query.where(Product.category_id.in_(subtree(tenant, filter.category_id)))
    if filter.status is not None:
        query = query.where(Level.status == filter.status)
    if filter.search:
        query = query.where(Product.search.contains(filter.search, autoescape=True))
    return query


@dataclass(frozen=True, slots=True)
class MovementFilter:
    """Which movements a page shows; None does not filter. `since` is included, `until` is not."""

    stores: Collection[UUID]
    product_id: UUID | None = None
    kinds: Collection[str] | None = None
    channel: str | None = None
    since: datetime | None = None
    until: datetime | None = None


async def movements(
    session: AnySession,
    tenant: UUID,
    filter: MovementFilter,
    span: Span,
) -> Sequence[Movement]:
    """A page of movements, the newest first."""
    query = select(Movement).where(
        Movement.tenant_id == tenant, among(Movement.store_id, filter.stores)
    )
    if filter.product_id is not None:
        query = query.where(
            select(Entry.line)
            .where(
                Entry.tenant_id == Movement.tenant_id,
                Entry.movement_id == Movement.id,
                Entry.product_id == filter.product_id,
            )
            .exists()
        )
    if filter.kinds is not None:
        query = query.where(Movement.kind.in_(filter.kinds))
    if filter.channel is not None:
        query = query.where(Movement.channel == filter.channel)
    if filter.since is not None:
        query = query.where(Movement.occurred_at >= filter.since)
    if filter.until is not None:
        query = query.where(Movement.occurred_at < filter.until)
    return await span.scalars(session, query, Movement.id, newest=True)


LAST_RECEIPT = (
    select(Movement)
    .join(Entry, (Entry.tenant_id == Movement.tenant_id) & (Entry.movement_id == Movement.id))
    .where(
        Entry.tenant_id == bindparam("tenant"),
        Entry.to_store == bindparam("store"),
        Entry.product_id == bindparam("product"),
        Entry.to_seq.is_not(None),
        Entry.from_bin == "supplier",
    )
    .order_by(Entry.to_seq.desc())
    .limit(1)
)


async def last_receipt(
    session: AnySession, tenant: UUID, store: UUID, product: UUID
) -> Movement | None:
    """The product's last receipt in the store."""
    values = {"tenant": tenant, "store": store, "product": product}
    return await session.scalar(LAST_RECEIPT, values)
