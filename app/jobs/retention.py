"""Every hour: changes, keys, scans and contacts are deleted in batches, when they are too old."""

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from uuid import UUID

from app.db import contacts, identity, retention
from app.db.core.lane import Lane
from app.db.core.unit import Database, Unit, clock
from app.db.updates import CHANGES_KEPT
from app.domain.ledger.draft import Draft
from app.domain.ledger.post import Outcome
from app.jobs.tenants import for_every_tenant

KEYS_KEPT = timedelta(days=90)
"""How long a key is recognized; an older key counts as a new request."""
CONTACTS_KEPT = timedelta(days=30)
"""How long the contact of an order without an account is kept after the order has ended."""
SCANS_KEPT = timedelta(days=90)
"""How long the scans of a session that has ended are kept; the session and its movements stay."""
BATCH = 500


@for_every_tenant
async def trim(db: Database, _lane: Lane[Draft, Outcome], tenant: UUID) -> None:
    """Delete the tenant's changes older than 7 days, keys older than 90 days and scans of sessions
    that ended 90 days ago; erase contacts of guests' orders that ended more than 30 days ago."""
    await trim_before(db, tenant, clock())


async def trim_before(db: Database, tenant: UUID, now: datetime) -> None:
    """Delete the rows that are too old at the time `now`."""
    async with db.read(tenant) as session:
        stores = await identity.store_ids(session, tenant)
    for store in sorted(stores):
        await _in_batches(
            db,
            tenant,
            lambda unit, store=store: retention.delete_changes(
                unit, store, now - CHANGES_KEPT, BATCH
            ),
        )
    await _in_batches(
        db, tenant, lambda unit: retention.delete_requests(unit, now - KEYS_KEPT, BATCH)
    )
    await _in_batches(
        db, tenant, lambda unit: retention.delete_upserts(unit, now - KEYS_KEPT, BATCH)
    )
    await trim_scans(db, tenant, now)
    await _in_batches(
        db, tenant, lambda unit: contacts.erase_guest_contacts(unit, now - CONTACTS_KEPT, BATCH)
    )


async def trim_scans(db: Database, tenant: UUID, now: datetime) -> None:
    """Delete the scans of sessions that ended too long before the time `now`."""
    deleted = 1
    while deleted:
        async with db.unit(tenant) as unit:
            deleted = await retention.delete_scans(unit, now - SCANS_KEPT, BATCH)


async def _in_batches(db: Database, tenant: UUID, delete: Callable[[Unit], Awaitable[int]]) -> None:
    """Delete in transactions of at most `BATCH` rows, so that writers do not wait long."""
    deleted = BATCH
    while deleted == BATCH:
        async with db.unit(tenant) as unit:
            deleted = await delete(unit)
