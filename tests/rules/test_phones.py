"""Phone numbers in texts: found in any spelling, masked, and in one normal form."""

import time
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.rules.phones import masked, normal
from app.domain.rules.texts import clean

MOBILES = [
    "13712345678",
    "+8613712345678",
    "+86 137 1234 5678",
    "86-13712345678",
    "0086-13712345678",
    "137 1234 5678",
    "137-1234-5678",
    "137.1234.5678",
    "137_1234_5678",
    "(137)12345678",
    "137\u200b1234\u200d5678",
    "１３７１２３４５６７８",
    "张三 13712345678",
    "张三13712345678",
    "13712345678（张三）",
    "vx13712345678abc",
    "2 瓶，电话：13712345678",
    "2026-11-28 13712345678 2026-11-28",
]


def digits(text: str) -> str:
    return "".join(filter(str.isdigit, unicodedata.normalize("NFKC", text)))


@pytest.mark.parametrize("text", MOBILES)
def test_a_mobile_number_is_masked_in_any_spelling(text: str) -> None:
    assert "137****5678" in masked(text)
    assert "12345678" not in digits(masked(text))
    assert normal(text) == "+8613712345678"
    assert masked(masked(text)) == masked(text)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("010-12345678", "****5678"),
        ("(0755)8888 8888", "****8888"),
        ("021-62345678-123", "****5678-123"),
        ("021-62345678转123", "****5678转123"),
        ("400-810-8888", "****8888"),
        ("+852 9123 4567", "****4567"),
        ("+1 415 555 2671", "****2671"),
        ("甲13712345678/乙13812340000", "甲137****5678/乙138****0000"),
    ],
)
def test_of_other_numbers_only_the_last_four_digits_stay(text: str, shown: str) -> None:
    assert masked(text) == shown


@pytest.mark.parametrize(
    "text",
    [
        "",
        "张三",
        "6901234567892",
        "(01)06901234567892(17)261128(10)A1",
        "20261128",
        "2026-11-28 10:00",
        "批号 20260101-01",
        "SO-20261128001",
        "019ab371-2345-7678-9137-123456780000",
        "4200001234567890123456",
        "100.50 200.30 300.12",
        "12 345 678 901",
        "10.0.0.12",
    ],
)
def test_other_digits_stay(text: str) -> None:
    assert masked(text) == text


def test_a_plain_mobile_number_is_found_like_any_other_spelling() -> None:
    for prefix in range(130, 200):
        plain = normal(f"{prefix}12345678")
        spaced = normal(f"{prefix} 1234 5678")
        assert plain.startswith("+86") == spaced.startswith("+86"), prefix
        assert plain == spaced or not plain.startswith("+86"), prefix


def test_a_name_is_found_by_itself() -> None:
    assert normal(" Zhang  San ") == normal("ｚhang san") == "zhang san"
    assert normal("张三") != normal("张三丰")


def test_notes_and_reasons_keep_no_number() -> None:
    assert clean("请打 13712345678", "note", 50) == "请打 137****5678"
    assert clean("13712345678", "reason", 50) == "137****5678"
    assert clean("13712345678", "reference", 50) == "13712345678"


def test_a_long_text_is_searched_for_the_usual_spellings() -> None:
    codes = "6901234567892, 20261128, 4200001234567890123456; " * 8
    spellings = "13712345678 +86 137-1234-5678 （010）62345678 0755-8888 8888 +852 9123 4567"
    shown = "137****5678 137****5678 ****5678 ****8888 ****4567"
    assert masked(codes + spellings) == codes + shown


@given(st.text(alphabet="0123456789 -+()/.１张a\u200b", max_size=60))
def test_any_text_can_be_masked(text: str) -> None:
    assert masked(masked(text)) == masked(text)


@pytest.mark.parametrize(
    "text", ["1371234567 ", "0 ", "1/", "(1", "+1 ", "12345678901/", "1 2 3 4 5 6 7 "]
)
def test_a_long_text_costs_little(text: str) -> None:
    began = time.process_time()
    masked((text * 20_000)[:20_000])
    assert time.process_time() - began < 0.1
