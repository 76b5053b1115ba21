"""Counts: what people submit during a stocktake, each at its position in the ledger."""

from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import NamedTuple, Protocol
from uuid import UUID

from app.db import batches as batch_rows
from app.db import catalog
from app.db import stocktakes as rows
from app.db.core.unit import Database, Unit, clock
from app.db.tables import Product, Stocktake
from app.domain.access import Can, Viewer
from app.domain.catalog.codes import read_code
from app.domain.claims import fingerprint_of
from app.domain.documents.count_writes import CountDraft, CountedBatch, CountedLine, write_counts
from app.domain.documents.stocktakes import get_line, reached, require_state
from app.domain.errors import (
    InvalidQuantity,
    Malformed,
    Refused,
    UnknownBatch,
    WrongState,
    WrongStateReason,
    unknown_products,
)
from app.domain.ledger.documents import change_document
from app.domain.ledger.draft import batch_id
from app.domain.movements.horizon import CLOCK_SKEW
from app.domain.movements.lines import LineRequest, PlainLine, resolve_lines
from app.domain.paths import at_path
from app.domain.rules.texts import clean
from app.domain.rules.units import to_base

PRINTED = (
    *("product_id", "code", "quantity", "packs", "unit", "batch_no", "expires_on"),
    *("counted_at", "started_at_seq"),
)
"""The attributes of a line that a request's fingerprint covers."""


class CountLineRequest(LineRequest, Protocol):
    """A counted quantity as a client sends it: 0 or more, negative to correct an earlier count."""

    @property
    def batch_no(self) -> str | None: ...
    @property
    def expires_on(self) -> date | None: ...
    @property
    def counted_at(self) -> datetime | None: ...
    @property
    def started_at_seq(self) -> int | None: ...


class CountRequest(NamedTuple):
    """Lines that one person counted in one zone; `recount` replaces earlier counts there."""

    key: UUID
    stocktake_id: UUID
    zone: str | None
    lines: Sequence[CountLineRequest]
    recount: bool = False


class Known(NamedTuple):
    """Stocktakes and products that were read together, by their ids."""

    stocktakes: Mapping[UUID, Stocktake]
    products: Mapping[UUID, Product]


async def _read_known(db: Database, tenant: UUID, ids: Collection[UUID]) -> Known:
    """The stocktakes and products with these ids, read once for all who count now."""
    async with db.read(tenant) as session:
        stocktakes = await rows.stocktakes_by_id(session, tenant, ids)
        products = await catalog.products_by_id(session, tenant, ids)
    return Known({row.id: row for row in stocktakes}, {row.id: row for row in products})


async def count(db: Database, viewer: Viewer, request: CountRequest) -> Stocktake:
    """The stocktake with these counts: they add to what was counted in the zone before.

    Any number of people count at once; nothing waits for a sale, and no sale waits. Raises
    Refused: UnknownStocktake, UnknownProduct, UnknownBatch, InvalidQuantity, WrongState (its
    state, NOT_IN_STOCKTAKE, OVERLAPS).
    """
    tenant, id = viewer.tenant, request.stocktake_id
    named = {line.product_id for line in request.lines if line.product_id is not None}
    known = await db.coalesce(_read_known, tenant, {id, *named})
    row = reached(viewer, Can.COUNT, known.stocktakes.get(id), id)
    zone = clean(request.zone, "zone", 50) or ""
    lines = await _read_lines(db, tenant, row.store_id, request.lines, known)
    printed = [[getattr(each, name) for name in PRINTED] for each in request.lines]
    name = "recount" if request.recount else "count"
    fingerprint = fingerprint_of(name, row.id, zone, printed)
    draft = CountDraft(viewer, request.key, row.id, zone, lines, request.recount, fingerprint)
    outcome = (await db.coalesce(write_counts, tenant, [draft]))[draft]
    if isinstance(outcome, Exception):
        raise outcome
    return outcome


async def _read_lines(
    db: Database,
    tenant: UUID,
    store: UUID,
    requests: Sequence[CountLineRequest],
    known: Known,
) -> list[CountedLine]:
    """The lines with their products, quantities and batches. Raises as `resolve_lines` does."""
    resolved = await resolve_lines(db, tenant, store, [_measurable(each) for each in requests])
    products = dict(known.products)
    if coded := {line.product_id for line in resolved} - products.keys():
        products |= (await db.coalesce(_read_known, tenant, coded)).products
    if unknown := {line.product_id for line in resolved} - products.keys():
        raise unknown_products(unknown)
    lines: list[CountedLine] = []
    for place, (request, line) in enumerate(zip(requests, resolved, strict=True)):
        product = products[line.product_id]
        with at_path("lines", str(place)):
            lines.append(await _read_line(db, tenant, request, product, line.quantity))
    return lines


def _measurable(request: CountLineRequest) -> PlainLine:
    """The line with a positive quantity, as all lines of movements have."""
    quantity = request.quantity
    if quantity is not None:
        quantity = abs(quantity) or Decimal(1)
    return PlainLine(
        request.product_id,
        quantity,  # pyright: ignore[reportArgumentType] None for a code's own quantity
        request.code,
        packs=request.packs,
        unit=request.unit,
    )


async def _read_line(
    db: Database,
    tenant: UUID,
    request: CountLineRequest,
    product: Product,
    magnitude: Decimal,
) -> CountedLine:
    sent = request.quantity
    base = 0 if sent == 0 else to_base(magnitude, product.scale)
    if base is None:
        raise Refused(InvalidQuantity(product.id, str(sent), path=("quantity",)))
    _check_moment(request.counted_at)
    return CountedLine(
        product,
        -base if sent is not None and sent < 0 else base,
        await _batch(db, tenant, request, product),
        request.counted_at,
        request.started_at_seq,
    )


def _check_moment(counted_at: datetime | None) -> None:
    if counted_at is not None and counted_at > clock() + CLOCK_SKEW:
        raise Malformed(
            "countedAt",
            "盘点时间晚于现在，请检查设备时钟",
            "The time lies in the future: check the clock of the device.",
        )


async def _batch(
    db: Database, tenant: UUID, request: CountLineRequest, product: Product
) -> CountedBatch | None:
    """The batch that the line, or its code, names; a number needs its expiry only when batches
    with that number expire on different days, or when the number is new."""
    number, expires_on = clean(request.batch_no, "batchNo", 50), request.expires_on
    if not product.tracks_batches:
        if number or expires_on:
            raise Malformed(
                "batchNo",
                f"商品 {product.sku} 不按批次管理，请不要填写批号和日期",
                f"Product {product.sku} does not track batches: give no batch number or dates.",
            )
        return None
    if request.code is not None:
        code = read_code(request.code, ())
        number, expires_on = number or code.batch, expires_on or code.expires_on
    if number is None and expires_on is None:
        return None
    if expires_on is not None:
        id = batch_id(product.id, number or "", expires_on)
        return CountedBatch(id, number or "", expires_on)
    assert number is not None
    async with db.read(tenant) as session:
        matching = await batch_rows.matching(session, tenant, product.id, number, None)
        known = await batch_rows.batches_by_id(session, tenant, matching)
    if not known:
        raise Refused(UnknownBatch(product.id, number, path=("batchNo",)))
    if len(known) > 1:
        raise Malformed(
            "expiresOn",
            f"批号 {number} 有多个到期日，请填写到期日",
            f"Batch {number} has several expiry dates: give one.",
        )
    [batch] = known
    return CountedBatch(batch.id, batch.number, batch.expires_on)


async def confirm(
    db: Database, viewer: Viewer, key: UUID, line_id: UUID, seq: int | None
) -> Stocktake:
    """Confirms the counts of a product during which goods moved: they hold at the position `seq`,
    by default at the last count.

    Raises Refused: UnknownStocktake, WrongState.
    """
    row, line = await get_line(db, viewer, line_id)

    async def work(unit: Unit, row: Stocktake) -> None:
        require_state(row, "OPEN", "REVIEW")
        session, products = unit.session, [line.product_id]
        counts = [
            each
            for each in await rows.counts_of(session, unit.tenant, [row.id], products)
            if each.replaced_by is None
        ]
        if not counts:
            raise Refused(WrongState(WrongStateReason.NOT_COUNTED))
        [locked] = await rows.lines_of(session, unit.tenant, [row.id], products)
        locked.confirmed_seq = max(each.seq for each in counts) if seq is None else seq
        locked.confirmed_by = viewer.actor

    request = ("confirmCount", line_id, seq)
    return await change_document(
        db, viewer.claimant, key, row, request, rows.locked_stocktake, work
    )
