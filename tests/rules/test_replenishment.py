"""Properties of replenishment suggestions and of the split of transfer receipts over batches."""

from collections import Counter
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.rules.replenishment import suggested
from app.domain.rules.transfer_receipts import allocate

SOLD, DAYS, POINT = st.integers(0, 10**6), st.integers(0, 90), st.integers(0, 10**6)
THERE, SCALE = st.integers(0, 10**6), st.sampled_from([1, 500, 1000])


class Case(NamedTuple):
    sold: int
    lead_days: int
    reorder_point: int
    there: int
    coming: int
    quantity: int


@pytest.mark.parametrize(
    "case",
    [
        Case(0, 2, 0, 0, 0, 0),  # neither a threshold nor sales: no suggestion
        Case(0, 2, 10, 11, 0, 0),
        Case(0, 2, 10, 10, 0, 1),
        Case(0, 2, 10, 4, 6, 1),
        Case(0, 2, 10, 0, 0, 11),
        Case(30, 2, 0, 3, 0, 0),
        Case(30, 2, 0, 2, 0, 7),
        Case(30, 2, 10, 12, 0, 7),
        Case(1, 0, 0, 0, 0, 0),  # it arrives at once, and the store keeps none
        Case(1, 1, 0, 0, 0, 2),
    ],
)
def test_examples(case: Case) -> None:
    *inputs, quantity = case
    assert suggested(*inputs, scale=1) == quantity


@given(SOLD, DAYS, POINT, THERE, THERE, SCALE)
def test_what_is_suggested_is_enough_and_whole(
    sold: int, lead: int, point: int, there: int, coming: int, scale: int
) -> None:
    quantity = suggested(sold, lead, point, there, coming, scale)
    assert quantity >= 0
    assert quantity % scale == 0
    # When the suggested quantity has arrived or is on its way, nothing more is suggested.
    assert suggested(sold, lead, point, there + quantity, coming, scale) == 0
    assert suggested(sold, lead, point, there, coming + quantity, scale) == 0
    # Stock and incoming goods count the same.
    assert quantity == suggested(sold, lead, point, there + coming, 0, scale)


@given(
    st.dictionaries(st.integers(0, 5), st.integers(1, 50), min_size=1), st.lists(st.integers(1, 20))
)
def test_parts_close(held: dict[int, int], quantities: list[int]) -> None:
    fates = list(enumerate(quantities))
    while sum(quantity for _, quantity in fates) > sum(held.values()):
        fates.pop()
    parts = allocate(sorted(held.items()), fates)
    by_fate: Counter[int] = Counter()
    by_batch: Counter[int] = Counter()
    for fate, batch, quantity in parts:
        assert quantity > 0
        by_fate[fate] += quantity
        by_batch[batch] += quantity
    assert by_fate == Counter(dict(fates))
    assert all(by_batch[batch] <= held[batch] for batch in by_batch)
    # Each batch is used up before the next one.
    touched = [batch for batch in sorted(held) if by_batch[batch]]
    assert all(by_batch[batch] == held[batch] for batch in touched[:-1])
