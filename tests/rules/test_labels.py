"""Labels: the text that customers see for a quantity, at the boundaries."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.rules.labels import PLENTY, SOLD_OUT, Label, availability, few_left


@pytest.mark.parametrize(
    ("base", "scale", "threshold", "left"),
    [
        (1, 1, 5, (1, "1")),
        (5, 1, 5, (5, "5")),
        (1, 1000, 5, (0, "0.001")),
        (800, 1000, 5, (0, "0.8")),
        (1000, 1000, 5, (1, "1")),
        (4999, 1000, 5, (4, "4.999")),
        (5000, 1000, 5, (5, "5")),
    ],
)
def test_few_are_left(base: int, scale: int, threshold: int, left: tuple[int, str]) -> None:
    shown = availability(base, scale, threshold, "袋")
    assert (shown.label, shown.remaining, shown.quantity) == (Label.FEW, *left)


@pytest.mark.parametrize(
    ("base", "scale", "threshold"), [(6, 1, 5), (1, 1, 0), (5001, 1000, 5), (1, 1000, 0)]
)
def test_there_is_plenty(base: int, scale: int, threshold: int) -> None:
    assert availability(base, scale, threshold, "袋") == PLENTY


@given(st.integers(0, 10**15), st.sampled_from([1, 50, 500, 1000]), st.integers(0, 100))
def test_a_label_never_shows_more_than_the_threshold(base: int, scale: int, threshold: int) -> None:
    shown = availability(base, scale, threshold, "袋")
    assert (shown == SOLD_OUT) == (base == 0)
    if shown.label is Label.FEW:
        assert shown.available == base
        assert base <= threshold * scale
    if shown.label is Label.PLENTY:
        assert shown.remaining is shown.quantity is None


@pytest.mark.parametrize(
    ("base", "scale", "unit", "chinese", "english"),
    [
        (3, 1, "袋", "仅剩 3 袋", "Only 3 left"),
        (800, 1000, "kg", "仅剩 0.8 公斤", "Only 0.8 kg left"),
        (800, 1000, "公斤", "仅剩 0.8 公斤", "Only 0.8 kg left"),
        (5, 1, "ml", "仅剩 5 毫升", "Only 5 ml left"),
        (750, 500, "斤", "仅剩 1.5 斤", "Only 1.5 left"),
    ],
)
def test_the_text_is_in_the_unit_of_the_product(
    base: int, scale: int, unit: str, chinese: str, english: str
) -> None:
    shown = availability(base, scale, 5, unit)
    assert few_left(shown, chinese=True) == chinese
    assert few_left(shown, chinese=False) == english
