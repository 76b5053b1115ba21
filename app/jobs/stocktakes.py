"""Every minute: closings of stocktakes that were interrupted are posted to their end."""

from datetime import timedelta
from uuid import UUID

from app.db.core.lane import Lane
from app.db.core.unit import Database, clock
from app.domain.documents.stocktake_close import resume_closings
from app.domain.ledger.draft import Draft
from app.domain.ledger.post import Outcome
from app.jobs.tenants import for_every_tenant

PAUSE = timedelta(minutes=1)
"""A closing that posts nothing for so long was interrupted; one step takes less."""


@for_every_tenant
async def resume_interrupted(db: Database, _lane: Lane[Draft, Outcome], tenant: UUID) -> None:
    """Go on with the tenant's interrupted closings, in the name of the person who began each."""
    await resume_closings(db, tenant, clock() - PAUSE)
