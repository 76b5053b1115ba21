"""Phone numbers inside texts: found in any spelling, masked, and in one normal form."""

import re
import unicodedata
from collections.abc import Iterator
from typing import NamedTuple

import phonenumbers
from phonenumbers import Leniency, NumberParseException, PhoneNumber, PhoneNumberMatcher

REGION = "CN"
CHINA = 86
MOBILE = re.compile(r"1[3-9]\d{9}")
ALLOTTED = re.compile(r"1(?:3\d|4[57]|5[0-35-9]|6[2567]|7[0-35-8]|8\d|9[0-35-9])\d{8}", re.ASCII)
"""Mobile numbers that the library accepts. Most contacts consist of one such number, so that they
need no search."""
ENOUGH_DIGITS = re.compile(r"(?:\d\D*){7}")
"""The shortest number that is masked has seven digits; a text with fewer is not searched."""
UUIDS = re.compile(r"(?<![0-9a-z])[0-9a-z]{8}(?:-[0-9a-z]{4}){3}-[0-9a-z]{12}(?![0-9a-z])", re.I)
DIGITS = re.compile(r"\d+")
MOST_GROUPS = 12
"""The most groups of digits in a text that the library searches: it tries each group with the next
ones, which takes milliseconds in a text with many digits. Such texts are searched for the usual
spellings only."""
USUAL = re.compile(
    r"(?<!\d)(?:"
    r"(?:(?:\+|00)?86[-\s]?)?1[3-9]\d(?:[-\s.]?\d{4}){2}"  # a mobile number
    r"|[(（]?0\d{2,3}[)）]?[-\s]?\d{4}[-\s]?\d{3,4}"  # a land line
    r"|\+\d(?:[-\s()]?\d){6,13}"  # a number abroad
    r")(?!\d)"
)
EXTENSION = re.compile(r"(?<!\d)\(?0\d{2,3}\)?[-\s]?\d{7,8}(?=-\d{1,6}(?!\d))")
"""A land line with its extension, such as 021-62345678-123, which is too long for the library."""


class PhoneMatch(NamedTuple):
    """A phone number at `text[start:end]`; `e164` is its normal form: +8613812345678."""

    start: int
    end: int
    e164: str


def masked(text: str) -> str:
    """The text with every phone number masked: 138****5678, a land line ****5678."""
    if not ENOUGH_DIGITS.search(text):
        return text
    parts: list[str] = []
    done = 0
    for number in numbers(text):
        parts += [text[done : number.start], _mask(number.e164)]
        done = number.end
    return "".join([*parts, text[done:]])


def numbers(text: str) -> list[PhoneMatch]:
    """The phone numbers of a text, from left to right; none of them overlap."""
    if ALLOTTED.fullmatch(text):
        return [PhoneMatch(0, len(text), f"+{CHINA}{text}")]
    if not ENOUGH_DIGITS.search(text):
        return []
    plain = _plain(text)
    if len(DIGITS.findall(plain)) > MOST_GROUPS:
        matches = list(_usual(plain))
    else:
        matches = sorted([*_matches(plain), *_with_extensions(plain)])
    apart: list[PhoneMatch] = []
    for number in matches:
        if not apart or number.start >= apart[-1].end:
            apart.append(number)
    return apart


def dialled_digits(text: str) -> list[str]:
    """The digits of each number as people write it: without +86, or with another country code."""
    return [number.e164.removeprefix(f"+{CHINA}").removeprefix("+") for number in numbers(text)]


def normal(text: str) -> str:
    """The text under which a contact is found: its first phone number in E.164, otherwise the
    contact itself without differences of width, case and spaces."""
    if first := numbers(text)[:1]:
        return first[0].e164
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def _plain(text: str) -> str:
    """A text of the same length that the library reads: ASCII digits, and no Latin letters.

    Letters are removed because the library skips a number beside one (vx13812345678); UUIDs are
    removed because their digits are not phone numbers.
    """
    text = UUIDS.sub(lambda match: "，" * len(match[0]), text)
    return "".join(map(_plain_character, text))


def _plain_character(character: str) -> str:
    if character.isascii():
        return "，" if character.isalpha() else "-" if character == "_" else character
    if unicodedata.category(character) == "Cf":
        return "\u200b"
    digit = unicodedata.decimal(character, None)
    return character if digit is None else str(digit)


def _matches(plain: str) -> Iterator[PhoneMatch]:
    for match in PhoneNumberMatcher(plain, REGION, leniency=Leniency.VALID):
        if _is_dialled(match.raw_string, match.number):
            yield PhoneMatch(match.start, match.end, _e164(match.number))


def _usual(plain: str) -> Iterator[PhoneMatch]:
    for match in USUAL.finditer(plain):
        digits = "".join(filter(str.isdigit, match[0]))
        mobile = MOBILE.fullmatch(digits[-11:])
        e164 = f"+{CHINA}{digits[-11:]}" if mobile else f"+{digits}"
        yield PhoneMatch(match.start(), match.end(), e164)


def _with_extensions(plain: str) -> Iterator[PhoneMatch]:
    for match in EXTENSION.finditer(plain):
        try:
            number = phonenumbers.parse(match[0], REGION)
        except NumberParseException:
            continue
        if phonenumbers.is_valid_number(number):
            yield PhoneMatch(match.start(), match.end(), _e164(number))


def _is_dialled(raw: str, number: PhoneNumber) -> bool:
    """False for digits that are a land line only without its leading 0: a date with a count."""
    digits = "".join(filter(str.isdigit, raw))
    local = number.country_code == CHINA and digits == str(number.national_number)
    kind = phonenumbers.PhoneNumberType.FIXED_LINE
    return not (local and phonenumbers.number_type(number) == kind)


def _e164(number: PhoneNumber) -> str:
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def _mask(e164: str) -> str:
    national = e164.removeprefix(f"+{CHINA}")
    shown = national[:3] if MOBILE.fullmatch(national) else ""
    return f"{shown}****{national[-4:]}"
