"""Transfer receipts: what became of goods that were shipped. 调拨收货

A line is received, damaged, lost or sent back, in any number of parts; what was shipped is the
sum of these and of what is still in transit (I10).
"""

from collections import Counter
from collections.abc import Collection, Sequence
from datetime import date
from decimal import Decimal
from typing import NamedTuple, Protocol
from uuid import UUID

from uuid_utils.compat import uuid7

from app.db import transfers
from app.db.core.unit import Database, Unit
from app.db.reservations import Reservation
from app.db.tables import Entry, Transfer, TransferLine
from app.domain.access import Can, Viewer
from app.domain.catalog.products import read_products
from app.domain.documents.transfers import (
    Amount,
    change,
    enter,
    get_transfer,
    line_of,
    printed_lines,
)
from app.domain.errors import (
    ExceedsTransfer,
    Excess,
    InvalidQuantity,
    ReasonNeeded,
    Refusal,
    Refused,
    WrongState,
    WrongStateReason,
)
from app.domain.ledger.documents import announce, movement_of
from app.domain.ledger.draft import Line, Place, in_zone
from app.domain.ledger.post import post
from app.domain.ledger.reservations import move_line
from app.domain.movements.lines import PlainLine, resolve_lines, zone_of
from app.domain.movements.zones import check_zone, check_zones
from app.domain.rules.kinds import Kind
from app.domain.rules.texts import clean
from app.domain.rules.transfer_receipts import allocate
from app.domain.rules.units import to_base

FATES = ("received", "damaged", "lost", "returned")
HERE = ("received", "damaged")
"""Fates of goods that are in the store from then on."""
FATE_OF_BIN = {
    "shelf": "received",
    "quarantine": "damaged",
    "variance": "lost",
    "transit": "returned",
}
"""What became of goods, by the bin they went to."""


class ArrivalRequest(Protocol):
    """Reported quantities of one product, for one batch or for any."""

    @property
    def product_id(self) -> UUID | None: ...
    @property
    def code(self) -> str | None: ...
    @property
    def batch_no(self) -> str | None: ...
    @property
    def expires_on(self) -> date | None: ...
    @property
    def received(self) -> Decimal | None: ...
    @property
    def damaged(self) -> Decimal | None: ...
    @property
    def lost(self) -> Decimal | None: ...
    @property
    def returned(self) -> Decimal | None: ...
    @property
    def reason(self) -> str | None: ...
    @property
    def zone(self) -> str | None: ...


class ReceivedLine(NamedTuple):
    """The same, resolved, in base units; `batches` are the only ones it may be of, None for any.

    `zone` is where in the store the goods are put.
    """

    product_id: UUID
    scale: int
    fates: list[tuple[str, int]]
    batches: Collection[UUID] | None
    reason: str | None
    zone: str | None

    @property
    def total(self) -> int:
        return sum(quantity for _, quantity in self.fates)

    @property
    def differs(self) -> bool:
        return any(fate != "received" for fate, _ in self.fates)


async def receive(
    db: Database,
    viewer: Viewer,
    key: UUID,
    transfer_id: UUID,
    requests: Sequence[ArrivalRequest] | None,
    zone: str | None = None,
) -> Transfer:
    """Accounts for what arrived; without lines, receives all that is still in transit.

    `zone` is where goods are put whose line names none.

    Damaged goods wait in quarantine, lost ones are a variance, and what is sent back is in
    transit to where it came from, by a transfer of its own. Raises Refused: UnknownTransfer,
    UnknownBatch, ExceedsTransfer for more than is in transit, ReasonNeeded for a difference
    without one, WrongState for what was not shipped or has arrived; and as `resolve_lines` does.
    """
    row = await get_transfer(db, viewer, Can.RECEIVE_TRANSFER, transfer_id)
    zone = await check_zone(db, viewer.tenant, row.to_store, zone)
    if requests is None:
        listed = None
    else:
        listed = await _resolve(db, viewer.tenant, row.to_store, requests, zone)

    async def work(unit: Unit, row: Transfer) -> None:
        if row.state not in ("SHIPPED", "PARTIAL"):
            raise Refused(WrongState(WrongStateReason[row.state]))
        held = await transfers.in_transit(unit, row)
        arrived = _everything(held, zone) if listed is None else listed
        await _post(unit, row, key, viewer.actor, _parts(held, arrived), _reasons(arrived))
        await _note(unit, row, arrived)

    printed = "receiveTransfer", row.id, printed_lines(requests), *([zone] if zone else [])
    return await change(db, viewer, key, row, printed, work)


async def _resolve(
    db: Database,
    tenant: UUID,
    store: UUID,
    requests: Sequence[ArrivalRequest],
    zone: str | None,
) -> list[ReceivedLine]:
    """The lines in base units; those that name no zone are put in `zone`.

    Raises Refused(ReasonNeeded) for differences without a reason.
    """
    plain = [
        PlainLine(each.product_id, _sum(each), each.code, each.batch_no, each.expires_on)
        for each in requests
    ]
    await check_zones(db, tenant, store, requests)
    lines = await resolve_lines(db, tenant, store, plain, "transit")
    async with db.read(tenant) as session:
        products = await read_products(session, tenant, {line.product_id for line in lines})
    received: list[ReceivedLine] = []
    for each, line in zip(requests, lines, strict=True):
        scale, reason = products[line.product_id].scale, clean(each.reason, "reason", 200)
        fates, own = _fates(each, line.product_id, scale), zone_of(each)
        what = line.product_id, scale, fates, line.batches, reason
        received.append(ReceivedLine(*what, own or zone))
    unexplained = [each.product_id for each in received if each.differs and each.reason is None]
    if unexplained:
        raise Refused(ReasonNeeded(tuple(unexplained)))
    return received


def _sum(line: ArrivalRequest) -> Decimal:
    return sum((getattr(line, fate) or Decimal(0) for fate in FATES), Decimal(0))


def _fates(line: ArrivalRequest, product: UUID, scale: int) -> list[tuple[str, int]]:
    fates: list[tuple[str, int]] = []
    for fate in FATES:
        quantity = getattr(line, fate)
        if quantity is None or quantity == 0:
            continue
        base = to_base(quantity, scale)
        if base is None:
            raise Refused(InvalidQuantity(product, str(quantity)))
        fates.append((fate, base))
    if not fates:
        raise Refused(InvalidQuantity(product, "0"))
    return fates


def _everything(held: Sequence[Reservation], zone: str | None) -> list[ReceivedLine]:
    return [
        ReceivedLine(
            each.product_id,
            each.scale,
            [("received", each.quantity)],
            each.batch_id and (each.batch_id,),
            None,
            zone,
        )
        for each in held
    ]


class Part(NamedTuple):
    """Base units of one batch, what became of them, and the zone in which they are put."""

    fate: str
    held: Reservation
    quantity: int
    zone: str | None


def _parts(held: Sequence[Reservation], arrived: Sequence[ReceivedLine]) -> list[Part]:
    """The fate of each batch's quantity. Raises Refused(ExceedsTransfer) with all excesses."""
    left = {each: each.quantity for each in held}
    parts: list[Part] = []
    excesses: list[Excess] = []
    for line in arrived:
        batches = [each for each in held if _is_of(each, line)]
        allowed = sum(left[each] for each in batches)
        if line.total > allowed:
            excesses.append(Excess(line.product_id, line.total, allowed, line.scale))
            continue
        for fate, each, quantity in allocate([(each, left[each]) for each in batches], line.fates):
            left[each] -= quantity
            # Goods that are lost or go back are in no zone.
            put = line.zone if fate in HERE else None
            parts.append(Part(fate, each, quantity, put))
    if excesses:
        raise Refused(ExceedsTransfer(tuple(excesses)))
    return parts


def _is_of(held: Reservation, line: ReceivedLine) -> bool:
    return held.product_id == line.product_id and (
        line.batches is None or held.batch_id in line.batches
    )


def _reasons(arrived: Sequence[ReceivedLine]) -> str | None:
    """The reasons of all differences, each once, as the movement's reason."""
    reasons = dict.fromkeys(each.reason for each in arrived if each.reason)
    return "; ".join(reasons)[:200] or None


async def _post(
    unit: Unit, row: Transfer, key: UUID, actor: UUID, parts: Sequence[Part], reason: str | None
) -> None:
    """Posts one movement for what stays here and one for what goes back, both or none."""
    assert row.from_store is not None
    here = row.to_store
    transit = Place(here, "transit")
    targets = {
        "received": Place(here, "shelf"),
        "damaged": Place(here, "quarantine"),
        "lost": Place(here, "variance"),
        "returned": Place(row.from_store, "transit"),
    }
    lines: dict[bool, list[Line]] = {False: [], True: []}
    for fate, held, quantity, zone in parts:
        moved = move_line(held, quantity, transit, targets[fate])
        lines[fate == "returned"] += in_zone([moved], zone)
    kept, back = lines[False], lines[True]
    drafts = [movement_of(row.id, Kind.TRANSFER_RECEIPT, here, key, actor, kept, reason=reason)]
    if back:
        sent, kind = await _send_back(unit, row, actor, parts, reason), Kind.SHIPMENT_RETURN
        drafts.append(movement_of(sent, kind, here, key, actor, back, reason=reason))
    for outcome in await post(unit, [draft for draft in drafts if draft.lines]):
        if isinstance(outcome, Refusal):
            raise Refused(outcome)


async def _send_back(
    unit: Unit, row: Transfer, actor: UUID, parts: Sequence[Part], reason: str | None
) -> UUID:
    """Writes the transfer by which the goods go back, already shipped; its id."""
    back = Transfer(
        tenant_id=row.tenant_id,
        id=uuid7(),
        from_store=row.to_store,
        to_store=row.from_store,
        state="SHIPPED",
        note=reason,
        return_of=row.id,
        shipped_by=actor,
        shipped_at=unit.now,
    )
    summed: Counter[tuple[UUID, int]] = Counter()
    for fate, held, quantity, _ in parts:
        if fate == "returned":
            summed[held.product_id, held.scale] += quantity
    lines = [
        line_of(back, number, Amount(product, scale, base), approved=base, shipped=base)
        for number, ((product, scale), base) in enumerate(summed.items(), 1)
    ]
    await enter(unit, back, lines)
    return back.id


async def _note(unit: Unit, row: Transfer, arrived: Sequence[ReceivedLine]) -> None:
    """Adds to the lines' sums; the transfer is done when nothing of it is in transit."""
    shipped = await transfers.lines_of(unit.session, unit.tenant, [row.id])
    lines = {line.product_id: line for line in shipped}
    for each in arrived:
        line = lines[each.product_id]
        for fate, quantity in each.fates:
            setattr(line, fate, getattr(line, fate) + quantity)
        if each.reason:
            line.reason = "; ".join(filter(None, (line.reason, each.reason)))
    _set_state(unit, row, shipped)


def _set_state(unit: Unit, row: Transfer, lines: Sequence[TransferLine]) -> None:
    if not any(line.in_transit for line in lines):
        row.state, row.ended_at = "RECEIVED", row.ended_at or unit.now
    else:
        arrived = any(line.in_transit < line.shipped for line in lines)
        row.state, row.ended_at = "PARTIAL" if arrived else "SHIPPED", None


async def undo(unit: Unit, row: Transfer, entries: Sequence[Entry]) -> None:
    """Takes a reversed receipt out of the transfer's counts: its goods are in transit again."""
    lines = await transfers.lines_of(unit.session, unit.tenant, [row.id])
    by_product = {line.product_id: line for line in lines}
    for entry in entries:
        line = by_product[entry.product_id]
        fate = "received" if entry.came_expired else FATE_OF_BIN[entry.to_bin]
        setattr(line, fate, getattr(line, fate) - entry.quantity)
        if not line.damaged + line.lost + line.returned:
            line.reason = None
    _set_state(unit, row, lines)


async def cancel_return(unit: Unit, transfer_id: UUID, reason: str | None) -> None:
    """Cancels a transfer of goods that were sent back, when they never left.

    Raises Refused(WrongState) when some of them arrived, or it was cancelled before.
    """
    back = await transfers.locked_transfer(unit, transfer_id)
    assert back is not None, "no document is ever deleted"
    if back.state != "SHIPPED":
        raise Refused(WrongState(WrongStateReason[back.state]))
    for line in await transfers.lines_of(unit.session, unit.tenant, [back.id]):
        line.shipped = 0
    back.state, back.reason, back.ended_at = "CANCELLED", reason, unit.now
    announce(unit, back)
