"""Deliveries: goods that come in against a purchase order, any number of times.

What came is compared with what is missing under the lock of the order's row, so that two who
unpack the last pieces at the same time do not both take them for the ones that were ordered.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from uuid import UUID, uuid5

from app.db import catalog
from app.db import purchases as rows
from app.db.core.unit import Unit
from app.db.tables import Product, PurchaseLine, PurchaseOrder
from app.domain.access import Can, Viewer
from app.domain.documents.purchases import new_line, reached_purchase
from app.domain.errors import (
    Delivery,
    DeliveryExceedsOrder,
    InvalidQuantity,
    Malformed,
    Refused,
    UnknownProduct,
    WrongState,
)
from app.domain.ledger.documents import changed, open_for, post_in
from app.domain.ledger.draft import Draft, Line
from app.domain.movements.batches import LineRequest
from app.domain.movements.record import Books, MovementInput, draft
from app.domain.rules.kinds import Kind
from app.domain.rules.texts import clean
from app.domain.rules.units import to_base

AWAITED = ("OPEN", "PARTIAL", "RECEIVED")
"""RECEIVED as well: more may come than was ordered."""


async def receive(
    books: Books,
    viewer: Viewer,
    purchase_id: UUID,
    asked: Sequence[LineRequest],
    accept_over: bool,
    document: str | None,
    paper: MovementInput,
) -> PurchaseOrder:
    """Books what came in for an order, at the order's costs unless the delivery says others.

    With `accept_over` (and a reason) more may come than is missing, and what was never ordered:
    it happened. Raises Refused: UnknownPurchaseOrder, DeliveryExceedsOrder, WrongState for an
    order that was given up; and as `draft` does.
    """
    row = await reached_purchase(books.db, viewer, Can.RECEIVE, purchase_id)
    document = clean(document, "document", 100)
    if accept_over and not clean(paper.reason, "reason", 200):
        raise Malformed("reason: say why more is taken than was ordered")
    told = (books, viewer, Kind.RECEIPT, row.store_id, asked, paper)
    drafted = await draft(*told, document=document)
    await open_for(books.db, viewer.tenant, drafted)

    async def work(unit: Unit, row: PurchaseOrder) -> None:
        if row.state not in AWAITED:
            raise Refused(WrongState(row.state))
        await _receive(unit, row, drafted, accept_over)

    said = ("receivePurchaseOrder", row.id, drafted.fingerprint.hex(), accept_over)
    return await changed(books.db, viewer.actor, paper.key, row, said, rows.locked_purchase, work)


async def _receive(unit: Unit, row: PurchaseOrder, drafted: Draft, accept_over: bool) -> None:
    lines = await rows.lines_of(unit.session, unit.tenant, [row.id])
    ordered = {line.product_id: line for line in lines}
    products = await _known(unit, drafted)
    delivered = _delivered(drafted, products)
    exceeding = _exceeding(delivered, ordered, products)
    if exceeding and not accept_over:
        raise Refused(DeliveryExceedsOrder(exceeding))
    [supplier] = await rows.suppliers_by_id(unit.session, unit.tenant, [row.supplier_id])
    came = [_priced(line, ordered.get(line.product), supplier.name) for line in drafted.lines]
    for line in came:
        if line.product not in ordered:
            told = {"product_id": line.product, "scale": products[line.product].scale}
            extra = new_line(unit, row.id, len(ordered) + 1, **told, unit_cost=line.unit_cost)
            ordered[line.product] = extra
            unit.session.add(extra)
    for product_id, base in delivered.items():
        ordered[product_id].received += base
    row.state = "PARTIAL" if any(line.missing for line in ordered.values()) else "RECEIVED"
    if row.state == "RECEIVED":
        row.ended_at = row.ended_at or unit.now
    own = uuid5(drafted.key, Kind.RECEIPT.name)
    await post_in(unit, replace(drafted, key=own, document_id=row.id, lines=tuple(came)))


async def _known(unit: Unit, drafted: Draft) -> dict[UUID, Product]:
    asked = {line.product for line in drafted.lines}
    found = await catalog.products_by_id(unit.session, unit.tenant, asked)
    known = {product.id: product for product in found}
    if missing := asked - known.keys():
        raise Refused(UnknownProduct(tuple(sorted(map(str, missing)))))
    return known


def _delivered(drafted: Draft, products: Mapping[UUID, Product]) -> Counter[UUID]:
    """Base units of each product, all lines of the delivery together."""
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
    found = []
    for product_id, base in delivered.items():
        line, scale = ordered.get(product_id), products[product_id].scale
        if line is None:
            found.append(Delivery(product_id, 0, 0, base, scale))
        elif base > line.missing:
            found.append(Delivery(product_id, line.ordered, line.received, base, scale))
    return tuple(found)


def _priced(line: Line, ordered: PurchaseLine | None, supplier: str) -> Line:
    """What the delivery does not say is as it was ordered: the cost, and whose goods they are."""
    cost, arriving = line.unit_cost, line.arriving
    if cost is None and ordered is not None:
        cost = ordered.unit_cost
    if arriving is not None:
        whose = arriving.supplier or supplier
        arriving = arriving._replace(supplier=whose, unit_cost=cost)
    return replace(line, unit_cost=cost, arriving=arriving)
