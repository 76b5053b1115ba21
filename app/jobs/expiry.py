"""Every minute: goods that expired by their store's own clock go to quarantine."""

from uuid import UUID

from app.db.core.lane import Lane
from app.db.core.unit import Database
from app.domain.ledger.draft import Draft
from app.domain.ledger.post import Outcome
from app.domain.movements.batches import expiring
from app.jobs.tenants import for_every_tenant


@for_every_tenant
async def expire(db: Database, lane: Lane[Draft, Outcome], tenant: UUID) -> None:
    """Post EXPIRE for every store of the tenant. Run twice or at once, it moves goods once.

    A movement whose goods were taken meanwhile is refused; the batch is checked again a minute
    later.
    """
    for draft in await expiring(db, tenant):
        await lane.submit(tenant, draft)
