"""Reordering 补货建议: in which packs, and how many."""

from collections.abc import Collection
from typing import NamedTuple

WINDOW_DAYS = 28
"""Demand is averaged over so many days before today: four whole weeks."""
COVER_DAYS = 7
"""An order lasts until the delivery and, by default, so many days longer."""


class Packing(NamedTuple):
    """An order in whole packs of `pack` base units; the pack is one unit without another."""

    pack: int
    packs: int

    @property
    def quantity(self) -> int:
        return self.pack * self.packs


def packed(needed: int, packs: Collection[int], scale: int) -> Packing:
    """The needed base units in whole packs: the largest pack that is not more than what is needed,
    otherwise the smallest one. Packs of one unit or less do not count."""
    larger = sorted(each for each in packs if each > scale and each % scale == 0)
    fitting = [each for each in larger if each <= needed]
    pack = fitting[-1] if fitting else larger[0] if larger else scale
    return Packing(pack, -(-needed // pack))
