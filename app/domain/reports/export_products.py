"""The export of the catalog, in the columns that an import of products reads."""

from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

from app.db import bulk, codes
from app.db.bulk import BulkFilter
from app.db.core.snapshot import AnySession
from app.domain.reports.columns import Column, ExportScope, ExportTable, Row, fen
from app.domain.reports.export_stock import PAGE, PRODUCT, category_of
from app.domain.rules.codes import printed
from app.domain.rules.units import written

PRODUCTS = [
    *PRODUCT,
    Column("price", ("售价", "Price"), "MONEY"),
    Column("reorder_point", ("最低库存", "Reorder point"), "QUANTITY"),
    Column("shelf_life", ("保质期（天）", "Shelf life in days"), "COUNT"),
]


async def products(session: AnySession, scope: ExportScope) -> ExportTable:
    """The active products by id, each with one barcode of a single unit."""
    filter = BulkFilter(scope.stores, scope.category_id, archived=False)
    columns = scope.columns(PRODUCTS)

    async def pages() -> AsyncIterator[list[Row]]:
        after: UUID | None = None
        while rows := await bulk.products(session, scope.tenant, filter, after, PAGE):
            barcodes: dict[UUID, str] = {}
            for code in await codes.barcodes_of(session, scope.tenant, {row.id for row in rows}):
                if code.pack_quantity is None and code.code:
                    barcodes.setdefault(code.product_id, printed(code.code))
            yield [_values(scope, columns, row, barcodes.get(row.id)) for row in rows]
            after = rows[-1].id

    expected = await bulk.count_products(session, scope.tenant, filter)
    return ExportTable(columns, pages(), list, expected)


def _values(scope: ExportScope, columns: list[Column], row: Any, barcode: str | None) -> Row:
    values = {
        "sku": row.sku,
        "barcodes": barcode,
        "name": row.name,
        "spec": row.spec,
        "category": row.category_id and category_of(scope, row),
        "unit": row.unit,
        "price": fen(row.price),
        "reorder_point": written(row.reorder_point, row.scale),
        "shelf_life": row.shelf_life_days,
    }
    return [values[column.name] for column in columns]
