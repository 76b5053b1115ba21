"""Search text of a product or supplier: name, number, pinyin and initials."""

from collections.abc import Iterable
from itertools import product as combinations
from typing import Any

from app.domain.rules.spelling import search_key

MOST_VARIANTS = 8


# Letters and digits between Chinese characters count one by one.
APART: Any = list


def full(name: str) -> str:
    """The sort key: plain pinyin in lower case; letters and digits stay themselves."""
    # Its dictionaries take 55 MiB, which a process that never writes a product can do without.
    from pypinyin import lazy_pinyin

    return "".join(lazy_pinyin(name, errors="default")).lower()


def initials(name: str) -> list[str]:
    """First letters, most likely reading first; characters of several readings give several."""
    from pypinyin import Style, lazy_pinyin, pinyin

    likely = _joined(lazy_pinyin(name, style=Style.FIRST_LETTER, errors=APART))
    readings = pinyin(name, style=Style.FIRST_LETTER, heteronym=True, errors=APART)
    variants = {likely: None}
    for letters in combinations(*(dict.fromkeys(each) for each in readings)):
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
