"""Fields of templates: their limits, in whole characters."""

import pytest

from app.domain.rules.alert_texts import RULE_NAMES, TEXTS
from app.domain.rules.message_fields import Part, characters, filled, most_characters, shortened


@pytest.mark.parametrize(
    ("text", "short"),
    [
        ("大米已断货", "大米已断货"),
        ("一二三四五六七八九十一二三四五六七八九十", "一二三四五六七八九十一二三四五六七八九十"),
        ("一二三四五六七八九十一二三四五六七八九十多", "一二三四五六七八九十一二三四五六七八九…"),
        ("a" * 18 + "👨‍👩‍👧", "a" * 18 + "…"),
        ("👍🏽" * 9, "👍🏽" * 4 + "…"),
        ("a" * 18 + "𠮷𠮷", "a" * 18 + "…"),
        (" 两行\n文字 ", "两行 文字"),
        ("", "无"),
        ("\n", "无"),
    ],
)
def test_texts_end_in_a_whole_character(text: str, short: str) -> None:
    assert shortened(text, 20) == short
    assert len(shortened(text, 20).encode("utf-16-le")) <= 40


def test_characters_as_a_person_sees_them() -> None:
    text = "a\u0301👨‍👩‍👧🇨🇳🇨🇳☎️"
    assert list(characters(text)) == ["a\u0301", "👨‍👩‍👧", "🇨🇳", "🇨🇳", "☎️"]


def test_what_may_fill_a_field() -> None:
    assert most_characters("WECHAT", "thing1", Part.TEXT) == 20
    assert most_characters("WECHAT", "number2", Part.NUMBER) == 32
    for field, part in (("number2", Part.TEXT), ("thing", Part.TEXT), ("time3", Part.STORE)):
        assert most_characters("WECHAT", field, part) is None
    assert most_characters("DOUYIN", "商品", Part.PRODUCT) == 20
    assert most_characters("DOUYIN", "", Part.PRODUCT) is None
    assert filled("WECHAT", {"thing1": Part.PRODUCT}, {"PRODUCT": ""}) == {"thing1": "无"}


def test_each_rule_has_a_short_name() -> None:
    assert RULE_NAMES.keys() == TEXTS.keys()
    assert max(map(len, RULE_NAMES.values())) <= 5
