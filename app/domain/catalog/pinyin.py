"""Search text of a product or supplier: name, number, pinyin and initials."""

import re
from collections.abc import Iterable
from functools import cache, lru_cache
from itertools import product as combinations
from typing import Any, NamedTuple

from app.domain.rules.spelling import search_key

MOST_VARIANTS = 8
KEPT_PARTS = 8192


# Letters and digits between Chinese characters count one by one.
APART: Any = list


class Readings(NamedTuple):
    """How a part of a name is read: its pinyin, the likely first letters, and all first letters of
    each character."""

    full: str
    likely: str
    letters: tuple[tuple[str, ...], ...]


@cache
def _parts() -> re.Pattern[str]:
    """Splits a text into parts with and without Chinese characters, as pypinyin does."""
    from pypinyin.constants import RE_HANS

    return re.compile(f"({RE_HANS.pattern.removeprefix('^').removesuffix('$')})")


@lru_cache(KEPT_PARTS)
def _readings(part: str) -> Readings:
    """How Chinese characters are read together. The names of a chain share most of their parts."""
    # Its dictionaries take 55 MiB, which a process that never writes a product can do without.
    from pypinyin import Style, lazy_pinyin, pinyin

    likely = lazy_pinyin(part, style=Style.FIRST_LETTER, errors=APART)
    letters = pinyin(part, style=Style.FIRST_LETTER, heteronym=True, errors=APART)
    return Readings(
        "".join(lazy_pinyin(part, errors="default")),
        _joined(likely),
        tuple(tuple(dict.fromkeys(each)) for each in letters),
    )


def _read(name: str) -> list[Readings]:
    """How the parts of the name are read; letters and digits stay themselves."""
    return [
        _readings(part) if place % 2 else Readings(part, part, tuple((each,) for each in part))
        for place, part in enumerate(_parts().split(name))
        if part
    ]


def full(name: str) -> str:
    """The sort key: plain pinyin in lower case; letters and digits stay themselves."""
    return "".join(part.full for part in _read(name)).lower()


def initials(name: str) -> list[str]:
    """First letters, most likely reading first; characters of several readings give several."""
    parts = _read(name)
    variants = {_joined(part.likely for part in parts): None}
    for letters in combinations(*(each for part in parts for each in part.letters)):
        if len(variants) == MOST_VARIANTS:
            break
        variants[_joined(letters)] = None
    return list(variants)


def _joined(letters: Iterable[object]) -> str:
    return "".join(map(str, letters)).lower()


def search_text(name: str, *more: str) -> str:
    """One word a line, so that a search may ask for what a line begins with; each line is spelled
    as `search_key` spells what is searched for."""
    letters = search_key(name)
    words = [letters, *map(search_key, more), *initials(letters), full(letters)]
    return "\n" + "\n".join(dict.fromkeys(words))
