"""FEFO 先到期先出: what expires first leaves first."""

from collections.abc import Iterable
from datetime import date
from typing import TypeVar

NEVER = date.max
"""The expiry of what has none: it sorts last."""

Batch = TypeVar("Batch")


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


def expired(expires_on: date, today: date) -> bool:
    """The printed day is the last one on which it may be sold."""
    return expires_on < today


def cost_of(base: int, scale: int, unit_cost: int) -> int:
    """What base units cost, in 1/10000 yuan, to the nearest; `unit_cost` is for `scale` of them."""
    return (2 * base * unit_cost + scale) // (2 * scale)
