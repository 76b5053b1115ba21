"""Scale labels of 13 and 18 digits, in the layouts that stores configure on their scales."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.catalog.codes import Code, Form, read_code
from app.domain.rules.codes import check_digit
from app.domain.rules.scales import Label, layout_ok, read, weight_for

WEIGHT, AMOUNT = "21PPPPPWWWWWC", "22PPPPPAAAAAC"
BOTH, REVERSED = "26PPPPPAAAAAWWWWWC", "28PPPPPWWWWWAAAAAC"
SHOP = (WEIGHT, AMOUNT, BOTH, REVERSED)
FIVE = st.integers(0, 99_999)


def label(layout: str, plu: int, weight: int, amount: int) -> str:
    """The code that a scale with this layout prints."""
    code = layout.replace("PPPPP", f"{plu:05d}").replace("WWWWW", f"{weight:05d}")
    code = code.replace("AAAAA", f"{amount:05d}")
    return code[:-1] + check_digit(code[:-1])


@given(st.sampled_from(SHOP), FIVE, FIVE, FIVE)
def test_both_forms_are_read_back(layout: str, plu: int, weight: int, amount: int) -> None:
    code = label(layout, plu, weight, amount)
    expected = Label(
        f"{plu:05d}",
        weight if "W" in layout else None,
        amount if "A" in layout else None,
        True,
    )
    assert read(code, SHOP) == expected
    assert read_code(code, SHOP) == Code(
        Form.SCALE, expected.plu, weight=expected.weight, amount=expected.amount
    )


@given(st.sampled_from(SHOP), FIVE, FIVE, FIVE, st.integers(1, 9))
def test_a_wrong_check_digit_is_not_trusted(
    layout: str, plu: int, weight: int, amount: int, off: int
) -> None:
    code = label(layout, plu, weight, amount)
    wrong = code[:-1] + str((int(code[-1]) + off) % 10)
    assert read_code(wrong, SHOP).fault == "CHECK_DIGIT"


def test_a_layout_without_a_check_digit_takes_any() -> None:
    assert read("2100012001234", ["21PPPPPWWWWWW"]) == Label("00012", 1234, None, True)


def test_other_shops_codes_stay_what_they_are() -> None:
    assert read_code("6901234000016", SHOP).form is Form.PLAIN
    assert read_code(label(WEIGHT, 12, 1234, 0)).form is Form.PLAIN


@pytest.mark.parametrize(
    "layout",
    ["", "PPPPPWWWWWWWC", "21PPPPPWWWWW", "21PPPPPWWWWWCC", "21WWWWWPPPPPC", "2xPPPPPWWWWWC"],
)
def test_layouts_no_scale_has(layout: str) -> None:
    assert not layout_ok(layout)


def test_layouts_that_scales_have() -> None:
    assert all(layout_ok(layout) for layout in SHOP)


@given(st.integers(1, 99_999), st.integers(1, 20_000), st.sampled_from([1000, 500]))
def test_the_weight_is_found_again_from_the_price(grams: int, price: int, scale: int) -> None:
    # The scale rounds the amount to the fen, so the weight is exact to the value of half a fen.
    amount = (2 * grams * price + scale) // (2 * scale)
    weight = weight_for(amount, price, scale)
    if amount == 0:
        assert weight is None
        return
    assert weight is not None
    assert (2 * weight * price + scale) // (2 * scale) == amount
    assert abs(weight - grams) <= scale / price / 2 + 1
    if price >= scale:
        assert weight == grams


@given(st.integers(1, 99_999), st.integers(1001, 20_000))
def test_an_amount_that_no_weight_costs_is_of_another_price(amount: int, price: int) -> None:
    near = range(max(1, amount * 1000 // price - 2), amount * 1000 // price + 3)
    possible = any((2 * grams * price + 1000) // 2000 == amount for grams in near)
    assert (weight_for(amount, price, 1000) is not None) == possible
