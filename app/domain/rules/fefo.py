"""FEFO 先到期先出: what expires first leaves first."""

from collections.abc import Hashable, Iterable, Sequence
from datetime import date
from typing import TypeVar

NEVER = date.max
"""The expiry of what has none: it sorts last."""

Batch = TypeVar("Batch", bound=Hashable)


def pick(held: Iterable[tuple[Batch, int]], wanted: int) -> list[tuple[Batch, int]]:
    """What is taken of each batch, in the order given; less than `wanted` when there is less."""
    picked: list[tuple[Batch, int]] = []
    for batch, quantity in held:
        if wanted <= 0:
            break
        if quantity > 0:
            picked.append((batch, min(quantity, wanted)))
            wanted -= picked[-1][1]
    return picked


def pick_opened(
    held: Sequence[tuple[Batch, int]], wanted: int, container: int, whole: bool
) -> list[tuple[Batch, int]]:
    """The same for what is opened and used in parts, `container` base units each.

    Whole containers are sold sealed; whatever else is taken comes from the opened ones first.
    """
    if whole and wanted % container == 0:
        return pick(((batch, there - there % container) for batch, there in held), wanted)
    opened = [(batch, there % container) for batch, there in held]
    sealed = [(batch, there - there % container) for batch, there in held]
    picked: dict[Batch, int] = {}
    for batch, quantity in pick(opened + sealed, wanted):
        picked[batch] = picked.get(batch, 0) + quantity
    return list(picked.items())


def expired(expires_on: date, today: date) -> bool:
    """The printed day is the last one on which it may be sold."""
    return expires_on < today


def cost_of(base: int, scale: int, unit_cost: int) -> int:
    """What base units cost, in 1/10000 yuan, to the nearest; `unit_cost` is for `scale` of them."""
    return (2 * base * unit_cost + scale) // (2 * scale)


def share(value: int, part: int, whole: int) -> int:
    """What a part of the whole is worth, to the nearest; all of it is worth all."""
    return (2 * value * part + whole) // (2 * whole)
