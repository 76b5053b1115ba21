"""Use cases of the transfers topic: a store asks, head office ships, the store receives. 调拨

One document goes all the way from the request to the last piece. Goods between two stores stand
in transit for the one that receives them; whoever changes a transfer holds the lock of its row.
"""

from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import astuple
from decimal import Decimal
from typing import Any, NamedTuple
from uuid import UUID

from uuid_utils.compat import uuid7

from app.db import catalog
from app.db import transfers as rows
from app.db.core.unit import Database, Unit, clock
from app.db.tables import Product, Transfer, TransferLine
from app.domain import access
from app.domain.access import Can, Viewer
from app.domain.claims import claim
from app.domain.errors import (
    ExceedsTransfer,
    Excess,
    InvalidQuantity,
    Malformed,
    Refused,
    UnknownProduct,
    UnknownTransfer,
    WrongState,
)
from app.domain.ledger.documents import changed, file, movement_of, open_for, post_in
from app.domain.ledger.draft import Line, Place
from app.domain.ledger.reservations import moved, with_overdue
from app.domain.movements.batches import LineRequest, resolve_batches
from app.domain.movements.lines import lines_of
from app.domain.rules.kinds import Kind
from app.domain.rules.texts import clean
from app.domain.rules.units import from_base, to_base

Work = Callable[[Unit, Transfer], Awaitable[None]]


async def get_transfer(db: Database, viewer: Viewer, can: Can, transfer_id: UUID) -> Transfer:
    """A transfer of which this permission reaches a side: the store that acts in it.

    Raises Refused(UnknownTransfer).
    """
    async with db.read(viewer.tenant) as session:
        found = await rows.transfers_by_id(session, viewer.tenant, [transfer_id])
    sides = {row.to_store for row in found}
    if can is Can.SEE_TRANSFERS:
        sides |= {row.from_store for row in found if row.from_store}
    if not access.within(viewer, can, sides):
        raise Refused(UnknownTransfer(str(transfer_id)))
    return found[0]


async def change(
    db: Database, viewer: Viewer, key: UUID, row: Transfer, asked: Sequence[Any], work: Work
) -> Transfer:
    """The transfer after `work`, once a key; then the followers of both stores are told."""
    return await changed(db, viewer.actor, key, row, asked, rows.locked_transfer, work)


async def known(db: Database, tenant: UUID, products: Collection[UUID]) -> dict[UUID, Product]:
    """These products, archived ones too. Raises Refused(UnknownProduct)."""
    async with db.read(tenant) as session:
        found = {row.id: row for row in await catalog.products_by_id(session, tenant, products)}
    if missing := set(products) - found.keys():
        raise Refused(UnknownProduct(tuple(sorted(map(str, missing)))))
    return found


async def goods(db: Database, tenant: UUID, products: Collection[UUID]) -> dict[UUID, Product]:
    """These products, which stores have stock of. Raises Refused: UnknownProduct, WrongState."""
    found = await known(db, tenant, products)
    for row in found.values():
        if row.kind != "GOODS":
            raise Refused(WrongState("NOT_STOCKED"))
        if row.archived_at is not None:
            raise Refused(WrongState("ARCHIVED"))
    return found


class Amount(NamedTuple):
    """Base units of a product."""

    product_id: UUID
    scale: int
    base: int


async def amounts(
    db: Database, tenant: UUID, store: UUID, asked: Sequence[LineRequest]
) -> list[Amount]:
    """How much of each product is asked for, in the order in which they are first named.

    Raises Refused: InvalidQuantity, UnknownProduct, WrongState for what has no stock.
    """
    resolved = await lines_of(db, tenant, store, asked, arriving=False)
    named = await goods(db, tenant, {product for _, product, _ in resolved})
    summed = summed_up(((product, quantity) for _, product, quantity in resolved), named)
    return [Amount(product, named[product].scale, base) for product, base in summed.items()]


def summed_up(
    lines: Iterable[tuple[UUID, Decimal]], products: Mapping[UUID, Product]
) -> Counter[UUID]:
    """Base units of each product, all lines together. Raises Refused(InvalidQuantity)."""
    summed: Counter[UUID] = Counter()
    for product, quantity in lines:
        base = to_base(quantity, products[product].scale)
        if base is None:
            raise Refused(InvalidQuantity(product, str(quantity)))
        summed[product] += base
    return summed


async def create(
    db: Database,
    viewer: Viewer,
    key: UUID,
    from_store_id: UUID,
    to_store_id: UUID,
    asked: Sequence[LineRequest],
    note: str | None,
) -> Transfer:
    """A transfer that nobody asked for, to be shipped. Raises Refused as `amounts` does."""
    for store in (from_store_id, to_store_id):
        access.at(viewer, Can.RUN_TRANSFERS, store)
    apart(from_store_id, to_store_id)
    note = clean(note, "note", 500, lines=True)
    wanted = await amounts(db, viewer.tenant, to_store_id, asked)
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
        line_of(row, number, each, approved=each.base) for number, each in enumerate(wanted, 1)
    ]
    said = ("createTransfer", from_store_id, to_store_id, said_of(asked), note)
    return await written(db, viewer, key, row, lines, said)


def apart(one: UUID, other: UUID) -> None:
    if one == other:
        raise Malformed("fromStoreId: another store than the one that receives")


def said_of(asked: Sequence[Any] | None) -> list[list[Any]] | None:
    """What the client sent: a retry is the same request."""
    return None if asked is None else [list(astuple(line)) for line in asked]


def line_of(row: Transfer, number: int, each: Amount, **quantities: int) -> TransferLine:
    told = {"product_id": each.product_id, "scale": each.scale, **quantities}
    return TransferLine(tenant_id=row.tenant_id, transfer_id=row.id, line=number, **told)


async def written(
    db: Database,
    viewer: Viewer,
    key: UUID,
    row: Transfer,
    lines: Sequence[TransferLine],
    said: Sequence[Any],
) -> Transfer:
    """Writes a new transfer, once a key."""
    async with db.unit(viewer.tenant) as unit:
        if earlier := await claim(unit, viewer.actor, key, row.id, *said):
            return (await rows.transfers_by_id(unit.session, unit.tenant, [earlier]))[0]
        await enter(unit, row, lines)
    return row


async def enter(unit: Unit, row: Transfer, lines: Sequence[TransferLine]) -> None:
    row.created_at = unit.now
    unit.session.add(row)
    await unit.session.flush()
    unit.session.add_all(lines)
    await unit.session.flush()
    file(unit, row)


async def ship(
    db: Database, viewer: Viewer, key: UUID, transfer_id: UUID, asked: Sequence[LineRequest] | None
) -> Transfer:
    """Sends what was approved, or what is told of it, from shelf to transit; nothing expired.

    Raises Refused: UnknownTransfer, OutOfStock, ExceedsTransfer for more than was approved,
    WrongState for what is not approved or was shipped before; and as `lines_of` does.
    """
    row = await get_transfer(db, viewer, Can.RUN_TRANSFERS, transfer_id)
    if row.from_store is None:
        raise Refused(WrongState(row.state))
    lines, sent = await _sent(db, viewer.tenant, row, asked)
    draft = movement_of(row.id, Kind.SHIPMENT, row.from_store, key, viewer.actor, lines)
    await open_for(db, viewer.tenant, draft)

    async def work(unit: Unit, row: Transfer) -> None:
        if row.state != "APPROVED":
            raise Refused(WrongState(row.state))
        await post_in(unit, draft)
        for line in await rows.lines_of(unit.session, unit.tenant, [row.id]):
            line.shipped = sent.get(line.product_id, 0)
        row.state, row.shipped_by, row.shipped_at = "SHIPPED", viewer.actor, unit.now

    said = ("shipTransfer", row.id, said_of(asked))
    return await with_overdue(
        db, viewer.tenant, row.from_store, lambda: change(db, viewer, key, row, said, work)
    )


async def _sent(
    db: Database, tenant: UUID, row: Transfer, asked: Sequence[LineRequest] | None
) -> tuple[list[Line], Mapping[UUID, int]]:
    """The lines to ship, and how much they are of each product, in base units."""
    assert row.from_store is not None
    shelf, transit = Place(row.from_store, "shelf"), Place(row.to_store, "transit")
    async with db.read(tenant) as session:
        planned = await rows.lines_of(session, tenant, [row.id])
    approved = {line.product_id: line.approved for line in planned if line.approved}
    if asked is None:
        scales = {line.product_id: line.scale for line in planned}
        whole = ((product, from_base(n, scales[product])) for product, n in approved.items())
        return [Line(product, told, shelf, transit) for product, told in whole], approved
    resolved = await lines_of(db, tenant, row.from_store, asked, arriving=False)
    batches = await resolve_batches(db, tenant, row.from_store, resolved, "shelf", clock())
    lines = [
        Line(product, quantity, shelf, transit, batches=named)
        for (_, product, quantity), (named, _) in zip(resolved, batches, strict=True)
    ]
    products = await known(db, tenant, {line.product for line in lines})
    sent = summed_up(((line.product, line.quantity) for line in lines), products)
    over = [
        Excess(product, base, approved.get(product, 0), products[product].scale)
        for product, base in sent.items()
        if base > approved.get(product, 0)
    ]
    if over:
        raise Refused(ExceedsTransfer(tuple(over)))
    return lines, sent


async def cancel(
    db: Database, viewer: Viewer, key: UUID, transfer_id: UUID, reason: str | None
) -> Transfer:
    """Gives up what was approved; what is on its way and did not arrive at all comes back to
    the shelf it left, to its batches.

    Raises Refused: UnknownTransfer, WrongState once anything arrived.
    """
    row = await get_transfer(db, viewer, Can.RUN_TRANSFERS, transfer_id)
    reason = clean(reason, "reason", 200)

    async def work(unit: Unit, row: Transfer) -> None:
        if row.state not in ("APPROVED", "SHIPPED"):
            raise Refused(WrongState(row.state))
        if row.state == "SHIPPED":
            await _recall(unit, row, key, viewer.actor)
        row.state, row.reason, row.ended_at = "CANCELLED", reason, unit.now

    return await change(db, viewer, key, row, ("cancelTransfer", row.id, reason), work)


async def _recall(unit: Unit, row: Transfer, key: UUID, actor: UUID) -> None:
    assert row.from_store is not None
    transit, shelf = Place(row.to_store, "transit"), Place(row.from_store, "shelf")
    held = await rows.in_transit(unit, row)
    back = [moved(each, each.quantity, transit, shelf) for each in held]
    recalled = movement_of(row.id, Kind.SHIPMENT_RECALL, row.from_store, key, actor, back)
    await post_in(unit, recalled)
    for line in await rows.lines_of(unit.session, unit.tenant, [row.id]):
        line.returned = line.shipped
