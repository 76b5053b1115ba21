"""Exports of movements: every line of them, in the order in which they were recorded."""

from collections import Counter
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

from app.db.core.snapshot import AnySession
from app.db.export_history import movement_rows
from app.db.export_rows import StockFilter, barcodes_of
from app.db.identity import actors_by_id
from app.domain.reports.columns import (
    Chart,
    Column,
    ExportScope,
    ExportTable,
    Label,
    Row,
    day,
    fen,
    yuan,
)
from app.domain.reports.export_groups import CHANNELS
from app.domain.reports.export_stock import PAGE, PRODUCT, product_values
from app.domain.rules.kinds import Kind
from app.domain.rules.phones import masked
from app.domain.rules.units import written

BINS: dict[str, Label] = {
    "shelf": ("货架", "Shelf"),
    "reserved": ("预占", "Reserved"),
    "quarantine": ("待检", "Quarantine"),
    "transit": ("在途", "In transit"),
    "supplier": ("供应商", "Supplier"),
    "customer": ("顾客", "Customer"),
    "waste": ("报损", "Waste"),
    "variance": ("盘点差异", "Variance"),
    "kitchen": ("自用", "Consumption"),
    "opening": ("期初", "Opening"),
}
MOVEMENTS = [
    Column("occurred_at", ("发生时间", "Time"), "MOMENT"),
    Column("store", ("门店", "Store")),
    Column("kind", ("单据类型", "Kind")),
    Column("document", ("单号", "Document number")),
    Column("channel", ("渠道", "Channel")),
    *PRODUCT,
    Column("batch", ("批号", "Batch")),
    Column("expires_on", ("到期日", "Expiry"), "DATE"),
    Column("quantity", ("数量", "Quantity"), "QUANTITY"),
    Column("from", ("从", "From")),
    Column("to", ("到", "To")),
    Column("amount", ("金额", "Amount"), "MONEY"),
    Column("cost", ("成本", "Cost"), "MONEY", cost=True),
    Column("reason", ("原因", "Reason")),
    Column("note", ("备注", "Note")),
    Column("actor", ("经手人", "Recorded by")),
    Column("recorded_at", ("记录时间", "Recorded"), "MOMENT"),
    Column("id", ("单据编号", "Movement ID")),
]


async def movements(session: AnySession, scope: ExportScope) -> ExportTable:
    """The lines of all movements of the period, by the store's business day."""
    filter = StockFilter(scope.stores, scope.category_id)
    columns = scope.columns(MOVEMENTS)
    kinds: Counter[str] = Counter()

    async def pages() -> AsyncIterator[list[Row]]:
        after: tuple[Any, ...] | None = None
        while rows := await movement_rows(session, scope.tenant, filter, scope.period, after, PAGE):
            names = await _actors(session, scope, {row[0].actor_id for row in rows})
            codes = await barcodes_of(session, scope.tenant, {row[2].id for row in rows})
            page: list[Row] = []
            for row in rows:
                values = _values(scope, *row)
                values |= product_values(scope, row[2], codes.get(row[2].id))
                values["actor"] = names.get(row[0].actor_id)
                kinds[values["kind"]] += 1
                page.append([values[column.name] for column in columns])
            yield page
            after = rows[-1][1].movement_id, rows[-1][1].line

    def charts() -> list[Chart]:
        titles = ("单据类型", "Kind"), ("行数", "Lines")
        title = "各类单据行数", "Lines by kind"
        return [Chart("BAR", title, titles, scope.largest(kinds.items()), "COUNT")]

    return ExportTable(columns, pages(), charts)


async def _actors(session: AnySession, scope: ExportScope, ids: set[UUID]) -> dict[UUID, str]:
    return {each.id: each.name for each in await actors_by_id(session, scope.tenant, ids)}


def _values(
    scope: ExportScope, movement: Any, entry: Any, _: Any, batch: str | None, expires_on: Any
) -> dict[str, Any]:
    en, _, zh = Kind[movement.kind].value.meaning.rpartition(" ")
    return {
        "occurred_at": scope.local(movement.occurred_at, movement.store_id),
        "store": scope.names[movement.store_id].name,
        "kind": scope.text((zh, en.removesuffix("."))),
        "document": movement.document and masked(movement.document),
        "channel": movement.channel and scope.text(CHANNELS[movement.channel]),
        "batch": batch,
        "expires_on": day(expires_on),
        "quantity": written(entry.quantity, entry.scale),
        "from": scope.text(BINS[entry.from_bin]),
        "to": scope.text(BINS[entry.to_bin]),
        "amount": fen(entry.amount),
        "cost": yuan(entry.cost),
        "reason": movement.reason and masked(movement.reason),
        "note": movement.note and masked(movement.note),
        "recorded_at": scope.local(movement.recorded_at, movement.store_id),
        "id": str(movement.id),
    }
