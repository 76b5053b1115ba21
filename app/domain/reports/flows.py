"""Reports of sales and losses: rows by day, store, category, product, channel or reason, each
beside the same row of an earlier period."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import date
from enum import Enum
from typing import Generic, TypeVar
from uuid import UUID

from app.db import flow_reports as rows
from app.db.core.snapshot import AnySession
from app.db.flow_reports import TIMES, FlowFilter, Key, LossSums, SalesSums
from app.domain.rules.periods import Comparison, Period, compared_with

MOST_BUCKETS = 400
"""A report by day has at most so many rows."""
Sums = TypeVar("Sums", SalesSums, LossSums)


class GroupBy(Enum):
    """What the rows of a sales report stand for."""

    DAY = "DAY"
    WEEK = "WEEK"
    MONTH = "MONTH"
    HOUR = "HOUR"
    STORE = "STORE"
    CATEGORY = "CATEGORY"
    PRODUCT = "PRODUCT"
    CHANNEL = "CHANNEL"


class LossGroupBy(Enum):
    """What the rows of a loss report stand for."""

    REASON = "REASON"
    PRODUCT = "PRODUCT"
    CATEGORY = "CATEGORY"
    STORE = "STORE"
    DAY = "DAY"
    WEEK = "WEEK"
    MONTH = "MONTH"


@dataclass(frozen=True, slots=True)
class ReportRow(Generic[Sums]):
    """The sums of one key, and those of the same key in the earlier period."""

    group: str
    key: Key
    sums: Sums
    compared: Sums | None

    @property
    def store_id(self) -> UUID | None:
        return self._id("STORE")

    @property
    def product_id(self) -> UUID | None:
        return self._id("PRODUCT")

    @property
    def category_id(self) -> UUID | None:
        return self._id("CATEGORY")

    def _id(self, group: str) -> UUID | None:
        return self.key if self.group == group and isinstance(self.key, UUID) else None


@dataclass(frozen=True, slots=True)
class Report(Generic[Sums]):
    """A report of a period, with the period that it is compared with."""

    period: Period
    earlier: Period | None
    rows: list[ReportRow[Sums]]
    total: Sums
    compared_total: Sums | None
    sales: SalesSums


Read = Callable[[AnySession, UUID, FlowFilter, str, int], Awaitable[list[tuple[Key, Sums]]]]


async def sales_report(
    session: AnySession,
    tenant: UUID,
    filter: FlowFilter,
    group: str,
    comparison: Comparison | None,
    limit: int,
) -> Report[SalesSums]:
    """What customers took and kept: the largest revenue first, or in order of time."""
    report = await _report(rows.sales, session, tenant, filter, group, comparison, limit)
    total = await rows.total_sales(session, tenant, filter)
    earlier = report[1] and await rows.total_sales(session, tenant, filter._replace(days=report[1]))
    return Report(Period(*filter.days), report[1], report[0], total, earlier, total)


async def loss_report(
    session: AnySession,
    tenant: UUID,
    filter: FlowFilter,
    group: str,
    comparison: Comparison | None,
    limit: int,
) -> Report[LossSums]:
    """What was written off or counted missing: the largest loss first, or in order of time."""
    report = await _report(rows.losses, session, tenant, filter, group, comparison, limit)
    total = await rows.total_losses(session, tenant, filter)
    earlier = report[1] and await rows.total_losses(
        session, tenant, filter._replace(days=report[1])
    )
    sales = await rows.total_sales(session, tenant, filter)
    return Report(Period(*filter.days), report[1], report[0], total, earlier, sales)


async def _report(
    read: Read[Sums],
    session: AnySession,
    tenant: UUID,
    filter: FlowFilter,
    group: str,
    comparison: Comparison | None,
    limit: int,
) -> tuple[list[ReportRow[Sums]], Period | None]:
    most = MOST_BUCKETS if group in TIMES else limit
    now = await read(session, tenant, filter, group, most)
    if comparison is None:
        return [ReportRow(group, key, sums, None) for key, sums in now], None
    earlier = compared_with(Period(*filter.days), comparison)
    before = dict(await read(session, tenant, filter._replace(days=earlier), group, 10**6))
    shift = filter.days[0] - earlier.since
    reported: list[ReportRow[Sums]] = []
    for key, sums in now:
        same = key - shift if isinstance(key, date) and group == "DAY" else key
        reported.append(ReportRow(group, key, sums, before.get(same)))
    return reported, earlier
