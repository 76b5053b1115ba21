"""What comes back of an order: goods return to their batches, passes are refunded."""

from collections.abc import Sequence
from uuid import UUID

from app.db import orders as rows
from app.db.core.unit import Database
from app.db.passes import passes_of_orders
from app.db.tables import Order
from app.domain.access import Can, Viewer
from app.domain.documents.orders import reached_order
from app.domain.errors import Refused, WrongState, WrongStateReason
from app.domain.ledger.post import Outcome
from app.domain.movements.lines import LineRequest, resolve_lines
from app.domain.movements.record import Books, MovementInput
from app.domain.movements.sales import Disposition, take_back
from app.domain.rules.kinds import Kind


async def give_back(
    books: Books,
    viewer: Viewer,
    order_id: UUID,
    requests: Sequence[LineRequest],
    disposition: Disposition,
    head: MovementInput,
) -> Outcome:
    """Goods of an order that come back, to the batches they were handed over from.

    Raises Refused: UnknownOrder, WrongState for what was not handed over; and as `take_back`.
    """
    row = await reached_order(books.db, viewer, Can.RETURN_SALE, order_id)
    await _refuse_passes(books.db, row, requests)
    async with books.db.read(viewer.tenant) as session:
        moves = await rows.movements_of(session, viewer.tenant, [row.id])
    handed = [each.id for each in moves if each.kind == Kind.FULFILMENT.name]
    if not handed:
        raise Refused(WrongState(WrongStateReason[row.state]))
    return await take_back(books, viewer, handed[0], requests, disposition, head)


async def _refuse_passes(db: Database, row: Order, requests: Sequence[LineRequest]) -> None:
    """Raises Refused(WrongState) for passes: they are refunded, and no goods come back."""
    async with db.read(row.tenant_id) as session:
        passes = {
            each.product_id for each in await passes_of_orders(session, row.tenant_id, [row.id])
        }
    if not passes:
        return
    lines = await resolve_lines(db, row.tenant_id, row.store_id, requests)
    if any(line.product_id in passes for line in lines):
        raise Refused(WrongState(WrongStateReason.USE_REFUND_PASS))
