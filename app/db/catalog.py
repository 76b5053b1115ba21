"""Reads and writes of products; their codes are in `db/codes.py`."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache, lru_cache
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import ARRAY, Select, Text, Uuid, and_, bindparam, case, func, select
from sqlalchemy.dialects.postgresql import insert

from app.db.assortment import listed
from app.db.categories import above, subtree
from app.db.core.paging import PAGES, Span
from app.db.core.snapshot import AnySession, with_one_plan
from app.db.core.statement import among
from app.db.core.unit import Unit
from app.db.days import store_day
from app.db.markdowns import next_percent
from app.db.menu import CHANNEL, STORE, TENANT, sellable
from app.db.tables import Category, Level, Product, ProductCode, ProductPrice, Store, Table
from app.db.updates import products_since

BY_ID = select(Product).where(
    Product.tenant_id == bindparam("tenant"),
    Product.id == func.any(bindparam("ids", type_=ARRAY(Uuid()))),
)


async def products_by_id(
    session: AnySession, tenant: UUID, ids: Collection[UUID]
) -> Sequence[Product]:
    return (await session.scalars(BY_ID, {"tenant": tenant, "ids": list(ids)})).all()


async def prices(
    session: AnySession, tenant: UUID, ids: Collection[UUID]
) -> dict[UUID, int | None]:
    """The prices of these products, in fen per unit; unknown ids are left out."""
    query = select(Product.id, Product.price).where(Product.tenant_id == tenant)
    rows = await session.execute(query.where(among(Product.id, ids)))
    return {id: price for id, price in rows}


async def price_history(
    session: AnySession, tenant: UUID, ids: Collection[UUID]
) -> dict[UUID, list[tuple[datetime, int | None]]]:
    """The prices that these products have had, in fen per unit, each with the moment from which it
    applied, the earliest first."""
    H = ProductPrice
    query = select(H.product_id, H.since, H.price).where(H.tenant_id == tenant)
    rows = await session.execute(query.where(among(H.product_id, ids)).order_by(H.since))
    history: dict[UUID, list[tuple[datetime, int | None]]] = {}
    for product, since, price in rows:
        history.setdefault(product, []).append((since, price))
    return history


@dataclass(frozen=True, slots=True)
class ProductFilter:
    """`search` is in the spelling in which texts are compared, `code` is the same text in the
    spelling of codes. `archived` None shows both active and archived products."""

    search: str | None = None
    code: str | None = None
    category_id: UUID | None = None
    kind: str | None = None
    archived: bool | None = False
    updated_since: datetime | None = None


def _rank(filter: ProductFilter) -> Any:
    """0: the code or SKU is the search; 1: the name begins with it; 2: the name contains it."""
    if filter.search is None:
        return case((Product.sku.is_(None), 0), else_=2)
    text = filter.search
    coded = Product.id.in_(
        select(ProductCode.product_id).where(
            ProductCode.tenant_id == Product.tenant_id, ProductCode.name == filter.code
        )
    )
    return case(
        (coded, 0),
        (Product.search.startswith(text, autoescape=True), 1),
        (Product.search.contains(f"\n{text}", autoescape=True), 1),
        (Product.search.contains(text, autoescape=True), 2),
    )


async def products(
    session: AnySession,
    tenant: UUID,
    filter: ProductFilter,
    span: Span,
) -> list[tuple[Product, int]]:
    """A page of products with their rank; its keys are (rank, pinyin, id)."""
    rank = _rank(filter)
    order = (rank, Product.pinyin, Product.id)
    query = select(Product, rank.label("rank")).where(
        Product.tenant_id == tenant, rank.is_not(None)
    )
    if filter.archived is not None:
        at = Product.archived_at
        query = query.where(at.is_not(None) if filter.archived else at.is_(None))
    if filter.updated_since is not None:
        query = query.where(Product.id.in_(products_since(tenant, filter.updated_since)))
    if filter.category_id is not None:
        query = query.where(Product.category_id.in_(subtree(tenant, filter.category_id)))
    if filter.kind is not None:
        query = query.where(Product.kind == filter.kind)
    return [(product, value) for product, value in await span.execute(session, query, *order)]


async def insert_unique(unit: Unit, row: Table) -> bool:
    """Insert the row. False when one of its unique values (SKU, barcode, name) is taken."""
    table = type(row).__table__
    values = {c.name: getattr(row, c.key) for c in table.c if getattr(row, c.key) is not None}
    inserted = await unit.session.execute(
        insert(type(row))
        .values(values)
        .on_conflict_do_nothing()
        .returning(type(row).__table__.c.tenant_id)
    )
    return inserted.first() is not None


async def locked_product(unit: Unit, product_id: UUID) -> Product | None:
    return await unit.session.scalar(
        select(Product)
        .where(Product.tenant_id == unit.tenant, Product.id == product_id)
        .with_for_update(key_share=True)
    )


async def locked_levels(
    unit: Unit, product_id: UUID, store_id: UUID | None = None
) -> Sequence[Level]:
    """The product's levels in one store or in all, locked in store order."""
    query = select(Level).where(Level.tenant_id == unit.tenant, Level.product_id == product_id)
    if store_id is not None:
        query = query.where(Level.store_id == store_id)
    return (await unit.session.scalars(query.order_by(Level.store_id).with_for_update())).all()


async def lock_writing(unit: Unit) -> None:
    """Wait until no other unit of the tenant writes many products, and keep others from it."""
    lock = func.pg_advisory_xact_lock(func.hashtextextended(f"many products {unit.tenant}", 0))
    await unit.session.execute(select(lock))
    # In a new installation these tables are small at first; a plan that reads them whole would be
    # kept while they grow.
    await unit.raw.execute("SET LOCAL enable_seqscan = off")


async def locked_products(unit: Unit, ids: Collection[UUID]) -> dict[UUID, Product]:
    """These products, locked in the order of their ids, by id."""
    query = select(Product).where(Product.tenant_id == unit.tenant, among(Product.id, ids))
    query = query.order_by(Product.id).with_for_update(key_share=True)
    return {row.id: row for row in await unit.session.scalars(query)}


async def locked_levels_of(
    unit: Unit, products: Collection[UUID], store_id: UUID | None
) -> Sequence[Level]:
    """The levels of these products in one store or in all, locked in order."""
    query = select(Level).where(Level.tenant_id == unit.tenant, among(Level.product_id, products))
    if store_id is not None:
        query = query.where(Level.store_id == store_id)
    query = query.order_by(Level.store_id, Level.product_id).with_for_update()
    return (await unit.session.scalars(query)).all()


async def set_reorder_point(
    unit: Unit, product_id: UUID, store_id: UUID | None, point: int, own: bool
) -> list[Level]:
    """Set the reorder point of a store: `own` is true for one of the store's own, false for the
    product's. Without a store, set the product's in all stores that have none of their own.

    Returns the levels that were set.
    """
    await unit.session.flush()
    changed: list[Level] = []
    for level in await locked_levels(unit, product_id, store_id):
        if store_id is not None or not level.reorder_point_own:
            level.reorder_point = point
            level.reorder_point_own = own
            level.shown = level.shown or store_id is not None
            unit.changed(level.store_id, product_id)
            changed.append(level)
    return changed


async def set_expiry_warning(
    unit: Unit, product_id: UUID, store_id: UUID, days: int | None
) -> None:
    """Set a store's own expiry warning, which replaces the product's; None removes it."""
    await unit.session.flush()
    for level in await locked_levels(unit, product_id, store_id):
        level.expiry_warning_days = days
        level.shown = True
        unit.changed(store_id, product_id)


class Offer(NamedTuple):
    """A product as a store offers it; `sellable` in base units, `price` in fen.

    `percent` is the markdown of the batch that is sold next; None without one."""

    id: UUID
    name: str
    spec: str
    unit: str
    image_url: str | None
    price: int | None
    pinyin: str
    scale: int
    kind: str
    sellable: int
    percent: int | None
    few: int


async def offers(
    session: AnySession,
    store: Store,
    search: str | None,
    category_id: UUID | None,
    channel: str | None,
    span: Span,
) -> list[Offer]:
    """A page of the products that the store, or a channel of it, offers, by name; its keys are
    (pinyin, id)."""
    query = _page_of_offers(channel is not None, span.shape)
    if search:
        query = query.where(Product.search.contains(search, autoescape=True))
    if category_id is not None:
        query = query.where(Product.category_id.in_(subtree(store.tenant_id, category_id)))
    if not search and category_id is None:
        # One plan fits all stores: it reads products in their order. Planning takes longer.
        session = with_one_plan(session)
    values = {**_values(store, channel), "zone": store.timezone}
    rows = await span.fetch(session, query, values)
    return [Offer(*row, few=store.few_threshold) for row in rows]


@lru_cache(PAGES)
def _page_of_offers(of_channel: bool, span: Span) -> Any:
    """The query of a page without further filters: making it takes longer than running it."""
    P, today = Product, store_day(bindparam("zone", type_=Text()), func.now())
    columns = (P.id, P.name, P.spec, P.unit, P.image_url, P.price, P.pinyin, P.scale, P.kind)
    percent = next_percent(P.tenant_id, STORE, P.id, today)
    held = sellable(STORE, CHANNEL if of_channel else None)
    return span.query(_offered(of_channel, *columns, held, percent), P.pinyin, P.id)


def _offered(of_channel: bool, *columns: Any) -> Select[*tuple[Any, ...]]:
    """These columns of the products that a store, or a channel of it, offers; see `_values`."""
    there = and_(
        Level.tenant_id == Product.tenant_id,
        Level.product_id == Product.id,
        Level.store_id == STORE,
    )
    return (
        select(*columns)
        .select_from(Product)
        .outerjoin(Level, there)
        .where(Product.tenant_id == TENANT, Product.archived_at.is_(None))
        .where(listed(STORE, CHANNEL if of_channel else None))
    )


def _values(store: Store, channel: str | None) -> dict[str, Any]:
    """The parameters of `_offered`."""
    values = {"tenant": store.tenant_id, "store": store.id}
    return values if channel is None else {**values, "channel": channel}


async def offered_categories(
    session: AnySession, store: Store, channel: str | None
) -> Sequence[Category]:
    """The categories of the products that the store offers, and those above them, by name."""
    query = _offered_categories(channel is not None)
    return (await session.scalars(query, _values(store, channel))).all()


@cache
def _offered_categories(of_channel: bool) -> Any:
    chosen = above(TENANT, _offered(of_channel, Product.category_id))
    return (
        select(Category)
        .where(Category.tenant_id == TENANT, Category.id.in_(chosen))
        .order_by(Category.name, Category.id)
    )
