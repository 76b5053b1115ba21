"""Recipes: what one unit of a made product takes, and how many units can be made."""

from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from math import gcd
from typing import NamedTuple
from uuid import UUID

WHOLE = 10_000
"""Losses are in 1/10000 of the quantity: 500 is 5 %."""


class Part(NamedTuple):
    """A component of `yields` base units of a product; `loss` is added on top of `quantity`."""

    product: UUID
    quantity: int
    loss: int = 0
    optional: bool = False


class Need(NamedTuple):
    """Base units of a stocked product that one unit of a made product takes."""

    product: UUID
    quantity: int
    optional: bool = False


def amount(part: Part, yields: int, scale: int) -> Fraction:
    """Base units of the part that one unit (`scale` base units) of the made product takes."""
    return Fraction(part.quantity * (WHOLE + part.loss) * scale, WHOLE * yields)


def nearest(part: Part, yields: int, scale: int) -> int:
    """The quantity nearest to the part's that divides into whole base units."""
    whole, losing = WHOLE * yields, (WHOLE + part.loss) * scale
    step = whole // gcd(whole, losing)
    return max(1, (2 * part.quantity + step) // (2 * step)) * step


def needs(
    parts: Iterable[tuple[Part, Sequence[Need] | None]], yields: int, scale: int
) -> dict[tuple[UUID, bool], Fraction]:
    """Quantity of each stocked product for one unit, by (product, optional).

    A part that is made to order, such as a dish in a set menu, comes with its own needs, which
    replace it.
    """
    total: dict[tuple[UUID, bool], Fraction] = {}
    for part, made_of in parts:
        each = amount(part, yields, scale)
        for need in [Need(part.product, 1)] if made_of is None else made_of:
            key = need.product, need.optional or part.optional
            total[key] = total.get(key, Fraction(0)) + each * need.quantity
    return total


def makeable(made_of: Iterable[Need], shelf: Mapping[UUID, int]) -> tuple[int, UUID] | None:
    """How many units can be made from the shelf, and the product that limits their number.

    None if nothing limits it. Optional needs set no limit.
    """
    least: tuple[int, UUID] | None = None
    for product, quantity, optional in made_of:
        if not optional:
            count = shelf.get(product, 0) // quantity
            if least is None or count < least[0] or (count == least[0] and product < least[1]):
                least = count, product
    return least


Cart = Sequence[tuple[Sequence[Need], int]]
"""The lines of a cart: the needs of one unit, and how many units."""


def makeable_lines(cart: Cart, shelf: Mapping[UUID, int]) -> list[int | None]:
    """How many units of each line can be made if the other lines are made as well; None when
    nothing limits a line.

    The whole cart can be made when no line asks for more than that.
    """
    left = dict(shelf)
    for made_of, count in cart:
        _take(left, made_of, count)
    most: list[int | None] = []
    for made_of, count in cart:
        _take(left, made_of, -count)
        limit = makeable(_summed(made_of), left)
        most.append(None if limit is None else max(0, limit[0]))
        _take(left, made_of, count)
    return most


def _take(left: dict[UUID, int], made_of: Iterable[Need], count: int) -> None:
    for need in made_of:
        if not need.optional:
            left[need.product] = left.get(need.product, 0) - need.quantity * count


def _summed(made_of: Iterable[Need]) -> list[Need]:
    total: dict[UUID, int] = {}
    for need in made_of:
        if not need.optional:
            total[need.product] = total.get(need.product, 0) + need.quantity
    return [Need(product, quantity) for product, quantity in total.items()]


def cycle(product: UUID, parts: Mapping[UUID, Iterable[UUID]]) -> list[UUID] | None:
    """The path on which the product would be a part of itself, from the product to itself; None
    when it would not. `parts` are the parts of each product."""
    came_from: dict[UUID, UUID] = {}
    ahead = [product]
    while ahead:
        at = ahead.pop()
        for part in parts.get(at, ()):
            if part == product:
                way = [part, at]
                while at != product:
                    at = came_from[at]
                    way.append(at)
                return way[::-1]
            if part not in came_from:
                came_from[part] = at
                ahead.append(part)
    return None
