"""Barcodes: all forms of one GTIN are the same code."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.rules.codes import LENGTHS, check_digit_ok, code_key, normal, printed

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


@given(st.text(max_size=20) | digits.map(with_check_digit))
def test_what_is_shown_finds_the_product(code: str) -> None:
    """A barcode is shown as it is printed: another spelling of the same code."""
    assert code_key(printed(normal(code))) == code_key(code)


def wide(text: str) -> str:
    return "".join(chr(ord(each) + 0xFEE0) if "!" <= each <= "~" else each for each in text)


@given(st.text(max_size=20))
def test_a_key_is_final(code: str) -> None:
    assert code_key(code_key(code)) == code_key(code)
    assert code_key(normal(code)) == code_key(code)


@given(st.text("aBz019-_/.中 ", max_size=20), st.integers(0, 20))
def test_width_case_spaces_and_invisible_characters_make_no_difference(
    code: str, place: int
) -> None:
    key = code_key(code)
    for spelled in (
        code.upper(),
        code.lower(),
        wide(code),
        f" {code}\n",
        code.replace("-", "–"),
        f"{code[:place]}\u200b\u202e{code[place:]}",
        f"{code[:place]} \u3000{code[place:]}",
    ):
        assert code_key(spelled) == key


@given(st.integers(0, 10**14), st.integers(0, 6))
def test_leading_zeros_make_no_difference(number: int, zeros: int) -> None:
    assert code_key("0" * zeros + str(number)) == code_key(str(number))


@pytest.mark.parametrize("pair", [("SH-1", "SH-2"), ("A1", "A-1"), ("10", "100"), ("A01", "A1")])
def test_other_codes_stay_apart(pair: tuple[str, str]) -> None:
    assert code_key(pair[0]) != code_key(pair[1])
