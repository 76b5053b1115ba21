"""What a planned row writes to the catalog, through the use cases of products."""

from typing import cast
from uuid import UUID, uuid5

from app.db.core.unit import Database
from app.domain.access import Viewer
from app.domain.catalog.barcodes import add_barcode
from app.domain.catalog.categories import open_path, read_path
from app.domain.catalog.new_products import FirstValues, create_product
from app.domain.catalog.products import ProductDescription, set_reorder_point, update_product
from app.domain.imports.sheets import Planned, Row


async def write_product(
    db: Database, viewer: Viewer, key: UUID, store: UUID | None, planned: Planned
) -> None:
    """Writes what the plan says, each part under a key derived from this one. Raises as the use
    cases of products do."""
    if planned.product_id is None:
        await _create(db, viewer, key, planned.row)
        return
    await _update(db, viewer, key, planned, planned.product_id)
    row, product = planned.row, planned.product_id
    if "BARCODE" in planned.changes:
        await add_barcode(db, viewer, uuid5(key, "barcode"), product, row.text("BARCODE"), None)
    point = row.number_of("REORDER_POINT")
    if "REORDER_POINT" in planned.changes and point is not None:
        await set_reorder_point(db, viewer, uuid5(key, "point"), product, store, point)


async def _create(db: Database, viewer: Viewer, key: UUID, row: Row) -> None:
    barcode, life = row.text("BARCODE"), row.value("SHELF_LIFE_DAYS")
    described = ProductDescription(
        row.text("NAME"), row.text("SPEC"), cast(int | None, row.value("PRICE"))
    )
    await create_product(
        db,
        viewer,
        key,
        row.text("SKU") or barcode or "",
        row.text("UNIT") or "",
        "GOODS",
        [barcode] if barcode else [],
        described,
        tracks_batches=life is not None,
        shelf_life_days=cast(int | None, life),
        first=FirstValues(
            reorder_point=row.number_of("REORDER_POINT"), category_path=row.text("CATEGORY")
        ),
    )


async def _update(db: Database, viewer: Viewer, key: UUID, planned: Planned, id: UUID) -> None:
    changes, row = set(planned.changes), planned.row
    if not changes & {"NAME", "SPEC", "PRICE", "CATEGORY"}:
        return
    category = None
    if "CATEGORY" in changes:
        path = read_path(row.text("CATEGORY") or "", "categoryPath")
        async with db.unit(viewer.tenant) as unit:
            category = await open_path(unit, path)
    described = ProductDescription(
        row.text("NAME") if "NAME" in changes else None,
        row.text("SPEC") if "SPEC" in changes else None,
        cast(int | None, row.value("PRICE")) if "PRICE" in changes else None,
        category,
    )
    await update_product(db, viewer, key, id, described)
