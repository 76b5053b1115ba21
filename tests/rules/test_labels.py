"""Labels: the text that customers see for a quantity, at the boundaries."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.rules.labels import PLENTY, SOLD_OUT, Availability, Label, availability


def few(remaining: int) -> Availability:
    return Availability(Label.FEW, remaining)


@pytest.mark.parametrize(
    ("base", "scale", "threshold", "label"),
    [
        (0, 1, 5, SOLD_OUT),
        (1, 1, 5, few(1)),
        (5, 1, 5, few(5)),
        (6, 1, 5, PLENTY),
        (1, 1, 0, PLENTY),
        (999, 1000, 5, SOLD_OUT),
        (1000, 1000, 5, few(1)),
        (5999, 1000, 5, few(5)),
        (6000, 1000, 5, PLENTY),
    ],
)
def test_boundaries(base: int, scale: int, threshold: int, label: Availability) -> None:
    assert availability(base, scale, threshold) == label


@given(st.integers(0, 10**15), st.sampled_from([1, 50, 500, 1000]), st.integers(0, 100))
def test_a_label_never_shows_more_than_the_threshold(base: int, scale: int, threshold: int) -> None:
    shown = availability(base, scale, threshold)
    assert (shown.label is Label.SOLD_OUT) == (base < scale)
    if shown.label is Label.FEW:
        assert shown.remaining is not None
        assert shown.remaining * scale <= base
        assert shown.remaining <= threshold
    if shown.label is Label.PLENTY:
        assert shown.remaining is None
