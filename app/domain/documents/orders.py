"""Orders: goods reserved for a customer until they are paid, handed over or cancelled.

No lock is held while a customer pays: a reservation is a ledger entry with a time at which it
ends. Each change of an order first locks its row.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

from app.db import identity, reservations
from app.db import orders as rows
from app.db.core.snapshot import Reads
from app.db.core.unit import Database, Unit, clock
from app.db.core.vault import Vault
from app.db.passes import passes_of_orders
from app.db.tables import Order
from app.domain import access
from app.domain.access import Can, Viewer
from app.domain.documents.fulfilment import fulfilment_lines, renewed_lines
from app.domain.documents.ordered_passes import (
    issue,
    refund,
)
from app.domain.errors import (
    Refused,
    UnknownOrder,
    WrongState,
    WrongStateReason,
)
from app.domain.ledger.documents import (
    change_document,
    movement_of,
    post_movement,
    post_movements,
)
from app.domain.ledger.draft import Draft, Line, RecipeChanged
from app.domain.ledger.reservations import release, retry_while_short
from app.domain.movements.horizon import Moment
from app.domain.movements.lines import ResolvedLine
from app.domain.movements.record import (
    Books,
    MovementHead,
    MovementTerms,
    draft,
    redrafted,
)
from app.domain.movements.zones import ProductZone, check_product_zones, check_zone
from app.domain.people import contacts
from app.domain.rules.days import store_day
from app.domain.rules.kinds import Kind
from app.domain.rules.texts import clean
from app.domain.rules.units import from_base


def contact_filter(viewer: Viewer, vault: Vault, contact: str | None) -> list[bytes] | None:
    """The blind indexes that find orders of this contact; None without one.

    Raises InvalidText, and Denied for those who may not see contacts: a filter by a hidden field
    would show what it holds.
    """
    if contact is not None:
        access.require(viewer, Can.SEE_CONTACTS)
    return contacts.indexes(vault, viewer.tenant, clean(contact, "contact", 100))


async def get_order(reads: Reads, tenant: UUID, order_id: UUID) -> Order:
    """The order with its store and lines. Raises Refused(UnknownOrder)."""
    async with reads.read(tenant) as session:
        order = await rows.order_in_full(session, tenant, order_id)
    if order is None:
        raise Refused(UnknownOrder(str(order_id)))
    return order


async def reached_order(reads: Reads, viewer: Viewer, can: Can, order_id: UUID) -> Order:
    """An order of a store this permission reaches. Raises Refused(UnknownOrder)."""
    row = await get_order(reads, viewer.tenant, order_id)
    if not access.within(viewer, can, [row.store_id]):
        raise Refused(UnknownOrder(str(order_id)))
    return row


Work = Callable[[Unit, Order], Awaitable[None]]


async def _change(
    db: Database, viewer: Viewer, key: UUID, row: Order, request: Sequence[Any], work: Work
) -> Order:
    """The order after `work`, once per key; runs again while overdue orders hold the goods."""

    async def once() -> Order:
        return await change_document(
            db, viewer.claimant, key, row, request, rows.locked_order, work
        )

    return await retry_while_short(db, viewer.tenant, row.store_id, once)


def _movement(row: Order, kind: Kind, key: UUID, actor: UUID, lines: Sequence[Line]) -> Draft:
    return movement_of(row.id, kind, row.store_id, key, actor, lines, channel=row.channel)


async def pay(
    books: Books, viewer: Viewer, key: UUID, order_id: UUID, reference: str | None
) -> Order:
    """Mark an order as paid: its goods stay reserved until it is handed over.

    If the reservation has ended, the goods are reserved again if they are available. Raises
    Refused: UnknownOrder, OutOfStock (give the money back), WrongState, Busy.
    """
    row = await reached_order(books.db, viewer, Can.RUN_ORDERS, order_id)
    reference = clean(reference, "reference", 100)
    request = ("payOrder", order_id, reference)

    async def once() -> Order:
        order = await get_order(books.db, viewer.tenant, order_id)
        overdue = order.state == "EXPIRED"
        hold = await _draft_second_hold(books, viewer, order, key) if overdue else None

        async def work(unit: Unit, row: Order) -> None:
            if row.state == "EXPIRED":
                if hold is None:
                    # It expired after it was read.
                    raise Refused(RecipeChanged(order_id))
                await post_movement(unit, hold)
            elif row.state != "HELD":
                raise Refused(WrongState(WrongStateReason[row.state]))
            # What was held again follows the recipes of now.
            again = hold if row.state == "EXPIRED" else None
            await post_movements(unit, await issue(unit, books.db, viewer, row, again))
            row.state, row.payment, row.expires_at = "PAID", reference, None
            row.paid_at, row.ended_at = unit.now, None

        return await _change(books.db, viewer, key, row, request, work)

    return await redrafted(books, once)


async def _draft_second_hold(books: Books, viewer: Viewer, row: Order, key: UUID) -> Draft:
    """The movement that holds an expired order's goods again, by the recipes in force."""
    async with books.db.read(viewer.tenant) as session:
        ordered = await rows.lines_of(session, viewer.tenant, [row.id])
    lines = [
        ResolvedLine(line.product_id, from_base(line.quantity, line.scale)) for line in ordered
    ]
    head, terms, now = MovementHead(key), MovementTerms(channel=row.channel), Moment(clock())
    drafted = await draft(books, viewer, Kind.ORDER_HOLD, row.store_id, lines, head, now, terms)
    hold = _movement(row, Kind.ORDER_HOLD, key, viewer.actor, drafted.lines)
    promised = _is_promised(row.external_id)
    # An order that is paid after its pick-up time is handed over at once.
    until = row.pickup_at and max(row.pickup_at, clock())
    return replace(hold, recipes=drafted.recipes, promised=promised, lasts_until=until)


def _is_promised(external_id: str | None) -> bool:
    """Whether a channel has sold the order already: then its limits no longer apply."""
    return external_id is not None


async def fulfil(
    db: Database,
    viewer: Viewer,
    key: UUID,
    order_id: UUID,
    zone: str | None = None,
    zones: Sequence[ProductZone] = (),
) -> Order:
    """Hands a paid order over to its customer. 交付

    Its goods leave `zone`, and the products of `zones` leave theirs. Goods that expired while they
    waited go to quarantine, and fresh ones are taken instead. Raises Refused: UnknownOrder,
    OutOfStock, WrongState for what is not paid; Malformed for a zone that the store does not have.
    """
    row = await reached_order(db, viewer, Can.RUN_ORDERS, order_id)
    zone = await check_zone(db, viewer.tenant, row.store_id, zone)
    by_product = await check_product_zones(db, viewer.tenant, row.store_id, zones)

    async def work(unit: Unit, row: Order) -> None:
        if row.state != "PAID":
            raise Refused(WrongState(WrongStateReason[row.state]))
        held = await reservations.held(unit, [row.id])
        ordered = await rows.lines_of(unit.session, unit.tenant, [row.id])
        issued = await passes_of_orders(unit.session, unit.tenant, [row.id])
        passes = {each.order_line for each in issued}
        ordered = [line for line in ordered if line.line not in passes]
        [store] = await identity.stores_by_id(unit.session, unit.tenant, [row.store_id])
        today = store_day(unit.now, store.timezone)
        lines = [
            replace(line, zone=by_product.get(line.product, zone))
            for line in fulfilment_lines(row.store_id, held, ordered, today)
        ]
        handed = _movement(row, Kind.FULFILMENT, key, viewer.actor, lines)
        await post_movement(unit, replace(handed, promised=True))
        row.state, row.ended_at = "FULFILLED", unit.now

    named = zone, sorted(by_product.items())
    # Without zones it is the same request as that of a client that knows none.
    request = "fulfilOrder", order_id, *(named if zone or by_product else ())
    return await _change(db, viewer, key, row, request, work)


async def cancel(db: Database, viewer: Viewer, key: UUID, row: Order, reason: str | None) -> Order:
    """Cancels an order and releases its goods. A guest cancels only an unpaid order.

    Its passes are refunded. Raises Refused(WrongState) when it was handed over, cancelled or
    expired, and USED when a pass is used up.
    """
    reason = clean(reason, "reason", 200)
    allowed = ("HELD",) if viewer.is_customer else ("HELD", "PAID")

    async def work(unit: Unit, row: Order) -> None:
        if row.state not in allowed:
            raise Refused(WrongState(WrongStateReason[row.state]))
        held = await reservations.held(unit, [row.id])
        released = release(row, key, viewer.actor, held, reason or "取消订单")
        await post_movements(unit, [released, *await refund(unit, row, viewer)])
        row.state, row.reason, row.ended_at = "CANCELLED", reason, unit.now

    return await _change(db, viewer, key, row, ("cancelOrder", row.id, reason), work)


async def extend(db: Database, viewer: Viewer, key: UUID, row: Order) -> Order:
    """Extends the reservation of an unpaid order by the hold time of the store, once.

    Batches that do not last until then are exchanged. Raises Refused: OutOfStock when nothing
    lasts so long, WrongState: EXTENDED, EXPIRED, or the state it is in.
    """

    async def work(unit: Unit, row: Order) -> None:
        if row.state != "HELD" or row.expires_at is None:
            raise Refused(WrongState(WrongStateReason[row.state]))
        if row.expires_at <= unit.now:
            raise Refused(WrongState(WrongStateReason.EXPIRED))
        if row.extended:
            raise Refused(WrongState(WrongStateReason.EXTENDED))
        [store] = await identity.stores_by_id(unit.session, unit.tenant, [row.store_id])
        until = row.expires_at + timedelta(minutes=store.hold_minutes)
        row.expires_at, row.extended = until, True
        day = store_day(until, store.timezone)
        held = [
            each
            for each in await reservations.held(unit, [row.id])
            if each.expires_on is not None and each.expires_on < day
        ]
        lines = renewed_lines(row.store_id, held)
        renewed = _movement(row, Kind.ORDER_HOLD, key, viewer.actor, lines)
        await post_movement(unit, replace(renewed, promised=True, lasts_until=until))

    return await _change(db, viewer, key, row, ("extendHold", row.id), work)
