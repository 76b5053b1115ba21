"""What a store can sell: its products with what one of each takes, and what is on the shelf."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import ARRAY, BigInteger, Uuid, and_, case, func, literal, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.db.levels import Pair, want, wanted_levels
from app.db.statement import among
from app.db.tables import Level, Need, Product
from app.db.unit import Unit

UNLIMITED = 10**12
"""As many as anybody could ask for: nothing limits what takes nothing."""


class Dish(NamedTuple):
    """A product as a store serves it; `price` in fen."""

    id: UUID
    name: str
    spec: str
    unit: str
    kind: str
    scale: int
    price: int | None
    image_url: str | None
    recipe_id: UUID | None
    sold_out_until: datetime | None


Takes = Sequence[tuple[UUID, int]]
"""Products and base units that one unit of a dish cannot do without."""


async def dishes(
    session: AsyncSession, tenant: UUID, store: UUID, products: Collection[UUID] | None
) -> list[Dish]:
    """The store's dishes and services by name, or these products, whatever they are."""
    P, L = Product, Level
    there = and_(L.tenant_id == P.tenant_id, L.product_id == P.id, L.store_id == store)
    told = (P.id, P.name, P.spec, P.unit, P.kind, P.scale, P.price, P.image_url, P.recipe_id)
    query = (
        select(*told, L.sold_out_until)
        .outerjoin(L, there)
        .where(P.tenant_id == tenant, P.archived_at.is_(None))
        .order_by(P.pinyin, P.id)
    )
    if products is None:
        query = query.where(P.kind.in_(("DISH", "SERVICE")))
    else:
        query = query.where(among(P.id, products))
    return [Dish(*row) for row in await session.execute(query)]


async def takes(
    session: AsyncSession, tenant: UUID, recipes: Collection[UUID]
) -> dict[UUID, Takes]:
    """What one unit by each of these recipes cannot do without."""
    query = (
        select(
            Need.recipe_id,
            func.array_agg(Need.product_id, type_=ARRAY(Uuid())),
            func.array_agg(Need.quantity, type_=ARRAY(BigInteger())),
        )
        .where(Need.tenant_id == tenant, among(Need.recipe_id, recipes), ~Need.optional)
        .group_by(Need.recipe_id)
    )
    found = await session.execute(query)
    return {recipe: list(zip(ids, counts, strict=True)) for recipe, ids, counts in found}


async def shelves(
    session: AsyncSession, tenant: UUID, store: UUID, products: Collection[UUID]
) -> dict[UUID, int]:
    """Base units on the store's shelf; what it never had is left out."""
    query = select(Level.product_id, Level.shelf).where(
        Level.tenant_id == tenant, Level.store_id == store, among(Level.product_id, products)
    )
    return {product: shelf for product, shelf in await session.execute(query)}


def sellable(store: Any) -> Any:
    """SQL: base units of a product (joined to its level) that the store can sell now."""
    part = Level.__table__.alias("part")
    made = (
        select(func.min(func.coalesce(part.c.shelf, 0) / Need.quantity))
        .select_from(Need)
        .outerjoin(
            part,
            and_(
                part.c.tenant_id == Need.tenant_id,
                part.c.store_id == store,
                part.c.product_id == Need.product_id,
            ),
        )
        .where(
            Need.tenant_id == Product.tenant_id,
            Need.recipe_id == Product.recipe_id,
            ~Need.optional,
        )
        .correlate(Product)
        .scalar_subquery()
    )
    return case(
        (Level.sold_out_until > func.now(), 0),
        (Product.kind == "GOODS", func.coalesce(Level.shelf, 0)),
        else_=func.coalesce(made, literal(UNLIMITED)),
    )


async def sellable_by_pair(
    session: AsyncSession, tenant: UUID, pairs: Collection[Pair]
) -> dict[Pair, int]:
    """Base units of each product that each store can sell now."""
    wanted = wanted_levels()
    there = and_(
        Level.tenant_id == Product.tenant_id,
        Level.product_id == Product.id,
        Level.store_id == wanted.c.store_id,
    )
    query = (
        select(wanted.c.store_id, Product.id, sellable(wanted.c.store_id))
        .select_from(wanted)
        .join(Product, and_(Product.tenant_id == tenant, Product.id == wanted.c.product_id))
        .outerjoin(Level, there)
    )
    found = await session.execute(query, want(pairs))
    return {(store, product): int(base) for store, product, base in found}


async def set_sold_out(unit: Unit, store: UUID, product: UUID, until: datetime | None) -> bool:
    """Marks the product's level in the store; False when there is none."""
    level = await unit.session.scalar(
        select(Level)
        .where(Level.tenant_id == unit.tenant)
        .where(Level.store_id == store, Level.product_id == product)
        .with_for_update()
    )
    if level is None:
        return False
    level.sold_out_until = until
    unit.changed(store, product)
    return True


async def reopen(unit: Unit) -> None:
    """Takes away the marks whose day is over, so that every terminal is told."""
    levels = await unit.session.scalars(
        select(Level)
        .where(Level.tenant_id == unit.tenant, Level.sold_out_until <= unit.now)
        .order_by(Level.store_id, Level.product_id)
        .with_for_update()
    )
    for level in levels:
        level.sold_out_until = None
        unit.changed(level.store_id, level.product_id)


async def lapsed(session: AsyncSession, tenant: UUID, now: datetime) -> bool:
    """Whether any mark's day is over."""
    query = select(Level.product_id).where(Level.tenant_id == tenant, Level.sold_out_until <= now)
    return (await session.execute(query.limit(1))).first() is not None
