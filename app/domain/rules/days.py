"""Days: which calendar day it is in a store, by the store's own time zone."""

from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo


def store_day(now: datetime, timezone: str) -> date:
    """The calendar day at the moment `now` in `timezone`, an IANA name such as Asia/Shanghai."""
    return now.astimezone(ZoneInfo(timezone)).date()


def day_end(now: datetime, timezone: str) -> datetime:
    """The midnight in `timezone` that ends the day of `now`."""
    tomorrow = store_day(now, timezone) + timedelta(days=1)
    return datetime.combine(tomorrow, time(), ZoneInfo(timezone))
