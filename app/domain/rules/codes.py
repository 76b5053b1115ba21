"""Codes of products: check digits, and the one spelling in which codes are compared."""

import unicodedata
from functools import lru_cache

from app.domain.rules.spelling import KEPT_CHARACTERS, plain

KEPT_CODES = 4096
"""How many codes are cached with their keys."""

LENGTHS = (8, 12, 13, 14)

CYRILLIC = str.maketrans("авекмнорстухіјѕһ", "abekmhopctyxijsh")
GREEK = str.maketrans("αβεζηικμνορτυχ", "abezhikmnoptyx")
LOOK_ALIKES = CYRILLIC | GREEK
"""Letters of other scripts whose capitals look like a Latin letter."""


# A keyboard scanner may send another character for FNC1; no control character is kept in a text.
STANDS_FOR_FNC1 = "|"


class NotGs1(Exception):
    """A text is no GS1 message; the message says why."""


def check_digit_ok(code: str) -> bool:
    """Whether the last digit is the GS1 check digit (weights 3 and 1 from the right)."""
    if not code.isascii() or not code.isdigit() or len(code) < 2:
        return False
    return check_digit(code[:-1]) == code[-1]


def check_digit(digits: str) -> str:
    """The GS1 check digit for these digits."""
    weighted = (int(digit) * (3, 1)[i % 2] for i, digit in enumerate(reversed(digits)))
    return str(-sum(weighted) % 10)


def in_house(number: int) -> str:
    """An EAN-13 for use inside the chain: GS1 reserves the prefix 20 for internal use."""
    digits = f"20{number % 10**10:010d}"
    return digits + check_digit(digits)


def normal(code: str) -> str:
    """A code as it is shown: a GTIN-8/12/13/14 as 14 digits, any other code in half width."""
    code = plain(code)
    digits = "".join(code.split())
    return digits.zfill(14) if len(digits) in LENGTHS and check_digit_ok(digits) else code


def printed(code: str) -> str:
    """A code as it is printed on the pack: a GTIN of 14 digits is shortened to its 13 (EAN-13) or 8
    (EAN-8) digits."""
    if len(code) != 14 or not code.startswith("0") or not check_digit_ok(code):
        return code
    return code[6:] if code.startswith("000000") else code[1:]


@lru_cache(KEPT_CODES)
def code_key(code: str) -> str:
    """The spelling in which codes are compared: equal for all spellings of one code.

    Width, case, spaces, invisible characters, kinds of dashes, and letters that look like Latin
    ones make no difference. Leading zeros of a number make no difference either: a GTIN has one key
    in all its lengths, and PLU 00786 is 786.
    """
    folded = unicodedata.normalize("NFKC", plain(code).casefold())
    text = "".join(map(_compared, folded)).translate(LOOK_ALIKES)
    # A Latin letter and an accent that followed a look-alike are one character.
    text = unicodedata.normalize("NFKC", text)
    return text.lstrip("0") or "0" if text.isdecimal() else text


@lru_cache(KEPT_CHARACTERS)
def _compared(character: str) -> str:
    if character.isspace():
        return ""
    if character.isdecimal():
        return str(unicodedata.decimal(character))
    is_dash = unicodedata.category(character) == "Pd" or character == "\u2212"
    return "-" if is_dash else character
