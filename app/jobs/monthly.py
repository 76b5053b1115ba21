"""Every ten minutes: request the reports of the previous month for their subscribers."""

from uuid import UUID

from app.db.core.lane import Lane
from app.db.core.unit import Database
from app.domain.ledger.draft import Draft
from app.domain.ledger.post import Outcome
from app.domain.reports import monthly
from app.jobs.tenants import for_every_tenant


@for_every_tenant
async def request_monthly(db: Database, _: Lane[Draft, Outcome], tenant: UUID) -> None:
    """Request the tenant's due reports. Each file is requested once, even if two processes run this
    at once."""
    await monthly.request_monthly(db, tenant)
