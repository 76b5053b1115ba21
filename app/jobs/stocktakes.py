"""Every minute: finish closings of stocktakes that were interrupted."""

from datetime import timedelta
from uuid import UUID

from app.db.core.lane import Lane
from app.db.core.unit import Database, clock
from app.domain.documents.stocktake_close import resume_closings
from app.domain.ledger.draft import Draft
from app.domain.ledger.post import Outcome
from app.jobs.tenants import for_every_tenant

PAUSE = timedelta(minutes=1)
"""A closing that posted nothing for this time was interrupted; one step takes less."""


@for_every_tenant
async def resume_interrupted(db: Database, _lane: Lane[Draft, Outcome], tenant: UUID) -> None:
    """Continue the tenant's interrupted closings, on behalf of the person who began each."""
    await resume_closings(db, tenant, clock() - PAUSE)
