"""Reports of stock: its value at a moment, how fast it turns, what hardly sells, what expires."""

from collections import Counter
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import Enum
from typing import Generic
from uuid import UUID

from app.db import expiry_reports, overview, stock_reports, stock_values
from app.db.core.snapshot import AnySession, Reads
from app.db.core.unit import clock
from app.db.expiry_reports import ExpirySums
from app.db.flow_reports import Grouped, Key, Sums
from app.db.report_keys import TIMES
from app.db.stock_reports import DailyFlows, SlowLevels, SlowSums, TurnoverSums
from app.db.stock_values import StockFilter, StockValue
from app.domain.errors import Malformed
from app.domain.reports.comparison import (
    Report,
    ReportRow,
    added,
    grouped,
    most_rows,
    report_of,
    rows_of,
)
from app.domain.rules.periods import Comparison, Period, first_day

MOST_COMPARED = timedelta(days=92)
"""How far a report of expiring goods looks back: it undoes every entry since that moment."""
USUAL_DAYS, USUAL_COVER = 30, 90
"""The window of slow movers, and for how many days goods last that are slow."""


class StockGroupBy(Enum):
    """What the rows of the stock of one moment stand for."""

    STORE = "STORE"
    CATEGORY = "CATEGORY"
    PRODUCT = "PRODUCT"


class TurnoverGroupBy(Enum):
    """What the rows of a turnover report stand for."""

    STORE = "STORE"
    CATEGORY = "CATEGORY"
    PRODUCT = "PRODUCT"
    DAY = "DAY"
    WEEK = "WEEK"
    MONTH = "MONTH"


class ExpiryGroupBy(Enum):
    """What the rows of a report of expiring goods stand for."""

    DAY = "DAY"
    WEEK = "WEEK"
    MONTH = "MONTH"
    STORE = "STORE"
    CATEGORY = "CATEGORY"
    PRODUCT = "PRODUCT"


@dataclass(frozen=True, slots=True)
class Snapshot(Generic[Sums]):
    """Rows of one moment, beside those of another if it is compared with one."""

    at: datetime
    compared_at: datetime | None
    rows: list[ReportRow[Sums]]
    total: Sums
    compared_total: Sums | None


async def stock_value(
    session: AnySession,
    tenant: UUID,
    filter: StockFilter,
    group: str,
    at: datetime | None,
    compared_at: datetime | None,
    limit: int,
) -> Snapshot[StockValue]:
    """The stock at a moment, now by default, by what is known now: the largest value first. Raises
    Malformed for a moment to compare with that has not come yet."""
    known = clock()
    _check_comparison(compared_at, known)
    moment = (at, known) if at is not None and at < known else None
    now = await stock_values.values(session, tenant, filter, group, moment)
    then = None
    if compared_at is not None:
        earlier = (compared_at, known)
        then = dict(await stock_values.values(session, tenant, filter, group, earlier))
    return Snapshot(
        known if moment is None else moment[0],
        compared_at,
        rows_of(group, now, then)[:limit],
        added([sums for _, sums in now], StockValue),
        None if then is None else added(list(then.values()), StockValue),
    )


async def turnover_report(
    session: AnySession,
    tenant: UUID,
    filter: StockFilter,
    period: Period,
    group: str,
    comparison: Comparison | None,
    limit: int,
) -> Report[TurnoverSums]:
    """The stock at both ends of a period and what was sold or used: the largest stock first, or in
    order of time. Days that have not come yet do not count."""
    today = await _last_day(session, tenant, filter)

    async def read(period: Period, shift: timedelta) -> Grouped[TurnoverSums]:
        if group in TIMES:
            flows = await stock_reports.turnover_by_day(session, tenant, filter, period)
            last = min(period.until, today)
            return _in_time(flows, group, Period(period.since, last), shift)
        days = max(1, (min(period.until, today) - period.since).days + 1)
        rows = await stock_reports.turnover(session, tenant, filter, period, group)
        total = added([sums for _, sums in rows], TurnoverSums)
        rows = [(key, sums._replace(days=days)) for key, sums in rows]
        return Grouped(rows, total._replace(days=days))

    return await report_of(read, period, group, comparison, limit)


def _in_time(
    flows: DailyFlows, group: str, days: Period, shift: timedelta
) -> Grouped[TurnoverSums]:
    """The stock at both ends of each day, week or month of these days, each of which counts as the
    day that is `shift` later."""
    lengths = Counter(first_day(group, day + shift) for day in days.each())
    changes, consumptions = Counter[date](), Counter[date]()
    for day, (change, consumed) in flows.by_day.items():
        key = first_day(group, day + shift)
        changes[key] += change
        consumptions[key] += consumed
    rows: list[tuple[Key, TurnoverSums]] = []
    closing = flows.closing
    for key in sorted(lengths, reverse=True):
        opening = closing - changes[key]
        rows.append((key, TurnoverSums(opening, closing, consumptions[key], lengths[key])))
        closing = opening
    rows.reverse()
    consumed = sum(each.consumed for _, each in rows)
    length = max(1, lengths.total())
    return Grouped(rows, TurnoverSums(closing, flows.closing, consumed, length))


async def _last_day(session: AnySession, tenant: UUID, filter: StockFilter) -> date:
    """The latest day that it is in any of these stores; the first of all days without one."""
    days = await overview.store_days(session, tenant, filter.stores)
    return max((each.day for each in days), default=date.min)


class SlowGroupBy(Enum):
    """What the groups of slow movers stand for."""

    STORE = "STORE"
    CATEGORY = "CATEGORY"
    PRODUCT = "PRODUCT"


@dataclass(frozen=True, slots=True)
class SlowMovers:
    """Slow movers: `days` is the window, `cover_days` for how long goods last that are slow."""

    days: int
    cover_days: int
    levels: SlowLevels
    tenant: UUID
    filter: StockFilter

    async def groups(self, reads: Reads, group: str, limit: int) -> list[ReportRow[SlowSums]]:
        """The number and the value of all of them by key: the largest value first."""
        chosen = self.tenant, self.filter, self.days, self.cover_days
        async with reads.read(self.tenant) as session:
            sums = await stock_reports.slow_sums(session, *chosen, group, limit)
        return rows_of(group, sums, None)


async def slow_movers(
    session: AnySession, tenant: UUID, filter: StockFilter, days: int, cover_days: int, limit: int
) -> SlowMovers:
    """What does not move: the largest value first."""
    levels = await stock_reports.slow_levels(session, tenant, filter, days, cover_days, limit)
    return SlowMovers(days, cover_days, levels, tenant, filter)


@dataclass(frozen=True, slots=True)
class ExpiryReport:
    """Goods that have expired or expire within this number of days, beside those of a moment."""

    within_days: int
    compared_at: datetime | None
    rows: list[ReportRow[ExpirySums]]
    total: ExpirySums
    compared_total: ExpirySums | None


async def expiry_report(
    session: AnySession,
    tenant: UUID,
    filter: StockFilter,
    within: int,
    group: str,
    limit: int,
    compared_at: datetime | None = None,
) -> ExpiryReport:
    """What expires: by day, or the largest value first. Raises Malformed for a moment to compare
    with that has not come yet, or is longer ago than `MOST_COMPARED`."""
    now = clock()
    _check_comparison(compared_at, now)
    if compared_at is not None and compared_at < now - MOST_COMPARED:
        raise Malformed(
            "comparedAt",
            f"临期报表最多与 {MOST_COMPARED.days} 天前对比，请选择更近的时间",
            f"Give a moment of the last {MOST_COMPARED.days} days.",
        )
    rows = await expiry_reports.expiring(session, tenant, filter, within, group)
    then = None
    if compared_at is not None:
        past = await expiry_reports.expiring(session, tenant, filter, within, group, compared_at)
        then = dict(past)
    return ExpiryReport(
        within,
        compared_at,
        rows_of(group, rows, then)[: most_rows(group, limit)],
        grouped(rows, ExpirySums).total,
        None if then is None else added(list(then.values()), ExpirySums),
    )


def _check_comparison(compared_at: datetime | None, now: datetime) -> None:
    """Raises Malformed for a moment that has not come yet."""
    if compared_at is not None and compared_at > now:
        raise Malformed("comparedAt", "对比时间不能晚于现在", "Give a moment that has passed.")
