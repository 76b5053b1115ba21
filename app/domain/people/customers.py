"""Use cases of customers' contacts: sealed where they are plain or under a former secret."""

from uuid import UUID

from app.db import contacts as rows
from app.db.contacts import Contacted, StoredContact
from app.db.core.unit import Database, Unit
from app.db.core.vault import Unopened, Vault
from app.domain.people import contacts

BATCH = 500
FIRST = UUID(int=0)


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


async def _seal_batch(unit: Unit, vault: Vault, table: Contacted, after: UUID) -> UUID | None:
    """Seal the next contacts; the id of the last one, None when there are no others."""
    batch = await rows.contacts_to_seal(unit, table, vault.kid, after, BATCH)
    for row in batch:
        contact = _opened(vault, unit.tenant, row)
        if contact is not None:
            sealed = contacts.seal(vault, unit.tenant, row.id, contact)
            await rows.put_contact(unit, table, row.id, *sealed)
    return batch[-1].id if len(batch) == BATCH else None


def _opened(vault: Vault, tenant: UUID, row: StoredContact) -> str | None:
    if row.sealed is None:
        return row.plain
    try:
        return vault.open(tenant, row.id, row.sealed)
    except Unopened:
        return None
