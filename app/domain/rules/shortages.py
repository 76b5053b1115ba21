"""Shortages: the quantity that lines need from a bin, may take from it, and lack."""

from collections.abc import Hashable, Mapping
from typing import NamedTuple, TypeVar

Bin = TypeVar("Bin", bound=Hashable)


class Demand(NamedTuple):
    """Base units that lines need from one bin, and how many of these are missing."""

    requested: int = 0
    missing: int = 0

    @property
    def available(self) -> int:
        return self.requested - self.missing


NO_DEMAND = Demand()


def available(held: int, added: int, demand: Demand, kept: int = 0) -> int:
    """Base units that the next line may take from a bin that holds `held`; never below 0 (I4).

    Earlier lines added `added` and have the demand `demand`; `kept` base units must stay in the
    bin.
    """
    return max(0, held + added - demand.requested - kept)


def after_line(demand: Demand, quantity: int, taken: int, optional: bool = False) -> Demand:
    """The demand after a line that needs `quantity` and gets `taken`.

    An optional line adds only what it gets, so that it is never short.
    """
    requested = taken if optional else quantity
    return Demand(demand.requested + requested, demand.missing + requested - taken)


def after_limit(demand: Demand, quantity: int, remaining: int) -> Demand:
    """The demand if a channel sells `quantity` but may sell only `remaining`."""
    if quantity <= remaining:
        return demand
    return Demand(max(demand.requested, quantity), max(demand.missing, quantity - remaining))


def shortages(demands: Mapping[Bin, Demand]) -> list[tuple[Bin, Demand]]:
    """The bins with missing goods, in the order in which lines first needed them."""
    return [(bin, demand) for bin, demand in demands.items() if demand.missing > 0]
