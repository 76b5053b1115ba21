"""Contacts of orders and passes: rows to seal, and rows whose contact is erased."""

from collections.abc import Collection
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import ColumnElement, func, literal_column, or_, select, update
from sqlalchemy.orm import InstrumentedAttribute

from app.db.core.statement import among
from app.db.core.unit import Unit
from app.db.orders import GUEST
from app.db.tables import Order, Pass, PurchaseOrder, Supplier, Transfer, TransferLine, WriteOff

Contacted = type[Order] | type[Pass]
TABLES: tuple[Contacted, ...] = (Order, Pass)

STORED = ("plain_contact", "sealed_contact", "contact_index")
PERSONAL: dict[Contacted, tuple[str, ...]] = {
    Order: (*STORED, "address_index", "note", "reason"),
    Pass: STORED,
}
"""Columns that are erased with a contact."""

NOTES: tuple[InstrumentedAttribute[Any], ...] = (
    Order.note,
    Order.reason,
    WriteOff.note,
    WriteOff.decision_note,
    WriteOff.reason,
    Transfer.note,
    Transfer.reason,
    TransferLine.reason,
    PurchaseOrder.note,
    PurchaseOrder.reason,
    Supplier.note,
)
"""Free texts of documents: rows of earlier versions may hold phone numbers."""
ERASED = "已删除"
"""Replaces an erased text in a column that cannot be empty."""

INDEX_BYTES = 36


class StoredContact(NamedTuple):
    """A contact as it is stored: in plain text if an earlier version wrote it, otherwise sealed."""

    id: UUID
    plain: str | None
    sealed: bytes | None


async def contacts_to_seal(
    unit: Unit, table: Contacted, kid: bytes, after: UUID, limit: int
) -> list[StoredContact]:
    """Lock contacts that are plain or sealed with another key, by id; busy rows are left out."""
    last = kid + b"\xff" * (INDEX_BYTES - len(kid))
    other_key = or_(table.contact_index < kid, table.contact_index > last)
    query = (
        select(table.id, table.plain_contact, table.sealed_contact)
        .where(table.tenant_id == unit.tenant, table.id > after)
        .where(or_(table.plain_contact.is_not(None), other_key))
        .order_by(table.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    return [StoredContact(*row) for row in await unit.session.execute(query)]


async def put_contact(unit: Unit, table: Contacted, id: UUID, sealed: bytes, index: bytes) -> None:
    """Store the sealed contact, and empty the plain column."""
    row = update(table).where(table.tenant_id == unit.tenant, table.id == id)
    values = {"plain_contact": None, "sealed_contact": sealed, "contact_index": index}
    await unit.session.execute(row.values(values))


async def plain_contacts(unit: Unit, table: Contacted) -> list[tuple[UUID, str]]:
    """The contacts that an earlier version stored and no job has sealed yet; usually none."""
    query = select(table.id, table.plain_contact).where(
        table.tenant_id == unit.tenant, table.plain_contact.is_not(None)
    )
    return [(id, text) for id, text in await unit.session.execute(query) if text is not None]


class ErasedContact(NamedTuple):
    """An order or a pass whose contact was erased; `ended_at` is null while it is open."""

    id: UUID
    store_id: UUID
    ended_at: datetime | None


async def erase_contacts(
    unit: Unit, table: Contacted, indexes: Collection[bytes], ids: Collection[UUID]
) -> list[ErasedContact]:
    """Erase the contacts with these blind indexes or in rows with these ids, and the texts of
    orders."""
    locked = (
        select(table.id)
        .where(table.tenant_id == unit.tenant)
        .where(or_(among(table.contact_index, indexes), among(table.id, ids)))
        .order_by(table.id)
        .with_for_update()
        .cte("locked")
    )
    rows = update(table).where(table.tenant_id == unit.tenant, table.id == locked.c.id)
    erased = rows.values(dict.fromkeys(PERSONAL[table]))
    returned = erased.returning(table.id, table.store_id, table.ended_at)
    return [ErasedContact(*row) for row in await unit.session.execute(returned)]


async def erase_texts(unit: Unit, digits: str) -> None:
    """Erase the free texts of documents that hold these digits, however they are separated."""
    for column in NOTES:
        plain = func.translate(column, "０１２３４５６７８９", "0123456789")
        held = func.regexp_replace(plain, literal_column("'[^0-9]'"), "", literal_column("'g'"))
        table: Any = column.class_
        rows = update(table).where(
            table.tenant_id == unit.tenant, held.contains(digits, autoescape=True)
        )
        erased = None if column.property.columns[0].nullable else ERASED
        await unit.session.execute(rows.values({column.key: erased}))


async def erase_guest_contacts(unit: Unit, before: datetime, limit: int) -> int:
    """Erase the contacts and texts of at most `limit` orders without an account that ended before
    this time. Returns the number of erased orders."""
    due = (
        select(Order.id)
        .where(Order.tenant_id == unit.tenant, Order.ended_at < before)
        .where(Order.sealed_contact.is_not(None), _without_account())
        .order_by(Order.ended_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    ids = (await unit.session.scalars(due)).all()
    rows = update(Order).where(Order.tenant_id == unit.tenant, among(Order.id, ids))
    await unit.session.execute(rows.values(dict.fromkeys(PERSONAL[Order])))
    return len(ids)


def _without_account() -> ColumnElement[bool]:
    """Orders of guests and of customers of channels, spelled as in ix_orders_retained."""
    guest: ColumnElement[UUID] = literal_column(f"'{GUEST}'")
    return or_(Order.placed_by == guest, Order.external_id.is_not(None))
