"""Every hour: levels with movements since their last checkpoint get a new one, at most one per day
of the store."""

from uuid import UUID

from app.db.core.lane import Lane
from app.db.core.unit import Database, clock
from app.domain.ledger.draft import Draft
from app.domain.ledger.post import Outcome
from app.domain.movements import checkpoints
from app.jobs.tenants import for_every_tenant


@for_every_tenant
async def keep_checkpoints(db: Database, _lane: Lane[Draft, Outcome], tenant: UUID) -> None:
    """Write the tenant's checkpoints that are due."""
    await checkpoints.keep_checkpoints(db, tenant, clock())
