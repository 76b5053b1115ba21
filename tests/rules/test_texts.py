"""Texts, passwords and links that clients send."""

import pytest

from app.domain.rules.passwords import strong
from app.domain.rules.texts import InvalidText, clean, link


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
def test_refuses_control_characters_and_long_texts_and_names_the_field(text: str) -> None:
    with pytest.raises(InvalidText, match=r"^名称"):
        clean(text, "name", 20)


@pytest.mark.parametrize("text", [None, "", "   ", "\u3000"])
def test_a_required_text_is_needed(text: str | None) -> None:
    with pytest.raises(InvalidText, match="must not be empty"):
        clean(text, "name", 20, required=True)


def test_lines_are_allowed_where_they_are_asked_for() -> None:
    assert clean("a\r\n\tb", "note", 20, lines=True) == "a\r\n\tb"
    with pytest.raises(InvalidText):
        clean("a\0\nb", "note", 20, lines=True)


def test_a_password_is_taken_as_typed() -> None:
    assert strong(" 雨后竹林 17 步 ") == " 雨后竹林 17 步 "
    for password in ("", "seven77", "x" * 129):
        with pytest.raises(InvalidText, match=r"^密码"):
            strong(password)


@pytest.mark.parametrize(
    "text",
    [
        "https://photos.example/1.jpg",
        " HTTPS://photos.example:8443/a/b?x=1&y=%20#top ",
        "https://照片.example/报损/1.jpg",
        "https://[2001:db8::1]/1.jpg",
    ],
)
def test_links_as_browsers_take_them(text: str) -> None:
    assert link(text, "photoUrls", 60) == text.strip()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "x",
        "http://photos.example/1.jpg",
        "javascript:alert(1)",
        "data:text/html,x",
        "//photos.example/1.jpg",
        "https:photos.example",
        "https:///1.jpg",
        "https://",
        "https://:443/",
        "https://bank.example@evil.example/",
        "https://@evil.example/",
        "https://bank.example\\@evil.example/",
        "https://photos.example:99999/",
        "https://photos.example:x/",
        "https://[::1/",
        "https://photos example/",
        "https://photos.example/a b",
        "https://photos.example/\u202egpj.1",
        "https://photos.example/\n1",
        'https://photos.example/"><script>',
        "https://photos.example/" + "x" * 60,
    ],
)
def test_what_is_no_link_is_refused(text: str) -> None:
    with pytest.raises(InvalidText, match=r"^照片链接"):
        link(text, "photoUrls", 60)
