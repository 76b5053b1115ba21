"""Reads of products, barcodes and categories."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import and_, case, func, select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession

from app.db.tables import Barcode, Category, Level, Product
from app.db.unit import Database


async def products_by_id(
    session: AsyncSession, tenant: UUID, ids: Collection[UUID]
) -> Sequence[Product]:
    return (
        await session.scalars(
            select(Product).where(Product.tenant_id == tenant, Product.id.in_(ids))
        )
    ).all()


async def categories_by_id(
    session: AsyncSession, tenant: UUID, ids: Collection[UUID]
) -> Sequence[Category]:
    return (
        await session.scalars(
            select(Category).where(Category.tenant_id == tenant, Category.id.in_(ids))
        )
    ).all()


async def categories(session: AsyncSession, tenant: UUID) -> Sequence[Category]:
    return (
        await session.scalars(
            select(Category).where(Category.tenant_id == tenant).order_by(Category.name)
        )
    ).all()


async def barcodes_of(
    session: AsyncSession, tenant: UUID, products: Collection[UUID]
) -> Sequence[Barcode]:
    return (
        await session.scalars(
            select(Barcode)
            .where(Barcode.tenant_id == tenant, Barcode.product_id.in_(products))
            .order_by(Barcode.product_id, Barcode.code)
        )
    ).all()


async def by_sku(session: AsyncSession, tenant: UUID, sku: str) -> Product | None:
    return await session.scalar(
        select(Product).where(Product.tenant_id == tenant, Product.sku == sku)
    )


async def by_barcode(session: AsyncSession, tenant: UUID, code: str) -> Product | None:
    """`code` is normalised."""
    return await session.scalar(
        select(Product)
        .join(
            Barcode, and_(Barcode.tenant_id == Product.tenant_id, Barcode.product_id == Product.id)
        )
        .where(Barcode.tenant_id == tenant, Barcode.code == code)
    )


async def by_code(
    session: AsyncSession, tenant: UUID, barcode: str, sku: str
) -> tuple[Product, int] | None:
    """The product with this (normalised) barcode, else with this sku; and its pack's base units."""
    pack = func.coalesce(Barcode.pack_quantity, Product.scale)
    found = await session.execute(
        select(Product, pack)
        .outerjoin(
            Barcode,
            and_(
                Barcode.tenant_id == Product.tenant_id,
                Barcode.product_id == Product.id,
                Barcode.code == barcode,
            ),
        )
        .where(Product.tenant_id == tenant)
        .where(
            Product.id.in_(
                select(Barcode.product_id).where(
                    Barcode.tenant_id == tenant, Barcode.code == barcode
                )
            )
            | (Product.sku == sku)
        )
        .order_by(Barcode.code.is_(None))
        .limit(1)
    )
    row = found.first()
    return (row[0], row[1]) if row else None


async def shelves(
    db: Database, tenant: UUID, store: UUID, products: Collection[UUID]
) -> dict[UUID, tuple[int, int, str]]:
    """What a store has on its shelf of goods in the catalogue: (base units, scale, unit)."""
    async with db.read(tenant) as session:
        found = await session.execute(
            select(Product.id, func.coalesce(Level.shelf, 0), Product.scale, Product.unit)
            .outerjoin(
                Level,
                and_(
                    Level.tenant_id == Product.tenant_id,
                    Level.product_id == Product.id,
                    Level.store_id == store,
                ),
            )
            .where(Product.tenant_id == tenant, Product.id.in_(products))
            .where(Product.kind == "GOODS", Product.archived_at.is_(None))
        )
        return {product: (shelf, scale, unit) for product, shelf, scale, unit in found}


@dataclass(frozen=True, slots=True)
class ProductFilter:
    """`barcode` is the normalised form of `search`."""

    search: str | None = None
    barcode: str | None = None
    category_id: UUID | None = None
    kind: str | None = None
    archived: bool = False


def _rank(wanted: ProductFilter) -> Any:
    """0 for the very code or sku, 1 for what begins with the words, 2 for what holds them."""
    if wanted.search is None:
        return case((Product.sku.is_(None), 0), else_=2)
    text = wanted.search.lower()
    coded = Product.id.in_(
        select(Barcode.product_id).where(
            Barcode.tenant_id == Product.tenant_id, Barcode.code == wanted.barcode
        )
    )
    return case(
        (coded | (func.lower(Product.sku) == text), 0),
        (Product.search.startswith(text, autoescape=True), 1),
        (Product.search.contains(f"\n{text}", autoescape=True), 1),
        (Product.search.contains(text, autoescape=True), 2),
    )


async def products(
    session: AsyncSession,
    tenant: UUID,
    wanted: ProductFilter,
    after: tuple[Any, ...] | None,
    limit: int,
) -> list[tuple[Product, int]]:
    """A page of products with their rank; `after` is (rank, pinyin, id) of the one before it."""
    rank = _rank(wanted)
    order = (rank, Product.pinyin, Product.id)
    query = (
        select(Product, rank.label("rank"))
        .where(Product.tenant_id == tenant, rank.is_not(None))
        .order_by(*order)
        .limit(limit)
    )
    if wanted.archived:
        query = query.where(Product.archived_at.is_not(None))
    else:
        query = query.where(Product.archived_at.is_(None))
    if wanted.category_id is not None:
        query = query.where(Product.category_id == wanted.category_id)
    if wanted.kind is not None:
        query = query.where(Product.kind == wanted.kind)
    if after is not None:
        query = query.where(tuple_(*order) > tuple_(*after))
    return [(product, value) for product, value in await session.execute(query)]
