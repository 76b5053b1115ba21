"""Rows of recipes: those of one dish are compared with its recipe, and written as a new version."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import NamedTuple, cast
from uuid import UUID, uuid5

from app.db import claims, codes, imports, units
from app.db import recipes as recipe_rows
from app.db.codes import CodedProduct
from app.db.core.snapshot import AnySession
from app.db.core.unit import Database
from app.db.tables import Component, Product, Recipe
from app.domain.access import Viewer
from app.domain.catalog.recipes import MOST_PARTS, Ingredient, set_recipe
from app.domain.errors import Indivisible, Malformed, RecipeCycle, Refusal, Refused, Text
from app.domain.imports.products import CHANGED, CREATED, FAULTY, UNCHANGED, Check
from app.domain.imports.sheets import Planned, Row, RowError
from app.domain.imports.writing import FAILED
from app.domain.rules.codes import code_key
from app.domain.rules.import_values import Measure
from app.domain.rules.recipes import WHOLE, Part, amount
from app.domain.rules.texts import InvalidText
from app.domain.rules.units import from_base, size_of, to_base

CODES = ("SKU", "DISH", "INGREDIENT_SKU", "INGREDIENT")
"""Fields that name a product by its code; DISH and INGREDIENT also by its name."""
OTHERS = Text(
    "同一菜品有错误行，整份配方未导入",
    "Other rows of the dish have errors: none of them is imported",
)
CYCLE = Text("原料中包含该菜品本身，请检查配方", "The dish would be an ingredient of itself")
UNEVEN = Text(
    "每份用量不是整数（个、克、毫升），请调整用量或产出",
    "One unit would not take a whole number of pieces, g or ml: change the amount or the yield",
)


class Known(NamedTuple):
    """What the catalog has of the rows: products by code and by name, their own units, and the
    recipe in force of each with its components."""

    codes: dict[str, CodedProduct]
    names: dict[str, list[Product]]
    sizes: dict[UUID, dict[str, int]]
    recipes: dict[UUID, tuple[Recipe, list[Component]]]


@dataclass(slots=True)
class Line:
    """A row, and what it says; None for what cannot be read."""

    check: Check
    dish: Product | None
    ingredient: Product | None
    part: Part | None
    yields: int | None


async def plan_recipes(
    session: AnySession, tenant: UUID, rows: Sequence[Row], unread: Collection[int] = ()
) -> list[Planned]:
    """What importing each row would do; a dish has all its rows, or none.

    `unread` are the numbers of rows with cells that could not be read.
    """
    known = await _read(session, tenant, rows)
    lines = [_line(row, known) for row in rows]
    dishes: dict[UUID, list[Line]] = defaultdict(list)
    for line in lines:
        if line.dish is not None:
            dishes[line.dish.id].append(line)
    actions = {id: _compare(known, group, unread) for id, group in dishes.items()}
    return [_planned(line, actions, unread) for line in lines]


async def _read(session: AnySession, tenant: UUID, rows: Sequence[Row]) -> Known:
    texts = {text for row in rows for field in CODES if (text := row.text(field))}
    coded = await codes.by_codes(session, tenant, {code_key(text) for text in texts})
    names: dict[str, list[Product]] = defaultdict(list)
    for product in await imports.products_by_name(session, tenant, texts):
        names[product.name].append(product)
    named = [product for several in names.values() for product in several]
    products = {each.id: each for each in (*(c.product for c in coded.values()), *named)}
    in_force = {p.recipe_id: p.id for p in products.values() if p.recipe_id}
    parts: dict[UUID, list[Component]] = defaultdict(list)
    for component in await recipe_rows.components_of(session, tenant, in_force):
        parts[component.recipe_id].append(component)
    recipes = await recipe_rows.recipes_by_id(session, tenant, in_force)
    sizes = await units.sizes(session, tenant, products)
    return Known(coded, names, sizes, {in_force[r.id]: (r, parts[r.id]) for r in recipes})


def _line(row: Row, known: Known) -> Line:
    check = Check(row)
    dish = _product(check, known, "SKU", "DISH")
    ingredient = _product(check, known, "INGREDIENT_SKU", "INGREDIENT")
    if ingredient is not None and ingredient.kind == "PASS":
        check.add("INGREDIENT", "次卡不能作为原料", "A pass cannot be an ingredient")
    part = None if ingredient is None else _part(check, ingredient, known)
    yields = None if dish is None else _measured(check, "YIELDS", dish, known)
    if dish is not None and row.measure("YIELDS") is None:
        yields = dish.scale
    if dish is not None and part is not None and yields is not None:
        stocked = ingredient is not None and ingredient.kind == "GOODS"
        if stocked and amount(part, yields, dish.scale).denominator != 1:
            check.errors.append(RowError(row.number, "AMOUNT", UNEVEN))
    return Line(check, dish, ingredient, part, yields)


def _product(check: Check, known: Known, code: str, name: str) -> Product | None:
    """The product that one of the two fields names; an error without exactly one."""
    field = code if check.row.text(code) else name
    text = check.row.text(field)
    if not text:
        zh, en = (
            ("请填写菜品", "Give the dish")
            if name == "DISH"
            else ("请填写原料", "Give the ingredient")
        )
        check.add(name, zh, en)
        return None
    coded = known.codes.get(code_key(text))
    several = [coded.product] if coded else known.names.get(text, [])
    several = [each for each in several if each.archived_at is None]
    if len(several) > 1:
        skus = "、".join(each.sku for each in several[:5])
        check.add(
            field,
            f"有多个商品叫“{text[:40]}”（{skus}），请填写货号",
            f"Several products have this name ({skus}): give the SKU",
        )
    elif not several:
        check.add(field, f"没有商品“{text[:40]}”", f"No product is called {text[:40]!r}")
    return several[0] if len(several) == 1 else None


def _measured(check: Check, field: str, product: Product, known: Known) -> int | None:
    """The quantity of the field in base units of the product; an error if it has no such unit."""
    given = check.row.measure(field)
    if given is None:
        return None
    unit = _unit(check.row, field, given) or product.unit
    size = size_of(unit, product.unit, known.sizes.get(product.id, {}))
    if size is None:
        check.add(
            field,
            f"“{product.name}”的单位是“{product.unit}”，没有单位“{unit[:10]}”",
            f"{product.name} is counted in {product.unit}: it has no unit {unit[:10]!r}",
        )
        return None
    base = to_base(given.number, size)
    if base is None:
        check.add(
            field,
            f"数量 {given.number} 无效：须大于 0，且符合单位“{unit}”",
            f"The quantity {given.number} is not valid: it is above 0 and fits the unit {unit}",
        )
    return base


def _unit(row: Row, field: str, given: Measure) -> str | None:
    return given.unit or (row.text("UNIT") if field == "AMOUNT" else None)


def _part(check: Check, ingredient: Product, known: Known) -> Part | None:
    if check.row.measure("AMOUNT") is None:
        check.add("AMOUNT", "请填写用量", "Give the amount")
        return None
    base = _measured(check, "AMOUNT", ingredient, known)
    loss = cast(Decimal | None, check.row.value("LOSS")) or Decimal(0)
    return None if base is None else Part(ingredient.id, base, int(loss * (WHOLE // 100)), False)


def _compare(known: Known, group: Sequence[Line], unread: Collection[int]) -> str:
    """What importing the rows of one dish would do; finds what is wrong among them."""
    _check_group(group)
    if any(line.check.errors or line.check.row.number in unread for line in group):
        return FAULTY
    dish = cast(Product, group[0].dish)
    current = known.recipes.get(dish.id)
    if current is None:
        return CREATED
    recipe, components = current
    given = {(p.product, p.quantity, p.loss) for line in group if (p := line.part)}
    there = {(each.product_id, each.quantity, each.loss) for each in components}
    return UNCHANGED if given == there and recipe.yields == group[0].yields else CHANGED


def _check_group(group: Sequence[Line]) -> None:
    dish, first = cast(Product, group[0].dish), group[0]
    rows: dict[UUID, int] = {}
    for line in group:
        number = line.check.row.number
        if line.part is not None:
            earlier = rows.setdefault(line.part.product, number)
            if earlier != number:
                line.check.add(
                    "INGREDIENT",
                    f"与第 {earlier} 行重复",
                    f"The same ingredient is in row {earlier}",
                )
            if line.part.product == dish.id:
                line.check.errors.append(RowError(number, "INGREDIENT", CYCLE))
            if dish.kind == "BUNDLE" and line.part.loss:
                line.check.add("LOSS", "套装的组成没有损耗", "The parts of a bundle have no loss")
        if line.yields != first.yields:
            line.check.add(
                "YIELDS",
                f"与第 {first.check.row.number} 行的产出不同",
                f"The yield differs from that in row {first.check.row.number}",
            )
    if len(group) > MOST_PARTS:
        first.check.add(
            None, f"配料最多 {MOST_PARTS} 种", f"A recipe has at most {MOST_PARTS} components"
        )


def _planned(line: Line, actions: Mapping[UUID, str], unread: Collection[int]) -> Planned:
    row, dish, errors = line.check.row, line.dish, tuple(line.check.errors)
    if dish is None:
        return Planned(row, FAULTY, None, (), errors)
    action = actions[dish.id]
    if action == FAULTY:
        others = () if row.number in unread else (RowError(row.number, None, OTHERS),)
        return Planned(row, FAULTY, dish.id, (), errors or others)
    # All rows of a dish name it alike: a step of an import never ends between two of them.
    return Planned(Row(row.number, {**row.texts, "SKU": dish.sku}), action, dish.id, (), ())


async def write_recipes(
    db: Database, viewer: Viewer, id: UUID, planned: Sequence[Planned]
) -> list[Planned]:
    """Sets the recipes of the planned rows, each dish in a transaction of its own; what was done.

    `id` is the import: the keys are derived from it.
    """
    dishes: dict[UUID, list[Row]] = defaultdict(list)
    for each in planned:
        if each.action in (CREATED, CHANGED):
            dishes[cast(UUID, each.product_id)].append(each.row)
    written = await _written(db, viewer, id, planned)
    failures: dict[UUID, Text] = {}
    for dish, rows in dishes.items():
        if text := await _set(db, viewer, recipe_key(id, dish), dish, rows):
            failures[dish] = text
    return [_outcome(each, failures, written) for each in planned]


def recipe_key(id: UUID, dish: UUID) -> UUID:
    """The key of the recipe that an import sets for a dish."""
    return uuid5(id, f"recipe {dish}")


async def _written(
    db: Database, viewer: Viewer, id: UUID, planned: Sequence[Planned]
) -> dict[UUID, str]:
    """Dishes whose recipe this import set before its worker was killed, as CREATED or CHANGED."""
    same = [each for each in planned if each.action == UNCHANGED and each.product_id]
    keys = {recipe_key(id, dish): dish for each in same if (dish := each.product_id)}
    async with db.read(viewer.tenant) as session:
        used = await claims.used_keys(session, viewer.tenant, viewer.claimant, keys)
        if not used:
            return {}
        known = await _read(session, viewer.tenant, [each.row for each in same])
    dishes = {keys[key] for key in used}
    return {
        dish: CREATED if recipe.version == 1 else CHANGED
        for dish, (recipe, _) in known.recipes.items()
        if dish in dishes
    }


async def _set(
    db: Database, viewer: Viewer, key: UUID, dish: UUID, rows: Collection[Row]
) -> Text | None:
    """Sets the recipe of one dish. Returns None, or why it was refused."""
    async with db.read(viewer.tenant) as session:
        known = await _read(session, viewer.tenant, list(rows))
    lines = [_line(row, known) for row in rows]
    current = known.recipes.get(dish)
    optional = {c.product_id for c in current[1] if c.optional} if current else set[UUID]()
    ingredients = [_ingredient(line, optional) for line in lines]
    product, base = lines[0].dish, lines[0].yields
    if None in ingredients or product is None or product.id != dish or base is None:
        return FAILED
    try:
        await set_recipe(
            db,
            viewer,
            key,
            dish,
            [each for each in ingredients if each is not None],
            from_base(base, product.scale),
            current[0].consume_on if current else None,
        )
    except Refused as refused:
        return _text(refused.refusal)
    except (Malformed, InvalidText) as error:
        return Text(*error.text)
    return None


def _ingredient(line: Line, optional: Collection[UUID]) -> Ingredient | None:
    product, part, row = line.ingredient, line.part, line.check.row
    given = row.measure("AMOUNT")
    if product is None or part is None or given is None:
        return None
    loss = cast(Decimal | None, row.value("LOSS")) or Decimal(0)
    unit = _unit(row, "AMOUNT", given)
    return Ingredient(product.id, given.number, unit, loss, product.id in optional)


def _text(refusal: Refusal) -> Text:
    if isinstance(refusal, RecipeCycle):
        return CYCLE
    return UNEVEN if isinstance(refusal, Indivisible) else FAILED


def _outcome(
    planned: Planned, failures: Mapping[UUID, Text], written: Mapping[UUID, str]
) -> Planned:
    dish = planned.product_id
    if dish is not None and planned.action == UNCHANGED:
        return planned._replace(action=written.get(dish, UNCHANGED))
    text = None if dish is None else failures.get(dish)
    if text is None or planned.action not in (CREATED, CHANGED):
        return planned
    return planned._replace(action=FAULTY, errors=(RowError(planned.row.number, None, text),))
