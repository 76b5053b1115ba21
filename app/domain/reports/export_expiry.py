"""Exports of batches that have expired or expire soon, with the value at risk."""

from collections import Counter
from collections.abc import AsyncIterator
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from app.db.core.snapshot import AnySession
from app.db.core.unit import clock
from app.db.export_history import batch_rows, batches_by_day
from app.db.export_rows import StockFilter, barcodes_of
from app.domain.reports.columns import (
    Chart,
    Column,
    ExportScope,
    ExportTable,
    Label,
    Row,
    day,
    yuan,
)
from app.domain.reports.export_stock import PRODUCT, product_values
from app.domain.rules.days import store_day
from app.domain.rules.units import written

BATCHES = 1000
"""Rows that are read at a time; each page sorts what expires."""
EXPIRY = [
    Column("store", ("门店", "Store")),
    *PRODUCT,
    Column("batch", ("批号", "Batch")),
    Column("supplier", ("供应商", "Supplier")),
    Column("produced_on", ("生产日期", "Produced"), "DATE"),
    Column("expires_on", ("到期日", "Expiry"), "DATE"),
    Column("days_left", ("剩余天数", "Days left"), "COUNT"),
    Column("on_hand", ("现有", "On hand"), "QUANTITY"),
    Column("shelf", ("货架", "On the shelf"), "QUANTITY"),
    Column("unit_cost", ("单位成本", "Unit cost"), "COST", cost=True),
    Column("value", ("临期金额", "Value at risk"), "MONEY", total=True, cost=True),
]
STEPS: list[tuple[int, Label]] = [
    (-1, ("已过期", "Expired")),
    (7, ("0–7 天", "0–7 days")),
    (15, ("8–15 天", "8–15 days")),
    (30, ("16–30 天", "16–30 days")),
    (10**6, ("30 天以上", "More than 30 days")),
]


async def expiry(session: AnySession, scope: ExportScope) -> ExportTable:
    """Batches by days left, the earliest expiry first."""
    filter = StockFilter(scope.stores, scope.category_id)
    columns = scope.columns(EXPIRY)
    days, until = _days(scope)
    sums: Counter[str] = Counter()

    async def pages() -> AsyncIterator[list[Row]]:
        after: tuple[Any, ...] | None = None
        while rows := await batch_rows(session, scope.tenant, filter, until, after, BATCHES):
            codes = await barcodes_of(session, scope.tenant, {row[2].id for row in rows})
            page: list[Row] = []
            for held, batch, product, average in rows:
                left = (held.expires_on - days[held.store_id]).days
                if left > scope.within_days:
                    # It is tomorrow already in another store's time zone.
                    continue
                values = product_values(scope, product, codes.get(product.id))
                values |= _values(scope, held, batch, product, average)
                values["days_left"] = str(left)
                sums[_step(scope, left)] += _risk(held, batch, product, average)
                page.append([values[column.name] for column in columns])
            yield page
            after = held_key(rows[-1][0])

    def charts() -> list[Chart]:
        return [_chart(scope, sums)] if scope.with_cost else []

    return ExportTable(columns, pages(), charts)


async def expiry_chart(session: AnySession, scope: ExportScope) -> Chart:
    """The value at risk by days left; without costs, the batches by days left."""
    days, until = _days(scope)
    filter = StockFilter(scope.stores, scope.category_id)
    sums: Counter[str] = Counter()
    for store, expires_on, count, value in await batches_by_day(
        session, scope.tenant, filter, until
    ):
        left = (expires_on - days[store]).days
        if left <= scope.within_days:
            sums[_step(scope, left)] += value if scope.with_cost else count
    return _chart(scope, sums)


def _days(scope: ExportScope) -> tuple[dict[UUID, date], date]:
    """Today in each store, and the last day of expiry."""
    days = {id: store_day(clock(), store.timezone) for id, store in scope.names.items()}
    return days, max(days.values()) + timedelta(days=scope.within_days)


def _chart(scope: ExportScope, sums: Counter[str]) -> Chart:
    points = [(scope.text(label), sums[scope.text(label)]) for _, label in STEPS]
    label, value = ("剩余天数", "Days left"), ("临期金额（元）", "Value at risk (CNY)")
    if scope.with_cost:
        return Chart("BAR", value, (label, value), points)
    count = "临期批次数", "Batches by days left"
    return Chart("BAR", count, (label, count), points, "COUNT")


def held_key(held: Any) -> tuple[date, Any, Any]:
    """The key of a row: expiry, store and batch."""
    return held.expires_on, held.store_id, held.batch_id


def _step(scope: ExportScope, left: int) -> str:
    return scope.text(next(label for most, label in STEPS if left <= most))


def _on_hand(held: Any) -> int:
    return held.shelf + held.reserved + held.quarantine


def _cost(batch: Any, average: int | None) -> int:
    """The batch's own cost; the level's average if it is not known."""
    return batch.unit_cost if batch.unit_cost is not None else average or 0


def _risk(held: Any, batch: Any, product: Any, average: int | None) -> int:
    return _on_hand(held) * _cost(batch, average) // product.scale


def _values(
    scope: ExportScope, held: Any, batch: Any, product: Any, average: int | None
) -> dict[str, Any]:
    return {
        "store": scope.names[held.store_id].name,
        "batch": batch.number,
        "supplier": batch.supplier,
        "produced_on": day(batch.produced_on),
        "expires_on": day(batch.expires_on),
        "on_hand": written(_on_hand(held), product.scale),
        "shelf": written(held.shelf, product.scale),
        "unit_cost": yuan(_cost(batch, average)),
        "value": yuan(_risk(held, batch, product, average)),
    }
