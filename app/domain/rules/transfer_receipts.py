"""Arrivals: which batches in transit are received, damaged, lost or sent back."""

from collections.abc import Hashable, Iterable, Sequence
from typing import TypeVar

from app.domain.rules.fefo import pick

Batch = TypeVar("Batch", bound=Hashable)
Fate = TypeVar("Fate")


def parted(
    held: Iterable[tuple[Batch, int]], wanted: Sequence[tuple[Fate, int]]
) -> list[tuple[Fate, Batch, int]]:
    """So much of what is held for each fate, batch by batch in the order given.

    What is wanted, summed, is no more than what is held.
    """
    left = dict(held)
    parts: list[tuple[Fate, Batch, int]] = []
    for fate, quantity in wanted:
        for batch, taken in pick(left.items(), quantity):
            left[batch] -= taken
            parts.append((fate, batch, taken))
    return parts
