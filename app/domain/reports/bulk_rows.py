"""Rows of bulk queries as JSON: the fields that products, levels and movements have in the API."""

from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Any
from uuid import UUID

from app.db import batches, bulk, catalog, codes, identity, stock
from app.db.bulk import BulkFilter
from app.db.core.snapshot import AnySession
from app.db.tables import Batch, Entry, Level, Movement, Product, ProductCode
from app.domain.reports.columns import ExportScope, ExportTable, day
from app.domain.rules.amounts import written_money
from app.domain.rules.codes import printed
from app.domain.rules.phones import masked
from app.domain.rules.units import written

PAGE = 100
"""Rows that are read at a time: the process does nothing else for a few ms."""
FEN = 100


async def products(session: AnySession, scope: ExportScope, filter: BulkFilter) -> ExportTable:
    """Every product with its barcodes, by id."""

    async def pages() -> AsyncIterator[list[Any]]:
        after: UUID | None = None
        while rows := await bulk.products(session, scope.tenant, filter, after, PAGE):
            barcodes: dict[UUID, list[ProductCode]] = defaultdict(list)
            ids = {row.id for row in rows}
            for code in await codes.barcodes_of(session, scope.tenant, ids):
                barcodes[code.product_id].append(code)
            yield [_product(scope, row, barcodes[row.id]) for row in rows]
            after = rows[-1].id

    expected = await bulk.count_products(session, scope.tenant, filter)
    return ExportTable([], pages(), list, expected)


def _product(scope: ExportScope, row: Product, barcodes: Sequence[ProductCode]) -> dict[str, Any]:
    return {
        "id": row.id,
        "sku": row.sku,
        "name": row.name,
        "spec": row.spec,
        "unit": row.unit,
        "kind": row.kind,
        "category": row.category_id
        and {"id": row.category_id, "path": scope.categories.get(row.category_id)},
        "barcodes": [
            {
                "code": printed(each.code or ""),
                "packQuantity": written(each.pack_quantity or row.scale, row.scale),
            }
            for each in barcodes
        ],
        "price": money(row.price, FEN),
        "imageUrl": row.image_url,
        "tracksBatches": row.tracks_batches,
        "shelfLifeDays": row.shelf_life_days,
        "expiryWarningDays": row.expiry_warning_days,
        "reorderPoint": written(row.reorder_point, row.scale),
        "archivedAt": row.archived_at,
    }


async def levels(session: AnySession, scope: ExportScope, filter: BulkFilter) -> ExportTable:
    """Every level of goods, by store and product."""

    async def pages() -> AsyncIterator[list[Any]]:
        after: tuple[UUID, UUID] | None = None
        while rows := await bulk.levels(session, scope.tenant, filter, after, PAGE):
            yield [_level(scope, *row) for row in rows]
            level = rows[-1][0]
            after = level.store_id, level.product_id

    expected = await bulk.count_levels(session, scope.tenant, filter)
    return ExportTable([], pages(), list, expected)


def _level(scope: ExportScope, level: Level, product: Product) -> dict[str, Any]:
    return {
        "store": _store(scope, level.store_id),
        "product": _named(product),
        "onHand": written(*level.on_hand),
        "available": written(*level.available),
        "reserved": written(*level.held),
        "quarantined": written(*level.quarantined),
        "incoming": written(*level.incoming),
        "reorderPoint": written(*level.warns_at),
        "status": level.status,
        "version": str(level.version),
        "lastReceivedAt": level.received_at,
        "unitCost": money(level.unit_cost) if scope.with_cost else None,
        "value": money(level.value) if scope.with_cost else None,
    }


async def movements(session: AnySession, scope: ExportScope, filter: BulkFilter) -> ExportTable:
    """Every movement with its lines, in the order of recording."""

    async def pages() -> AsyncIterator[list[Any]]:
        after: UUID | None = None
        while rows := await bulk.movements(session, scope.tenant, filter, after, PAGE):
            yield await _with_lines(session, scope, rows)
            after = rows[-1].id

    return ExportTable([], pages(), list)


async def _with_lines(
    session: AnySession, scope: ExportScope, rows: Sequence[Movement]
) -> list[dict[str, Any]]:
    tenant = scope.tenant
    entries = await stock.entries_of(session, tenant, {row.id for row in rows})
    product_ids = {each.product_id for each in entries}
    named = {p.id: p for p in await catalog.products_by_id(session, tenant, product_ids)}
    batch_ids = {each.batch_id for each in entries if each.batch_id}
    batch = {b.id: b for b in await batches.batches_by_id(session, tenant, batch_ids)}
    actors = await identity.actors_by_id(session, tenant, {row.actor_id for row in rows})
    names = {each.id: each.name for each in actors}
    lines: dict[UUID, list[dict[str, Any]]] = defaultdict(list)
    for each in entries:
        of_batch = batch[each.batch_id] if each.batch_id else None
        lines[each.movement_id].append(_line(scope, each, named[each.product_id], of_batch))
    return [_movement(scope, row, names.get(row.actor_id), lines[row.id]) for row in rows]


def _movement(
    scope: ExportScope, row: Movement, actor: str | None, lines: list[dict[str, Any]]
) -> dict[str, Any]:
    return {
        "id": row.id,
        "kind": row.kind,
        "store": _store(scope, row.store_id),
        "actor": actor and {"id": row.actor_id, "name": actor},
        "channel": row.channel,
        "document": row.document and masked(row.document),
        "reason": row.reason and masked(row.reason),
        "note": row.note and masked(row.note),
        "occurredAt": row.occurred_at,
        "recordedAt": row.recorded_at,
        "businessDate": row.business_date,
        "timezone": row.timezone,
        "reverses": row.reverses_id and {"id": row.reverses_id},
        "sale": row.sale_id and {"id": row.sale_id},
        "lines": lines,
    }


def _line(scope: ExportScope, row: Entry, product: Product, batch: Batch | None) -> dict[str, Any]:
    return {
        "product": _named(product),
        "batch": batch and {"number": batch.number, "expiresOn": day(batch.expires_on)},
        "quantity": written(row.quantity, row.scale),
        "from": {"store": {"id": row.from_store}, "bin": row.from_bin.upper()},
        "to": {"store": {"id": row.to_store}, "bin": row.to_bin.upper()},
        "price": money(row.price, FEN),
        "discount": money(row.discount, FEN),
        "amount": money(row.amount, FEN),
        "unitCost": money(row.unit_cost) if scope.with_cost else None,
        "cost": money(row.cost) if scope.with_cost else None,
    }


def _store(scope: ExportScope, id: UUID) -> dict[str, Any]:
    store = scope.names[id]
    return {"id": id, "code": store.code, "name": store.name}


def _named(product: Product) -> dict[str, Any]:
    return {"id": product.id, "sku": product.sku, "name": product.name, "unit": product.unit}


def money(amount: int | None, size: int = 1) -> str | None:
    """An amount of `size` 1/10000 yuan each as decimal digits; None for one that is unknown."""
    return None if amount is None else written_money(amount * size)


TABLES: dict[str, Callable[[AnySession, ExportScope, BulkFilter], Awaitable[ExportTable]]] = {
    "PRODUCTS": products,
    "LEVELS": levels,
    "MOVEMENTS": movements,
}
