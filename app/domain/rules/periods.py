"""Periods of reports: ranges of business days, and the range that one is compared with."""

from collections.abc import Iterator
from datetime import date, timedelta
from enum import Enum
from typing import NamedTuple

WEEK = timedelta(days=7)
YEAR = timedelta(days=364)
"""52 weeks, so that each day is compared with the same weekday."""


class Period(NamedTuple):
    """Business days from `since` to `until`, both included."""

    since: date
    until: date

    @property
    def length(self) -> timedelta:
        """The length of the period in days."""
        return self.until - self.since + timedelta(days=1)

    def each(self) -> Iterator[date]:
        """Every day of the period."""
        return (self.since + timedelta(days=n) for n in range(self.length.days))

    def earlier(self, by: timedelta) -> "Period":
        """The period moved back by this time."""
        return Period(self.since - by, self.until - by)


class Comparison(Enum):
    """The earlier period that a report is compared with."""

    PREVIOUS_PERIOD = "PREVIOUS_PERIOD"
    PREVIOUS_WEEK = "PREVIOUS_WEEK"
    PREVIOUS_YEAR = "PREVIOUS_YEAR"


def compared_with(period: Period, comparison: Comparison) -> Period:
    """The period to compare with.

    A previous period is a multiple of 7 days earlier if it is longer than 6 days, so that it has
    the same weekdays.
    """
    match comparison:
        case Comparison.PREVIOUS_WEEK:
            return period.earlier(WEEK)
        case Comparison.PREVIOUS_YEAR:
            return period.earlier(YEAR)
        case Comparison.PREVIOUS_PERIOD:
            days = period.length.days
            return period.earlier(timedelta(days=days if days < 7 else -(-days // 7) * 7))


def first_day(group: str, day: date) -> date:
    """The first day of the DAY, WEEK or MONTH that the day is in."""
    match group:
        case "WEEK":
            return day - timedelta(days=day.weekday())
        case "MONTH":
            return day.replace(day=1)
        case _:
            return day
