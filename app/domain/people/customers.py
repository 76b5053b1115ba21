"""Use cases of customers' contacts: read in full, erased, and sealed by a job."""

from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

import structlog
from uuid_utils.compat import uuid7

from app.db import audit_log, orders, passes
from app.db import contacts as rows
from app.db import customers as customer_rows
from app.db.audit_log import AuditRow
from app.db.contacts import Contacted, ErasedContact, StoredContact
from app.db.core.unit import Database, Unit
from app.db.core.vault import Unopened, Vault
from app.db.tables import Customer, Order, Pass
from app.domain import access
from app.domain.access import Can, Viewer
from app.domain.audit_log import Act, Subject, audit_row, record_act
from app.domain.claims import claim
from app.domain.errors import Malformed, Refused, UnknownOrder, UnknownPass
from app.domain.people import contacts, tokens
from app.domain.people.customer_accounts import erase_account, phone_of, seal_account_again
from app.domain.people.sessions import Gate
from app.domain.rules.phones import dialled_digits, normal
from app.domain.rules.texts import clean

log = structlog.get_logger()

BATCH = 500
FIRST = UUID(int=0)


class RevealedContact(NamedTuple):
    """A contact in full; None once it is erased."""

    contact: str | None


class ErasedCustomer(NamedTuple):
    """How many orders and passes a customer's contact was erased from, and how many accounts."""

    orders: int
    passes: int
    accounts: int = 0


async def reveal(
    db: Database, viewer: Viewer, key: UUID, order_id: UUID | None, pass_id: UUID | None
) -> RevealedContact:
    """The contact of an order or a pass in full; the audit log records who read it.

    Raises Refused (UnknownOrder, UnknownPass), and Malformed unless exactly one id is given.
    """
    if (order_id is None) == (pass_id is None):
        raise Malformed(
            "orderId", "订单和次卡须填且只填一个", "Give exactly one of order and pass."
        )
    request = ("revealContact", order_id, pass_id)
    async with db.unit(viewer.tenant) as unit:
        row = await _row(unit, viewer, order_id, pass_id)
        if await claim(unit, viewer.actor, key, row.id, *request) is None:
            subject = Subject.ORDER if isinstance(row, Order) else Subject.PASS
            await record_act(unit, viewer, Act.REVEAL_CONTACT, subject, row.id, row.store_id)
    return RevealedContact(contacts.contact_of(db.vault, row))


async def _row(
    unit: Unit, viewer: Viewer, order_id: UUID | None, pass_id: UUID | None
) -> Order | Pass:
    """The order or pass within the viewer's reach. Raises Refused."""
    if order_id is not None:
        documents = [*await orders.orders_by_id(unit.session, unit.tenant, [order_id])]
    else:
        ids = [] if pass_id is None else [pass_id]
        documents = [*await passes.passes_by_id(unit.session, unit.tenant, ids)]
    if not documents or not access.within(viewer, Can.REVEAL_CONTACTS, [documents[0].store_id]):
        raise Refused(UnknownOrder(str(order_id)) if order_id else UnknownPass(str(pass_id)))
    return documents[0]


async def erase(db: Database, viewer: Viewer, key: UUID, contact: str) -> ErasedCustomer:
    """Erase a phone number or a name from all orders and passes, with the texts that hold it.

    Movements hold no contact and stay as they are. The audit log records the numbers of rows.
    """
    contact = clean(contact, "contact", 100, required=True)
    # Rows of earlier versions are read one by one, so seal most of them in batches first.
    await seal_contacts(db, viewer.tenant)
    record = uuid7()
    request = ("eraseCustomer", contacts.printed(db.vault, viewer.tenant, contact))
    async with db.unit(viewer.tenant) as unit:
        if earlier := await claim(unit, viewer.actor, key, record, *request):
            details = (await audit_log.record_by_id(unit.session, unit.tenant, earlier)).details
            return ErasedCustomer(details["orders"], details["passes"], details.get("accounts", 0))
        indexes = db.vault.indexes(unit.tenant, normal(contact))
        accounts = await customer_rows.customers_of_phone(unit, indexes)
        erased = await _erase(unit, db.vault, contact, accounts)
        await audit_log.write(unit, [_record(viewer, erased)._replace(id=record)])
    return erased


async def delete_account(gate: Gate, viewer: Viewer, key: UUID) -> ErasedCustomer:
    """Erase the viewer's own account, with the contact of its orders and passes; its sessions end,
    also that of the request."""
    db = gate.db
    async with db.unit(viewer.tenant) as unit:
        request = ("deleteMyAccount", viewer.actor)
        await claim(unit, viewer.claimant, key, viewer.actor, *request)
        account = await customer_rows.customer_to_change(unit, viewer.actor)
        if account is None:
            raise tokens.unknown()
        erased = await _erase(unit, db.vault, phone_of(db.vault, account), [account])
        await audit_log.write(unit, [_record(viewer, erased)])
    gate.forget(viewer.tenant)
    return erased


def _record(viewer: Viewer, erased: ErasedCustomer) -> AuditRow:
    act = Act.ERASE_CUSTOMER, Subject.CHAIN, viewer.tenant
    return audit_row(viewer, *act, **erased._asdict())


async def _erase(
    unit: Unit, vault: Vault, contact: str | None, accounts: Sequence[Customer]
) -> ErasedCustomer:
    orders: list[UUID] = []
    passes: list[UUID] = []
    for account in accounts:
        placed_by, bought = await customer_rows.owned_by(unit, account.id)
        orders, passes = orders + placed_by, passes + bought
        await erase_account(unit, account)
    placed = await _erase_from(unit, vault, Order, contact, orders)
    sold = await _erase_from(unit, vault, Pass, contact, passes)
    for digits in dialled_digits(contact) if contact else ():
        await rows.erase_texts(unit, digits)
    for order in placed:
        if order.ended_at is None:
            unit.document_changed(order.store_id, order.id)
    return ErasedCustomer(len(placed), len(sold), len(accounts))


async def _erase_from(
    unit: Unit, vault: Vault, table: Contacted, contact: str | None, owned: Sequence[UUID]
) -> list[ErasedContact]:
    if contact is None:
        return await rows.erase_contacts(unit, table, (), owned)
    spelled = normal(contact)
    # A process of an earlier version may have stored a plain contact just now.
    plain = [id for id, text in await rows.plain_contacts(unit, table) if normal(text) == spelled]
    ids = [*owned, *plain]
    return await rows.erase_contacts(unit, table, vault.indexes(unit.tenant, spelled), ids)


async def seal_contacts(db: Database, tenant: UUID) -> None:
    """Seal the tenant's contacts that earlier versions stored plainly, or a former secret sealed.

    In transactions of at most `BATCH` rows, so that no writer waits long; run twice or at once,
    each contact is sealed once. A contact whose secret is gone stays as it is.
    """
    for table in rows.TABLES:
        after: UUID | None = FIRST
        while after is not None:
            async with db.unit(tenant) as unit:
                after = await _seal_batch(unit, db.vault, table, after)
    after = FIRST
    while after is not None:
        async with db.unit(tenant) as unit:
            after = await _seal_accounts(unit, db.vault, after)


async def _seal_batch(unit: Unit, vault: Vault, table: Contacted, after: UUID) -> UUID | None:
    """Seal the next contacts; the id of the last one, None when there are no others."""
    batch = await rows.contacts_to_seal(unit, table, vault.kid, after, BATCH)
    for row in batch:
        contact = _opened(vault, unit.tenant, row)
        if contact is not None:
            sealed = contacts.seal(vault, unit.tenant, row.id, contact)
            await rows.put_contact(unit, table, row.id, *sealed)
    return batch[-1].id if len(batch) == BATCH else None


async def _seal_accounts(unit: Unit, vault: Vault, after: UUID) -> UUID | None:
    """The same for the identities and phone numbers of accounts."""
    batch = await customer_rows.sealed_by_others(unit, vault.kid, after, BATCH)
    for row in batch:
        try:
            seal_account_again(vault, row)
        except Unopened:
            log.error("customer.unopened", tenant=str(unit.tenant), id=str(row.id))
    return batch[-1].id if len(batch) == BATCH else None


def _opened(vault: Vault, tenant: UUID, row: StoredContact) -> str | None:
    if row.sealed is None:
        return row.plain
    try:
        return vault.open(tenant, row.id, row.sealed)
    except Unopened:
        return None
