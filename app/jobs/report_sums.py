"""Every ten minutes: keep the sums of stock from which the overview is read."""

from uuid import UUID

from app.db.core.lane import Lane
from app.db.core.unit import Database
from app.domain.ledger.draft import Draft
from app.domain.ledger.post import Outcome
from app.domain.reports import report_sums
from app.jobs.tenants import for_every_tenant


@for_every_tenant
async def keep_sums(db: Database, _lane: Lane[Draft, Outcome], tenant: UUID) -> None:
    """Keep the sums of the tenant's stores that have changed, or whose day has."""
    await report_sums.keep_sums(db, tenant)
