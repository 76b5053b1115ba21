"""The text of the daily digest: the number of alerts by rule, and the most urgent ones, in both
languages."""

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from app.domain.rules.alert_texts import ENGLISH_NAMES, RULE_NAMES

MOST_BYTES = 1800
"""The most bytes of a digest: WeCom refuses more than 2048, of which the robot's title takes a
part."""
MOST_LINES = 10


class DigestLine(NamedTuple):
    """An alert: its rule and its sentence in Chinese and in English."""

    rule: str
    zh: str
    en: str


def counts_text(lines: Sequence[DigestLine], language: str) -> str:
    """How many alerts each rule has: 低库存 3，临期 2."""
    counts = Counter(line.rule for line in lines)
    if language == "zh":
        return "，".join(f"{RULE_NAMES[rule]} {count}" for rule, count in counts.items())
    return ", ".join(f"{ENGLISH_NAMES[rule]} {count}" for rule, count in counts.items())


def digest_text(store: str, lines: Sequence[DigestLine]) -> str:
    """The digest of a store, the most urgent lines first; the number of lines that do not fit is
    given at the end."""
    zh = _part(f"{store}今日待处理：{counts_text(lines, 'zh')}", [line.zh for line in lines], "zh")
    en = _part(f"{store} today: {counts_text(lines, 'en')}", [line.en for line in lines], "en")
    return f"{zh}\n\n{en}"


def _part(head: str, lines: Sequence[str], language: str) -> str:
    room = MOST_BYTES // 2 - len(head.encode()) - 40
    shown: list[str] = []
    for line in lines[:MOST_LINES]:
        room -= len(line.encode()) + len("\n· ".encode())
        if room < 0:
            break
        shown.append(f"· {line}")
    more = len(lines) - len(shown)
    if more:
        shown.append(f"另有 {more} 条" if language == "zh" else f"and {more} more")
    return "\n".join([head, *shown])
