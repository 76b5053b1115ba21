"""Every ten minutes: the reports of a month that is over are requested for their subscribers."""

from uuid import UUID

from app.db.core.lane import Lane
from app.db.core.unit import Database
from app.domain.ledger.draft import Draft
from app.domain.ledger.post import Outcome
from app.domain.reports import monthly
from app.jobs.tenants import for_every_tenant


@for_every_tenant
async def request_monthly(db: Database, _: Lane[Draft, Outcome], tenant: UUID) -> None:
    """Request what is due for the tenant. Run twice or at once, it requests each file once."""
    await monthly.request_monthly(db, tenant)
