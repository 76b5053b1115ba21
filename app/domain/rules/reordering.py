"""Reordering 补货建议: the packs of an order, and their number."""

from collections.abc import Collection
from typing import NamedTuple

WINDOW_DAYS = 28
"""The number of days before today over which demand is averaged: four whole weeks."""
COVER_DAYS = 7
"""The default number of days that an order lasts after its delivery."""


class Packing(NamedTuple):
    """An order in whole packs of `pack` base units; a product without packs is ordered in single
    units."""

    pack: int
    packs: int

    @property
    def quantity(self) -> int:
        return self.pack * self.packs


def packed(needed: int, packs: Collection[int], scale: int) -> Packing:
    """The needed base units in whole packs: of the largest pack that is not larger than the need,
    otherwise of the smallest pack. Packs of one unit or less do not count."""
    larger = sorted(each for each in packs if each > scale and each % scale == 0)
    fitting = [each for each in larger if each <= needed]
    pack = fitting[-1] if fitting else larger[0] if larger else scale
    return Packing(pack, -(-needed // pack))
