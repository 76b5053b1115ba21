"""Pinyin of names: read part by part as pypinyin reads the whole."""

import pytest
from pypinyin import Style, lazy_pinyin

from app.domain.catalog.pinyin import APART, full, initials

NAMES = (
    "东北大米 00017",
    "重庆小面1.5L",
    "银行长大",
    "可乐ABC曾记",
    "〇度コーラ",
    "薏米",
    "A1",
    "",
)


@pytest.mark.parametrize("name", NAMES)
def test_a_name_is_read_part_by_part(name: str) -> None:
    assert full(name) == "".join(lazy_pinyin(name, errors="default")).lower()
    likely = lazy_pinyin(name, style=Style.FIRST_LETTER, errors=APART)
    assert initials(name)[0] == "".join(map(str, likely)).lower()


def test_a_character_of_several_readings_gives_several_initials() -> None:
    assert {"l", "y"} <= set(initials("乐"))
