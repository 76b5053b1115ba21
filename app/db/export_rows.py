"""Rows of exports: read in pages by keyset, as plain values."""

from collections.abc import Collection, Sequence
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import BigInteger, and_, cast, func, select, tuple_
from sqlalchemy.dialects.postgresql import aggregate_order_by

from app.db.categories import subtree
from app.db.core.snapshot import AnySession
from app.db.core.statement import among
from app.db.reservations import OVERDUE
from app.db.tables import Level, Product, ProductCode


class StockFilter(NamedTuple):
    """Which levels or batches are exported."""

    stores: Collection[UUID]
    category_id: UUID | None = None


def barcodes() -> Any:
    """SQL: the barcodes of the product as an array; null without one."""
    codes = func.array_agg(aggregate_order_by(ProductCode.code, ProductCode.code))
    return (
        select(codes)
        .where(ProductCode.tenant_id == Product.tenant_id, ProductCode.product_id == Product.id)
        .where(ProductCode.code.is_not(None))
        .correlate(Product)
        .scalar_subquery()
    )


def _of_goods(query: Any, tenant: UUID, filter: StockFilter) -> Any:
    held = Level.shelf + Level.reserved + Level.quarantine + Level.transit
    query = query.where(Level.tenant_id == tenant, among(Level.store_id, filter.stores))
    query = query.where(Product.kind == "GOODS", Level.shown)
    # An archived product is listed while stock of it is left, so that the total value is complete.
    query = query.where(Product.archived_at.is_(None) | (held > 0))
    if filter.category_id is not None:
        query = query.where(Product.category_id.in_(subtree(tenant, filter.category_id)))
    return query


OF_PRODUCT = and_(Product.tenant_id == Level.tenant_id, Product.id == Level.product_id)


async def count_levels(session: AnySession, tenant: UUID, filter: StockFilter) -> int:
    """How many rows `level_rows` returns in all."""
    query = select(func.count()).select_from(Level).join(Product, OF_PRODUCT)
    return await session.scalar(_of_goods(query, tenant, filter)) or 0


async def levels_by(
    session: AnySession, tenant: UUID, filter: StockFilter, key: str
) -> list[tuple[Any, int]]:
    """Totals of `level_rows`: the number of rows by STATUS, or the value by CATEGORY in 1/10000
    yuan."""
    by, figure = (
        (Level.status, func.count())
        if key == "STATUS"
        else (Product.category_id, cast(func.sum(Level.value), BigInteger))
    )
    query = _of_goods(select(by, figure).join(Product, OF_PRODUCT), tenant, filter)
    rows: Any = await session.execute(query.group_by(by))
    return [tuple(row) for row in rows]


async def level_rows(
    session: AnySession, tenant: UUID, filter: StockFilter, after: Sequence[Any] | None, limit: int
) -> list[Any]:
    """A page of levels with their products, by name; `after` is the key of the row before it:
    pinyin, product and store."""
    order = Product.pinyin, Product.id, Level.store_id
    query = (
        select(Level, OVERDUE, Product, barcodes())
        .join(Product, OF_PRODUCT)
        .order_by(*order)
        .limit(limit)
    )
    query = _of_goods(query, tenant, filter)
    if after is not None:
        # Lets the page begin at its place in the products' index; otherwise it would read all rows
        # before it.
        query = query.where(tuple_(*order[:2]) >= tuple_(*after[:2]))
        query = query.where(tuple_(*order) > tuple_(*after))
    return list(await session.execute(query))


async def barcodes_of(
    session: AnySession, tenant: UUID, products: Collection[UUID]
) -> dict[UUID, list[str] | None]:
    """The barcodes of each of these products; None without one."""
    query = select(Product.id, barcodes())
    query = query.where(Product.tenant_id == tenant, among(Product.id, products))
    return {product: codes for product, codes in await session.execute(query)}
