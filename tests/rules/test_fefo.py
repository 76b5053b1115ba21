"""FEFO: what is picked, against trying everything piece by piece."""

from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from app.domain.rules.fefo import NEVER, cost_of, expired, pick, pick_opened, share

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


BOTTLES = st.lists(st.integers(0, 40), max_size=5).map(lambda found: list(enumerate(found)))


@given(BOTTLES, st.integers(1, 120), st.integers(1, 9))
def test_the_opened_one_is_used_up_first(
    held: list[tuple[int, int]], wanted: int, container: int
) -> None:
    picked = dict(pick_opened(held, wanted, container, whole=False))
    assert sum(picked.values()) == min(wanted, sum(there for _, there in held))
    left = {batch: there - picked.get(batch, 0) for batch, there in held}
    assert all(quantity >= 0 for quantity in left.values())
    # Nobody opens a second one while there is enough in those that are open.
    opened = sum(there % container for _, there in held)
    if wanted <= opened:
        assert all(left[batch] // container == there // container for batch, there in held)


@given(BOTTLES, st.integers(1, 6), st.integers(1, 9))
def test_only_sealed_ones_are_sold(held: list[tuple[int, int]], count: int, container: int) -> None:
    picked = pick_opened(held, count * container, container, whole=True)
    assert all(quantity % container == 0 for _, quantity in picked)
    sealed = sum(there // container for _, there in held)
    assert sum(quantity for _, quantity in picked) == min(count, sealed) * container


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
