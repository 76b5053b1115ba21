"""FEFO: what is picked, against trying everything piece by piece."""

from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from app.domain.rules.fefo import NEVER, cost_of, expired, pick

HELD = st.lists(st.tuples(st.integers(0, 5), st.integers(0, 9)), max_size=6)


@given(HELD, st.integers(0, 40))
def test_piece_by_piece(held: list[tuple[int, int]], wanted: int) -> None:
    pieces = [number for number, (_, quantity) in enumerate(held) for _ in range(quantity)]
    picked = pick(enumerate(quantity for _, quantity in held), wanted)
    assert [number for number, quantity in picked for _ in range(quantity)] == pieces[:wanted]
    assert all(quantity > 0 for _, quantity in picked)


def test_the_printed_day_is_the_last() -> None:
    today = date(2026, 2, 28)
    assert not expired(today, today)
    assert expired(today - timedelta(days=1), today)
    assert not expired(NEVER, today)


@given(st.integers(0, 10**9), st.sampled_from([1, 50, 500, 1000]), st.integers(0, 10**9))
def test_cost_is_to_the_nearest(base: int, scale: int, unit_cost: int) -> None:
    assert abs(cost_of(base, scale, unit_cost) * scale - base * unit_cost) * 2 <= scale
