"""The cookbook: lines of what is made when it is ordered become lines of what it takes."""

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
from app.domain.ledger.draft import Line, Place
from app.domain.rules.kinds import UNEXPIRED_BINS
from app.domain.rules.recipes import Need
from app.domain.rules.units import from_base

MOST_KNOWN = 100_000
LATER = ("REDEEM", "RESERVE_ON_SALE")
"""Services whose consumables do not leave when they are sold online: a pass is sold instead."""

ORDERED = ("DISH", "SERVICE")
"""What is never stocked: it is made when somebody orders it."""


class Taken(NamedTuple):
    """What one unit takes of a product whose unit has `scale` base units."""

    need: Need
    scale: int


@dataclass(frozen=True, slots=True)
class Made:
    """What a product is, and what one unit of it takes by the recipe in force."""

    kind: str
    recipe_id: UUID | None
    consume_on: str | None = None
    takes: tuple[Taken, ...] = ()


@dataclass(frozen=True, slots=True)
class Wish:
    """What somebody said of one line: optional parts left out, and what was really used."""

    without: frozenset[UUID] = frozenset()
    used: Mapping[UUID, Decimal] | None = None

    def printed(self) -> tuple[object, ...]:
        """What a request's fingerprint says of it."""
        return sorted(self.without), None if self.used is None else sorted(self.used.items())


NO_WISH = Wish()


class Exploded(NamedTuple):
    """Lines, and the recipes they follow: the ledger refuses them when these have changed."""

    lines: tuple[Line, ...]
    recipes: dict[UUID, UUID | None]


class Cookbook:
    """Remembers what each product is. Its kind is for ever; its recipe is checked by the ledger
    under the lock of its level, so that a memory out of date is found before it is used."""

    def __init__(self, db: Database) -> None:
        self.db = db
        self._known: dict[UUID, Made] = {}
        self._needs: dict[UUID, list[Need]] = {}
        self._usual: dict[tuple[UUID, str, UUID | None, Decimal], list[Line]] = {}

    async def of(self, tenant: UUID, products: Collection[UUID]) -> dict[UUID, Made]:
        """What these products are; those nobody knows are left out."""
        if unknown := [product for product in products if product not in self._known]:
            async with self.db.read(tenant) as session:
                found = await rows.made(session, tenant, unknown)
            if len(self._known) > MOST_KNOWN:
                self._known.clear()
            self._known |= told(found)
            return {p: self._known[p] for p in products if p in self._known}
        return {product: self._known[product] for product in products}

    async def needs(
        self, session: Any, tenant: UUID, recipes: Collection[UUID]
    ) -> dict[UUID, list[Need]]:
        """What one unit by each of these recipes cannot do without: a recipe never changes."""
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
        self._known.pop(product, None)

    async def explode(
        self,
        tenant: UUID,
        lines: Sequence[Line],
        wishes: Sequence[Wish],
        channel: str | None = None,
    ) -> Exploded:
        """Dishes and services become what they take and what is made of it; so does what the
        shop makes ahead, when it is made. Everything else stays as it is.

        Raises Refused: InvalidQuantity for a part of a unit that does not divide, WrongState
        for what cannot be moved so. Raises Malformed for wishes about what a line does not take.
        """
        known = await self.of(tenant, {line.product for line in lines})
        exploded: list[Line] = []
        recipes: dict[UUID, UUID | None] = {}
        for line, wish in zip(lines, wishes, strict=True):
            made = known.get(line.product)
            if made is not None and _follows(line, made):
                recipes[line.product] = made.recipe_id
            if made is None or not _is_made(line, made):
                _refuse(wish.without or wish.used, line)
                exploded.append(line)
            elif line.source.bin == "customer":
                # What was eaten is waste: it does not go back to what it was made of.
                exploded.append(replace(line, target=Place(line.target.store, "waste")))
            else:
                if channel not in (None, COUNTER) and made.consume_on in LATER:
                    raise Refused(WrongState(WrongStateReason.REDEEMED_LATER))
                exploded += self._taken(line, made) if wish is NO_WISH else taken(line, made, wish)
        if not exploded:
            raise Refused(WrongState(WrongStateReason.NO_RECIPE))
        return Exploded(tuple(exploded), recipes)

    def _taken(self, line: Line, made: Made) -> list[Line]:
        """The same as `taken`, remembered: what a recipe takes never changes."""
        key = line.source.store, line.target.bin, made.recipe_id, line.quantity
        usual = self._usual.get(key)
        if usual is None:
            if len(self._usual) > MOST_KNOWN:
                self._usual.clear()
            usual = self._usual[key] = components(line, made, NO_WISH)
        return usual + out_of_kitchen(line, made)


def told(found: Sequence[rows.Made]) -> dict[UUID, Made]:
    """What was read, by product."""
    known = {}
    for product, group in groupby(found, lambda row: row.id):
        mine = list(group)
        takes = tuple(
            Taken(Need(row.need, row.quantity, row.optional), row.need_scale)
            for row in mine
            if row.need is not None
        )
        known[product] = Made(mine[0].kind, mine[0].recipe_id, mine[0].consume_on, takes)
    return known


def _follows(line: Line, made: Made) -> bool:
    """Whether the line is right only as long as the recipe is: also when there is none yet."""
    return line.source.bin == "kitchen" or (made.kind in ORDERED and line.source.bin == "shelf")


def _is_made(line: Line, made: Made) -> bool:
    """Whether the line stands for what it takes. Raises Refused(WrongState)."""
    if made.kind == "PASS":
        raise Refused(WrongState(WrongStateReason.PASS))
    source, target = line.source.bin, line.target.bin
    if made.kind in ORDERED:
        if source == "shelf" and target in UNEXPIRED_BINS:
            return True
        if source == "customer":
            return True
        raise Refused(WrongState(WrongStateReason.NOT_STOCKED))
    return source == "kitchen" and made.recipe_id is not None


def taken(line: Line, made: Made, wish: Wish) -> list[Line]:
    """What the line's product takes of the shelf, and then the product, out of the kitchen."""
    return components(line, made, wish) + out_of_kitchen(line, made)


def components(line: Line, made: Made, wish: Wish) -> list[Line]:
    """What goes into the line's product, with what was said of it; or is held for it."""
    bin = "reserved" if line.target.bin == "reserved" else "kitchen"
    shelf, kitchen = Place(line.source.store, "shelf"), Place(line.source.store, bin)
    _refuse(wish.without - {t.need.product for t in made.takes if t.need.optional}, line)
    used = dict(wish.used or {})
    lines: list[Line] = []
    for need, scale in made.takes:
        if need.product in wish.without:
            continue
        base = need.quantity * line.quantity
        if base != int(base) or base <= 0:
            raise Refused(InvalidQuantity(line.product, str(line.quantity)))
        usual = from_base(int(base), scale)
        if need.product in used:
            lines += _really(need.product, usual, used.pop(need.product), shelf, kitchen)
        else:
            lines.append(Line(need.product, usual, shelf, kitchen, optional=need.optional))
    variance = Place(line.source.store, "variance")
    return lines + [Line(product, more, shelf, variance) for product, more in used.items() if more]


def out_of_kitchen(line: Line, made: Made) -> list[Line]:
    """The product itself, unless it is used up where it is made, or not made yet."""
    if line.target.bin in ("kitchen", "reserved"):
        return []
    kitchen, version = Place(line.source.store, "kitchen"), line.expected_version
    named = {"batches": line.batches, "arriving": line.arriving, "recipe": made.recipe_id}
    return [Line(line.product, line.quantity, kitchen, line.target, None, version, **named)]


def _really(
    product: UUID, usual: Decimal, used: Decimal, shelf: Place, kitchen: Place
) -> list[Line]:
    """The kitchen gets what the recipe says; what was used more, or less, is a variance."""
    variance = Place(shelf.store, "variance")
    lines = [
        Line(product, min(usual, used), shelf, kitchen),
        Line(product, used - usual, shelf, variance),
        Line(product, usual - used, variance, kitchen),
    ]
    return [line for line in lines if line.quantity > 0]


def _refuse(unasked: object, line: Line) -> None:
    if unasked:
        raise Malformed(
            "without",
            "该商品的配方中没有这些可选配料",
            "The recipe has no such optional component.",
        )
