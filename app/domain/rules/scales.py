"""Scale labels: codes that a store's scale prints, in the layout that the scale is set to.

A layout has one character per digit: digits stand for themselves (the prefix), P for the number
of the product (PLU), W for grams, A for fen, C for the check digit. In China labels have 13
digits (21PPPPPWWWWWC) or 18 (26PPPPPAAAAAWWWWWC).
"""

import re
from collections.abc import Iterable
from typing import NamedTuple

from app.domain.rules.codes import check_digit_ok

LAYOUT = re.compile(r"[0-9]{1,3}P{3,6}(?:A{4,6}|W{4,6}|A{4,6}W{4,6}|W{4,6}A{4,6})C?")
LENGTHS = (13, 18)


class Label(NamedTuple):
    """The contents of a label: `weight` in grams, `amount` in fen; None when it has none.

    `good` is whether its check digit is right.
    """

    plu: str
    weight: int | None
    amount: int | None
    good: bool


def layout_ok(layout: str) -> bool:
    """Whether the layout is valid: a prefix, a PLU, and a weight, an amount or both."""
    return len(layout) in LENGTHS and LAYOUT.fullmatch(layout) is not None


def read(code: str, layouts: Iterable[str]) -> Label | None:
    """The label, read by the first layout that the code fits; None if it fits none."""
    for layout in layouts:
        if _fits(code, layout):
            plu, weight, amount = (_field(code, layout, sign) for sign in "PWA")
            assert plu is not None
            good = not layout.endswith("C") or check_digit_ok(code)
            return Label(plu, _number(weight), _number(amount), good)
    return None


def _fits(code: str, layout: str) -> bool:
    if len(code) != len(layout) or not (code.isascii() and code.isdigit()):
        return False
    return all(digit == sign for digit, sign in zip(code, layout, strict=True) if sign.isdigit())


def _field(code: str, layout: str, sign: str) -> str | None:
    return "".join(d for d, s in zip(code, layout, strict=True) if s == sign) or None


def _number(digits: str | None) -> int | None:
    return None if digits is None else int(digits)


def weight_for(amount: int, price: int, scale: int) -> int | None:
    """The whole grams that cost `amount` fen at `price` fen for `scale` grams.

    The scale rounds the amount to the fen. None if no weight costs this amount, because the label
    was printed with another price.
    """
    grams = (2 * amount * scale + price) // (2 * price)
    costs = (2 * grams * price + scale) // (2 * scale)
    return grams if grams and costs == amount else None
