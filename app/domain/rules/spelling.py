"""One spelling for texts that can be written in several ways: in half width, without invisible
characters.

Terminals, spreadsheets and Chinese keyboards send ＡＢ１ for AB1, and invisible characters.
"""

import re
import unicodedata
from functools import lru_cache

SPACES = re.compile(" {2,}")
KEPT_CHARACTERS = 8192
"""How many characters are cached with their kind; the texts of a chain use few."""

FILLERS = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")
"""Characters without a shape that Unicode classifies as letters, marks and symbols."""

SELECTORS = (range(0xFE00, 0xFE10), range(0x180B, 0x1810), range(0xE0100, 0xE01F0))
"""Variation selectors: they change the shape of the character before them."""

SEPARATORS = frozenset(".,:;'\"!?/·・•、。")
SEPARATING = frozenset(("Zs", "Zl", "Zp", "Cc", "Cf", "Ps", "Pe", "Pi", "Pf", "Pd"))


@lru_cache(KEPT_CHARACTERS)
def is_invisible(character: str) -> bool:
    """Whether a character has no shape: zero width, bidirectional control, filler or selector."""
    return (
        unicodedata.category(character) == "Cf"
        or character in FILLERS
        or any(ord(character) in selectors for selectors in SELECTORS)
    )


def has_visible(text: str) -> bool:
    """Whether the text has a visible character: a letter, digit, sign or symbol."""
    return any(
        unicodedata.category(each)[0] not in "ZCM" and not is_invisible(each) for each in text
    )


def plain(text: str) -> str:
    """The text in half width (NFKC), without invisible characters, with single spaces."""
    if text.isascii() and text.isprintable():
        return SPACES.sub(" ", text).strip()
    shown = "".join(each for each in text if not is_invisible(each))
    return SPACES.sub(" ", unicodedata.normalize("NFKC", shown)).strip()


def search_key(text: str) -> str:
    """The spelling in which searches compare texts: in lower case, without spaces, brackets,
    hyphens and signs that separate words.

    A point between two digits stays, so that 1.5L is not 15L. A text that consists of such signs
    only is left as it is.
    """
    folded = unicodedata.normalize("NFKC", plain(text).casefold())
    kept = [
        each
        for place, each in enumerate(folded)
        if not _separates(each) or _is_decimal_point(folded, place)
    ]
    return unicodedata.normalize("NFKC", "".join(kept)) or folded


@lru_cache(KEPT_CHARACTERS)
def _separates(character: str) -> bool:
    return character in SEPARATORS or unicodedata.category(character) in SEPARATING


def _is_decimal_point(text: str, place: int) -> bool:
    around = text[place - 1 : place] + text[place + 1 : place + 2]
    return text[place] == "." and len(around) == 2 and around.isdecimal()
