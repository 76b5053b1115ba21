"""Costs: rounded to the nearest, and parts of a value add up to it."""

from hypothesis import given
from hypothesis import strategies as st

from app.domain.rules.costs import average_cost, cost_of, share, unit_cost_of

SCALE = st.sampled_from([1, 50, 500, 1000])


@given(st.integers(0, 10**9), SCALE, st.integers(0, 10**9))
def test_cost_is_to_the_nearest(base: int, scale: int, unit_cost: int) -> None:
    assert abs(cost_of(base, scale, unit_cost) * scale - base * unit_cost) * 2 <= scale


@given(st.integers(0, 10**12), st.integers(1, 10**6), st.data())
def test_shares_of_a_value_add_up(value: int, whole: int, data: st.DataObject) -> None:
    left, there = value, whole
    for _ in range(5):
        part = data.draw(st.integers(0, there))
        left -= share(left, part, there) if there else 0
        there -= part
        assert left >= 0
        if not there:
            assert left == 0


@given(st.integers(0, 10**12), st.integers(1, 10**6), SCALE)
def test_the_unit_cost_is_the_average(value: int, held: int, scale: int) -> None:
    assert abs(unit_cost_of(value, held, scale) * held - value * scale) * 2 <= held


@given(st.integers(1, 10**6), st.integers(0, 10**12), SCALE)
def test_all_that_is_held_costs_its_value(held: int, value: int, scale: int) -> None:
    assert average_cost(held, held, value, scale, None) == value


def test_nothing_held_costs_what_the_last_goods_cost() -> None:
    assert average_cost(1500, 0, 0, 1000, 40_000) == 60_000
    assert average_cost(1500, 0, 0, 1000, None) == 0
