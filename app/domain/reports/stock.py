"""Reports of stock: its value at a moment, how fast it turns, what hardly sells, what expires."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import Enum
from typing import Any, Generic
from uuid import UUID

from app.db import overview, stock_reports, stock_values
from app.db.core.snapshot import AnySession
from app.db.core.unit import clock
from app.db.flow_reports import Key, Sums
from app.db.stock_reports import ExpirySums, SlowLevels, TurnoverSums
from app.db.stock_values import StockFilter, StockValue
from app.domain.reports.flows import Report, ReportRow
from app.domain.rules.periods import Comparison, Period, compared_with

USUAL_DAYS, USUAL_COVER = 30, 90
"""The window of slow movers, and for how many days goods last that are slow."""


class StockGroupBy(Enum):
    """What the rows of a report of stock stand for."""

    STORE = "STORE"
    CATEGORY = "CATEGORY"
    PRODUCT = "PRODUCT"


class ExpiryGroupBy(Enum):
    """What the rows of a report of expiring goods stand for."""

    DAY = "DAY"
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
    """The stock at a moment, now by default, by what is known now: the largest value first."""
    known = clock()
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
    """The stock at both ends of a period and what was sold or used: the largest stock first."""
    earlier = compared_with(period, comparison) if comparison else None
    now = await _turnover(session, tenant, filter, period, group)
    then = None
    if earlier is not None:
        then = dict(await _turnover(session, tenant, filter, earlier, group))
    return Report(
        period,
        earlier,
        rows_of(group, now, then)[:limit],
        _turned([sums for _, sums in now]),
        None if then is None else _turned(list(then.values())),
    )


async def _turnover(
    session: AnySession, tenant: UUID, filter: StockFilter, period: Period, group: str
) -> list[tuple[Key, TurnoverSums]]:
    """Turnover by key; days that have not come yet do not count."""
    today = await _last_day(session, tenant, filter)
    days = max(1, (min(period.until, today) - period.since).days + 1)
    rows = await stock_reports.turnover(session, tenant, filter, period, group)
    return [(key, sums._replace(days=days)) for key, sums in rows]


def _turned(sums: Sequence[TurnoverSums]) -> TurnoverSums:
    return added(sums, TurnoverSums)._replace(days=sums[0].days) if sums else TurnoverSums()


async def _last_day(session: AnySession, tenant: UUID, filter: StockFilter) -> date:
    """The latest day that it is in any of these stores; the first of all days without one."""
    days = await overview.days_of(session, tenant, filter.stores)
    return max((day for day, _ in days.values()), default=date.min)


@dataclass(frozen=True, slots=True)
class SlowMovers:
    """Slow movers: `days` is the window, `cover_days` for how long goods last that are slow."""

    days: int
    cover_days: int
    levels: SlowLevels


async def slow_movers(
    session: AnySession, tenant: UUID, filter: StockFilter, days: int, cover_days: int, limit: int
) -> SlowMovers:
    """What does not move: the largest value first."""
    levels = await stock_reports.slow_levels(session, tenant, filter, days, cover_days, limit)
    return SlowMovers(days, cover_days, levels)


@dataclass(frozen=True, slots=True)
class ExpiryReport:
    """Goods that have expired or expire within this number of days."""

    within_days: int
    rows: list[ReportRow[ExpirySums]]
    total: ExpirySums


async def expiry_report(
    session: AnySession, tenant: UUID, filter: StockFilter, within: int, group: str, limit: int
) -> ExpiryReport:
    """What expires: by day, or the largest value first."""
    rows = await stock_reports.expiring(session, tenant, filter, within, group)
    total = added([sums for _, sums in rows], ExpirySums)
    return ExpiryReport(within, rows_of(group, rows, None)[:limit], total)


def rows_of(
    group: str, now: Sequence[tuple[Key, Sums]], then: dict[Key, Sums] | None
) -> list[ReportRow[Sums]]:
    """The rows, each beside that of the same key."""
    earlier = then or {}
    return [ReportRow(group, key, sums, earlier.get(key)) for key, sums in now]


def added(sums: Sequence[Any], kind: type[Any]) -> Any:
    """The sums of all rows; what only means something for one product is added up as well."""
    return kind(*map(sum, zip(*sums, strict=True))) if sums else kind()
