"""The cookbook: a line of a product made to order becomes lines of its components."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from itertools import groupby
from typing import Any, NamedTuple
from uuid import UUID

from app.db import recipes as rows
from app.db.core.unit import Database
from app.domain.errors import InvalidQuantity, Malformed, Refused, WrongState, WrongStateReason
from app.domain.ledger.channel_limits import COUNTER
from app.domain.ledger.draft import Line, Place, in_zone
from app.domain.rules.kinds import UNEXPIRED_BINS
from app.domain.rules.recipes import Need
from app.domain.rules.units import from_base

MOST_KNOWN = 100_000
LATER = ("REDEEM", "RESERVE_ON_SALE")
"""Services that use their consumables after the sale: online, a pass is sold instead."""

ORDERED = ("DISH", "SERVICE", "BUNDLE")
"""Kinds that are made to order, or put together for a sale, and never stocked."""


class Taken(NamedTuple):
    """A component of one unit; the component's own unit has `scale` base units."""

    need: Need
    scale: int


@dataclass(frozen=True, slots=True)
class KnownProduct:
    """A product's kind, and the components of one unit by the recipe in force."""

    kind: str
    recipe_id: UUID | None
    consume_on: str | None = None
    takes: tuple[Taken, ...] = ()


@dataclass(frozen=True, slots=True)
class Wish:
    """Wishes for one line: optional parts to leave out, and what was really used."""

    without: frozenset[UUID] = frozenset()
    used: Mapping[UUID, Decimal] | None = None

    def printed(self) -> tuple[object, ...]:
        """Its part of a request's fingerprint."""
        return sorted(self.without), None if self.used is None else sorted(self.used.items())


NO_WISH = Wish()


class Exploded(NamedTuple):
    """Lines, and the recipes they follow; the ledger refuses lines of an outdated recipe."""

    lines: tuple[Line, ...]
    recipes: dict[UUID, UUID | None]


class Cookbook:
    """A cache of products and their recipes. A product's kind never changes; the ledger checks
    its recipe under the lock of its level, so that an outdated entry is never used."""

    def __init__(self, db: Database) -> None:
        self.db = db
        self._known: dict[UUID, KnownProduct] = {}
        self._needs: dict[UUID, list[Need]] = {}
        self._usual: dict[tuple[UUID, str, UUID | None, Decimal], list[Line]] = {}

    async def of(self, tenant: UUID, products: Collection[UUID]) -> dict[UUID, KnownProduct]:
        """These products; unknown ids are left out."""
        if unknown := [product for product in products if product not in self._known]:
            async with self.db.read(tenant) as session:
                parts = await rows.parts_of_products(session, tenant, unknown)
            if len(self._known) > MOST_KNOWN:
                self._known.clear()
            self._known |= known_products(parts)
            return {p: self._known[p] for p in products if p in self._known}
        return {product: self._known[product] for product in products}

    async def needs(
        self, session: Any, tenant: UUID, recipes: Collection[UUID]
    ) -> dict[UUID, list[Need]]:
        """The required components of one unit by each of these recipes, which never change."""
        if unknown := [recipe for recipe in recipes if recipe not in self._needs]:
            read: dict[UUID, list[Need]] = {recipe: [] for recipe in unknown}
            for row, _ in await rows.needs_of(session, tenant, unknown):
                if not row.optional:
                    read[row.recipe_id].append(Need(row.product_id, row.quantity))
            known = {recipe: self._needs[recipe] for recipe in recipes if recipe in self._needs}
            if len(self._needs) > MOST_KNOWN:
                self._needs.clear()
            self._needs |= read
            return known | read
        return {recipe: self._needs[recipe] for recipe in recipes}

    def forget(self, product: UUID) -> None:
        """Drops the product: its recipe has changed."""
        self._known.pop(product, None)

    async def explode(
        self,
        tenant: UUID,
        lines: Sequence[Line],
        wishes: Sequence[Wish],
        channel: str | None = None,
    ) -> Exploded:
        """The lines, with each dish and service replaced by its components and the product itself.

        A product that the store makes ahead is replaced when it is made. The line of a pass
        reserves what its sale takes ahead.

        Raises Refused: InvalidQuantity for a part of a unit that does not divide, WrongState
        for a product that cannot be moved this way. Raises Malformed for wishes about products
        that a line does not take.
        """
        known = await self.of(tenant, {line.product for line in lines})
        exploded: list[Line] = []
        recipes: dict[UUID, UUID | None] = {}
        prepaid = False
        for line, wish in zip(lines, wishes, strict=True):
            first, product = len(exploded), known.get(line.product)
            if product is not None and _follows_recipe(line, product):
                recipes[line.product] = product.recipe_id
            if (
                product is not None
                and line.target.bin == "reserved"
                and is_prepaid(product, channel)
            ):
                _refuse_wishes(wish.without or wish.used, line)
                recipes[line.product], prepaid = product.recipe_id, True
                exploded += _taken_ahead(line, product)
            elif product is None or not _is_made_now(line, product):
                _refuse_wishes(wish.without or wish.used, line)
                exploded.append(line)
            elif line.source.bin == "customer":
                # What was eaten is waste. Bundles come back as their parts: see `unpacking`.
                exploded.append(replace(line, target=Place(line.target.store, "waste")))
            else:
                if channel not in (None, COUNTER) and product.consume_on in LATER:
                    raise Refused(WrongState(WrongStateReason.REDEEMED_LATER))
                if wish is NO_WISH:
                    exploded += self._usual_lines(line, product)
                else:
                    exploded += made_to_order(line, product, wish)
            # Components lie where the line says.
            exploded[first:] = in_zone(exploded[first:], line.zone)
        if lines and not exploded and not prepaid:
            raise Refused(WrongState(WrongStateReason.NO_RECIPE))
        return Exploded(tuple(exploded), recipes)

    def _usual_lines(self, line: Line, product: KnownProduct) -> list[Line]:
        """The same as `made_to_order` without wishes, cached: a recipe never changes."""
        key = line.source.store, line.target.bin, product.recipe_id, line.quantity
        usual = self._usual.get(key)
        if usual is None:
            if len(self._usual) > MOST_KNOWN:
                self._usual.clear()
            usual = self._usual[key] = components(line, product, NO_WISH)
        return usual + out_of_kitchen(line, product)


def known_products(parts: Sequence[rows.ProductPart]) -> dict[UUID, KnownProduct]:
    """The products with their components; `parts` are sorted by product."""
    known: dict[UUID, KnownProduct] = {}
    for id, group in groupby(parts, lambda part: part.id):
        of_product = list(group)
        first = of_product[0]
        takes = tuple(
            Taken(Need(part.need, part.quantity, part.optional), part.need_scale)
            for part in of_product
            if part.need is not None
        )
        known[id] = KnownProduct(first.kind, first.recipe_id, first.consume_on, takes)
    return known


def is_prepaid(product: KnownProduct, channel: str | None) -> bool:
    """Whether an order through the channel sells the product as a pass: its uses come later."""
    if product.kind == "PASS":
        return True
    online = channel not in (None, COUNTER)
    return online and product.kind == "SERVICE" and product.consume_on in LATER


def _taken_ahead(line: Line, product: KnownProduct) -> list[Line]:
    """What the sale of a pass takes ahead of its uses."""
    if product.consume_on == "FIRST_USE_ON_SALE":
        return components(replace(line, quantity=Decimal(1)), product, NO_WISH)
    return components(line, product, NO_WISH) if product.consume_on == "RESERVE_ON_SALE" else []


def _follows_recipe(line: Line, product: KnownProduct) -> bool:
    """Whether the line is outdated when the recipe changes; also when there is none yet."""
    return line.source.bin == "kitchen" or (product.kind in ORDERED and line.source.bin == "shelf")


def _is_made_now(line: Line, product: KnownProduct) -> bool:
    """Whether the line is replaced by its components. Raises Refused(WrongState)."""
    if product.kind == "PASS":
        raise Refused(WrongState(WrongStateReason.PASS))
    source, target = line.source.bin, line.target.bin
    if product.kind in ORDERED:
        if source == "shelf" and target in UNEXPIRED_BINS:
            return True
        if source == "customer":
            return True
        raise Refused(WrongState(WrongStateReason.NOT_STOCKED))
    return source == "kitchen" and product.recipe_id is not None


def made_to_order(line: Line, product: KnownProduct, wish: Wish) -> list[Line]:
    """The components, shelf to kitchen, and then the product itself, out of the kitchen."""
    return components(line, product, wish) + out_of_kitchen(line, product)


def components(line: Line, product: KnownProduct, wish: Wish) -> list[Line]:
    """The components that go into the line's product, or are reserved for it."""
    bin = "reserved" if line.target.bin == "reserved" else "kitchen"
    shelf, kitchen = Place(line.source.store, "shelf"), Place(line.source.store, bin)
    optional = {taken.need.product for taken in product.takes if taken.need.optional}
    _refuse_wishes(wish.without - optional, line)
    used = dict(wish.used or {})
    lines: list[Line] = []
    for need, scale in product.takes:
        if need.product in wish.without:
            continue
        base = need.quantity * line.quantity
        if base != int(base) or base <= 0:
            raise Refused(InvalidQuantity(line.product, str(line.quantity)))
        usual = from_base(int(base), scale)
        if need.product in used:
            lines += _with_variance(need.product, usual, used.pop(need.product), shelf, kitchen)
        else:
            lines.append(Line(need.product, usual, shelf, kitchen, optional=need.optional))
    variance = Place(line.source.store, "variance")
    return lines + [Line(extra, more, shelf, variance) for extra, more in used.items() if more]


def out_of_kitchen(line: Line, product: KnownProduct) -> list[Line]:
    """The product itself, unless it is used up in the kitchen or not made yet."""
    if line.target.bin in ("kitchen", "reserved"):
        return []
    return [
        Line(
            line.product,
            line.quantity,
            Place(line.source.store, "kitchen"),
            line.target,
            expected_version=line.expected_version,
            batches=line.batches,
            arriving=line.arriving,
            recipe=product.recipe_id,
            charge=line.charge,
            listed=line.listed,
            shown_expiry=line.shown_expiry,
        )
    ]


def _with_variance(
    product: UUID, usual: Decimal, used: Decimal, shelf: Place, kitchen: Place
) -> list[Line]:
    """The recipe's quantity to the kitchen; what was used above or below it is a variance."""
    variance = Place(shelf.store, "variance")
    lines = [
        Line(product, min(usual, used), shelf, kitchen),
        Line(product, used - usual, shelf, variance),
        Line(product, usual - used, variance, kitchen),
    ]
    return [line for line in lines if line.quantity > 0]


def _refuse_wishes(unknown: object, line: Line) -> None:
    if unknown:
        raise Malformed(
            "without",
            "该商品的配方中没有这些可选配料",
            "The recipe has no such optional component.",
        )
