"""Logins: one spelling for what looks the same, and no character that is not seen."""

import pytest

from app.domain.rules.logins import normal_login
from app.domain.rules.texts import InvalidText


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        (" Boss ", "boss"),
        ("ｂｏｓｓ８８", "boss88"),
        ("STRASSE", "strasse"),
        ("Straße", "strasse"),
        ("ﬁsh", "fish"),
        ("ΣΊΣΥΦΟΣ", "σίσυφοσ"),
        ("e\u0301mile", "émile"),
        ("老板", "老板"),
        ("１３８００１３８０００", "13800138000"),
    ],
)
def test_one_spelling(typed: str, kept: str) -> None:
    assert normal_login(typed) == kept
    assert normal_login(kept) == kept


@pytest.mark.parametrize(
    "login",
    [
        "",
        "two words",
        "two\u3000words",
        "a\u200bb",
        "a\u200db",
        "a\ufeffb",
        "\u202eadmin",
        "\u2066admin\u2069",
        "a\u00adb",
        "a\u3164b",
        "a\u034fb",
        "a\ufe0fb",
        "a\u2800b",
        "a\U000e0041b",
        "a\ue000b",
        "a\0b",
        "x" * 101,
    ],
)
def test_logins_that_are_refused(login: str) -> None:
    with pytest.raises(InvalidText):
        normal_login(login)
