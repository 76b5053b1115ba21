"""Every ten minutes: contacts that are not sealed with the current secret are sealed with it."""

from uuid import UUID

from app.db.core.lane import Lane
from app.db.core.unit import Database
from app.domain.ledger.draft import Draft
from app.domain.ledger.post import Outcome
from app.domain.people import customers
from app.domain.people.seals import seal_again
from app.jobs.tenants import for_every_tenant


@for_every_tenant
async def seal_contacts(db: Database, _lane: Lane[Draft, Outcome], tenant: UUID) -> None:
    """Seal the tenant's contacts of earlier versions, and those of the former secret."""
    await customers.seal_contacts(db, tenant)
    await seal_again(db, tenant)
