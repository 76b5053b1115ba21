"""The days, weeks and months by which reports group rows."""

from datetime import timedelta
from typing import Any

from sqlalchemy import Date, Interval, cast, func, literal

TIMES = ("DAY", "WEEK", "MONTH", "HOUR")
"""The groups whose rows are in order of time."""
NO_SHIFT = timedelta()


def time_key(group: str, day: Any, shift: timedelta = NO_SHIFT) -> Any:
    """SQL: the first day of the DAY, WEEK or MONTH of this day.

    A day of an earlier period counts as the day that it is compared with, `shift` later.
    """
    counted = cast(day + literal(shift, Interval()), Date) if shift else day
    return counted if group == "DAY" else cast(func.date_trunc(group.lower(), counted), Date)
