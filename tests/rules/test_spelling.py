"""Spellings: one text in half width, and one that searches compare."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.rules.spelling import has_visible, plain, search_key


@given(st.text(max_size=30))
def test_both_are_final(text: str) -> None:
    assert plain(plain(text)) == plain(text)
    assert search_key(search_key(text)) == search_key(text)


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("蒙牛（特仑苏） 纯牛奶", "蒙牛特仑苏纯牛奶"),
        ("乐事-原味薯片", "乐事原味薯片"),
        ("老干妈·风味 豆豉", "老干妈风味豆豉"),
        ("可乐 1.5L*12", "可乐1.5l*12"),
        ("ＡＢ１", "ab1"),
        ("100%", "100%"),
        ("()", "()"),
    ],
)
def test_searches_skip_what_separates_words(text: str, key: str) -> None:
    assert search_key(text) == key


@pytest.mark.parametrize("text", ["", " ", "\u200b\u200d", "\u3164", "\u2800", "\ufe0f", "\u0301"])
def test_nobody_sees_these(text: str) -> None:
    assert not has_visible(text)


@pytest.mark.parametrize("text", ["米", "a", "1", "👍", "-"])
def test_everybody_sees_these(text: str) -> None:
    assert has_visible(text)
