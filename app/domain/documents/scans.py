"""Scan sessions: several phones gather codes and quantities; `scan_commits` posts them once.

Every change locks the session's row and counts its `version`.
"""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from enum import Enum
from functools import partial
from typing import Any, NamedTuple, Protocol
from uuid import UUID

from uuid_utils.compat import uuid7

from app.db import catalog
from app.db import scans as rows
from app.db.core.snapshot import Reads
from app.db.core.unit import Database, Unit
from app.db.tables import Scan, ScanSession
from app.domain import access
from app.domain.access import Can, Viewer
from app.domain.claims import claim
from app.domain.errors import (
    InvalidQuantity,
    Malformed,
    Refused,
    UnknownProduct,
    WrongState,
    WrongStateReason,
)
from app.domain.ledger.documents import announce, change_document
from app.domain.movements.lines import LineRequest, ResolvedLine, resolve_lines
from app.domain.paths import Path, repathed
from app.domain.rules.fefo import NEVER
from app.domain.rules.kinds import Kind
from app.domain.rules.texts import clean
from app.domain.rules.units import to_base
from app.domain.scan_errors import UnknownScanSession

MOST_SCANS, MOST_AT_ONCE = 5000, 200


class ScanPurpose(Enum):
    """What the scans become; the value is the kind of the movement."""

    OPENING_STOCK = "OPENING"
    RECEIPT = "RECEIPT"


class ScanRequest(LineRequest, Protocol):
    """A scan as a phone sends it."""

    @property
    def batch_no(self) -> str | None: ...
    @property
    def expires_on(self) -> date | None: ...
    @property
    def produced_on(self) -> date | None: ...
    @property
    def unit_cost(self) -> int | None: ...


class ScanTotal(NamedTuple):
    """What was scanned of one product and batch, in base units of the scale."""

    store_id: UUID
    product_id: UUID
    batch_no: str | None
    expires_on: date | None
    base: int
    scale: int


async def get_session(reads: Reads, viewer: Viewer, id: UUID) -> ScanSession:
    """A session of a store where the viewer may receive. Raises Refused(UnknownScanSession)."""
    async with reads.read(viewer.tenant) as session:
        row = next(iter(await rows.sessions_by_id(session, viewer.tenant, [id])), None)
    if row is None or not access.within(viewer, Can.RECEIVE, [row.store_id]):
        raise Refused(UnknownScanSession(str(id)))
    return row


async def open_session(
    db: Database, viewer: Viewer, key: UUID, store_id: UUID, purpose: ScanPurpose, note: str | None
) -> ScanSession:
    """A new session. Raises Refused(UnknownStore, KeyReused), InvalidText."""
    store = access.at(viewer, Can.RECEIVE, store_id)
    note = clean(note, "note", 200)
    async with db.unit(viewer.tenant) as unit:
        row = ScanSession(
            tenant_id=unit.tenant,
            id=uuid7(),
            store_id=store,
            purpose=purpose.value,
            state="OPEN",
            note=note,
            version=0,
            opened_by=viewer.actor,
            opened_at=unit.now,
            movement_ids=[],
        )
        request = "openScanSession", store, purpose.name, note
        if earlier := await claim(unit, viewer.claimant, key, row.id, *request):
            return (await rows.sessions_by_id(unit.session, unit.tenant, [earlier]))[0]
        unit.session.add(row)
        announce(unit, row)
    return row


async def add_scans(
    db: Database, viewer: Viewer, key: UUID, id: UUID, requests: Sequence[ScanRequest]
) -> ScanSession:
    """The session with these scans, all of them or none; codes without a product are kept.

    Raises Refused: UnknownScanSession, WrongState, InvalidQuantity, KeyReused; Malformed as
    `resolve_lines` does, and for too many scans.
    """
    if not 1 <= len(requests) <= MOST_AT_ONCE:
        raise Malformed(
            "scans", f"请提交 1 至 {MOST_AT_ONCE} 个扫码", f"Give 1 to {MOST_AT_ONCE} scans."
        )
    row = await get_session(db, viewer, id)
    scans = [await _scan(db, viewer, row, *each) for each in enumerate(requests)]

    async def work(unit: Unit, current: ScanSession) -> None:
        require_open(current)
        if await rows.count_scans(unit, id) + len(scans) > MOST_SCANS:
            raise Malformed(
                "scans",
                f"一次最多累计 {MOST_SCANS} 个扫码，请先提交入库",
                f"A session has at most {MOST_SCANS} scans: commit it, and open another.",
            )
        unit.session.add_all(scans)
        current.version += 1

    request = "addScans", id, [_printed(each) for each in requests]
    return await change_document(db, viewer.claimant, key, row, request, rows.locked_session, work)


def _printed(request: ScanRequest) -> list[Any]:
    names = "product_id", "code", "quantity", "packs", "unit"
    terms = "batch_no", "expires_on", "produced_on", "unit_cost"
    return [getattr(request, name) for name in (*names, *terms)]


def _path(place: int, path: Path) -> Path:
    """The path of a scan that was resolved as the only line of a list."""
    return "scans", str(place), *(path[2:] if path[:1] == ("lines",) else path)


async def _scan(
    db: Database, viewer: Viewer, session: ScanSession, place: int, request: ScanRequest
) -> Scan:
    """The row of a scan. Raises Malformed, Refused."""
    scan = Scan(
        tenant_id=viewer.tenant,
        id=uuid7(),
        session_id=session.id,
        store_id=session.store_id,
        unit_cost=request.unit_cost,
        scanned_by=viewer.actor,
    )
    with repathed(partial(_path, place)):
        scan.code = clean(request.code, "code", 300)
        line = await known_line(db, session, request)
        if line is not None:
            await _of_product(db, scan, line)
            return scan
        scan.amount = _digits(request.quantity, "quantity")
        scan.packs = _digits(request.packs, "packs")
        scan.unit = clean(request.unit, "unit", 10)
        scan.batch_no = clean(request.batch_no, "batchNo", 50)
        scan.expires_on, scan.produced_on = request.expires_on, request.produced_on
    return scan


async def known_line(
    db: Database, session: ScanSession, request: ScanRequest
) -> ResolvedLine | None:
    """The scan as a line; None for a code that names no product."""
    source = Kind[session.purpose].value.source
    try:
        [line] = await resolve_lines(db, session.tenant_id, session.store_id, [request], source)
    except Refused as refused:
        if isinstance(refused.refusal, UnknownProduct) and request.product_id is None:
            return None
        raise
    return line


async def _of_product(db: Database, scan: Scan, line: ResolvedLine) -> None:
    async with db.read(scan.tenant_id) as session:
        [product] = await catalog.products_by_id(session, scan.tenant_id, [line.product_id])
    if product.kind != "GOODS":
        raise Refused(WrongState(WrongStateReason.NOT_STOCKED))
    base = to_base(line.quantity, product.scale)
    if base is None:
        raise Refused(InvalidQuantity(product.id, str(line.quantity), path=("quantity",)))
    scan.product_id, scan.base, scan.scale = product.id, base, product.scale
    if batch := line.arriving:
        scan.batch_no, scan.produced_on = batch.number or None, batch.produced_on
        scan.expires_on = None if batch.expires_on == NEVER else batch.expires_on


async def correct_scan(
    db: Database, viewer: Viewer, key: UUID, scan_id: UUID, quantity: Decimal | None
) -> ScanSession:
    """The session with another quantity of a scan, in the product's unit; None removes the scan.

    Raises Refused: UnknownScanSession, WrongState, InvalidQuantity, KeyReused.
    """
    async with db.read(viewer.tenant) as session:
        scan = await rows.scan_by_id(session, viewer.tenant, scan_id)
    if scan is None or not access.within(viewer, Can.RECEIVE, [scan.store_id]):
        raise Refused(UnknownScanSession(str(scan_id)))
    row = await get_session(db, viewer, scan.session_id)

    async def work(unit: Unit, current: ScanSession) -> None:
        require_open(current)
        scan = await unit.session.get_one(Scan, (unit.tenant, scan_id))
        scan.corrected_by = viewer.actor
        scan.removed_at = unit.now if quantity is None else None
        if quantity is not None and scan.product_id is not None and scan.scale is not None:
            scan.base = to_base(quantity, scan.scale)
            if scan.base is None:
                raise Refused(InvalidQuantity(scan.product_id, str(quantity), path=("quantity",)))
        elif quantity is not None:
            scan.amount, scan.packs = _digits(quantity, "quantity"), None
        current.version += 1

    request = "correctScan", scan_id, quantity
    return await change_document(db, viewer.claimant, key, row, request, rows.locked_session, work)


async def cancel_session(db: Database, viewer: Viewer, key: UUID, id: UUID) -> ScanSession:
    """The session, cancelled: nothing is posted. Raises Refused: UnknownScanSession, WrongState."""
    row = await get_session(db, viewer, id)

    async def work(unit: Unit, current: ScanSession) -> None:
        require_open(current)
        end_session(unit, viewer, current, "CANCELLED")

    request = "cancelScanSession", id
    return await change_document(db, viewer.claimant, key, row, request, rows.locked_session, work)


def require_open(row: ScanSession) -> None:
    """Raises Refused(WrongState) for a session that has ended."""
    if row.state != "OPEN":
        raise Refused(WrongState(WrongStateReason[row.state]))


def end_session(unit: Unit, viewer: Viewer, row: ScanSession, state: str) -> None:
    """Sets the final state of a session."""
    row.state, row.ended_by, row.ended_at = state, viewer.actor, unit.now


def _digits(quantity: Decimal | None, field: str) -> str | None:
    """The quantity of an unknown code as it is kept. Raises Malformed unless it is above 0."""
    if quantity is not None and quantity <= 0:
        raise Malformed(field, "数量须大于 0", "Give a quantity above 0.")
    return None if quantity is None else format(quantity, "f")


def totals_of(scans: Sequence[Scan]) -> list[ScanTotal]:
    """What was scanned of each product and batch, in the order of the first scan."""
    totals: dict[tuple[Any, ...], ScanTotal] = {}
    for scan in scans:
        if scan.removed_at is not None or scan.product_id is None:
            continue
        key = scan.product_id, scan.batch_no, scan.expires_on
        base = (scan.base or 0) + (totals[key].base if key in totals else 0)
        totals[key] = ScanTotal(scan.store_id, *key, base, scan.scale or 1)
    return list(totals.values())
