"""Scan sessions: several phones gather codes and quantities, which are posted once.

Every change locks the session's row and counts its `version`: a commit is drafted from the scans
of one version, and drafted again when another phone has added one meanwhile.
"""

from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from enum import Enum
from typing import Any, NamedTuple, Protocol
from uuid import UUID, uuid5

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
    Busy,
    InvalidQuantity,
    Malformed,
    Refusal,
    Refused,
    UnknownProduct,
    WrongState,
    WrongStateReason,
)
from app.domain.ledger.documents import announce, change_document, open_levels_for
from app.domain.ledger.draft import Draft
from app.domain.ledger.post import post
from app.domain.movements.batches import MOST_LINES
from app.domain.movements.lines import LineRequest, ResolvedLine, resolve_lines
from app.domain.movements.record import Books, MovementHead, MovementTerms, draft, resolve
from app.domain.rules.fefo import NEVER
from app.domain.rules.kinds import Kind
from app.domain.rules.texts import InvalidText, clean
from app.domain.rules.units import from_base, to_base
from app.domain.scan_errors import UnknownScanSession

MOST_SCANS, MOST_AT_ONCE = 5000, 200
ATTEMPTS = 5


class Overtaken(Exception):
    """Another phone has changed the session since its scans were read."""


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


@dataclass(frozen=True, slots=True)
class ScannedLine:
    """A line of a movement: all scans of one product and batch at one cost, or an unknown code."""

    product_id: UUID | None
    code: str | None
    quantity: Decimal | None
    packs: Decimal | None = None
    unit: str | None = None
    batch_no: str | None = None
    expires_on: date | None = None
    produced_on: date | None = None
    unit_cost: int | None = None


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
        _require_open(current)
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


@contextmanager
def _at_scan(place: int) -> Generator[None]:
    """Puts the place of the scan in the path of what is refused inside the block."""
    try:
        yield
    except (Malformed, InvalidText) as error:
        error.path = _path(place, error.path)
        raise
    except Refused as refused:
        path = _path(place, refused.refusal.path or ())
        refused.refusal = replace(refused.refusal, path=path)
        raise


def _path(place: int, path: Sequence[str]) -> tuple[str, ...]:
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
    with _at_scan(place):
        scan.code = clean(request.code, "code", 300)
        line = await _known(db, session, request)
        if line is not None:
            await _of_product(db, scan, line)
            return scan
        scan.amount, scan.packs = _digits(request.quantity), _digits(request.packs)
        scan.unit = clean(request.unit, "unit", 10)
        scan.batch_no = clean(request.batch_no, "batchNo", 50)
        scan.expires_on, scan.produced_on = request.expires_on, request.produced_on
    return scan


async def _known(db: Database, session: ScanSession, request: ScanRequest) -> ResolvedLine | None:
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
    if scan is None:
        raise Refused(UnknownScanSession(str(scan_id)))
    row = await get_session(db, viewer, scan.session_id)

    async def work(unit: Unit, current: ScanSession) -> None:
        _require_open(current)
        scan = await unit.session.get_one(Scan, (unit.tenant, scan_id))
        scan.corrected_by = viewer.actor
        scan.removed_at = unit.now if quantity is None else None
        if quantity is not None and scan.product_id is not None and scan.scale is not None:
            scan.base = to_base(quantity, scan.scale)
            if scan.base is None:
                raise Refused(InvalidQuantity(scan.product_id, str(quantity), path=("quantity",)))
        elif quantity is not None:
            scan.amount, scan.packs = _digits(quantity), None
        current.version += 1

    request = "correctScan", scan_id, quantity
    return await change_document(db, viewer.claimant, key, row, request, rows.locked_session, work)


async def cancel_session(db: Database, viewer: Viewer, key: UUID, id: UUID) -> ScanSession:
    """The session, cancelled: nothing is posted. Raises Refused: UnknownScanSession, WrongState."""
    row = await get_session(db, viewer, id)

    async def work(unit: Unit, current: ScanSession) -> None:
        _require_open(current)
        _end(unit, viewer, current, "CANCELLED")

    request = "cancelScanSession", id
    return await change_document(db, viewer.claimant, key, row, request, rows.locked_session, work)


def _require_open(row: ScanSession) -> None:
    if row.state != "OPEN":
        raise Refused(WrongState(WrongStateReason[row.state]))


def _end(unit: Unit, viewer: Viewer, row: ScanSession, state: str) -> None:
    row.state, row.ended_by, row.ended_at = state, viewer.actor, unit.now


async def commit_session(
    books: Books,
    viewer: Viewer,
    key: UUID,
    id: UUID,
    known_only: bool,
    document: str | None,
) -> ScanSession:
    """The session after its scans are posted, all together and once.

    `known_only` leaves out codes that name no product. Raises Refused: UnknownScanSession,
    WrongState, UnknownProduct with all unknown codes, KeyReused, Busy while phones keep adding.
    """
    document = clean(document, "document", 100)
    request = "commitScanSession", id, known_only, document
    for _ in range(ATTEMPTS):
        row = await get_session(books.db, viewer, id)
        drafts: list[Draft] = []
        if row.state == "OPEN":
            drafts = await _drafts(books, viewer, key, row, known_only, document)
            await open_levels_for(books.db, viewer.tenant, *drafts)
        try:
            async with books.db.unit(viewer.tenant) as unit:
                earlier = await claim(unit, viewer.claimant, key, id, *request)
                current = await rows.locked_session(unit, id)
                assert current is not None, "no session is ever deleted"
                if earlier is None:
                    _require_open(current)
                    if current.version != row.version:
                        raise Overtaken
                    current.movement_ids = await _post(unit, drafts)
                    _end(unit, viewer, current, "COMMITTED")
                    announce(unit, current)
            return current
        except Overtaken:
            continue
    raise Refused(Busy())


async def _post(unit: Unit, drafts: Sequence[Draft]) -> list[UUID]:
    """The ids of the movements. Raises Refused."""
    ids: list[UUID] = []
    for outcome in await post(unit, drafts):
        if isinstance(outcome, Refusal):
            raise Refused(outcome)
        ids.append(outcome.id)
    return ids


async def _drafts(
    books: Books,
    viewer: Viewer,
    key: UUID,
    row: ScanSession,
    known_only: bool,
    document: str | None,
) -> list[Draft]:
    """The movements of the scans, at most MOST_LINES lines each."""
    async with books.db.read(viewer.tenant) as session:
        scans = await rows.scans_of(session, viewer.tenant, [row.id])
    lines = _lines(scans)
    if known_only:
        lines = [each for each in lines if each.product_id or await _is_known(books.db, row, each)]
    if not lines:
        raise Refused(WrongState(WrongStateReason.NOTHING_SCANNED))
    kind, drafts = Kind[row.purpose], list[Draft]()
    for at in range(0, len(lines), MOST_LINES):
        head = MovementHead(uuid5(key, f"scans {at}"), note=row.note)
        part = lines[at : at + MOST_LINES]
        resolved, moment = await resolve(books.db, viewer, kind, row.store_id, part, head)
        terms = MovementTerms(document=document)
        drafts.append(await draft(books, viewer, kind, row.store_id, resolved, head, moment, terms))
    return drafts


async def _is_known(db: Database, row: ScanSession, line: ScannedLine) -> bool:
    return await _known(db, row, line) is not None


def _digits(quantity: Decimal | None) -> str | None:
    return None if quantity is None else format(quantity, "f")


def _decimal(digits: str | None) -> Decimal | None:
    return None if digits is None else Decimal(digits)


def _lines(scans: Sequence[Scan]) -> list[ScannedLine]:
    """The lines to post: scans of one product and batch at one cost are added up."""
    totals: dict[tuple[Any, ...], int] = {}
    scales: dict[UUID, int] = {}
    unknown: list[ScannedLine] = []
    for scan in scans:
        terms = scan.batch_no, scan.expires_on, scan.produced_on, scan.unit_cost
        if scan.removed_at is not None:
            continue
        if scan.product_id is None or scan.base is None or scan.scale is None:
            amount = _decimal(scan.amount), _decimal(scan.packs), scan.unit
            unknown.append(ScannedLine(None, scan.code, *amount, *terms))
        else:
            key = scan.product_id, *terms
            totals[key] = totals.get(key, 0) + scan.base
            scales[scan.product_id] = scan.scale
    known = [
        ScannedLine(product, None, from_base(base, scales[product]), None, None, *terms)
        for (product, *terms), base in totals.items()
    ]
    return [*known, *unknown]


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
