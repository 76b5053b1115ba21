"""Recipes: the components of products, and the quantities that one unit of each takes."""

from collections.abc import Collection, Iterable, Sequence
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import ARRAY, Uuid, and_, bindparam, func, select

from app.db.core.snapshot import AnySession
from app.db.core.statement import among
from app.db.core.unit import Unit
from app.db.tables import Component, Level, Need, Product, Recipe, Tenant


class ProductPart(NamedTuple):
    """A product with one component of its recipe in force; `need` is None without a recipe."""

    id: UUID
    kind: str
    scale: int
    recipe_id: UUID | None
    consume_on: str | None
    need: UUID | None
    quantity: int
    optional: bool
    need_scale: int


_part = Product.__table__.alias("part")
PARTS_OF_PRODUCTS = (
    select(
        Product.id,
        Product.kind,
        Product.scale,
        Product.recipe_id,
        Recipe.consume_on,
        Need.product_id,
        Need.quantity,
        Need.optional,
        _part.c.scale,
    )
    .select_from(Product)
    .outerjoin(Recipe, and_(Recipe.tenant_id == Product.tenant_id, Recipe.id == Product.recipe_id))
    .outerjoin(Need, and_(Need.tenant_id == Product.tenant_id, Need.recipe_id == Product.recipe_id))
    .outerjoin(_part, and_(_part.c.tenant_id == Product.tenant_id, _part.c.id == Need.product_id))
    .where(
        Product.tenant_id == bindparam("tenant"),
        Product.id == func.any(bindparam("ids", type_=ARRAY(Uuid()))),
    )
    .order_by(Product.id, Need.product_id, Need.optional)
)


async def parts_of_products(
    session: AnySession, tenant: UUID, ids: Collection[UUID]
) -> list[ProductPart]:
    """These products, with one row for each component; a product without a recipe has one row."""
    parameters = {"tenant": tenant, "ids": list(ids)}
    return [ProductPart(*row) for row in await session.execute(PARTS_OF_PRODUCTS, parameters)]


async def needs_of(
    session: AnySession, tenant: UUID, recipes: Collection[UUID]
) -> Sequence[tuple[Need, int]]:
    """The needs of these recipes, each with the scale of the needed product."""
    query = (
        select(Need, Product.scale)
        .join(Product, and_(Product.tenant_id == Need.tenant_id, Product.id == Need.product_id))
        .where(Need.tenant_id == tenant, among(Need.recipe_id, recipes))
        .order_by(Need.recipe_id, Need.product_id, Need.optional)
    )
    return [(need, scale) for need, scale in await session.execute(query)]


class SoldPart(NamedTuple):
    """The quantity of a component that one unit of a recipe's product takes, and the component's
    own data."""

    recipe_id: UUID
    kind: str
    """The kind of the product that is made."""
    product_id: UUID
    quantity: int
    optional: bool
    unit: str
    scale: int
    price: int | None


async def sold_parts(
    session: AnySession, tenant: UUID, recipes: Collection[UUID]
) -> list[SoldPart]:
    """The components of these recipes, in the order of the recipes."""
    whole = Product.__table__.alias("whole")
    query = (
        select(
            Need.recipe_id,
            whole.c.kind,
            Need.product_id,
            Need.quantity,
            Need.optional,
            Product.unit,
            Product.scale,
            Product.price,
        )
        .join(Product, and_(Product.tenant_id == Need.tenant_id, Product.id == Need.product_id))
        .join(Recipe, and_(Recipe.tenant_id == Need.tenant_id, Recipe.id == Need.recipe_id))
        .join(whole, and_(whole.c.tenant_id == tenant, whole.c.id == Recipe.product_id))
        .where(Need.tenant_id == tenant, among(Need.recipe_id, recipes))
        .order_by(Need.recipe_id, Need.product_id)
    )
    return [SoldPart(*row) for row in await session.execute(query)]


async def recipes_by_id(
    session: AnySession, tenant: UUID, ids: Collection[UUID]
) -> Sequence[Recipe]:
    query = select(Recipe).where(Recipe.tenant_id == tenant, among(Recipe.id, ids))
    return (await session.scalars(query)).all()


async def components_of(
    session: AnySession, tenant: UUID, recipes: Collection[UUID]
) -> Sequence[Component]:
    query = (
        select(Component)
        .where(Component.tenant_id == tenant, among(Component.recipe_id, recipes))
        .order_by(Component.recipe_id, Component.line)
    )
    return (await session.scalars(query)).all()


async def lock_all(unit: Unit) -> None:
    """Lock the tenant's recipes, so that two changes at once cannot make a product a part of
    itself."""
    tenant = select(Tenant.tenant_id).where(Tenant.tenant_id == unit.tenant)
    await unit.session.execute(tenant.with_for_update(key_share=True))


async def parts(
    session: AnySession, tenant: UUID, kinds: Collection[str] | None = None
) -> dict[UUID, list[UUID]]:
    """The components of each product by the recipes in force; with `kinds` only components of these
    kinds."""
    query = (
        select(Product.id, Component.product_id)
        .join(
            Component,
            and_(
                Component.tenant_id == Product.tenant_id,
                Component.recipe_id == Product.recipe_id,
            ),
        )
        .where(Product.tenant_id == tenant)
    )
    if kinds is not None:
        mine = and_(_part.c.tenant_id == tenant, _part.c.id == Component.product_id)
        query = query.join(_part, mine).where(among(_part.c.kind, kinds))
    components: dict[UUID, list[UUID]] = {}
    for product, part in await session.execute(query):
        components.setdefault(product, []).append(part)
    return components


async def latest(session: AnySession, tenant: UUID, product: UUID) -> int:
    """The last version of the product's recipe, 0 before the first."""
    version = func.max(Recipe.version)
    query = select(version).where(Recipe.tenant_id == tenant, Recipe.product_id == product)
    return await session.scalar(query) or 0


async def put_in_force(unit: Unit, recipes: dict[UUID, UUID | None]) -> None:
    """Set the recipes in force of these products, in every store; the caller has locked their
    levels."""
    products: Iterable[Product] = await unit.session.scalars(
        select(Product)
        .where(Product.tenant_id == unit.tenant, among(Product.id, recipes))
        .order_by(Product.id)
        .with_for_update(key_share=True)
    )
    for product in products:
        product.recipe_id = recipes[product.id]
    await unit.session.flush()
    levels: Iterable[Level] = await unit.session.scalars(
        select(Level)
        .where(Level.tenant_id == unit.tenant, among(Level.product_id, recipes))
        .order_by(Level.store_id, Level.product_id)
        .with_for_update()
    )
    for level in levels:
        level.recipe_id = recipes[level.product_id]
        unit.changed(level.store_id, level.product_id)
