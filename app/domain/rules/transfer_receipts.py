"""Transfer receipts: which batches in transit are received, damaged, lost or sent back."""

from collections.abc import Hashable, Iterable, Sequence
from typing import TypeVar

from app.domain.rules.fefo import pick

Batch = TypeVar("Batch", bound=Hashable)
Fate = TypeVar("Fate")


def allocate(
    held: Iterable[tuple[Batch, int]], quantities: Sequence[tuple[Fate, int]]
) -> list[tuple[Fate, Batch, int]]:
    """The batches that make up the quantity of each fate, in the order of `held`.

    The sum of the quantities must not exceed the sum of the batches.
    """
    left = dict(held)
    parts: list[tuple[Fate, Batch, int]] = []
    for fate, quantity in quantities:
        for batch, taken in pick(left.items(), quantity):
            left[batch] -= taken
            parts.append((fate, batch, taken))
    return parts
