"""Days in SQL: the calendar day in a store's time zone, when it began, and the first id created
since."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Date, DateTime, Uuid, cast, extract, func


def store_day(timezone: Any, now: Any) -> Any:
    """SQL: the calendar day in this time zone at the moment `now`."""
    return cast(func.timezone(timezone, now), Date)


def day_began(day: Any, timezone: Any) -> Any:
    """SQL: the moment at which this day began in a time zone."""
    return func.timezone(timezone, cast(day, DateTime()))


def id_of(moment: datetime) -> UUID:
    """The smallest id that a row created at `moment` or later can have; see `first_id`."""
    return UUID(int=int(moment.timestamp() * 1000) << 80)


def first_movement_id(moment: datetime) -> UUID:
    """An id before those of all movements that happened at `moment` or later.

    An id begins with the time of recording. A movement is recorded after it happened, by the clock
    of a device that is less than an hour ahead.
    """
    return id_of(moment - timedelta(hours=1))


def first_id(moment: Any) -> Any:
    """SQL: the smallest id that a row created at `moment` or later can have.

    Ids are UUIDv7: their first 48 bits are the milliseconds since 1970.
    """
    milliseconds = cast(extract("epoch", moment) * 1000, BigInteger)
    digits = func.lpad(func.to_hex(milliseconds), 12, "0")
    return cast(digits.concat("0" * 20), Uuid())
