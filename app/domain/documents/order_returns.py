"""What comes back of an order: goods return to their batches, passes are refunded."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple
from uuid import UUID, uuid5

from app.db import orders as rows
from app.db.passes import passes_of_orders
from app.db.stock import movements_by_id
from app.db.tables import Movement, Order
from app.domain import access
from app.domain.access import Can, Viewer
from app.domain.claims import claim
from app.domain.documents.ordered_passes import refund_uses
from app.domain.documents.orders import reached_order
from app.domain.errors import InvalidQuantity, Refusal, Refused, WrongState, WrongStateReason
from app.domain.ledger.documents import announce
from app.domain.ledger.draft import Draft
from app.domain.ledger.post import Outcome, post
from app.domain.ledger.reservations import retry_while_short
from app.domain.movements.horizon import moment_of
from app.domain.movements.lines import LineRequest, resolve_lines
from app.domain.movements.record import (
    Books,
    MovementInput,
    MovementTerms,
    draft,
    redrafted,
)
from app.domain.movements.sales import Disposition, draft_return
from app.domain.rules.kinds import Kind


class Returning(NamedTuple):
    """Lines of a return: goods as they were sent, and uses of passes by their product.

    `printed` is what the client sent for all of them, for the fingerprint.
    """

    goods: Sequence[LineRequest]
    uses: Counter[UUID]
    printed: Sequence[object]


async def give_back(
    books: Books,
    viewer: Viewer,
    order_id: UUID,
    requests: Sequence[LineRequest],
    disposition: Disposition,
    head: MovementInput,
) -> Outcome:
    """What comes back of an order: goods to the batches they were handed over from, and passes,
    which are refunded. The movement has no lines when only passes come back.

    Raises Refused: UnknownOrder, WrongState for what was not handed over; for passes as
    `refund_uses`, Denied without the permission to refund them; and as `draft_return`.
    """
    row = await reached_order(books.db, viewer, Can.RETURN_SALE, order_id)
    returning = await _read_lines(books, row, requests)
    if returning.uses:
        access.require(viewer, Can.REFUND_PASS)
    if not returning.goods:
        return await redrafted(
            books, lambda: _only_passes(books, viewer, row, returning, disposition, head)
        )
    async with books.db.read(viewer.tenant) as session:
        moves = await rows.movements_of(session, viewer.tenant, [row.id])
    handed = [each.id for each in moves if each.kind == Kind.FULFILMENT.name]
    if not handed:
        raise Refused(WrongState(WrongStateReason[row.state]))
    goods = await draft_return(books, viewer, handed[0], returning.goods, disposition, head)
    if returning.uses:
        return await _with_passes(books, viewer, row, goods, returning)
    return await books.post(viewer.tenant, goods)


async def _read_lines(books: Books, row: Order, requests: Sequence[LineRequest]) -> Returning:
    """The lines by what comes back.

    Raises Refused as `resolve_lines` does, and InvalidQuantity for a part of a use.
    """
    async with books.db.read(row.tenant_id) as session:
        issued = await passes_of_orders(session, row.tenant_id, [row.id])
    passes = {each.product_id for each in issued}
    if not passes:
        return Returning(requests, Counter(), ())
    lines = await resolve_lines(books.db, row.tenant_id, row.store_id, requests)
    goods: list[LineRequest] = []
    uses = Counter[UUID]()
    for request, line in zip(requests, lines, strict=True):
        if line.product_id not in passes:
            goods.append(request)
            continue
        if line.quantity <= 0 or line.quantity != line.quantity.to_integral_value():
            raise Refused(InvalidQuantity(line.product_id, str(line.quantity)))
        uses[line.product_id] += int(line.quantity)
    return Returning(goods, uses, [line.printed for line in lines])


async def _only_passes(
    books: Books,
    viewer: Viewer,
    row: Order,
    returning: Returning,
    disposition: Disposition,
    head: MovementInput,
) -> Movement:
    moment = await moment_of(books.db, viewer, row.store_id, head.occurred_at)
    terms = MovementTerms(channel=row.channel)
    what = disposition.value, row.store_id, (), head, moment, terms
    drafted = await draft(books, viewer, *what)
    known = await books.cookbook.of(viewer.tenant, returning.uses)
    # A movement without lines has the day of the levels of its recipes, as the order's hold has.
    recipes = {id: product.recipe_id for id, product in known.items()}
    return await _with_passes(books, viewer, row, replace(drafted, recipes=recipes), returning)


async def _with_passes(
    books: Books, viewer: Viewer, row: Order, goods: Draft, returning: Returning
) -> Movement:
    """The movement of the goods, which come back together with the passes, or neither does."""
    own = replace(goods, key=uuid5(goods.key, goods.kind.name), document_id=row.id)
    request = "returnOrder", row.id, returning.printed, goods.fingerprint.hex()

    async def once() -> Movement:
        async with books.db.unit(viewer.tenant) as unit:
            earlier = await claim(unit, viewer.claimant, goods.key, goods.id, *request)
            order = await rows.locked_order(unit, row.id)
            assert order is not None, "no order is ever deleted"
            if earlier is not None:
                return (await movements_by_id(unit.session, unit.tenant, [earlier]))[0]
            if order.state != "FULFILLED":
                raise Refused(WrongState(WrongStateReason[order.state]))
            refunds = await refund_uses(unit, order, viewer, returning.uses)
            outcomes = await post(unit, [own, *(each for each in refunds if each.lines)])
            for outcome in outcomes:
                if isinstance(outcome, Refusal):
                    raise Refused(outcome)
            announce(unit, order)
            movement = outcomes[0]
            assert isinstance(movement, Movement)
            return movement

    return await retry_while_short(books.db, viewer.tenant, row.store_id, once)
