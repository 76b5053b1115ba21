"""Recipes: how a product is made, and all that one unit of it takes."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import NamedTuple
from uuid import UUID

from uuid_utils.compat import uuid7

from app.db import recipes as rows
from app.db import units
from app.db.core.unit import Database, Unit
from app.db.levels import open_levels
from app.db.tables import Component, Product, Recipe
from app.db.tables import Need as NeedRow
from app.domain.access import Viewer
from app.domain.catalog.cookbook import ORDERED
from app.domain.catalog.products import read_products
from app.domain.claims import claim
from app.domain.errors import (
    Indivisible,
    InvalidQuantity,
    Malformed,
    NotWhole,
    RecipeCycle,
    Refused,
    WrongState,
    WrongStateReason,
)
from app.domain.rules.recipes import WHOLE, Need, Part, amount, cycle, nearest, needs
from app.domain.rules.units import MEASURES, size_of, to_base

MOST_PARTS = 100
MOST_NEEDS = 300
FINEST = "g / ml"
"""What a product has to be kept in when a recipe takes a part of a piece."""

PREPAID = ("SERVICE", "PASS")
CONSUME_ON = "FIRST_USE_ON_SALE"


@dataclass(frozen=True, slots=True)
class Ingredient:
    """A component as it is written: `quantity` in `unit`, the product's own if not given;
    `loss` in percent, on top of it."""

    product_id: UUID
    quantity: Decimal
    unit: str | None = None
    loss: Decimal = Decimal(0)
    optional: bool = False


class _Draft(NamedTuple):
    """A recipe that is not written yet."""

    product: Product
    yields: int
    consume_on: str | None
    parts: Sequence[Part]


async def set_recipe(
    db: Database,
    viewer: Viewer,
    key: UUID,
    product_id: UUID,
    ingredients: Sequence[Ingredient],
    yields: Decimal | None,
    consume_on: str | None,
) -> Product:
    """Set the product's recipe; an empty list removes it. Earlier sales keep their version.

    `yields` is the quantity that the ingredients make, one unit by default. Products made to
    order that contain this product get a new version as well. Raises Refused: UnknownProduct,
    InvalidQuantity, Indivisible when one unit would not take whole base units, RecipeCycle,
    WrongState for a pass as an ingredient, or for anything but goods in a bundle.
    """
    if len(ingredients) > MOST_PARTS:
        raise Malformed(
            "components",
            f"配料最多 {MOST_PARTS} 种",
            f"A recipe has at most {MOST_PARTS} components.",
        )
    async with db.unit(viewer.tenant) as unit:
        # Every store's feed names the dish, also where it was never sold.
        await open_levels(unit, {(store, product_id) for store in viewer.stores})
    async with db.unit(viewer.tenant) as unit:
        request = ("setRecipe", product_id, ingredients, yields, consume_on)
        earlier = await claim(unit, viewer.claimant, key, product_id, *request)
        await rows.lock_all(unit)
        known = await read_products(
            unit.session, unit.tenant, {product_id, *(each.product_id for each in ingredients)}
        )
        product = known[product_id]
        if earlier is not None:
            return product
        own = await units.sizes(unit.session, unit.tenant, known)
        parts = [_part(each, known, own) for each in ingredients]
        if product.kind == "BUNDLE":
            _check_bundle(parts, known)
        await _no_cycle(unit, product, parts)
        draft = _Draft(product, _yields(product, yields), _consumed(product, consume_on), parts)
        force: dict[UUID, UUID | None] = {product_id: await _write(unit, viewer, draft)}
        if product.kind in ORDERED:
            await _renew(unit, viewer, product_id, force)
        await rows.put_in_force(unit, force)
    return product


def _yields(product: Product, yields: Decimal | None) -> int:
    base = to_base(Decimal(1) if yields is None else yields, product.scale)
    if base is None:
        raise Refused(InvalidQuantity(product.id, str(yields)))
    return base


def _consumed(product: Product, consume_on: str | None) -> str | None:
    if product.kind in PREPAID:
        return consume_on or CONSUME_ON
    if consume_on is not None:
        raise Malformed(
            "consumeOn",
            "只有服务项目和次卡可以设置扣料时间",
            "Only services and passes have a time of consumption.",
        )
    return None


def _part(each: Ingredient, known: dict[UUID, Product], own: dict[UUID, dict[str, int]]) -> Part:
    product = known[each.product_id]
    if product.kind == "PASS":
        raise Refused(WrongState(WrongStateReason.PASS))
    size = size_of(each.unit or product.unit, product.unit, own.get(product.id, {}))
    if size is None:
        raise Malformed(
            "unit",
            f"商品 {product.sku} 没有单位“{each.unit}”",
            f"Product {product.sku} has no unit {each.unit!r}.",
        )
    quantity = to_base(each.quantity, size)
    if quantity is None:
        raise Refused(InvalidQuantity(product.id, str(each.quantity)))
    loss = each.loss * (WHOLE // 100)
    if not 0 <= loss <= WHOLE or loss != int(loss):
        raise Malformed(
            "loss",
            "损耗率须在 0% 至 100% 之间，最多两位小数",
            "The loss is 0 to 100 percent, with at most 2 decimals.",
        )
    return Part(product.id, quantity, int(loss), each.optional)


def _check_bundle(parts: Sequence[Part], known: dict[UUID, Product]) -> None:
    """Raises Refused or Malformed unless the parts can be handed over and come back as they are."""
    if any(known[part.product].kind != "GOODS" for part in parts):
        raise Refused(WrongState(WrongStateReason.NOT_GOODS))
    if any(part.loss or part.optional for part in parts):
        raise Malformed(
            "components",
            "套装的组成不能设置损耗或可选",
            "The parts of a bundle have no loss and are not optional.",
        )


async def _no_cycle(unit: Unit, product: Product, parts: Sequence[Part]) -> None:
    graph = await rows.parts(unit.session, unit.tenant)
    graph[product.id] = [part.product for part in parts]
    if way := cycle(product.id, graph):
        raise Refused(RecipeCycle(tuple(way)))


async def _write(unit: Unit, viewer: Viewer, draft: _Draft) -> UUID | None:
    """Writes the product's next version; without parts there is none. Raises Refused."""
    if not draft.parts:
        return None
    product, yields = draft.product, draft.yields
    taken = await _needs(unit, draft)
    version = await rows.latest(unit.session, unit.tenant, product.id) + 1
    recipe = Recipe(
        tenant_id=unit.tenant,
        id=uuid7(),
        product_id=product.id,
        version=version,
        yields=yields,
        consume_on=draft.consume_on,
        created_by=viewer.actor,
    )
    unit.session.add(recipe)
    await unit.session.flush()
    owner = {"tenant_id": unit.tenant, "recipe_id": recipe.id}
    for line, part in enumerate(draft.parts, 1):
        words = part._asdict()
        unit.session.add(Component(**owner, line=line, product_id=words.pop("product"), **words))
    for need in taken:
        words = need._asdict()
        unit.session.add(NeedRow(**owner, product_id=words.pop("product"), **words))
    await unit.session.flush()
    return recipe.id


async def _needs(unit: Unit, draft: _Draft) -> list[Need]:
    product, yields = draft.product, draft.yields
    ids = {part.product for part in draft.parts}
    parts = await read_products(unit.session, unit.tenant, ids)
    ordered = [p.recipe_id for p in parts.values() if p.kind in ORDERED and p.recipe_id]
    made_of: dict[UUID | None, list[Need]] = {}
    for row, _ in await rows.needs_of(unit.session, unit.tenant, ordered):
        made_of.setdefault(row.recipe_id, []).append(
            Need(row.product_id, row.quantity, row.optional)
        )
    with_needs = [
        (part, made_of.get(of.recipe_id, []) if of.kind in ORDERED else None)
        for part in draft.parts
        if (of := parts[part.product])
    ]
    total = needs(with_needs, yields, product.scale)
    if any(quantity.denominator != 1 for quantity in total.values()):
        raise Refused(Indivisible(_indivisible(draft, parts)))
    if len(total) > MOST_NEEDS:
        raise Malformed(
            "components",
            f"配方展开后最多 {MOST_NEEDS} 种商品",
            f"A recipe needs at most {MOST_NEEDS} products, nested recipes included.",
        )
    return [Need(part, int(n), optional) for (part, optional), n in total.items()]


def _indivisible(draft: _Draft, parts: dict[UUID, Product]) -> tuple[NotWhole, ...]:
    yields, scale = draft.yields, draft.product.scale
    return tuple(
        NotWhole(
            part.product,
            part.quantity,
            nearest(part, yields, scale),
            parts[part.product].scale,
            None if parts[part.product].unit in MEASURES else FINEST,
        )
        for part in draft.parts
        if amount(part, yields, scale).denominator != 1
    )


async def _renew(unit: Unit, viewer: Viewer, changed: UUID, force: dict[UUID, UUID | None]) -> None:
    """New versions of all that the changed one goes into, each after all of its own parts."""
    # What is stocked is taken from the shelf, however it was made.
    graph = await rows.parts(unit.session, unit.tenant, ORDERED)
    waiting = _above(graph, changed)
    while waiting:
        ready = {p for p in waiting if not waiting & set(graph[p])}
        products = await read_products(unit.session, unit.tenant, ready | force.keys())
        for id, recipe in force.items():
            products[id].recipe_id = recipe
        for id in sorted(ready):
            force[id] = await _write(unit, viewer, await _same_recipe(unit, products[id]))
        waiting -= ready


def _above(graph: dict[UUID, list[UUID]], changed: UUID) -> set[UUID]:
    above: set[UUID] = set()
    layer = {changed}
    while layer:
        layer = {p for p, parts in graph.items() if layer & set(parts)} - above
        above |= layer
    return above


async def _same_recipe(unit: Unit, product: Product) -> _Draft:
    """The product's recipe in force, to be written as a new version."""
    assert product.recipe_id is not None
    [recipe] = await rows.recipes_by_id(unit.session, unit.tenant, [product.recipe_id])
    written = await rows.components_of(unit.session, unit.tenant, [recipe.id])
    parts = [Part(c.product_id, c.quantity, c.loss, c.optional) for c in written]
    return _Draft(product, recipe.yields, recipe.consume_on, parts)
