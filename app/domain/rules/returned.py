"""Assigns returned goods to the lines that sold them."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple
from uuid import UUID


class SoldLine(NamedTuple):
    """Base units of a product, and of its batch if one is known, that a line sold."""

    line: int
    product: UUID
    batch: UUID | None
    quantity: int


class Returned(NamedTuple):
    """Base units of a product that came back; `batch` is None where it is not known."""

    product: UUID
    batch: UUID | None
    quantity: int


def returned_by_line(lines: Sequence[SoldLine], returned: Iterable[Returned]) -> dict[int, int]:
    """The returned base units of each line, by line number. Goods of a known batch are assigned to
    lines of that batch first, in the order of the lines."""
    left = {each.line: each.quantity for each in lines}
    back = dict.fromkeys(left, 0)
    for product, batch, quantity in sorted(returned, key=lambda each: each.batch is None):
        mine = [each for each in lines if each.product == product]
        for each in sorted(mine, key=lambda each: batch is not None and each.batch != batch):
            part = min(quantity, left[each.line])
            left[each.line] -= part
            back[each.line] += part
            quantity -= part
    return back
