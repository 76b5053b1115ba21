"""Reports of documents: how suppliers deliver, and what stocktakes find."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum
from uuid import UUID

from app.db import document_reports as rows
from app.db.core.snapshot import AnySession
from app.db.document_reports import StocktakeSums, SupplierSums
from app.db.flow_reports import Grouped
from app.db.report_keys import NO_SHIFT
from app.domain.errors import Malformed
from app.domain.reports.comparison import Report, ReportRow, grouped, most_rows, report_of, rows_of
from app.domain.rules.periods import Comparison, Period


class SupplierGroupBy(Enum):
    """What the rows of a supplier report stand for."""

    SUPPLIER = "SUPPLIER"
    STORE = "STORE"
    CATEGORY = "CATEGORY"
    PRODUCT = "PRODUCT"
    DAY = "DAY"
    WEEK = "WEEK"
    MONTH = "MONTH"


class StocktakeGroupBy(Enum):
    """What the rows of a stocktake report stand for."""

    STOCKTAKE = "STOCKTAKE"
    STORE = "STORE"
    CATEGORY = "CATEGORY"
    PRODUCT = "PRODUCT"
    DAY = "DAY"
    WEEK = "WEEK"
    MONTH = "MONTH"


async def supplier_report(
    session: AnySession,
    tenant: UUID,
    stores: Collection[UUID],
    period: Period,
    group: str,
    supplier: UUID | None,
    comparison: Comparison | None,
    limit: int,
) -> Report[SupplierSums]:
    """Orders expected in a period, and how many came late or short."""

    async def read(period: Period, shift: timedelta) -> Grouped[SupplierSums]:
        chosen = session, tenant, stores, period
        by_key = await rows.suppliers(*chosen, group, supplier, shift)
        # An order may have goods of several products: it counts once in the total.
        of_orders = await rows.suppliers(*chosen, "STORE", supplier)
        return Grouped(by_key, grouped(of_orders, SupplierSums).total)

    return await report_of(read, period, group, comparison, limit)


@dataclass(frozen=True, slots=True)
class StocktakeReport:
    """What stocktakes found, in a period or one of them."""

    rows: list[ReportRow[StocktakeSums]]
    total: StocktakeSums
    compared_total: StocktakeSums | None


async def stocktake_report(
    session: AnySession,
    tenant: UUID,
    stores: Collection[UUID],
    period: Period | None,
    stocktake: UUID | None,
    group: str,
    comparison: Comparison | None,
    limit: int,
) -> StocktakeReport:
    """What closed stocktakes found. Raises Malformed without a period and a stocktake."""
    if period is None and stocktake is None:
        raise Malformed(
            "since",
            "请填写期间，或指定一张盘点单",
            "Give a range of days, or the id of a stocktake.",
        )

    async def read(days: Period | None, shift: timedelta) -> Grouped[StocktakeSums]:
        by_key = await rows.stocktakes(session, tenant, stores, days, group, stocktake, shift)
        return grouped(by_key, StocktakeSums)

    if period is not None:
        report = await report_of(read, period, group, comparison, limit)
        return StocktakeReport(report.rows, report.total, report.compared_total)
    now = await read(None, NO_SHIFT)
    return StocktakeReport(
        rows_of(group, now.rows, None)[: most_rows(group, limit)], now.total, None
    )
