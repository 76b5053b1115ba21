"""Reports of sales and losses: rows by day, store, category, product, channel or reason, each
beside the same row of an earlier period."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import date, timedelta
from enum import Enum
from typing import Generic
from uuid import UUID

from app.db import flow_reports as rows
from app.db.core.snapshot import AnySession
from app.db.flow_reports import TIMES, FlowFilter, Grouped, Key, LossSums, SalesSums, Sums
from app.db.loss_people import losses_by_person
from app.domain.rules.periods import Comparison, Period, compared_with

MOST_BUCKETS = 400
"""The most rows of a report by day."""
MOST_EARLIER = 10**6
"""The rows of the earlier period are all read: any of them may belong to one that is shown."""
NO_SALES = SalesSums()


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

    @property
    def supplier_id(self) -> UUID | None:
        return self._id("SUPPLIER")

    @property
    def person_id(self) -> UUID | None:
        return self._id("PERSON")

    @property
    def stocktake_id(self) -> UUID | None:
        return self._id("STOCKTAKE")

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
    sales: SalesSums = NO_SALES


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
    period, most = Period(*filter.days), MOST_BUCKETS if group in TIMES else limit
    now = await read(session, tenant, filter, group, most)
    if comparison is None:
        uncompared = [ReportRow(group, key, sums, None) for key, sums in now.rows]
        return Report(period, None, uncompared, now.total, None)
    earlier = compared_with(period, comparison)
    then = await read(session, tenant, filter._replace(days=earlier), group, MOST_EARLIER)
    before, shift = dict(then.rows), period.since - earlier.since
    compared = [
        ReportRow(group, key, sums, before.get(_same(group, key, shift))) for key, sums in now.rows
    ]
    return Report(period, earlier, compared, now.total, then.total)


def _same(group: str, key: Key, shift: timedelta) -> Key:
    """The key of the earlier period that a key of this one is compared with.

    A week is compared only if the periods are whole weeks apart; a month is not compared.
    """
    return key - shift if isinstance(key, date) and group in ("DAY", "WEEK") else key
