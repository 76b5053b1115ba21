"""Counts: what people submit during a stocktake, each at its position in the ledger."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import NamedTuple, Protocol
from uuid import UUID

from uuid_utils.compat import uuid7

from app.db import batches as batch_rows
from app.db import catalog, positions
from app.db import stocktakes as rows
from app.db.core.snapshot import AnySession
from app.db.core.unit import Database, Unit, clock
from app.db.positions import Position
from app.db.tables import Product, Stocktake, StocktakeCount, StocktakeLine
from app.domain.access import Can, Viewer
from app.domain.catalog.codes import read_code
from app.domain.claims import claim
from app.domain.documents.stocktakes import (
    get_line,
    get_stocktake,
    refuse_overlap,
    require_state,
)
from app.domain.errors import (
    InvalidQuantity,
    Malformed,
    Refused,
    UnknownBatch,
    WrongState,
    WrongStateReason,
    unknown_products,
)
from app.domain.ledger.documents import announce, change_document
from app.domain.ledger.draft import batch_id
from app.domain.movements.horizon import CLOCK_SKEW
from app.domain.movements.lines import LineRequest, PlainLine, resolve_lines
from app.domain.movements.zones import unknown_zone
from app.domain.paths import at_path
from app.domain.rules.texts import clean
from app.domain.rules.units import to_base

NOWHERE = Position(0, 0, 0, 0, 0, 0, None)
"""Position of a product that the store has never had."""


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


class CountedBatch(NamedTuple):
    """A batch by its number and expiry; it may never have been received."""

    id: UUID
    number: str
    expires_on: date


class CountedLine(NamedTuple):
    """A line that is read completely; `quantity` is in base units."""

    product: Product
    quantity: int
    batch: CountedBatch | None
    counted_at: datetime | None
    started_at_seq: int | None


async def count(db: Database, viewer: Viewer, request: CountRequest) -> Stocktake:
    """The stocktake with these counts: they add to what was counted in the zone before.

    Any number of people count at once; nothing waits for a sale, and no sale waits. Raises
    Refused: UnknownStocktake, UnknownProduct, UnknownBatch, InvalidQuantity, WrongState (its
    state, NOT_IN_STOCKTAKE, OVERLAPS).
    """
    row = await get_stocktake(db, viewer, Can.COUNT, request.stocktake_id)
    zone = clean(request.zone, "zone", 50) or ""
    lines = await _read_lines(db, viewer.tenant, row.store_id, request.lines)
    printed = [[getattr(each, name) for name in PRINTED] for each in request.lines]
    name = "recount" if request.recount else "count"
    async with db.unit(viewer.tenant) as unit:
        earlier = await claim(
            unit, viewer.claimant, request.key, row.id, name, row.id, zone, printed
        )
        locked = await rows.shared_stocktake(unit, row.id)
        assert locked is not None, "no document is ever deleted"
        if earlier is None:
            require_state(locked, *(("OPEN", "REVIEW") if request.recount else ("OPEN",)))
            _check_zone(locked, zone)
            await _add_counts(unit, viewer, locked, zone, lines, request.recount)
            announce(unit, locked)
    return locked


def _check_zone(row: Stocktake, zone: str) -> None:
    if row.zones and zone not in row.zones:
        raise unknown_zone(row.zones)


async def _add_counts(
    unit: Unit,
    viewer: Viewer,
    row: Stocktake,
    zone: str,
    lines: Sequence[CountedLine],
    recount: bool,
) -> None:
    products = {line.product.id: line.product for line in lines}
    await _include(unit, row, products)
    replaced: dict[UUID, bool] = {}
    if recount:
        replaced = await rows.replace_counts(unit, row, products, zone, viewer.actor)
    began, now = await _positions(unit, row.store_id, lines)
    unit.session.add_all(
        StocktakeCount(
            tenant_id=unit.tenant,
            id=uuid7(),
            stocktake_id=row.id,
            product_id=line.product.id,
            zone=zone,
            batch_id=line.batch and line.batch.id,
            batch_no=line.batch and line.batch.number,
            expires_on=line.batch and line.batch.expires_on,
            quantity=line.quantity,
            scale=line.product.scale,
            began_seq=began[place],
            seq=now[line.product.id].seq,
            counted_by=viewer.actor,
            counted_at=line.counted_at or unit.now,
            checks=replaced.get(line.product.id, False),
        )
        for place, line in enumerate(lines)
    )
    await rows.forget_confirmations(unit, row, products)


async def _include(unit: Unit, row: Stocktake, products: Mapping[UUID, Product]) -> None:
    """Adds lines for counted products that the stocktake covers and had not listed.

    Raises Refused(WrongState): NOT_IN_STOCKTAKE, or OVERLAPS with another stocktake.
    """
    known = await rows.lines_of(unit.session, unit.tenant, [row.id], products)
    missing = products.keys() - {line.product_id for line in known}
    if not missing:
        return
    categories = await rows.covered_categories(unit, row)
    for product in missing:
        covered = row.everything or products[product].category_id in categories
        if not covered or products[product].kind != "GOODS":
            raise Refused(WrongState(WrongStateReason.NOT_IN_STOCKTAKE))
    await rows.lock_scopes(unit, row.store_id)
    known = await rows.lines_of(unit.session, unit.tenant, [row.id], missing)
    unit.session.add_all(
        StocktakeLine(
            tenant_id=unit.tenant,
            stocktake_id=row.id,
            product_id=product,
            id=uuid7(),
            scale=products[product].scale,
        )
        for product in missing - {line.product_id for line in known}
    )
    await unit.session.flush()
    await refuse_overlap(unit, row)


async def _positions(
    unit: Unit, store: UUID, lines: Sequence[CountedLine]
) -> tuple[list[int], dict[UUID, Position]]:
    """Where each line's person began to count, and the present position of each product."""
    products = {line.product.id for line in lines}
    session, tenant = unit.session, unit.tenant
    now = dict.fromkeys(products, NOWHERE)
    now |= await positions.positions(session, tenant, store, products)
    moments: dict[UUID, datetime] = {}
    for line in lines:
        at, product = line.counted_at, line.product.id
        if at is not None and line.started_at_seq is None:
            moments[product] = min(at, moments.get(product, at))
    at_moment = (
        await positions.positions_at(session, tenant, store, now, moments) if moments else {}
    )
    began: list[int] = []
    for place, line in enumerate(lines):
        seq, started = now[line.product.id].seq, line.started_at_seq
        if started is not None and started > seq:
            with at_path("lines", str(place)):
                raise Malformed(
                    "startedAtSeq",
                    "起始版本晚于当前库存版本，请重新读取",
                    "The position is later than the level's version: read the level again.",
                )
        default = seq if line.counted_at is None else at_moment.get(line.product.id, seq)
        began.append(min(seq, default if started is None else started))
    return began, now


async def _read_lines(
    db: Database, tenant: UUID, store: UUID, requests: Sequence[CountLineRequest]
) -> list[CountedLine]:
    """The lines with their products, quantities and batches. Raises as `resolve_lines` does."""
    resolved = await resolve_lines(db, tenant, store, [_measurable(each) for each in requests])
    async with db.read(tenant) as session:
        ids = {line.product_id for line in resolved}
        products = {row.id: row for row in await catalog.products_by_id(session, tenant, ids)}
        if unknown := ids - products.keys():
            raise unknown_products(unknown)
        lines: list[CountedLine] = []
        for place, (request, line) in enumerate(zip(requests, resolved, strict=True)):
            product = products[line.product_id]
            with at_path("lines", str(place)):
                lines.append(await _read_line(session, tenant, request, product, line.quantity))
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
    session: AnySession,
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
        await _batch(session, tenant, request, product),
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
    session: AnySession, tenant: UUID, request: CountLineRequest, product: Product
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
    known = await batch_rows.matching(session, tenant, product.id, number, None)
    if not known:
        raise Refused(UnknownBatch(product.id, number, path=("batchNo",)))
    if len(known) > 1:
        raise Malformed(
            "expiresOn",
            f"批号 {number} 有多个到期日，请填写到期日",
            f"Batch {number} has several expiry dates: give one.",
        )
    [batch] = await batch_rows.batches_by_id(session, tenant, known)
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
