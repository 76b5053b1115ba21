"""Commits of scan sessions: all scans are posted together, and once.

A commit is drafted from the scans of one `version` of the session, and drafted again when another
phone has added one meanwhile.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid5

from app.db import scans as rows
from app.db.core.unit import Database, Unit
from app.db.tables import Scan, ScanSession
from app.domain.access import Viewer
from app.domain.claims import claim
from app.domain.documents.scans import end_session, get_session, known_line, require_open
from app.domain.errors import Busy, Refusal, Refused, WrongState, WrongStateReason
from app.domain.ledger.documents import announce, open_levels_for
from app.domain.ledger.draft import Draft
from app.domain.ledger.post import post
from app.domain.movements.batches import MOST_LINES
from app.domain.movements.record import Books, MovementHead, MovementTerms, draft, resolve
from app.domain.paths import repathed
from app.domain.rules.kinds import Kind
from app.domain.rules.texts import clean
from app.domain.rules.units import from_base

ATTEMPTS = 5


class Overtaken(Exception):
    """Another phone has changed the session since its scans were read."""


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
            # The input has no lines.
            with repathed(lambda _: ("scanSessionId",)):
                drafts = await _drafts(books, viewer, key, row, known_only, document)
            await open_levels_for(books.db, viewer.tenant, *drafts)
        try:
            async with books.db.unit(viewer.tenant) as unit:
                earlier = await claim(unit, viewer.claimant, key, id, *request)
                current = await rows.locked_session(unit, id)
                assert current is not None, "no session is ever deleted"
                if earlier is None:
                    require_open(current)
                    if current.version != row.version:
                        raise Overtaken
                    current.movement_ids = await _post(unit, drafts)
                    end_session(unit, viewer, current, "COMMITTED")
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
    return await known_line(db, row, line) is not None


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
