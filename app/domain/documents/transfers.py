"""Use cases of the transfers topic: a store asks, head office ships, the store receives. 调拨

One document lasts from the request to the last receipt. Goods between two stores are in the
`transit` bin of the receiver. Every change of a transfer holds the lock of its row.
"""

from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import asdict
from decimal import Decimal
from typing import Any, NamedTuple
from uuid import UUID

from uuid_utils.compat import uuid7

from app.db import transfers as rows
from app.db.core.snapshot import Reads
from app.db.core.unit import Database, Unit, clock
from app.db.tables import Product, Transfer, TransferLine
from app.domain import access
from app.domain.access import Can, Viewer
from app.domain.catalog.products import read_products
from app.domain.claims import claim
from app.domain.errors import (
    ExceedsTransfer,
    Excess,
    InvalidQuantity,
    Malformed,
    Refused,
    UnknownTransfer,
    WrongState,
    WrongStateReason,
)
from app.domain.ledger.documents import (
    announce,
    change_document,
    movement_of,
    open_levels_for,
    post_movement,
)
from app.domain.ledger.draft import Line, Place, in_zone
from app.domain.ledger.reservations import move_line, retry_while_short
from app.domain.movements.lines import LineRequest, resolve_lines
from app.domain.movements.zones import check_zone, check_zones
from app.domain.rules.kinds import Kind
from app.domain.rules.texts import clean
from app.domain.rules.units import from_base, to_base

Work = Callable[[Unit, Transfer], Awaitable[None]]


async def get_transfer(reads: Reads, viewer: Viewer, can: Can, transfer_id: UUID) -> Transfer:
    """A transfer of which this permission reaches a side: the store that acts in it.

    Raises Refused(UnknownTransfer).
    """
    async with reads.read(viewer.tenant) as session:
        transfers = await rows.transfers_by_id(session, viewer.tenant, [transfer_id])
    sides = {row.to_store for row in transfers}
    if can is Can.SEE_TRANSFERS:
        sides |= {row.from_store for row in transfers if row.from_store}
    if not access.within(viewer, can, sides):
        raise Refused(UnknownTransfer(str(transfer_id)))
    return transfers[0]


async def change(
    db: Database, viewer: Viewer, key: UUID, row: Transfer, printed: Sequence[Any], work: Work
) -> Transfer:
    """The transfer after `work`, once for each key; the feeds of both stores name it."""
    return await change_document(db, viewer.claimant, key, row, printed, rows.locked_transfer, work)


async def goods(db: Database, tenant: UUID, ids: Collection[UUID]) -> dict[UUID, Product]:
    """These products, which stores have stock of. Raises Refused: UnknownProduct, WrongState."""
    async with db.read(tenant) as session:
        products = await read_products(session, tenant, ids)
    for row in products.values():
        if row.kind != "GOODS":
            raise Refused(WrongState(WrongStateReason.NOT_STOCKED))
        if row.archived_at is not None:
            raise Refused(WrongState(WrongStateReason.ARCHIVED))
    return products


class Amount(NamedTuple):
    """Base units of a product."""

    product_id: UUID
    scale: int
    base: int


async def amounts(
    db: Database, tenant: UUID, store: UUID, requests: Sequence[LineRequest]
) -> list[Amount]:
    """The amount of each product, in the order in which they are first named.

    Raises Refused: InvalidQuantity, UnknownProduct, WrongState for what has no stock.
    """
    lines = await resolve_lines(db, tenant, store, requests)
    products = await goods(db, tenant, {line.product_id for line in lines})
    totals = base_totals(((line.product_id, line.quantity) for line in lines), products)
    return [Amount(product, products[product].scale, base) for product, base in totals.items()]


def base_totals(
    quantities: Iterable[tuple[UUID, Decimal]], products: Mapping[UUID, Product]
) -> Counter[UUID]:
    """Base units of each product, all lines added up. Raises Refused(InvalidQuantity)."""
    totals: Counter[UUID] = Counter()
    for product, quantity in quantities:
        base = to_base(quantity, products[product].scale)
        if base is None:
            raise Refused(InvalidQuantity(product, str(quantity)))
        totals[product] += base
    return totals


async def create(
    db: Database,
    viewer: Viewer,
    key: UUID,
    from_store_id: UUID,
    to_store_id: UUID,
    requests: Sequence[LineRequest],
    note: str | None,
) -> Transfer:
    """A transfer that no store requested, approved and ready to ship.

    Raises Refused as `amounts` does.
    """
    for store in (from_store_id, to_store_id):
        access.at(viewer, Can.RUN_TRANSFERS, store)
    apart(from_store_id, to_store_id)
    note = clean(note, "note", 500, lines=True)
    approved = await amounts(db, viewer.tenant, to_store_id, requests)
    row = Transfer(
        tenant_id=viewer.tenant,
        id=uuid7(),
        from_store=from_store_id,
        to_store=to_store_id,
        state="APPROVED",
        note=note,
        approved_by=viewer.actor,
        approved_at=clock(),
    )
    lines = [
        line_of(row, number, each, approved=each.base) for number, each in enumerate(approved, 1)
    ]
    printed = ("createTransfer", from_store_id, to_store_id, printed_lines(requests), note)
    async with db.unit(viewer.tenant) as unit:
        if earlier := await claim(unit, viewer.claimant, key, row.id, *printed):
            return (await rows.transfers_by_id(unit.session, unit.tenant, [earlier]))[0]
        await enter(unit, row, lines)
    return row


def apart(one: UUID, other: UUID) -> None:
    """Raises Malformed for a transfer from a store to itself."""
    if one == other:
        raise Malformed(
            "fromStoreId", "调出门店和调入门店不能相同", "The two stores of a transfer must differ."
        )


def printed_lines(requests: Sequence[Any] | None) -> list[list[Any]] | None:
    """The lines as the client sent them, for the fingerprint: a retry is the same request, also of
    a client that knows no zones."""
    if requests is None:
        return None
    return [
        [value for name, value in asdict(line).items() if name != "zone" or value is not None]
        for line in requests
    ]


def line_of(
    row: Transfer,
    number: int,
    amount: Amount,
    *,
    requested: int = 0,
    approved: int = 0,
    shipped: int = 0,
) -> TransferLine:
    """A line of the transfer; quantities are in base units, 0 by default."""
    return TransferLine(
        tenant_id=row.tenant_id,
        transfer_id=row.id,
        line=number,
        product_id=amount.product_id,
        scale=amount.scale,
        requested=requested,
        approved=approved,
        shipped=shipped,
    )


async def enter(unit: Unit, row: Transfer, lines: Sequence[TransferLine]) -> None:
    """Writes a new transfer, and names it in the feeds of its stores."""
    row.created_at = unit.now
    unit.session.add(row)
    await unit.session.flush()
    unit.session.add_all(lines)
    await unit.session.flush()
    announce(unit, row)


async def ship(
    db: Database,
    viewer: Viewer,
    key: UUID,
    transfer_id: UUID,
    requests: Sequence[LineRequest] | None,
) -> Transfer:
    """Moves all that was approved, or these lines of it, from shelf to transit; nothing expired.

    Raises Refused: UnknownTransfer, OutOfStock, ExceedsTransfer for more than was approved,
    WrongState for what is not approved or was shipped before; and as `resolve_lines` does.
    """
    row = await get_transfer(db, viewer, Can.RUN_TRANSFERS, transfer_id)
    if row.from_store is None:
        raise Refused(WrongState(WrongStateReason[row.state]))
    lines, shipped = await _lines_to_ship(db, viewer.tenant, row, requests)
    draft = movement_of(row.id, Kind.SHIPMENT, row.from_store, key, viewer.actor, lines)
    await open_levels_for(db, viewer.tenant, draft)

    async def work(unit: Unit, row: Transfer) -> None:
        if row.state != "APPROVED":
            raise Refused(WrongState(WrongStateReason[row.state]))
        await post_movement(unit, draft)
        for line in await rows.lines_of(unit.session, unit.tenant, [row.id]):
            line.shipped = shipped.get(line.product_id, 0)
        row.state, row.shipped_by, row.shipped_at = "SHIPPED", viewer.actor, unit.now

    printed = ("shipTransfer", row.id, printed_lines(requests))
    return await retry_while_short(
        db, viewer.tenant, row.from_store, lambda: change(db, viewer, key, row, printed, work)
    )


async def _lines_to_ship(
    db: Database, tenant: UUID, row: Transfer, requests: Sequence[LineRequest] | None
) -> tuple[list[Line], Mapping[UUID, int]]:
    """The lines to ship, all that was approved by default; and base units of each product.

    Raises Refused(ExceedsTransfer); and as `resolve_lines` does.
    """
    assert row.from_store is not None
    shelf, transit = Place(row.from_store, "shelf"), Place(row.to_store, "transit")
    async with db.read(tenant) as session:
        planned = await rows.lines_of(session, tenant, [row.id])
    approved = {line.product_id: line.approved for line in planned if line.approved}
    if requests is None:
        lines = [
            Line(line.product_id, from_base(line.approved, line.scale), shelf, transit)
            for line in planned
            if line.approved
        ]
        return lines, approved
    await check_zones(db, tenant, row.from_store, requests)
    resolved = await resolve_lines(db, tenant, row.from_store, requests, "shelf")
    lines = [
        Line(
            line.product_id,
            line.quantity,
            shelf,
            transit,
            batches=line.batches,
            shown_expiry=line.shown_expiry,
            zone=line.zone,
        )
        for line in resolved
    ]
    async with db.read(tenant) as session:
        products = await read_products(session, tenant, {line.product for line in lines})
    shipped = base_totals(((line.product, line.quantity) for line in lines), products)
    excesses = [
        Excess(product, base, approved.get(product, 0), products[product].scale)
        for product, base in shipped.items()
        if base > approved.get(product, 0)
    ]
    if excesses:
        raise Refused(ExceedsTransfer(tuple(excesses)))
    return lines, shipped


async def cancel(
    db: Database,
    viewer: Viewer,
    key: UUID,
    transfer_id: UUID,
    reason: str | None,
    zone: str | None = None,
) -> Transfer:
    """Cancels a transfer of which nothing has arrived; goods on their way return to the shelf, in
    this zone of it, and to the batches that they left.

    Raises Refused: UnknownTransfer, WrongState once anything arrived.
    """
    row = await get_transfer(db, viewer, Can.RUN_TRANSFERS, transfer_id)
    reason = clean(reason, "reason", 200)
    zone = await check_zone(db, viewer.tenant, row.from_store, zone)

    async def work(unit: Unit, row: Transfer) -> None:
        if row.state not in ("APPROVED", "SHIPPED"):
            raise Refused(WrongState(WrongStateReason[row.state]))
        if row.state == "SHIPPED":
            await _recall(unit, row, key, viewer.actor, zone)
        row.state, row.reason, row.ended_at = "CANCELLED", reason, unit.now

    printed = "cancelTransfer", row.id, reason, *([zone] if zone else [])
    return await change(db, viewer, key, row, printed, work)


async def _recall(unit: Unit, row: Transfer, key: UUID, actor: UUID, zone: str | None) -> None:
    assert row.from_store is not None
    transit, shelf = Place(row.to_store, "transit"), Place(row.from_store, "shelf")
    held = await rows.in_transit(unit, row)
    back = in_zone([move_line(each, each.quantity, transit, shelf) for each in held], zone)
    recalled = movement_of(row.id, Kind.SHIPMENT_RECALL, row.from_store, key, actor, back)
    await post_movement(unit, recalled)
    for line in await rows.lines_of(unit.session, unit.tenant, [row.id]):
        line.returned = line.shipped
