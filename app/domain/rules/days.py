"""Days: which calendar day it is in a store, by the store's own time zone."""

from datetime import date, datetime, time, timedelta
from functools import lru_cache
from typing import NamedTuple
from zoneinfo import ZoneInfo


class BusinessDay(NamedTuple):
    """A day of a store, by its time zone of that time."""

    date: date
    timezone: str


@lru_cache(maxsize=1024)
def store_day(now: datetime, timezone: str) -> date:
    """The calendar day at the moment `now` in `timezone`, an IANA name such as Asia/Shanghai."""
    return now.astimezone(ZoneInfo(timezone)).date()


def day_end(now: datetime, timezone: str) -> datetime:
    """The midnight in `timezone` that ends the day of `now`."""
    return day_start(store_day(now, timezone) + timedelta(days=1), timezone)


def day_start(day: date, timezone: str) -> datetime:
    """The midnight in `timezone` at which the day begins."""
    return datetime.combine(day, time(), ZoneInfo(timezone))
