"""Texts and passwords as clients send them."""

import pytest

from app.domain.rules.passwords import strong
from app.domain.rules.texts import Unclean, clean


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        ("大米 5kg", "大米 5kg"),
        ("  a\n", "a"),
        ("　全角空格　", "全角空格"),
        ("", None),
        (" \t", None),
        (None, None),
        ("x" * 20, "x" * 20),
        ("👩‍🌾 café ١٢", "👩‍🌾 café ١٢"),
    ],
)
def test_trims_and_keeps_what_people_write(text: str | None, cleaned: str | None) -> None:
    assert clean(text, "name", 20) == cleaned


@pytest.mark.parametrize(
    "text", ["a\0b", "a\nb", "a\rb", "a\tb", "a\x1bb", "a\x85b", "a\ud800b", "a\u2028b", "x" * 21]
)
def test_refuses_what_nobody_writes_and_names_the_field(text: str) -> None:
    with pytest.raises(Unclean, match=r"^name: "):
        clean(text, "name", 20)


@pytest.mark.parametrize("text", [None, "", "   ", "\u3000"])
def test_a_required_text_is_needed(text: str | None) -> None:
    with pytest.raises(Unclean, match="needed"):
        clean(text, "name", 20, required=True)


def test_lines_are_allowed_where_they_are_asked_for() -> None:
    assert clean("a\r\n\tb", "note", 20, lines=True) == "a\r\n\tb"
    with pytest.raises(Unclean):
        clean("a\0\nb", "note", 20, lines=True)


def test_a_password_is_taken_as_typed() -> None:
    assert strong(" spaces ") == " spaces "
    for password in ("", "seven77", "x" * 129):
        with pytest.raises(Unclean, match=r"^password: "):
            strong(password)
