"""Shortages: no bin goes below zero, and every missing base unit is counted once."""

from hypothesis import given
from hypothesis import strategies as st

from app.domain.rules.shortages import (
    NO_DEMAND,
    Demand,
    after_limit,
    after_line,
    available,
    shortages,
)

QUANTITY = st.integers(1, 9)
LINES = st.lists(st.tuples(QUANTITY, st.booleans()), max_size=6)


@given(st.integers(0, 20), LINES)
def test_lines_share_one_bin(held: int, lines: list[tuple[int, bool]]) -> None:
    demand, taken = NO_DEMAND, 0
    for quantity, optional in lines:
        got = min(quantity, available(held, 0, demand))
        demand = after_line(demand, quantity, got, optional)
        taken += got
    needed = sum(quantity for quantity, optional in lines if not optional)
    assert taken <= held
    assert demand.available == taken
    assert demand.missing <= needed
    if all(not optional for _, optional in lines):
        assert demand == Demand(needed, max(0, needed - held))


def test_an_optional_line_is_never_short() -> None:
    assert after_line(NO_DEMAND, 5, 2, optional=True) == Demand(2, 0)
    assert after_line(NO_DEMAND, 5, 2) == Demand(5, 3)


def test_what_stays_cannot_be_taken() -> None:
    assert available(10, 0, NO_DEMAND, kept=4) == 6
    assert available(10, 5, Demand(8, 0), kept=4) == 3
    assert available(1, 0, NO_DEMAND, kept=4) == 0


def test_a_limit_makes_a_sale_short_once() -> None:
    assert after_limit(Demand(5, 0), 5, 5) == Demand(5, 0)
    assert after_limit(Demand(5, 0), 5, 3) == Demand(5, 2)
    # The shelf lacks more than the limit forbids: the larger shortage counts.
    assert after_limit(Demand(5, 4), 5, 3) == Demand(5, 4)
    # A dish takes nothing of its own shelf, and is limited all the same.
    assert after_limit(NO_DEMAND, 5, 3) == Demand(5, 2)


def test_every_shortage_in_order() -> None:
    demands = {"rice": Demand(5, 2), "milk": Demand(1, 0), "tea": Demand(3, 3)}
    assert shortages(demands) == [("rice", Demand(5, 2)), ("tea", Demand(3, 3))]
    assert [demand.available for _, demand in shortages(demands)] == [3, 0]
