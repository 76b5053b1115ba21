"""Reports of sales and losses: rows by day, store, category, product, channel or reason, each
beside the same row of an earlier period."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from enum import Enum
from uuid import UUID

from app.db import flow_reports as rows
from app.db.core.snapshot import AnySession
from app.db.flow_reports import FlowFilter, Grouped, Key, LossSums, SalesSums, Sums
from app.db.loss_people import losses_by_person
from app.domain.reports.comparison import Report, most_rows, report_of
from app.domain.rules.periods import Comparison, Period


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
    PERSON = "PERSON"


async def sales_report(
    session: AnySession,
    tenant: UUID,
    filter: FlowFilter,
    group: str,
    comparison: Comparison | None,
    limit: int,
) -> Report[SalesSums]:
    """What customers took and kept: the largest revenue first, or in order of time."""
    return await _report(rows.sales, session, tenant, filter, group, comparison, limit)


async def loss_report(
    session: AnySession,
    tenant: UUID,
    filter: FlowFilter,
    group: str,
    comparison: Comparison | None,
    limit: int,
) -> Report[LossSums]:
    """What was written off or counted missing: the largest loss first, or in order of time."""
    read = losses_by_person if group == "PERSON" else rows.losses
    report = await _report(read, session, tenant, filter, group, comparison, limit)
    return replace(report, sales=await rows.total_sales(session, tenant, filter))


Read = Callable[[AnySession, UUID, FlowFilter, str, int], Awaitable[Grouped[Sums]]]


async def _report(
    read: Read[Sums],
    session: AnySession,
    tenant: UUID,
    filter: FlowFilter,
    group: str,
    comparison: Comparison | None,
    limit: int,
) -> Report[Sums]:
    shown: list[Key] | None = None

    async def rows(period: Period, shift: timedelta) -> Grouped[Sums]:
        nonlocal shown
        chosen = filter._replace(days=period, shift=shift, keys=shown)
        grouped = await read(session, tenant, chosen, group, most_rows(group, limit))
        # Of the earlier period only what stands beside a row is read.
        shown = [key for key, _ in grouped.rows]
        return grouped

    return await report_of(rows, Period(*filter.days), group, comparison, limit)
