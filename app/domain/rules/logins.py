"""The spelling in which logins and codes are compared: texts that look the same are equal."""

import unicodedata

from app.domain.rules.texts import InvalidText, clean

LONGEST = 100
BLANK = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")
"""Invisible characters that are not in the categories below."""
UNSEEN = frozenset({"Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp"})


def normal_login(login: str) -> str:
    """The login as it is stored: in lower case and half width (NFKC and case folding).

    Raises InvalidText for a login that is empty, too long, or has a space or an invisible
    character, such as a zero-width space or a change of the writing direction.
    """
    login = folded(clean(login, "login", LONGEST, required=True))
    if any(character.isspace() for character in login):
        raise InvalidText("login", "不能含空格", "must not contain spaces")
    if any(map(_unseen, login)):
        raise InvalidText("login", "不能含不可见字符", "must not contain invisible characters")
    return login


def folded(text: str) -> str:
    """The text in one spelling: NFKC, without case."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())


def _unseen(character: str) -> bool:
    selector = "\ufe00" <= character <= "\ufe0f" or "\u180b" <= character <= "\u180f"
    return selector or character in BLANK or unicodedata.category(character) in UNSEEN
