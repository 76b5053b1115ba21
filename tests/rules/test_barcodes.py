"""Barcodes: all forms of one GTIN are the same code."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.rules.codes import LENGTHS, check_digit_ok, normal

digits = st.text("0123456789", min_size=1, max_size=13)


def with_check_digit(body: str) -> str:
    """`body` with its check digit, found by trying all ten."""
    return next(f"{body}{digit}" for digit in range(10) if check_digit_ok(f"{body}{digit}"))


@pytest.mark.parametrize(
    "code", ["4006381333931", "96385074", "036000291452", "10012345678902", "6901028075763"]
)
def test_printed_codes_check(code: str) -> None:
    assert check_digit_ok(code)
    assert normal(code) == code.zfill(14)


@pytest.mark.parametrize(
    "code", ["", "1", "4006381333930", "abc", "４００６３８１３３３９３１", "12 4"]
)
def test_others_do_not(code: str) -> None:
    assert not check_digit_ok(code)


def test_the_spellings_of_one_gtin_are_equal() -> None:
    spellings = ["036000291452", "0036000291452", "00036000291452", " 036000291452\n"]
    assert {normal(code) for code in spellings} == {"00036000291452"}


@pytest.mark.parametrize("code", ["4006381333930", "ABC-123", "123456", "0" * 15, "٠١٢٣٤٥٦٧٨٩٠١٢"])
def test_any_other_code_stays_itself(code: str) -> None:
    assert normal(f" {code} ") == code


@given(digits)
def test_one_wrong_digit_is_noticed(body: str) -> None:
    code = with_check_digit(body)
    for place in range(len(code)):
        wrong = str((int(code[place]) + 1) % 10)
        assert not check_digit_ok(code[:place] + wrong + code[place + 1 :])


@given(st.text(max_size=20))
def test_normal_is_final(code: str) -> None:
    assert normal(normal(code)) == normal(code)


@given(st.sampled_from(LENGTHS), st.data())
def test_every_length_becomes_fourteen(length: int, data: st.DataObject) -> None:
    body = data.draw(st.text("0123456789", min_size=length - 1, max_size=length - 1))
    assert len(normal(with_check_digit(body))) == 14
