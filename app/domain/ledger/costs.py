"""Moving-average cost: what each move is worth, carried from one level's value to another's."""

from app.domain.ledger.locked import Move
from app.domain.rules.costs import cost_of, unit_cost_of


class MovementCosts:
    """The costs of one movement's moves, in their order; one is made per movement."""

    __slots__ = ("_components",)

    def __init__(self) -> None:
        self._components = 0
        """The cost of what went to the kitchen, until a made product takes it."""

    def carry(self, move: Move) -> int:
        """Moves the goods' value with them and returns it, in 1/10000 yuan.

        Goods leave a level at its average cost. They join one at the cost that the move or its
        line says. Call it before the bins change.
        """
        line, quantity, source, target = move.line, move.quantity, move.source, move.target
        leaves, joins = line.source.bin in source.bins, line.target.bin in target.bins
        cost = source.worth(quantity) if leaves else self._joining_cost(move)
        if line.target.bin == "kitchen":
            self._components += cost
        if leaves and joins and source is target:
            return cost
        if leaves:
            source.value -= cost
        if joins:
            target.value += cost
            if target.value:
                held = target.held + quantity
                target.unit_cost = unit_cost_of(target.value, held, target.scale)
        return cost

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
