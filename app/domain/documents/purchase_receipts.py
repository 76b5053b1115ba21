"""Purchase receipts: goods that come in for a purchase order, any number of times.

A delivery is compared with what is missing under the lock of the order's row, so that of two
deliveries at the same time only one can be the missing goods.
"""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from uuid import UUID, uuid5

from app.db import purchases as rows
from app.db.core.unit import Unit
from app.db.tables import Entry, Product, PurchaseLine, PurchaseOrder
from app.domain.access import Can, Viewer
from app.domain.catalog.products import read_products
from app.domain.documents.purchases import new_line, reached_purchase
from app.domain.errors import (
    Delivery,
    DeliveryExceedsOrder,
    InvalidQuantity,
    Malformed,
    Refused,
    WrongState,
    WrongStateReason,
)
from app.domain.ledger.documents import change_document, open_levels_for, post_movement
from app.domain.ledger.draft import Draft, Line
from app.domain.movements.lines import LineRequest
from app.domain.movements.record import Books, MovementInput, MovementTerms, draft, resolve
from app.domain.rules.kinds import Kind
from app.domain.rules.texts import clean
from app.domain.rules.units import to_base

AWAITED = ("OPEN", "PARTIAL", "RECEIVED")
"""RECEIVED as well: more may come than was ordered."""


async def receive(
    books: Books,
    viewer: Viewer,
    purchase_id: UUID,
    requests: Sequence[LineRequest],
    accept_over: bool,
    document: str | None,
    head: MovementInput,
) -> PurchaseOrder:
    """The order after a delivery is booked, at the order's costs unless the delivery has others.

    With `accept_over` (and a reason) more may come than is missing, and goods that were never
    ordered. Raises Refused: UnknownPurchaseOrder, DeliveryExceedsOrder, WrongState for an order
    that was cancelled or closed; and as `resolve` and `draft` do.
    """
    row = await reached_purchase(books.db, viewer, Can.RECEIVE, purchase_id)
    document = clean(document, "document", 100)
    if accept_over and not clean(head.reason, "reason", 200):
        raise Malformed(
            "reason", "多收货物须填写原因", "Give a reason for receiving more than was ordered."
        )
    store, kind, terms = row.store_id, Kind.RECEIPT, MovementTerms(document=document)
    lines, moment = await resolve(books.db, viewer, kind, store, requests, head)
    drafted = await draft(books, viewer, kind, store, lines, head, moment, terms)
    await open_levels_for(books.db, viewer.tenant, drafted)

    async def work(unit: Unit, row: PurchaseOrder) -> None:
        if row.state not in AWAITED:
            raise Refused(WrongState(WrongStateReason[row.state]))
        await _receive(unit, row, drafted, accept_over)

    printed = ("receivePurchaseOrder", row.id, drafted.fingerprint.hex(), accept_over)
    return await change_document(
        books.db, viewer.claimant, head.key, row, printed, rows.locked_purchase, work
    )


async def _receive(unit: Unit, row: PurchaseOrder, drafted: Draft, accept_over: bool) -> None:
    lines = await rows.lines_of(unit.session, unit.tenant, [row.id])
    ordered = {line.product_id: line for line in lines}
    ids = {line.product for line in drafted.lines}
    products = await read_products(unit.session, unit.tenant, ids)
    delivered = _delivered(drafted, products)
    exceeding = _exceeding(delivered, ordered, products)
    if exceeding and not accept_over:
        raise Refused(DeliveryExceedsOrder(exceeding))
    [supplier] = await rows.suppliers_by_id(unit.session, unit.tenant, [row.supplier_id])
    received = [_priced(line, ordered.get(line.product), supplier.name) for line in drafted.lines]
    for line in received:
        if line.product not in ordered:
            # Lines of goods that were never ordered are deleted when their receipt is reversed.
            number = 1 + max((each.line for each in ordered.values()), default=0)
            scale = products[line.product].scale
            extra = new_line(unit, row.id, number, line.product, scale, line.unit_cost)
            ordered[line.product] = extra
            unit.session.add(extra)
    for product_id, base in delivered.items():
        ordered[product_id].received += base
    _set_state(unit, row, ordered.values())
    own = uuid5(drafted.key, Kind.RECEIPT.name)
    await post_movement(unit, replace(drafted, key=own, document_id=row.id, lines=tuple(received)))


async def undo(unit: Unit, row: PurchaseOrder, entries: Sequence[Entry]) -> None:
    """Takes a reversed receipt out of the order's counts; what is missing is awaited again.

    An order that was closed stays closed.
    """
    lines = await rows.lines_of(unit.session, unit.tenant, [row.id])
    ordered = {line.product_id: line for line in lines}
    for entry in entries:
        if entry.from_bin == "supplier":
            ordered[entry.product_id].received -= entry.quantity
    for line in lines:
        if line.ordered + line.received == 0:
            await unit.session.delete(line)
    if row.state in AWAITED:
        _set_state(unit, row, lines)


def _set_state(unit: Unit, row: PurchaseOrder, lines: Collection[PurchaseLine]) -> None:
    if not any(line.missing for line in lines):
        row.state, row.ended_at = "RECEIVED", row.ended_at or unit.now
    else:
        received = any(line.received for line in lines)
        row.state, row.ended_at = "PARTIAL" if received else "OPEN", None


def _delivered(drafted: Draft, products: Mapping[UUID, Product]) -> Counter[UUID]:
    """Base units of each product, all lines added up. Raises Refused(InvalidQuantity)."""
    delivered: Counter[UUID] = Counter()
    for line in drafted.lines:
        base = to_base(line.quantity, products[line.product].scale)
        if base is None:
            raise Refused(InvalidQuantity(line.product, str(line.quantity)))
        delivered[line.product] += base
    return delivered


def _exceeding(
    delivered: Mapping[UUID, int],
    ordered: Mapping[UUID, PurchaseLine],
    products: Mapping[UUID, Product],
) -> tuple[Delivery, ...]:
    """The products of which more came than is missing, or that were never ordered."""
    exceeding: list[Delivery] = []
    for product_id, base in delivered.items():
        line, scale = ordered.get(product_id), products[product_id].scale
        if line is None:
            exceeding.append(Delivery(product_id, 0, 0, base, scale))
        elif base > line.missing:
            exceeding.append(Delivery(product_id, line.ordered, line.received, base, scale))
    return tuple(exceeding)


def _priced(line: Line, ordered: PurchaseLine | None, supplier: str) -> Line:
    """The line with the order's cost and supplier where the delivery has none."""
    cost, arriving = line.unit_cost, line.arriving
    if cost is None and ordered is not None:
        cost = ordered.unit_cost
    if arriving is not None:
        supplier = arriving.supplier or supplier
        arriving = arriving._replace(supplier=supplier, unit_cost=cost)
    return replace(line, unit_cost=cost, arriving=arriving)
