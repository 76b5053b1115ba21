"""The language that a client prefers."""

import pytest

from app.domain.rules.languages import language_of


@pytest.mark.parametrize(
    ("header", "language"),
    [
        ("", "zh"),
        ("en", "en"),
        ("EN-us", "en"),
        ("zh-CN,zh;q=0.9,en;q=0.8", "zh"),
        ("en-GB,en;q=0.9,zh-CN;q=0.8", "en"),
        ("fr-FR, en;q=0.5", "en"),
        ("en;q=0.2, zh;q=0.7", "zh"),
        ("zh;q=0, en", "en"),
        ("de, fr", "zh"),
        ("*", "zh"),
        ("english", "zh"),
        ("en;q=x, zh;q=0.1", "zh"),
        ("en;q=nan", "zh"),
    ],
)
def test_the_preferred_language(header: str, language: str) -> None:
    assert language_of(header) == language
