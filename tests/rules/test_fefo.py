"""FEFO: the picked batches, compared with picking piece by piece."""

from datetime import date, timedelta
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from app.domain.rules.fefo import NEVER, BatchKey, choose_batches, expired, pick, pick_opened

HELD = st.lists(st.tuples(st.integers(0, 5), st.integers(0, 9)), max_size=6)


@given(HELD, st.integers(0, 40))
def test_piece_by_piece(held: list[tuple[int, int]], quantity_needed: int) -> None:
    pieces = [number for number, (_, quantity) in enumerate(held) for _ in range(quantity)]
    picked = pick(enumerate(quantity for _, quantity in held), quantity_needed)
    assert [number for number, quantity in picked for _ in range(quantity)] == pieces[
        :quantity_needed
    ]
    assert all(quantity > 0 for _, quantity in picked)


def test_the_printed_day_is_the_last() -> None:
    today = date(2026, 2, 28)
    assert not expired(today, today)
    assert expired(today - timedelta(days=1), today)
    assert not expired(NEVER, today)


BOTTLES = st.lists(st.integers(0, 40), max_size=5).map(
    lambda quantities: list(enumerate(quantities))
)


@given(BOTTLES, st.integers(1, 120), st.integers(1, 9))
def test_the_opened_one_is_used_up_first(
    held: list[tuple[int, int]], quantity_needed: int, container: int
) -> None:
    picked = dict(pick_opened(held, quantity_needed, container, sealed=False))
    assert sum(picked.values()) == min(quantity_needed, sum(there for _, there in held))
    left = {batch: there - picked.get(batch, 0) for batch, there in held}
    assert all(quantity >= 0 for quantity in left.values())
    # No other container is opened while the open ones hold enough.
    opened = sum(there % container for _, there in held)
    if quantity_needed <= opened:
        assert all(left[batch] // container == there // container for batch, there in held)


@given(BOTTLES, st.integers(1, 6), st.integers(1, 9))
def test_only_sealed_ones_are_sold(held: list[tuple[int, int]], count: int, container: int) -> None:
    picked = pick_opened(held, count * container, container, sealed=True)
    assert all(quantity % container == 0 for _, quantity in picked)
    sealed = sum(there // container for _, there in held)
    assert sum(quantity for _, quantity in picked) == min(count, sealed) * container


TODAY = date(2026, 2, 28)
FRESH = st.lists(
    st.tuples(st.integers(-3, 9), st.integers(0, 9)), max_size=6, unique_by=lambda each: each[0]
).map(lambda quantities: [(BatchKey(TODAY + timedelta(days=days), UUID(int=days + 9)), quantity)
                     for days, quantity in sorted(quantities)])  # fmt: skip


@given(FRESH, st.integers(1, 40), st.integers(0, 5), st.integers(0, 9))
def test_what_a_channel_may_take(
    available: list[tuple[BatchKey, int]], quantity: int, days_left: int, buffer: int
) -> None:
    """Fresh enough for the channel, by FEFO, and never of what is kept for the counter."""
    choice = choose_batches(available, quantity, today=TODAY, days_left=days_left, buffer=buffer)
    since = TODAY + timedelta(days=days_left)
    fresh = [(key, held) for key, held in available if key.expires_on >= since]
    most = max(0, sum(held for _, held in fresh) - buffer)
    assert choice.parts == pick(fresh, min(quantity, most))
    assert choice.taken == min(quantity, most)
    assert [key for key, _ in choice.candidates] == [
        key for key, _ in available if key.expires_on >= TODAY
    ]


@given(FRESH, st.integers(1, 40), st.integers(0, 9), st.integers(0, 5))
def test_a_hold_takes_what_lasts_until_its_day(
    available: list[tuple[BatchKey, int]], quantity: int, day: int, days_left: int
) -> None:
    """All that lasts until the goods are handed over, by FEFO, and nothing else."""
    until = TODAY + timedelta(days=day)
    choice = choose_batches(
        available, quantity, today=TODAY, days_left=days_left, lasts_until=until
    )
    since = max(until, TODAY + timedelta(days=days_left))
    lasting = [(key, held) for key, held in available if key.expires_on >= since]
    assert choice.parts == pick(lasting, quantity)
    assert choice.taken == min(quantity, sum(held for _, held in lasting))


@given(FRESH, st.integers(1, 40), st.sets(st.integers(0, 20)))
def test_a_named_batch_is_not_fefo(
    available: list[tuple[BatchKey, int]], quantity: int, chosen: set[int]
) -> None:
    named = {UUID(int=each) for each in chosen}
    choice = choose_batches(available, quantity, today=TODAY, named=named)
    mine = [(key, held) for key, held in available if key.id in named]
    fresh = [(key, held) for key, held in mine if key.expires_on >= TODAY]
    assert choice.parts == pick(fresh, quantity)
    assert not choice.by_fefo
    assert choice.too_old == (mine[-1][0].expires_on if mine and not fresh else None)


def batch(days: int, number: int = 0) -> BatchKey:
    return BatchKey(TODAY + timedelta(days=days), UUID(int=number))


def test_expired_goods_go_only_where_they_may() -> None:
    available = [(batch(-1), 3), (batch(0), 2)]
    assert choose_batches(available, 4, today=TODAY).parts == [(batch(0), 2)]
    # To be thrown away, say: no day is given, and what is expired goes first.
    assert choose_batches(available, 4).parts == [(batch(-1), 3), (batch(0), 1)]


def test_fefo_did_not_choose_when_a_batch_was_passed_over() -> None:
    available = [(batch(1), 3), (batch(9), 3)]
    assert choose_batches(available, 3, today=TODAY).by_fefo
    choice = choose_batches(available, 3, today=TODAY, days_left=5)
    assert (choice.parts, choice.by_fefo) == ([(batch(9), 3)], False)
    # An opened bottle of a later batch is used up before a sealed one of an earlier batch.
    opened = choose_batches([(batch(1), 6), (batch(9), 2)], 2, today=TODAY, container=6)
    assert (opened.parts, opened.by_fefo) == ([(batch(9), 2)], False)
    sealed = choose_batches([(batch(1), 6), (batch(9), 2)], 6, container=6, sealed=True)
    assert (sealed.parts, sealed.by_fefo) == ([(batch(1), 6)], True)
