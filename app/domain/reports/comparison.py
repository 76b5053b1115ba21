"""Reports of a period: their rows, each beside the same row of an earlier period."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Generic
from uuid import UUID

from app.db.flow_reports import Grouped, Key, SalesSums, Sums
from app.db.report_keys import NO_SHIFT, TIMES
from app.domain.rules.periods import Comparison, Period, compared_with

MOST_BUCKETS = 400
"""The most rows of a report by time, however few `first` asks for."""
NO_SALES = SalesSums()


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


Read = Callable[[Period, timedelta], Awaitable[Grouped[Sums]]]
"""Reads the rows of a period whose days count that much later."""


async def report_of(
    read: Read[Sums], period: Period, group: str, comparison: Comparison | None, limit: int
) -> Report[Sums]:
    """The rows of the period beside those of the period that it is compared with.

    A day of the earlier period counts as the day that it is compared with; weeks and months follow
    from that day.
    """
    now = await read(period, NO_SHIFT)
    earlier = compared_with(period, comparison) if comparison else None
    then = None if earlier is None else await read(earlier, period.since - earlier.since)
    rows = rows_of(group, now.rows, None if then is None else dict(then.rows))
    return Report(
        period,
        earlier,
        rows[: most_rows(group, limit)],
        now.total,
        None if then is None else then.total,
    )


def most_rows(group: str, limit: int) -> int:
    """The most rows that a report shows."""
    return MOST_BUCKETS if group in TIMES else limit


def rows_of(
    group: str, now: Sequence[tuple[Key, Sums]], then: dict[Key, Sums] | None
) -> list[ReportRow[Sums]]:
    """The rows, each beside that of the same key."""
    earlier = then or {}
    return [ReportRow(group, key, sums, earlier.get(key)) for key, sums in now]


def grouped(rows: list[tuple[Key, Sums]], kind: type[Sums]) -> Grouped[Sums]:
    """The rows and the sums of all."""
    return Grouped(rows, added([sums for _, sums in rows], kind))


def added(sums: Sequence[Any], kind: type[Any]) -> Any:
    """The sums of all rows. Quantities are added up too: in a total they mean nothing."""
    return kind(*map(sum, zip(*sums, strict=True))) if sums else kind()
