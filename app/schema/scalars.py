"""Scalars: exact decimals and revisions as strings, moments with an offset."""

import re
from collections.abc import Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import Enum
from typing import Any, NewType
from uuid import UUID

import strawberry
from strawberry.schema.types import base_scalars

from app.domain.errors import Malformed
from app.domain.rules.amounts import written_money
from app.domain.rules.phones import masked
from app.domain.rules.units import written

EXACT = re.compile(r"-?[0-9]{1,15}(\.[0-9]{1,6})?")
DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
WHOLE = re.compile(r"[0-9]{1,18}")

Quantity = NewType("Quantity", Decimal)
Money = NewType("Money", int)
Revision = NewType("Revision", int)


def exact(value: Any) -> Decimal:
    text = "" if isinstance(value, bool) else str(value)
    if not isinstance(value, str | int | float) or not EXACT.fullmatch(text):
        raise Malformed(
            None,
            "数量须为精确的数字，例如 12 或 1.5，最多 15 位整数和 6 位小数",
            "Give an exact decimal such as 12 or 1.5: at most 15 digits and 6 decimals.",
        )
    return Decimal(text)


def parse_money(value: Any) -> int:
    """Exact yuan, kept as 1/10000 yuan."""
    scaled = exact(value) * 10_000
    if scaled != int(scaled) or scaled < 0 or scaled > 10**15:
        raise Malformed(
            None,
            "金额须为 0 至 1000 亿元，最多 4 位小数",
            "Money is 0 to 100 billion yuan, with at most 4 decimals.",
        )
    return int(scaled)


def parse_revision(value: Any) -> int:
    text = "" if isinstance(value, bool) else str(value)
    if not isinstance(value, str | int) or not WHOLE.fullmatch(text):
        raise Malformed(
            None,
            "版本号须为查询返回的整数",
            "A revision is the whole number that a query or feed returned, as a string.",
        )
    return int(text)


def parse_moment(value: Any) -> datetime:
    try:
        moment = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        moment = None
    if moment is None or moment.tzinfo is None or not 1970 < moment.year < 2200:
        raise Malformed(
            None,
            "时间须带时区，例如 2026-11-23T09:30:00+08:00",
            "Give a time with its offset, for example 2026-11-23T09:30:00+08:00.",
        )
    # A moment must have one spelling, so that a repeated key finds the same input and answer.
    return moment.astimezone(UTC)


def parse_day(value: Any) -> date:
    # `fromisoformat` also reads 20261123 and 2026-W48-1, but a date must have one spelling.
    try:
        if not DAY.fullmatch(value):
            raise ValueError(value)
        return date.fromisoformat(value)
    except (TypeError, ValueError):
        raise Malformed(
            None, "日期须为年-月-日，例如 2026-11-23", "Give a date as YYYY-MM-DD."
        ) from None


MOST_VALUES = 100


def distinct(values: Sequence[Enum] | None, field: str) -> list[str] | None:
    """The names of an enum list, each once. Raises Malformed for more than `MOST_VALUES`."""
    if values is not None and len(values) > MOST_VALUES:
        raise Malformed(
            field, f"最多选择 {MOST_VALUES} 项", f"Choose at most {MOST_VALUES} values."
        )
    return None if values is None else list(dict.fromkeys(value.name for value in values))


def quantity(base: int, scale: int) -> Any:
    """Base units as the `Quantity` a client reads."""
    return written(base, scale)


def serialize_quantity(value: Any) -> str:
    """A row holds a quantity as (base units, scale); any other value is text already."""
    return written(*value) if isinstance(value, tuple) else str(value)


def amount(column: str, description: str) -> Any:
    """A field: base units in this column of a row with a `scale`, as a `Quantity`."""

    def resolve(root: strawberry.Parent[Any]) -> Quantity:
        return quantity(getattr(root, column), root.scale)

    return strawberry.field(resolver=resolve, description=description)


def free_text(column: str, description: str) -> Any:
    """A field: a free text of a row, with phone numbers masked; earlier versions stored them."""

    def resolve(root: strawberry.Parent[Any]) -> str | None:
        text = getattr(root, column)
        return text and masked(text)

    return strawberry.field(resolver=resolve, description=description)


def money(ten_thousandths: int) -> Any:
    """1/10000 yuan as the `Money` a client reads: with 2 decimals, or more if the amount has
    them."""
    return written_money(ten_thousandths)


def maybe_money(ten_thousandths: int | None) -> Any:
    """1/10000 yuan as `Money`; None for an amount that is unknown."""
    return None if ten_thousandths is None else money(ten_thousandths)


def maybe_fen(fen: int | None) -> Any:
    """An amount in fen as `Money`; None for an amount that is unknown."""
    return None if fen is None else money(fen * 100)


SCALARS: dict[Any, Any] = {
    Quantity: strawberry.scalar(
        name="Quantity",
        description="An exact decimal in the product's unit, sent and returned as a string: "
        '"3", "1.5". Integers and decimals without exponent are accepted. 数量',
        serialize=serialize_quantity,
        parse_value=exact,
    ),
    Money: strawberry.scalar(
        name="Money",
        description='Exact yuan as a string: "12.50". 金额(元)',
        serialize=str,
        parse_value=parse_money,
    ),
    Revision: strawberry.scalar(
        name="Revision",
        description="A whole number as a string that only grows: a position in a store's feed, "
        "or the version of a level. 版本号",
        serialize=str,
        parse_value=parse_revision,
    ),
    datetime: strawberry.scalar(
        name="DateTime",
        description="RFC 3339 with an offset: 2026-11-23T09:30:00+08:00. 时间",
        serialize=datetime.isoformat,
        parse_value=parse_moment,
    ),
    date: strawberry.scalar(
        name="Date",
        description="A calendar date as YYYY-MM-DD, for example 2026-11-23. 日期",
        serialize=date.isoformat,
        parse_value=parse_day,
    ),
    UUID: strawberry.scalar(
        name="UUID",
        description="A UUID as a string, for example 019ac3f2-5b1e-7d40-9a52-3c8f6e1b7a90. 编号",
        serialize=str,
        parse_value=base_scalars.UUIDDefinition.parse_value,
    ),
}
