"""Arguments that the reports share."""

from datetime import date
from typing import Annotated
from uuid import UUID

import strawberry

from app.domain.errors import Malformed
from app.domain.rules.periods import Comparison, Period

MOST_DAYS = 366

Since = Annotated[date, strawberry.argument(description="First day of the range. 开始日期")]
Until = Annotated[
    date,
    strawberry.argument(
        description="Last day of the range, included; the range has at most 366 days. 结束日期"
    ),
]
OfCategory = Annotated[
    UUID | None,
    strawberry.argument(
        description="Count only products of this category and of those below it. 分类"
    ),
]
Compared = Annotated[
    Comparison | None,
    strawberry.argument(description="Earlier period to compare with; none by default. 对比期"),
]


def checked_period(since: date, until: date) -> Period:
    """The period. Raises Malformed."""
    if not 0 <= (until - since).days < MOST_DAYS:
        raise Malformed(
            "until",
            f"结束日期不能早于开始日期，最多 {MOST_DAYS} 天",
            f"The end lies on or after the start, at most {MOST_DAYS} days later.",
        )
    return Period(since, until)


def checked_days(days: int | None, usual: int, field: str) -> int:
    """A number of days, from 1 to a year. Raises Malformed."""
    days = usual if days is None else days
    if not 1 <= days <= MOST_DAYS:
        raise Malformed(
            field, f"天数须为 1 至 {MOST_DAYS}", f"Give a number of days from 1 to {MOST_DAYS}."
        )
    return days
