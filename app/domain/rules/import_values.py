"""The values of cells in an imported row: codes, dates and numbers, even in the forms to which
spreadsheets change them."""

import re
from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, NamedTuple, cast

from app.domain.rules.codes import check_digit_ok
from app.domain.rules.spelling import plain
from app.domain.rules.units import unit_of

Cell = str | Decimal | bool


class Measure(NamedTuple):
    """A number with the unit that is written behind it; None without one."""

    number: Decimal
    unit: str | None = None


Parsed = str | Decimal | Measure | date | int | None

NUMBER = re.compile(r"-?[0-9]{1,15}(\.[0-9]{1,6})?")
GROUPED = re.compile(r"-?[0-9]{1,3}(,[0-9]{3})+(\.[0-9]+)?")
MEASURED = re.compile(r"([0-9][0-9.,]*) ?([^\W\d_]{1,10})")
QUOTED = re.compile(r"['‘’](?=[0-9=+\-@＝＋－＠])")
"""An apostrophe before a text that a spreadsheet would take for a number or a formula."""
SCIENTIFIC = re.compile(r"[0-9](\.[0-9]+)?[eE]\+?[0-9]{1,2}")
DAY = re.compile(r"([0-9]{4})\s*[-/.年]\s*([0-9]{1,2})\s*[-/.月]\s*([0-9]{1,2})\s*日?(?:[ T].*)?")
DIGITS_EXACT = 15
"""How many digits of a number a spreadsheet keeps; a longer code has lost the rest."""

FIRST_DAY = date(1899, 12, 30)
SERIALS = range(20000, 80000)
"""The numbers of days since FIRST_DAY that are read as dates: 1954 to 2119."""


class InvalidCell(ValueError):
    """A cell whose value the field cannot have; `zh` and `en` say what is wrong."""

    def __init__(self, zh: str, en: str) -> None:
        super().__init__(en)
        self.text = zh, en


def text(cell: Cell) -> str | None:
    """The text; None for an empty cell. A whole number is written without a decimal point."""
    if isinstance(cell, Decimal):
        whole = cell.to_integral_value()
        return format(whole if whole == cell else cell.normalize(), "f")
    shown = str(cell).strip()
    return (shown[1:].strip() if QUOTED.match(shown) else shown) or None


def code(cell: Cell) -> str | None:
    """A code; a GTIN that lost its zeros as a number gets them back. Raises InvalidCell."""
    shown = text(cell)
    if shown is None:
        return None
    if SCIENTIFIC.fullmatch(shown) or (isinstance(cell, Decimal) and len(shown) > DIGITS_EXACT):
        raise InvalidCell(
            f"编码 {shown} 的数字已丢失：请把该列设为文本格式后重新填写",
            f"Digits of the code {shown} are lost: format the column as text and enter it again",
        )
    is_gtin = 8 < len(shown) < 12 and check_digit_ok(shown)
    return shown.zfill(12) if isinstance(cell, Decimal) and is_gtin else shown


def number(cell: Cell) -> Decimal | None:
    """A number that is not negative, at most 6 decimals. Raises InvalidCell."""
    shown = text(cell)
    if shown is None:
        return None
    digits = plain(shown).lstrip("¥￥").strip().removesuffix("元").strip()
    if GROUPED.fullmatch(digits):
        digits = digits.replace(",", "")
    if isinstance(cell, Decimal):
        # 0.1 + 0.2 is stored as 0.30000000000000004.
        digits = format(round(cell, 6).normalize(), "f")
    if isinstance(cell, bool) or not NUMBER.fullmatch(digits):
        raise InvalidCell(f"“{shown[:40]}”不是数字", f"{shown[:40]!r} is not a number")
    value = Decimal(digits)
    if value < 0:
        raise InvalidCell(f"{shown} 不能小于 0", f"{shown} must not be below 0")
    return value


def measure(cell: Cell) -> Measure | None:
    """A number with or without a unit: 3箱, 500 g. Raises InvalidCell."""
    shown = text(cell)
    if shown is None:
        return None
    if isinstance(cell, str) and (parts := MEASURED.fullmatch(plain(shown))):
        value = number(parts[1])
        assert value is not None, "it has a digit"
        return Measure(value, unit_of(parts[2]))
    value = number(cell)
    return None if value is None else Measure(value)


def percent(cell: Cell) -> Decimal | None:
    """A percentage: 5, 5% or, as a spreadsheet keeps it, 0.05. Raises InvalidCell."""
    shown = text(cell)
    if shown is None:
        return None
    bare = plain(shown).removesuffix("%").strip()
    value = number(bare if bare != plain(shown) else cell)
    if value is not None and value < 1 and bare == plain(shown):
        value *= 100
    if value is not None and (value > 100 or value != round(value, 2)):
        raise InvalidCell(
            f"{shown[:40]} 须在 0% 至 100% 之间，最多两位小数",
            f"{shown[:40]} is not from 0 to 100 percent with at most 2 decimals",
        )
    return value


def money(cell: Cell) -> int | None:
    """An amount of yuan in 1/10000 yuan. Raises InvalidCell."""
    value = number(cell)
    if value is None:
        return None
    scaled = value * 10_000
    if scaled != int(scaled) or scaled > 10**15:
        raise InvalidCell("金额最多 4 位小数", "Money has at most 4 decimals")
    return int(scaled)


def price(cell: Cell) -> int | None:
    """A price of whole fen, in 1/10000 yuan. Raises InvalidCell."""
    value = money(cell)
    if value is not None and value % 100:
        raise InvalidCell("价格最多两位小数", "A price has at most 2 decimals")
    return value


def phone(cell: Cell) -> str | None:
    """A phone number in half width."""
    shown = text(cell)
    return shown and plain(shown)


def days(cell: Cell) -> int | None:
    """A whole number of days; 12个月 and 1年 are counted as 30 and 365 each. Raises InvalidCell."""
    shown = text(cell)
    if shown is None:
        return None
    for ending, size in (("个月", 30), ("月", 30), ("年", 365), ("天", 1), ("日", 1), ("", 1)):
        if shown.endswith(ending):
            value = shown.removesuffix(ending).strip()
            if value.isascii() and value.isdecimal() and int(value[:7]) * size <= 36500:
                return int(value[:7]) * size
            break
    raise InvalidCell(
        f"“{shown[:40]}”不是天数，请填写 0 至 36500", f"{shown[:40]!r} is not a number of days"
    )


def day(cell: Cell) -> date | None:
    """A date: of a spreadsheet, or written 2026-11-23, 2026/11/23, 2026年11月23日, 20261123."""
    shown = text(cell)
    if shown is None:
        return None
    parts = DAY.fullmatch(plain(shown))
    try:
        if parts:
            return date(int(parts[1]), int(parts[2]), int(parts[3]))
        if len(shown) == 8 and shown.isdecimal():
            return date(int(shown[:4]), int(shown[4:6]), int(shown[6:]))
        if isinstance(cell, Decimal) and int(cell) in SERIALS:
            return FIRST_DAY + timedelta(days=int(cell))
    except ValueError:
        pass
    raise InvalidCell(
        f"“{shown[:40]}”不是日期，请按 2026-11-23 填写",
        f"{shown[:40]!r} is not a date: write it as 2026-11-23",
    )


NOTHING = frozenset(("-", "--", "—", "——", "/", "\\", "无", "暂无", "n/a"))
"""What shops write into a cell that has no value."""
NAMES = ("NAME", "DISH", "INGREDIENT", "SUPPLIER", "NOTE")
"""Fields whose texts are kept even if they look like no value."""

READERS: dict[str, Callable[[Cell], Any]] = {
    "SKU": code,
    "INGREDIENT_SKU": code,
    "BARCODE": code,
    "PRICE": price,
    "COST": money,
    "QUANTITY": measure,
    "AMOUNT": measure,
    "YIELDS": measure,
    "LOSS": percent,
    "LEAD_DAYS": days,
    "PHONE": phone,
    "REORDER_POINT": number,
    "SHELF_LIFE_DAYS": days,
    "PRODUCED_ON": day,
    "EXPIRES_ON": day,
}
"""How the cells of a field are read; those of other fields are texts."""


def read_cell(field: str, cell: Cell) -> Parsed:
    """The value of the field in this cell; None for an empty cell. Raises InvalidCell."""
    return READERS.get(field, text)(cell)


def says_nothing(field: str, cell: Cell) -> bool:
    """Whether a cell of a sheet has a sign for no value, such as - or 无."""
    return field not in NAMES and isinstance(cell, str) and cell.strip().casefold() in NOTHING


def spelling(field: str, cell: Cell) -> str | None:
    """The text that the cell's value is kept as, which `read_cell` reads as the same value; None
    for an empty cell. Raises InvalidCell."""
    value = read_cell(field, cell)
    if value is None:
        return None
    if READERS.get(field) in (price, money):
        return format(Decimal(cast(int, value)) / 10_000, "f")
    if isinstance(value, Measure):
        return f"{value.number:f}{value.unit or ''}"
    if READERS.get(field) is percent:
        return f"{value:f}%"
    return format(value, "f") if isinstance(value, Decimal) else str(value)
