"""Reports of documents: how suppliers deliver, and what stocktakes find."""

from collections.abc import Collection
from dataclasses import dataclass
from enum import Enum
from typing import Any
from uuid import UUID

from app.db import document_reports as rows
from app.db.core.snapshot import AnySession
from app.db.document_reports import StocktakeSums, SupplierSums
from app.domain.errors import Malformed
from app.domain.reports.flows import Report, ReportRow
from app.domain.reports.stock import added, rows_of
from app.domain.rules.periods import Comparison, Period, compared_with


class SupplierGroupBy(Enum):
    """What the rows of a supplier report stand for."""

    SUPPLIER = "SUPPLIER"
    STORE = "STORE"
    WEEK = "WEEK"
    MONTH = "MONTH"


class StocktakeGroupBy(Enum):
    """What the rows of a stocktake report stand for."""

    STOCKTAKE = "STOCKTAKE"
    STORE = "STORE"
    CATEGORY = "CATEGORY"
    PRODUCT = "PRODUCT"


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
    now = await rows.suppliers(session, tenant, stores, period, group, supplier)
    earlier = compared_with(period, comparison) if comparison else None
    then: dict[Any, SupplierSums] | None = None
    if earlier is not None:
        then = dict(await rows.suppliers(session, tenant, stores, earlier, group, supplier))
    return Report(
        period,
        earlier,
        rows_of(group, now, then)[:limit],
        added([sums for _, sums in now], SupplierSums),
        None if then is None else added(list(then.values()), SupplierSums),
    )


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
    now = await rows.stocktakes(session, tenant, stores, period, group, stocktake)
    then: dict[Any, StocktakeSums] | None = None
    if period is not None and comparison is not None:
        earlier = compared_with(period, comparison)
        then = dict(await rows.stocktakes(session, tenant, stores, earlier, group, stocktake))
    return StocktakeReport(
        rows_of(group, now, then)[:limit],
        added([sums for _, sums in now], StocktakeSums),
        None if then is None else added(list(then.values()), StocktakeSums),
    )
