"""Texts from clients: trimmed, bounded, and free of control characters."""

import unicodedata
from typing import Literal, overload
from urllib.parse import urlsplit


class InvalidText(ValueError):
    """A text that is missing, too long or malformed; shown as a BAD_INPUT error."""


@overload
def clean(
    text: str | None, field: str, longest: int, *, required: Literal[True], lines: bool = False
) -> str: ...
@overload
def clean(
    text: str | None, field: str, longest: int, *, required: bool = False, lines: bool = False
) -> str | None: ...
def clean(
    text: str | None, field: str, longest: int, *, required: bool = False, lines: bool = False
) -> str | None:
    """The text without leading and trailing space; None when nothing is left.

    Raises InvalidText, naming `field`, when nothing is left of a `required` text, when it has more
    than `longest` characters, or control characters; `lines` allows tabs and line breaks.
    """
    text = (text or "").strip()
    if not text:
        if required:
            raise InvalidText(f"{field}: a text is needed")
        return None
    if len(text) > longest:
        raise InvalidText(f"{field}: at most {longest} characters")
    if any(_refused(character, lines) for character in text):
        raise InvalidText(f"{field}: control characters are not allowed")
    return text


def link(text: str, field: str, longest: int) -> str:
    """An https:// address for browsers; this server never fetches it. Raises InvalidText."""
    text = clean(text, field, longest, required=True)
    # A user name before the host, or a character that browsers rewrite, hides where it leads.
    plain = text.isprintable() and not set(text) & set(' "<>\\^`{|}')
    if not plain or not _is_https(text):
        raise InvalidText(f"{field}: a link that begins with https://")
    return text


def _is_https(text: str) -> bool:
    """Whether it is an https address with a host, without a user name."""
    try:
        parts = urlsplit(text)
        secure = parts.scheme == "https" and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False
    return secure and parts.username is None


def masked(text: str) -> str:
    """A phone number with its middle hidden, 138****5678; other texts as they are."""
    digits = text.removeprefix("+86").strip()
    if len(digits) == 11 and digits.isascii() and digits.isdigit():
        return f"{digits[:3]}****{digits[-4:]}"
    return text


def _refused(character: str, lines: bool) -> bool:
    # PostgreSQL cannot store NUL, nor UTF-8 a lone surrogate; U+2028 and U+2029 break lines too.
    if lines and character in "\t\n\r":
        return False
    return unicodedata.category(character) in ("Cc", "Cs", "Zl", "Zp")
