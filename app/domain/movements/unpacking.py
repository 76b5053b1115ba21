"""Bundles that a customer brings back: whole, as the goods they consist of, or in parts.

The goods were handed over as they are, so they can be sold again. That holds for bundles, and for
dishes that consist of countable goods with a price of their own. Any other dish is waste.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple
from uuid import UUID

from app.db import recipes as rows
from app.db.core.unit import Database
from app.db.recipes import SoldPart
from app.db.tables import Entry
from app.domain.errors import InvalidQuantity, Refused
from app.domain.ledger.draft import BundlePart, Draft, Line, Place, in_zone
from app.domain.rules.units import MEASURES, from_base


class SoldBundle(NamedTuple):
    """A product of a sale that comes back as its parts; `sold` is in its unit."""

    recipe_id: UUID
    sold: int
    parts: Sequence[SoldPart]


async def sold_bundles(
    db: Database, tenant: UUID, entries: Sequence[Entry]
) -> dict[UUID, SoldBundle]:
    """The bundles among what these entries sold, by product."""
    dishes = [each for each in entries if each.recipe_id and each.to_bin == "customer"]
    if not dishes:
        return {}
    by_recipe: dict[UUID, list[SoldPart]] = defaultdict(list)
    async with db.read(tenant) as session:
        recipes = {each.recipe_id for each in dishes if each.recipe_id}
        for part in await rows.sold_parts(session, tenant, recipes):
            by_recipe[part.recipe_id].append(part)
    sold = Counter[UUID]()
    for entry in dishes:
        sold[entry.product_id] += entry.quantity // entry.scale
    return {
        entry.product_id: SoldBundle(entry.recipe_id, sold[entry.product_id], parts)
        for entry in dishes
        if entry.recipe_id and (parts := by_recipe[entry.recipe_id]) and _comes_back(parts)
    }


def _comes_back(parts: Sequence[SoldPart]) -> bool:
    return parts[0].kind == "BUNDLE" or (
        parts[0].kind == "DISH" and all(_is_sold_as_it_is(part) for part in parts)
    )


def _is_sold_as_it_is(part: SoldPart) -> bool:
    return part.unit not in MEASURES and part.price is not None and not part.optional


def unpacked(draft: Draft, bundles: Mapping[UUID, SoldBundle]) -> Draft:
    """The return with each bundle's parts in its place, and the bundle itself back to the kitchen.

    Raises Refused(InvalidQuantity) for a quantity of a bundle that does not divide.
    """
    assert draft.kind.value.target is not None
    kitchen, goal = Place(draft.store, "kitchen"), Place(draft.store, draft.kind.value.target)
    lines: list[Line] = []
    for line in draft.lines:
        if (bundle := bundles.get(line.product)) is None:
            lines.append(line)
            continue
        goods: list[Line] = []
        for part in bundle.parts:
            base = part.quantity * line.quantity
            if base != int(base) or base <= 0:
                raise Refused(InvalidQuantity(line.product, str(line.quantity)))
            goods.append(Line(part.product_id, from_base(int(base), part.scale), kitchen, goal))
        lines += in_zone(goods, line.zone)
        lines.append(replace(line, target=kitchen, recipe=bundle.recipe_id))
    parts = [_part(id, bundle, part) for id, bundle in bundles.items() for part in bundle.parts]
    return replace(draft, lines=tuple(lines), parts=tuple(parts))


def _part(id: UUID, bundle: SoldBundle, part: SoldPart) -> BundlePart:
    base = part.quantity * bundle.sold
    worth = None if part.price is None else part.price * base // part.scale
    return BundlePart(id, part.product_id, base, worth)
