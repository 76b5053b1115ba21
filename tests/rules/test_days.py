"""Days: a store's day begins and ends at midnight in the store's time zone."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.rules.days import day_end, store_day

ZONES = ["Asia/Shanghai", "Asia/Urumqi", "Pacific/Kiritimati", "America/New_York", "UTC"]


@pytest.mark.parametrize(
    ("moment", "timezone", "day"),
    [
        ("2026-02-28T15:59:59Z", "Asia/Shanghai", date(2026, 2, 28)),
        ("2026-02-28T16:00:00Z", "Asia/Shanghai", date(2026, 3, 1)),
        ("2026-02-28T16:00:00Z", "UTC", date(2026, 2, 28)),
        ("2026-03-01T04:59:59Z", "America/New_York", date(2026, 2, 28)),
        ("2026-02-28T10:00:00Z", "Pacific/Kiritimati", date(2026, 3, 1)),
    ],
)
def test_each_zone_has_its_own_day(moment: str, timezone: str, day: date) -> None:
    assert store_day(datetime.fromisoformat(moment), timezone) == day


@given(
    st.datetimes(datetime(2020, 1, 1), datetime(2040, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001
    st.sampled_from(ZONES),
)
def test_a_day_lasts_until_its_end(moment: datetime, timezone: str) -> None:
    end = day_end(moment, timezone)
    assert moment < end
    assert store_day(end, timezone) == store_day(moment, timezone) + timedelta(days=1)
    last = end.astimezone(UTC) - timedelta(microseconds=1)
    assert store_day(last, timezone) == store_day(moment, timezone)
