"""Reversals of movements that belong to documents: the document's counts go back with the goods.

A receipt of a purchase order or a transfer, and a redemption, are undone under the lock of their
document. Other documents have a mutation of their own for it, which the refusal names.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from typing import NamedTuple, TypeVar
from uuid import UUID, uuid5

from app.db import passes as pass_rows
from app.db import purchases as purchase_rows
from app.db import stock as stock_rows
from app.db import transfers as transfer_rows
from app.db.core.unit import Database, Unit
from app.db.tables import Entry, Movement, PurchaseOrder, Redemption, Transfer
from app.domain.access import Can, Viewer
from app.domain.claims import claim
from app.domain.documents import purchase_receipts, redemptions, transfer_receipts
from app.domain.errors import Refused, WrongState, WrongStateReason
from app.domain.ledger.documents import Document, change_document, post_movement
from app.domain.ledger.draft import Draft
from app.domain.ledger.post import Outcome
from app.domain.ledger.reservations import retry_while_short
from app.domain.movements.record import Books, get_movement, reversal
from app.domain.rules.kinds import Kind

R = WrongStateReason
INSTEAD = {
    Kind.PASS_SALE.name: R.USE_REFUND_PASS,
    Kind.PASS_HOLD.name: R.USE_REFUND_PASS,
    Kind.ORDER_HOLD.name: R.USE_CANCEL_ORDER,
    Kind.FULFILMENT.name: R.USE_RETURN_ORDER,
    Kind.WRITE_OFF_HOLD.name: R.USE_REJECT_WRITE_OFF,
    Kind.WRITE_OFF.name: R.USE_ADJUST,
    Kind.SHIPMENT.name: R.USE_CANCEL_TRANSFER,
    Kind.COUNT_GAIN.name: R.USE_REVERSE_STOCKTAKE,
    Kind.COUNT_LOSS.name: R.USE_REVERSE_STOCKTAKE,
}
"""What undoes the movements of documents that are not reversed."""

Row = TypeVar("Row", bound=Document)


class Reversed(NamedTuple):
    """A movement to be reversed, with its entries and the draft that reverses it."""

    movement: Movement
    entries: Sequence[Entry]
    draft: Draft

    @property
    def document(self) -> UUID:
        """The document that the movement belongs to."""
        assert self.movement.document_id is not None
        return self.movement.document_id

    @property
    def request(self) -> tuple[object, ...]:
        return "reverse", self.movement.id, self.draft.reason


async def reverse(
    books: Books, viewer: Viewer, key: UUID, movement_id: UUID, reason: str | None
) -> Outcome:
    """The movement that undoes another, once; with its document if it has one.

    Raises Refused: UnknownMovement, OutOfStock when the goods are gone, WrongState for what was
    reversed before, or is undone in another way.
    """
    undone = await _read(books.db, viewer, key, movement_id, reason)
    kind = undone.movement.kind
    if kind == Kind.RECEIPT.name and undone.movement.document_id is not None:
        await _undo_purchase_receipt(books.db, viewer, key, undone)
    elif kind in (Kind.TRANSFER_RECEIPT.name, Kind.SHIPMENT_RETURN.name):
        await _undo_transfer_receipt(books.db, viewer, key, undone)
    elif redemption := await _redemption(books.db, viewer.tenant, undone.movement):
        await _undo_redemption(books.db, viewer, key, undone, redemption)
    elif undone.movement.document_id is None or kind == Kind.REVERSAL.name:
        return await books.post(viewer.tenant, undone.draft)
    elif undone.movement.sale_id is not None:
        # What came back of an order went out again: the order's state follows from the ledger.
        of_order = replace(undone.draft, document_id=undone.movement.document_id)
        return await books.post(viewer.tenant, of_order)
    else:
        raise Refused(WrongState(INSTEAD.get(kind, R.DOCUMENT)))
    async with books.db.read(viewer.tenant) as session:
        reversals = await stock_rows.reversals_of(session, viewer.tenant, [movement_id])
    return reversals[movement_id]


async def reverse_purchase_receipt(
    db: Database, viewer: Viewer, key: UUID, movement_id: UUID, reason: str | None
) -> PurchaseOrder:
    """The purchase order without this receipt. Raises Refused as `reverse` does."""
    undone = await _read(db, viewer, key, movement_id, reason)
    if undone.movement.kind != Kind.RECEIPT.name or undone.movement.document_id is None:
        raise Refused(WrongState(R.USE_REVERSE))
    return await _undo_purchase_receipt(db, viewer, key, undone)


async def reverse_transfer_receipt(
    db: Database, viewer: Viewer, key: UUID, movement_id: UUID, reason: str | None
) -> Transfer:
    """The transfer without this receipt; its goods are in transit again.

    Goods that a receipt sent back have a movement of their own: reversing it cancels their return.
    Raises Refused as `reverse` does.
    """
    undone = await _read(db, viewer, key, movement_id, reason)
    if undone.movement.kind not in (Kind.TRANSFER_RECEIPT.name, Kind.SHIPMENT_RETURN.name):
        raise Refused(WrongState(R.USE_REVERSE))
    return await _undo_transfer_receipt(db, viewer, key, undone)


async def reverse_redemption(
    db: Database, viewer: Viewer, key: UUID, movement_id: UUID, reason: str | None
) -> Redemption:
    """The redemption after its uses and its goods went back.

    Raises Refused as `reverse` does, and WrongState when the pass was refunded.
    """
    undone = await _read(db, viewer, key, movement_id, reason)
    redemption = await _redemption(db, viewer.tenant, undone.movement)
    if redemption is None:
        raise Refused(WrongState(R.USE_REVERSE))
    return await _undo_redemption(db, viewer, key, undone, redemption)


async def _read(
    db: Database, viewer: Viewer, key: UUID, movement_id: UUID, reason: str | None
) -> Reversed:
    movement, entries = await get_movement(db, viewer, Can.REVERSE, movement_id)
    return Reversed(movement, entries, reversal(viewer, key, movement, entries, reason))


async def _redemption(db: Database, tenant: UUID, movement: Movement) -> Redemption | None:
    """The redemption behind a movement: of a pass, or of a service that was paid for."""
    if movement.kind not in (Kind.REDEMPTION.name, Kind.SALE.name):
        return None
    async with db.read(tenant) as session:
        return await pass_rows.redemption_of(session, tenant, movement.id)


async def _post(unit: Unit, undone: Reversed) -> None:
    """Posts the reversal as a movement of the document. Raises Refused."""
    draft = undone.draft
    own = uuid5(draft.key, Kind.REVERSAL.name)
    await post_movement(unit, replace(draft, key=own, document_id=undone.movement.document_id))


async def _change(
    db: Database,
    viewer: Viewer,
    key: UUID,
    undone: Reversed,
    row: Row,
    locked: Callable[[Unit, UUID], Awaitable[Row | None]],
    work: Callable[[Unit, Row], Awaitable[None]],
) -> Row:
    """The document after `work`, again while overdue orders reserve the goods that go back."""

    async def once() -> Row:
        return await change_document(db, viewer.claimant, key, row, undone.request, locked, work)

    return await retry_while_short(db, viewer.tenant, undone.movement.store_id, once)


async def _undo_purchase_receipt(
    db: Database, viewer: Viewer, key: UUID, undone: Reversed
) -> PurchaseOrder:
    async with db.read(viewer.tenant) as session:
        ids = [undone.document]
        [row] = await purchase_rows.purchases_by_id(session, viewer.tenant, ids)

    async def work(unit: Unit, row: PurchaseOrder) -> None:
        await _post(unit, undone)
        await purchase_receipts.undo(unit, row, undone.entries)

    return await _change(db, viewer, key, undone, row, purchase_rows.locked_purchase, work)


async def _undo_transfer_receipt(
    db: Database, viewer: Viewer, key: UUID, undone: Reversed
) -> Transfer:
    async with db.read(viewer.tenant) as session:
        [row] = await transfer_rows.transfers_by_id(session, viewer.tenant, [undone.document])
        sent_back = undone.movement.kind == Kind.SHIPMENT_RETURN.name
        if sent_back and row.return_of is not None:
            [row] = await transfer_rows.transfers_by_id(session, viewer.tenant, [row.return_of])

    async def work(unit: Unit, row: Transfer) -> None:
        if sent_back:
            await transfer_receipts.cancel_return(unit, undone.document, undone.draft.reason)
        await _post(unit, undone)
        await transfer_receipts.undo(unit, row, undone.entries)

    return await _change(db, viewer, key, undone, row, transfer_rows.locked_transfer, work)


async def _undo_redemption(
    db: Database, viewer: Viewer, key: UUID, undone: Reversed, redemption: Redemption
) -> Redemption:
    async def once() -> Redemption:
        async with db.unit(viewer.tenant) as unit:
            earlier = await claim(unit, viewer.claimant, key, redemption.id, *undone.request)
            current = await pass_rows.redemption_of(
                unit.session, unit.tenant, redemption.movement_id, lock=True
            )
            assert current is not None, "no redemption is ever deleted"
            if earlier is None:
                await redemptions.undo(unit, current)
                await _post(unit, undone)
        return current

    return await retry_while_short(db, viewer.tenant, undone.movement.store_id, once)
