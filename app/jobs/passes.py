"""Every minute: end passes whose last day is over, and release the goods reserved or consumed in
advance."""

from uuid import UUID

from app.db.core.lane import Lane
from app.db.core.unit import Database
from app.domain.documents.passes import expire
from app.domain.ledger.draft import Draft
from app.domain.ledger.post import Outcome
from app.jobs.tenants import for_every_tenant


@for_every_tenant
async def expire_passes(db: Database, _lane: Lane[Draft, Outcome], tenant: UUID) -> None:
    """End the tenant's passes, each by the clock of the store that sold it."""
    await expire(db, tenant)
