"""What a store can sell: its products with what one of each takes, and what is on the shelf."""

from collections.abc import Collection
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import ARRAY, Uuid, and_, bindparam, case, func, literal, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.db.holds import free
from app.db.levels import Pair, want, wanted_levels
from app.db.statement import Statement
from app.db.tables import Feed, Level, Need, Product, Store
from app.db.unit import Unit, driver

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


class Shelf(NamedTuple):
    """What is there of a product that dishes take."""

    name: str
    held: int


P, L = Product.__table__.c, Level.__table__.c
TENANT, STORE = bindparam("tenant", type_=Uuid()), bindparam("store", type_=Uuid())
IDS = func.any(bindparam("ids", type_=ARRAY(Uuid())))
HERE = and_(L.tenant_id == P.tenant_id, L.product_id == P.id, L.store_id == STORE)


def _offering(wanted: Any) -> Any:
    S, F = Store.__table__.c, Feed.__table__.c
    told = [L.sold_out_until if name == "sold_out_until" else P[name] for name in Dish._fields]
    offered = and_(P.tenant_id == S.tenant_id, P.archived_at.is_(None), wanted)
    return (
        select(S.few_threshold, F.revision, *told)
        .select_from(Store.__table__)
        .join(Feed.__table__, and_(F.tenant_id == S.tenant_id, F.store_id == S.id))
        .outerjoin(Product.__table__, offered)
        .outerjoin(Level.__table__, HERE)
        .where(S.tenant_id == TENANT, S.id == STORE)
        .order_by(P.pinyin, P.id)
    )


# Statements, not rows of a session: a menu of hundreds is read as fast as it can be.
MENU = Statement(_offering(or_(P.kind == "DISH", P.kind == "SERVICE")))
CHOSEN = Statement(_offering(P.id == IDS))
SHELVES = Statement(
    select(P.id, P.name, free(L))
    .select_from(Product.__table__)
    .outerjoin(Level.__table__, HERE)
    .where(P.tenant_id == TENANT, P.id == IDS)
)


async def offered(
    session: AsyncSession, tenant: UUID, store: UUID, products: Collection[UUID] | None
) -> tuple[int, int, list[Dish]]:
    """The store's dishes and services by name, or these products, whatever they are.

    Before them the threshold of its labels, and the revision all of it is true at.
    """
    told: dict[str, Any] = {"tenant": tenant, "store": store}
    query = MENU if products is None else CHOSEN
    if products is not None:
        told["ids"] = list(products)
    found = await query.fetch(await driver(await session.connection()), **told)
    few, revision = found[0][:2]
    return few, revision, [Dish(*row[2:]) for row in found if row[2] is not None]


async def shelves(
    session: AsyncSession, tenant: UUID, store: UUID, products: Collection[UUID]
) -> dict[UUID, Shelf]:
    """Base units of these products on the store's shelf."""
    told = {"tenant": tenant, "store": store, "ids": list(products)}
    found = await SHELVES.fetch(await driver(await session.connection()), **told)
    return {product: Shelf(name, held) for product, name, held in found}


def sellable(store: Any) -> Any:
    """SQL: base units of a product (joined to its level) that the store can sell now."""
    part = Level.__table__.alias("part")
    made = (
        select(func.min(free(part.c) / Need.quantity))
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
        (Product.kind == "GOODS", free(L)),
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
