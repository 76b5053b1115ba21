"""Contacts of customers: sealed when they are stored, found by their exact number or name."""

from typing import NamedTuple
from uuid import UUID

import structlog

from app.db.core.vault import Unopened, Vault
from app.db.tables import Order, Pass
from app.domain.rules.addresses import counted_address
from app.domain.rules.phones import normal

log = structlog.get_logger()


class SealedContact(NamedTuple):
    """A contact as it is stored: encrypted, with the blind index of its number or name."""

    sealed_contact: bytes
    contact_index: bytes


def seal(vault: Vault, tenant: UUID, row: UUID, contact: str) -> SealedContact:
    """The contact of an order or a pass, for that row only."""
    return SealedContact(vault.seal(tenant, row, contact), vault.index(tenant, normal(contact)))


def contact_of(vault: Vault, row: Order | Pass) -> str | None:
    """The contact of an order or a pass; None once it is erased.

    None as well, with a line in the log, when its secret is gone.
    """
    if row.sealed_contact is None:
        # A row of an earlier version that `seal_contacts` has not reached yet.
        return row.plain_contact
    try:
        return vault.open(row.tenant_id, row.id, row.sealed_contact)
    except Unopened:
        log.error("contact.unopened", tenant=str(row.tenant_id), id=str(row.id))
        return None


def address_index(vault: Vault, tenant: UUID, address: str) -> bytes | None:
    """The blind index of the address that a guest ordered from; None for an unknown address."""
    return vault.index(tenant, f"address {counted_address(address)}") if address else None


def printed(vault: Vault, tenant: UUID, contact: str) -> str:
    """The contact in a request's fingerprint: a keyed hash, because a plain one can be guessed."""
    return vault.index(tenant, contact).hex()


def indexes(vault: Vault, tenant: UUID, contact: str | None) -> list[bytes] | None:
    """The blind indexes that find orders and passes of this contact; None without a contact."""
    return None if contact is None else vault.indexes(tenant, normal(contact))
