"""Suppliers and purchase orders; `purchase_receipts` books what comes in for an order."""

from collections.abc import Sequence
from dataclasses import asdict, astuple, dataclass, replace
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from uuid_utils.compat import uuid7

from app.db import catalog, identity
from app.db import purchases as rows
from app.db.core.snapshot import Reads
from app.db.core.unit import Database, Unit
from app.db.levels import open_levels
from app.db.tables import PurchaseLine, PurchaseOrder, Supplier
from app.domain import access
from app.domain.access import Can, Viewer
from app.domain.catalog.pinyin import full, search_text
from app.domain.claims import claim
from app.domain.errors import (
    AlreadyTaken,
    InvalidQuantity,
    Malformed,
    Refused,
    UnknownPurchaseOrder,
    UnknownSupplier,
    WrongState,
    WrongStateReason,
    unknown_products,
)
from app.domain.ledger.documents import change_document
from app.domain.movements.lines import LineRequest, ResolvedLine, resolve_lines
from app.domain.rules.days import store_day
from app.domain.rules.texts import clean
from app.domain.rules.units import LIMIT, to_base

LONGEST_LEAD = 365
LATEST_DAYS = 730
OPEN = ("OPEN", "PARTIAL")


@dataclass(frozen=True, slots=True)
class Introduced:
    """Fields of a supplier; None leaves a field unchanged (empty for a new supplier).

    `emptied` are the fields that lose their value.
    """

    name: str | None = None
    contact: str | None = None
    phone: str | None = None
    note: str | None = None
    lead_days: int | None = None
    emptied: tuple[str, ...] = ()

    def printed(self) -> dict[str, Any]:
        """The fields for a fingerprint; `emptied` only if it is given, so that a retry of a
        request of earlier versions still finds its claim."""
        fields = asdict(self)
        return fields if self.emptied else {k: v for k, v in fields.items() if k != "emptied"}

    def cleaned(self) -> dict[str, Any]:
        """The columns to write."""
        if self.lead_days is not None and not 0 <= self.lead_days <= LONGEST_LEAD:
            raise Malformed(
                "leadDays",
                f"在途天数须为 0 至 {LONGEST_LEAD}",
                f"Lead days: give 0 to {LONGEST_LEAD}.",
            )
        columns = {
            "name": clean(self.name, "name", 100),
            "contact": clean(self.contact, "contact", 100),
            "phone": clean(self.phone, "phone", 30),
            "note": clean(self.note, "note", 500, lines=True),
            "lead_days": self.lead_days,
        }
        given = {name: value for name, value in columns.items() if value is not None}
        return given | dict.fromkeys(self.emptied)


async def create_supplier(
    db: Database, viewer: Viewer, key: UUID, introduced: Introduced
) -> Supplier:
    """Makes a supplier. Raises Refused(AlreadyTaken)."""
    name = clean(introduced.name, "name", 100, required=True)
    columns = {"lead_days": 0, **introduced.cleaned()}
    row = Supplier(tenant_id=viewer.tenant, id=uuid7(), **columns)
    index_supplier(row)
    async with db.unit(viewer.tenant) as unit:
        earlier = await claim(
            unit, viewer.claimant, key, row.id, "createSupplier", introduced.printed()
        )
        if earlier is None and not await catalog.insert_unique(unit, row):
            raise Refused(AlreadyTaken("name", name))
        [row] = await rows.suppliers_by_id(unit.session, unit.tenant, [earlier or row.id])
    return row


async def update_supplier(
    db: Database, viewer: Viewer, key: UUID, supplier_id: UUID, introduced: Introduced
) -> Supplier:
    """Changes what is given. Raises Refused: UnknownSupplier, AlreadyTaken."""
    columns = introduced.cleaned()
    async with db.unit(viewer.tenant) as unit:
        request = ("updateSupplier", supplier_id, introduced.printed())
        earlier = await claim(unit, viewer.claimant, key, supplier_id, *request)
        row = await get_supplier(unit, supplier_id)
        if earlier is None:
            for name, value in columns.items():
                setattr(row, name, value)
            index_supplier(row)
            named = row.name
            if not await rows.renamed(unit, row):
                raise Refused(AlreadyTaken("name", named))
    return row


async def archive_supplier(
    db: Database, viewer: Viewer, key: UUID, supplier_id: UUID, archived: bool
) -> Supplier:
    """Takes a supplier out of searches, or back in; what is on order still comes.

    Raises Refused(UnknownSupplier).
    """
    async with db.unit(viewer.tenant) as unit:
        request = ("archiveSupplier", supplier_id, archived)
        earlier = await claim(unit, viewer.claimant, key, supplier_id, *request)
        row = await get_supplier(unit, supplier_id)
        if earlier is None:
            row.archived_at = (row.archived_at or unit.now) if archived else None
    return row


def index_supplier(row: Supplier) -> None:
    """Sets what a supplier is searched and sorted by."""
    row.search = search_text(row.name)
    row.pinyin = full(row.name)


async def get_supplier(unit: Unit, supplier_id: UUID, read: bool = False) -> Supplier:
    """The supplier, locked (see `locked_supplier`). Raises Refused(UnknownSupplier)."""
    row = await rows.locked_supplier(unit, supplier_id, read)
    if row is None:
        raise Refused(UnknownSupplier(str(supplier_id)))
    return row


@dataclass(frozen=True, slots=True)
class PurchaseRequest:
    """A purchase order to be created, without its lines."""

    key: UUID
    supplier_id: UUID
    store_id: UUID
    number: str | None = None
    expected_on: date | None = None
    note: str | None = None


async def create(
    db: Database, viewer: Viewer, request: PurchaseRequest, requests: Sequence[LineRequest]
) -> PurchaseOrder:
    """A purchase order; its goods are on order in the store until they come in.

    Raises Refused: UnknownSupplier, UnknownStore, UnknownProduct, InvalidQuantity, AlreadyTaken
    for the number, WrongState for an archived supplier and for what is never stocked. Raises
    Malformed as `resolve_lines` does, for a day out of reach, and for two costs of one product.
    """
    tenant, store = viewer.tenant, access.at(viewer, Can.PURCHASE, request.store_id)
    request = replace(
        request,
        number=clean(request.number, "number", 50),
        note=clean(request.note, "note", 500, lines=True),
    )
    resolved = await resolve_lines(db, tenant, store, requests)
    id = uuid7()
    async with db.unit(tenant) as unit:
        lines = [line.printed for line in resolved]
        printed = ("createPurchaseOrder", *astuple(request), lines)
        earlier = await claim(unit, viewer.claimant, request.key, id, *printed)
        if earlier is None:
            await _order(unit, viewer, id, request, resolved)
        [row] = await rows.purchases_by_id(unit.session, tenant, [earlier or id])
    return row


async def _order(
    unit: Unit,
    viewer: Viewer,
    id: UUID,
    request: PurchaseRequest,
    resolved: Sequence[ResolvedLine],
) -> None:
    supplier = await get_supplier(unit, request.supplier_id, read=True)
    if supplier.archived_at is not None:
        raise Refused(WrongState(WrongStateReason.ARCHIVED))
    lines = await _lines(unit, id, resolved)
    today = await _today(unit, request.store_id)
    row = PurchaseOrder(
        tenant_id=unit.tenant,
        id=id,
        number=request.number,
        supplier_id=supplier.id,
        store_id=request.store_id,
        expected_on=_reachable(request.expected_on, today)
        or today + timedelta(days=supplier.lead_days),
        note=request.note,
        ordered_by=viewer.actor,
    )
    if request.number is None:
        await rows.numbered(unit, row, f"PO-{today:%Y%m%d}-")
    elif not await catalog.insert_unique(unit, row):
        raise Refused(AlreadyTaken("number", request.number))
    unit.session.add_all(lines)
    await unit.session.flush()
    # The level shows what is on order: a product that is new in the store gets one.
    await open_levels(unit, {(row.store_id, line.product_id) for line in lines}, shown=True)
    announce(unit, row, lines)


async def _lines(unit: Unit, id: UUID, resolved: Sequence[ResolvedLine]) -> list[PurchaseLine]:
    """A line for each product: lines of one product are added up."""
    ids = {line.product_id for line in resolved}
    listed = await catalog.products_by_id(unit.session, unit.tenant, ids)
    products = {product.id: product for product in listed if product.archived_at is None}
    if missing := ids - products.keys():
        raise unknown_products(missing)
    if any(product.kind != "GOODS" for product in products.values()):
        raise Refused(WrongState(WrongStateReason.NOT_STOCKED))
    lines: dict[UUID, PurchaseLine] = {}
    for each in resolved:
        product_id, cost, scale = each.product_id, each.unit_cost, products[each.product_id].scale
        base = to_base(each.quantity, scale)
        if product_id not in lines:
            lines[product_id] = new_line(unit, id, len(lines) + 1, product_id, scale, cost)
        line = lines[product_id]
        if line.unit_cost != cost:
            raise Malformed(
                "unitCost",
                "同一商品的各行单价须相同",
                "All lines of a product have the same unit cost.",
            )
        if base is None or line.ordered + base > LIMIT:
            raise Refused(InvalidQuantity(product_id, str(each.quantity)))
        line.ordered += base
    return list(lines.values())


def new_line(
    unit: Unit, purchase_id: UUID, number: int, product_id: UUID, scale: int, unit_cost: int | None
) -> PurchaseLine:
    """A line with nothing ordered or received yet; `unit_cost` is in 1/10000 yuan."""
    return PurchaseLine(
        tenant_id=unit.tenant,
        purchase_id=purchase_id,
        line=number,
        product_id=product_id,
        scale=scale,
        unit_cost=unit_cost,
        ordered=0,
        received=0,
    )


async def _today(unit: Unit, store_id: UUID) -> date:
    [store] = await identity.stores_by_id(unit.session, unit.tenant, [store_id])
    return store_day(unit.now, store.timezone)


def _reachable(day: date | None, today: date) -> date | None:
    if day is not None and not today <= day <= today + timedelta(days=LATEST_DAYS):
        raise Malformed(
            "expectedOn",
            f"预计到货日须从今天起，最晚 {LATEST_DAYS} 天后",
            f"The expected arrival lies between today and {LATEST_DAYS} days from now.",
        )
    return day


def announce(unit: Unit, row: PurchaseOrder, lines: Sequence[PurchaseLine]) -> None:
    """Names the order, and the levels that show what is on order, in the store's feed."""
    unit.document_changed(row.store_id, row.id)
    for line in lines:
        unit.changed(row.store_id, line.product_id)


async def reached_purchase(
    reads: Reads, viewer: Viewer, can: Can, purchase_id: UUID
) -> PurchaseOrder:
    """An order of a store this permission reaches. Raises Refused(UnknownPurchaseOrder)."""
    async with reads.read(viewer.tenant) as session:
        purchases = await rows.purchases_by_id(session, viewer.tenant, [purchase_id])
    if not purchases or not access.within(viewer, can, [purchases[0].store_id]):
        raise Refused(UnknownPurchaseOrder(str(purchase_id)))
    return purchases[0]


async def update(
    db: Database,
    viewer: Viewer,
    key: UUID,
    purchase_order_id: UUID,
    expected_on: date | None,
    note: str | None,
    *,
    without_note: bool = False,
) -> PurchaseOrder:
    """Change what is given while goods are still missing; `without_note` removes the note.

    Raises Refused: UnknownPurchaseOrder, WrongState.
    """
    row = await reached_purchase(db, viewer, Can.PURCHASE, purchase_order_id)
    note = clean(note, "note", 500, lines=True)

    async def work(unit: Unit, row: PurchaseOrder) -> None:
        _in(row, OPEN)
        day = _reachable(expected_on, await _today(unit, row.store_id))
        row.expected_on = day or row.expected_on
        row.note = None if without_note else note or row.note

    # Without the removal it is the request of earlier versions: a retry finds its claim.
    removal = [True] if without_note else []
    request = ("updatePurchaseOrder", row.id, expected_on, note, *removal)
    return await change_document(db, viewer.claimant, key, row, request, rows.locked_purchase, work)


async def cancel(
    db: Database, viewer: Viewer, key: UUID, purchase_order_id: UUID, reason: str | None
) -> PurchaseOrder:
    """Gives an order up of which nothing came. Raises Refused: UnknownPurchaseOrder, WrongState
    (PARTIAL: close it)."""
    reason = clean(reason, "reason", 200)
    request = ("cancelPurchaseOrder", purchase_order_id, reason)
    return await _end(db, viewer, key, purchase_order_id, request, "OPEN", "CANCELLED", reason)


async def close(
    db: Database, viewer: Viewer, key: UUID, purchase_order_id: UUID, reason: str
) -> PurchaseOrder:
    """Gives up what is still missing of an order that came in part.

    Raises Refused: UnknownPurchaseOrder, WrongState (OPEN: cancel it).
    """
    reason = clean(reason, "reason", 200, required=True)
    request = ("closePurchaseOrder", purchase_order_id, reason)
    return await _end(db, viewer, key, purchase_order_id, request, "PARTIAL", "CLOSED", reason)


async def _end(
    db: Database,
    viewer: Viewer,
    key: UUID,
    purchase_id: UUID,
    request: tuple[Any, ...],
    former: str,
    state: str,
    reason: str | None,
) -> PurchaseOrder:
    row = await reached_purchase(db, viewer, Can.PURCHASE, purchase_id)

    async def work(unit: Unit, row: PurchaseOrder) -> None:
        _in(row, (former,))
        row.state, row.reason, row.ended_at = state, reason, unit.now
        announce(unit, row, await rows.lines_of(unit.session, unit.tenant, [row.id]))

    return await change_document(db, viewer.claimant, key, row, request, rows.locked_purchase, work)


def _in(row: PurchaseOrder, states: Sequence[str]) -> None:
    if row.state not in states:
        raise Refused(WrongState(WrongStateReason[row.state]))
