"""Moving-average cost: what each move is worth, carried from one level's value to another's."""

from typing import NamedTuple

from app.domain.ledger.locked import Move
from app.domain.rules.costs import cost_of, unit_cost_of


class CarriedCost(NamedTuple):
    """The cost of a move, in 1/10000 yuan.

    `own` is whether goods left at the cost they came in at (True) or at the average because their
    level no longer covers it (False); None for moves that have no cost of their own to leave at.
    """

    cost: int
    own: bool | None = None


class MovementCosts:
    """The costs of one movement's moves, in their order; one is made per movement."""

    __slots__ = ("_components",)

    def __init__(self) -> None:
        self._components = 0
        """The cost of what went to the kitchen, until a made product takes it."""

    def carry(self, move: Move) -> CarriedCost:
        """Moves the goods' value with them and returns it.

        Goods leave a level at its average cost; what a reversal takes out leaves at its own cost
        while the level covers it. They join a level at the cost that the move or its line says.
        Call it before the bins change.
        """
        line, quantity, source, target = move.line, move.quantity, move.source, move.target
        leaves, joins = line.source.bin in source.bins, line.target.bin in target.bins
        if leaves and joins and source is target:
            return CarriedCost(source.worth(quantity))
        carried = _leaving_cost(move) if leaves else CarriedCost(self._joining_cost(move))
        cost = carried.cost
        if line.target.bin == "kitchen":
            self._components += cost
        if leaves:
            source.value -= cost
            if carried.own and quantity < source.held:
                left = source.held - quantity
                source.unit_cost = unit_cost_of(source.value, left, source.scale)
        if joins:
            target.value += cost
            if target.value:
                held = target.held + quantity
                target.unit_cost = unit_cost_of(target.value, held, target.scale)
        return carried

    def _joining_cost(self, move: Move) -> int:
        """The cost of goods that come from no bin: of the return, the line, or the components."""
        line = move.line
        cost = line.cost if move.cost is None else move.cost
        if cost is not None:
            return cost
        if line.unit_cost is not None:
            return cost_of(move.quantity, move.source.scale, line.unit_cost)
        if line.source.bin == "kitchen" and self._components:
            cost, self._components = self._components, 0
            return cost
        return move.source.worth(move.quantity)


def _leaving_cost(move: Move) -> CarriedCost:
    """The cost of goods that leave a level: their own if they have one and the level covers it,
    else the average."""
    own = move.line.cost if move.cost is None else move.cost
    if own is not None and move.source.covers(move.quantity, own):
        return CarriedCost(own, own=True)
    return CarriedCost(move.source.worth(move.quantity), None if own is None else False)
