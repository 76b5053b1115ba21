"""Costs in 1/10000 yuan, rounded to the nearest: sums, shares, and the moving average."""

MOST_VALUE = 10**17
"""The largest value of a movement or a level, so that sums stay inside 64 bits."""


def cost_of(quantity: int, scale: int, unit_cost: int) -> int:
    """The cost of `quantity` base units; `unit_cost` is the cost of `scale` of them."""
    return (2 * quantity * unit_cost + scale) // (2 * scale)


def share(value: int, part: int, whole: int) -> int:
    """The value of `part` out of `whole` base units that are worth `value` together.

    Parts that are taken one after the other, each from what is left, add up to exactly `value`.
    """
    return (2 * value * part + whole) // (2 * whole)


def unit_cost_of(value: int, held: int, scale: int) -> int:
    """The average cost of one unit, `scale` base units, when `held` are worth `value`."""
    return share(value, scale, held)


def average_cost(quantity: int, held: int, value: int, scale: int, last: int | None) -> int:
    """The cost of `quantity` base units at the moving average of the `held` ones.

    When nothing is held, `last` is used, the unit cost of the last goods; None counts as 0.
    """
    if held:
        return share(value, quantity, held)
    return 0 if last is None else cost_of(quantity, scale, last)
