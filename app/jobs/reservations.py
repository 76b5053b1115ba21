"""Every minute: orders whose reservation is overdue release their goods.

Reads and sales do not depend on this job, and in a watched store overdue orders are ended at once.
"""

from uuid import UUID

from app.db.core.lane import Lane
from app.db.core.unit import Database
from app.domain.ledger.draft import Draft
from app.domain.ledger.post import Outcome
from app.domain.ledger.reservations import end_overdue
from app.jobs.tenants import for_every_tenant


@for_every_tenant
async def end_overdue_orders(db: Database, _lane: Lane[Draft, Outcome], tenant: UUID) -> None:
    """End the tenant's overdue orders."""
    await end_overdue(db, tenant)
