"""Templates of providers: which part of an alert fills a field, and how long the field may be."""

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from enum import Enum

ZERO_WIDTH_JOINER = "\u200d"
SKIN_TONES = range(0x1F3FB, 0x1F400)
REGIONAL = range(0x1F1E6, 0x1F200)
NOTHING = "无"
"""The value of a field whose part the alert lacks: providers refuse an empty field."""


class Part(Enum):
    """A part of an alert that fills a field of a template."""

    TEXT = "The sentence of the alert. 预警内容"
    STORE = "Name of the store. 门店"
    RULE = "Name of the rule, such as 低库存. 预警类型"
    PRODUCT = "Name of the product. 商品"
    QUANTITY = "Quantity with its unit, such as 5 袋. 数量和单位"
    NUMBER = "Quantity as a number alone. 数量"
    TIME = "Time of the alert by the store's clock. 时间"


WECHAT_FIELD = re.compile(r"([a-z_]+?)\d+")
WECHAT_TYPES: Mapping[str, tuple[int, Sequence[Part]]] = {
    "thing": (20, list(Part)),
    "short_thing": (5, (Part.RULE,)),
    "phrase": (5, (Part.RULE,)),
    "number": (32, (Part.NUMBER,)),
    "time": (32, (Part.TIME,)),
    "date": (32, (Part.TIME,)),
}
"""Types of WeChat's fields: the most characters, and the parts that may fill them."""
MOST_CHARACTERS = {"DOUYIN": 20, "SMS": 35}
FIELD_NAME = re.compile(r"\w{1,20}")


def most_characters(channel: str, field: str, part: Part) -> int | None:
    """The most characters of the field; None when the part cannot fill it."""
    if channel != "WECHAT":
        return MOST_CHARACTERS[channel] if FIELD_NAME.fullmatch(field) else None
    name = WECHAT_FIELD.fullmatch(field)
    most, parts = WECHAT_TYPES.get(name[1] if name else "", (0, ()))
    return most if part in parts else None


def filled(channel: str, fields: Mapping[str, Part], parts: Mapping[str, str]) -> dict[str, str]:
    """The fields of a template with the parts of an alert, each within its limit."""
    return {
        field: shortened(parts.get(part.name, ""), most_characters(channel, field, part) or 1)
        for field, part in fields.items()
    }


def shortened(text: str, most: int) -> str:
    """The text on one line, cut to `most` characters; a text that is cut ends in "…".

    No character is cut: an emoji of several code points, or a letter with its accents, is one.
    Providers count UTF-16 units, in which rare characters are two.
    """
    text = " ".join(text.split()) or NOTHING
    if _units(text) <= most:
        return text
    kept = ""
    for character in characters(text):
        if _units(kept + character) > most - 1:
            break
        kept += character
    return f"{kept.rstrip()}…"


def characters(text: str) -> Iterator[str]:
    """The characters of the text as a person sees them."""
    character = ""
    for point in text:
        if character and not _continues(character, point):
            yield character
            character = ""
        character += point
    if character:
        yield character


def _continues(character: str, point: str) -> bool:
    if character.endswith(ZERO_WIDTH_JOINER) or point == ZERO_WIDTH_JOINER:
        return True
    if unicodedata.category(point).startswith("M") or ord(point) in SKIN_TONES:
        return True
    # A flag is two regional indicators.
    return ord(point) in REGIONAL and len(character) == 1 and ord(character) in REGIONAL


def _units(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2
