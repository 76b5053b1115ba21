"""Every minute: what has expired by its store's own clock leaves the shelf, with a ledger entry."""

from app.db import identity
from app.db.core.lane import Lane
from app.db.core.unit import Database
from app.domain.ledger.draft import Draft
from app.domain.ledger.post import Outcome
from app.domain.movements.batches import expiring


async def expire(db: Database, lane: Lane[Draft, Outcome]) -> None:
    """Posts EXPIRE for every store of every tenant. Run twice or at once, it moves things once.

    What somebody took away meanwhile is refused, and looked at again a minute later.
    """
    for tenant in await identity.tenants(db):
        for draft in await expiring(db, tenant):
            await lane.submit(tenant, draft)
