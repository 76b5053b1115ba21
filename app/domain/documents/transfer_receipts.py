"""Use cases of the transfers topic: what became of goods that were shipped. 调拨收货

A line is received, damaged, lost or sent back, in as many parts as it takes; what was shipped
is the sum of these and of what is still in transit (I10).
"""

from collections import Counter
from collections.abc import Collection, Sequence
from decimal import Decimal
from typing import NamedTuple, Protocol
from uuid import UUID

from uuid_utils.compat import uuid7

from app.db import transfers
from app.db.core.unit import Database, Unit, clock
from app.db.reservations import Reservation
from app.db.tables import Transfer
from app.domain.access import Can, Viewer
from app.domain.documents.transfers import (
    Amount,
    change,
    enter,
    get_transfer,
    known,
    line_of,
    said_of,
)
from app.domain.errors import (
    ExceedsTransfer,
    Excess,
    InvalidQuantity,
    ReasonNeeded,
    Refusal,
    Refused,
    WrongState,
)
from app.domain.ledger.documents import movement_of
from app.domain.ledger.draft import Line, Place
from app.domain.ledger.post import post
from app.domain.ledger.reservations import moved
from app.domain.movements.batches import resolve_batches
from app.domain.movements.lines import PlainLine, lines_of
from app.domain.rules.kinds import Kind
from app.domain.rules.texts import clean
from app.domain.rules.transfer_receipts import parted
from app.domain.rules.units import to_base

FATES = ("received", "damaged", "lost", "returned")


class Arrival(Protocol):
    """What a client says of one product, of one batch or of any."""

    @property
    def product_id(self) -> UUID | None: ...
    @property
    def code(self) -> str | None: ...
    @property
    def batch_no(self) -> str | None: ...
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


class ReceivedLine(NamedTuple):
    """The same in base units; `batches` are the only ones it may be of, None for any."""

    product_id: UUID
    scale: int
    fates: list[tuple[str, int]]
    batches: Collection[UUID] | None
    reason: str | None

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
    asked: Sequence[Arrival] | None,
) -> Transfer:
    """Accounts for what arrived, or for all that is still on its way: it was received.

    What is damaged waits in quarantine, what is lost is a variance, and what is sent back is in
    transit to where it came from, by a transfer of its own. Raises Refused: UnknownTransfer,
    UnknownBatch, ExceedsTransfer for more than is in transit, ReasonNeeded for a difference
    without one, WrongState for what was not shipped or has arrived; and as `lines_of` does.
    """
    row = await get_transfer(db, viewer, Can.RECEIVE_TRANSFER, transfer_id)
    told = None if asked is None else await _told(db, viewer.tenant, row.to_store, asked)

    async def work(unit: Unit, row: Transfer) -> None:
        if row.state not in ("SHIPPED", "PARTIAL"):
            raise Refused(WrongState(row.state))
        held = await transfers.in_transit(unit, row)
        arrived = _everything(held) if told is None else told
        await _post(unit, row, key, viewer.actor, _parts(held, arrived), _reasons(arrived))
        await _note(unit, row, arrived)

    return await change(db, viewer, key, row, ("receiveTransfer", row.id, said_of(asked)), work)


async def _told(
    db: Database, tenant: UUID, store: UUID, asked: Sequence[Arrival]
) -> list[ReceivedLine]:
    plain = [PlainLine(each.product_id, _sum(each), each.code, each.batch_no) for each in asked]
    resolved = await lines_of(db, tenant, store, plain, arriving=False)
    products = await known(db, tenant, {product for _, product, _ in resolved})
    named = await resolve_batches(db, tenant, store, resolved, "transit", clock())
    found = []
    for line, (_, product, _), (batches, _) in zip(asked, resolved, named, strict=True):
        scale, reason = products[product].scale, clean(line.reason, "reason", 200)
        found.append(ReceivedLine(product, scale, _fates(line, product, scale), batches, reason))
    unexplained = [each.product_id for each in found if each.differs and each.reason is None]
    if unexplained:
        raise Refused(ReasonNeeded(tuple(unexplained)))
    return found


def _sum(line: Arrival) -> Decimal:
    return sum((getattr(line, fate) or Decimal(0) for fate in FATES), Decimal(0))


def _fates(line: Arrival, product: UUID, scale: int) -> list[tuple[str, int]]:
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


def _everything(held: Sequence[Reservation]) -> list[ReceivedLine]:
    return [
        ReceivedLine(
            each.product_id,
            each.scale,
            [("received", each.quantity)],
            each.batch_id and (each.batch_id,),
            None,
        )
        for each in held
    ]


Part = tuple[str, Reservation, int]


def _parts(held: Sequence[Reservation], arrived: Sequence[ReceivedLine]) -> list[Part]:
    """What becomes of each batch. Raises Refused(ExceedsTransfer) with all that is too much."""
    left = {each: each.quantity for each in held}
    parts: list[Part] = []
    over: list[Excess] = []
    for told in arrived:
        mine = [each for each in held if _is_of(each, told)]
        allowed = sum(left[each] for each in mine)
        if told.total > allowed:
            over.append(Excess(told.product_id, told.total, allowed, told.scale))
            continue
        for fate, each, quantity in parted([(each, left[each]) for each in mine], told.fates):
            left[each] -= quantity
            parts.append((fate, each, quantity))
    if over:
        raise Refused(ExceedsTransfer(tuple(over)))
    return parts


def _is_of(held: Reservation, told: ReceivedLine) -> bool:
    return held.product_id == told.product_id and (
        told.batches is None or held.batch_id in told.batches
    )


def _reasons(arrived: Sequence[ReceivedLine]) -> str | None:
    """All that is said of differences, once each, as the movement's reason."""
    said = dict.fromkeys(each.reason for each in arrived if each.reason)
    return "; ".join(said)[:200] or None


async def _post(
    unit: Unit, row: Transfer, key: UUID, actor: UUID, parts: Sequence[Part], reason: str | None
) -> None:
    """One movement for what is here and one for what goes back, both or none."""
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
    for fate, held, quantity in parts:
        lines[fate == "returned"].append(moved(held, quantity, transit, targets[fate]))
    told = {"reason": reason}
    kept, back = lines[False], lines[True]
    drafts = [movement_of(row.id, Kind.TRANSFER_RECEIPT, here, key, actor, kept, **told)]
    if back:
        sent = await _send_back(unit, row, actor, parts, reason)
        drafts.append(movement_of(sent, Kind.SHIPMENT_RETURN, here, key, actor, back, **told))
    for outcome in await post(unit, [draft for draft in drafts if draft.lines]):
        if isinstance(outcome, Refusal):
            raise Refused(outcome)


async def _send_back(
    unit: Unit, row: Transfer, actor: UUID, parts: Sequence[Part], reason: str | None
) -> UUID:
    """The transfer by which the goods go back: it is on its way already."""
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
    for fate, held, quantity in parts:
        if fate == "returned":
            summed[held.product_id, held.scale] += quantity
    lines = [
        line_of(back, number, Amount(product, scale, base), approved=base, shipped=base)
        for number, ((product, scale), base) in enumerate(summed.items(), 1)
    ]
    await enter(unit, back, lines)
    return back.id


async def _note(unit: Unit, row: Transfer, arrived: Sequence[ReceivedLine]) -> None:
    """The lines' sums; the transfer is done when nothing of it is in transit."""
    lines = await transfers.lines_of(unit.session, unit.tenant, [row.id])
    mine = {line.product_id: line for line in lines}
    for told in arrived:
        line = mine[told.product_id]
        for fate, quantity in told.fates:
            setattr(line, fate, getattr(line, fate) + quantity)
        if told.reason:
            line.reason = "; ".join(filter(None, (line.reason, told.reason)))
    done = not any(line.in_transit for line in lines)
    row.state, row.ended_at = ("RECEIVED", unit.now) if done else ("PARTIAL", None)
