"""Units: what a shop says and what is counted are the same quantity, or it is refused."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.rules.units import LIMIT, MEASURES, from_base, scale_of, to_base, written

SCALES = sorted({1, *MEASURES.values()})


@pytest.mark.parametrize(
    ("unit", "scale"),
    [
        ("kg", 1000),
        ("斤", 500),
        ("两", 50),
        ("g", 1),
        ("升", 1000),
        ("ml", 1),
        ("袋", 1),
        ("KG", 1),
    ],
)
def test_a_unit_has_its_base_units(unit: str, scale: int) -> None:
    assert scale_of(unit) == scale


@pytest.mark.parametrize(
    ("quantity", "scale", "base"),
    [
        ("3", 1, 3),
        ("1.5", 1000, 1500),
        ("0.001", 1000, 1),
        ("0.002", 500, 1),
        ("0.02", 50, 1),
        ("3.000000", 1, 3),
        (str(LIMIT), 1, LIMIT),
        ("0.0005", 1000, None),
        ("0.001", 500, None),
        ("0.5", 1, None),
        ("0", 1, None),
        ("-1", 1, None),
        (str(LIMIT + 1), 1, None),
        (str(LIMIT), 1000, None),
    ],
)
def test_a_quantity_is_whole_in_base_units_or_refused(
    quantity: str, scale: int, base: int | None
) -> None:
    assert to_base(Decimal(quantity), scale) == base


@given(st.integers(1, LIMIT), st.sampled_from(SCALES))
def test_there_and_back_is_exact(base: int, scale: int) -> None:
    said = from_base(base, scale)
    assert to_base(said, scale) == base
    assert Decimal(written(base, scale)) == said


@given(st.integers(-LIMIT, LIMIT), st.sampled_from(SCALES))
def test_it_is_written_as_plain_digits(base: int, scale: int) -> None:
    text = written(base, scale)
    assert set(text) <= set("-0123456789.")
    assert not text.endswith(".")
    assert "." not in text or not text.endswith("0")
    assert Decimal(text) * scale == base


@given(
    st.decimals(allow_nan=False, allow_infinity=False, places=6, min_value=-5, max_value=10**16),
    st.sampled_from(SCALES),
)
def test_what_is_accepted_is_exact(quantity: Decimal, scale: int) -> None:
    base = to_base(quantity, scale)
    if base is not None:
        assert 0 < base <= LIMIT
        assert base == quantity * scale
