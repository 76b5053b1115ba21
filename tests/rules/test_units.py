"""Units: a quantity converts to base units exactly, or it is refused."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.rules.units import (
    LIMIT,
    MEASURES,
    from_base,
    is_known,
    scale_of,
    shown,
    size_of,
    to_base,
    unit_of,
    written,
)

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


@given(st.integers(1, 500), st.integers(1, 60), st.integers(1, 2000))
def test_cases_bought_and_bottles_sold_end_at_nothing(k: int, n: int, millilitres: int) -> None:
    own = {"瓶": millilitres, "箱": n * millilitres}
    case, bottle = size_of("箱", "ml", own), size_of("瓶", "ml", own)
    assert case is not None
    assert bottle is not None
    bought = to_base(Decimal(k), case)
    sold = [to_base(Decimal(1), bottle) or 0 for _ in range(k * n)]
    assert bought == sum(sold)


@pytest.mark.parametrize(
    ("unit", "product_unit", "size"),
    [("斤", "kg", 500), ("g", "斤", 1), ("kg", "斤", 1000), ("升", "ml", 1000), ("ml", "kg", None),
     ("袋", "袋", 1), ("kg", "袋", None), ("箱", "kg", None)],
)  # fmt: skip
def test_measures_of_one_kind_convert(unit: str, product_unit: str, size: int | None) -> None:
    assert size_of(unit, product_unit, {}) == size


@pytest.mark.parametrize(
    ("base", "display", "text"),
    [(6120, "箱", "1 箱 120 ml"), (9120, "箱", "1 箱 6 瓶 120 ml"), (9120, "瓶", "18 瓶 120 ml"),
     (0, "瓶", "0 ml"), (120, "箱", "120 ml"), (9120, None, "9120 ml")],
)  # fmt: skip
def test_quantities_as_a_shop_says_them(base: int, display: str | None, text: str) -> None:
    assert shown(base, "ml", {"瓶": 500, "箱": 6000}, display) == text


@pytest.mark.parametrize(
    ("text", "unit"),
    [
        *((text, "kg") for text in ("kg", "KG", "Kg", "㎏", "ｋｇ", " kg ", "kgs", "Kilogram")),
        *((text, "ml") for text in ("ML", "Ml", "㎖", "ＭＬ", "cc")),
        *((text, "L") for text in ("L", "Ｌ", "litre")),
        *((text, "g") for text in ("G", "ｇ", "gram")),
        ("公斤", "公斤"),
        ("市斤", "斤"),
        ("袋", "袋"),
        ("Ｂox", "Box"),
    ],
)
def test_units_by_any_spelling(text: str, unit: str) -> None:
    assert unit_of(text) == unit
    assert is_known(unit)


@pytest.mark.parametrize("unit", ["gk", "斥", "lb", "mg", "5kg", "x"])
def test_unusual_units_are_for_the_shop_to_confirm(unit: str) -> None:
    assert unit_of(unit) == unit
    assert not is_known(unit)
