"""Every minute: end sold-out marks and markdowns whose last day is over."""

from uuid import UUID

from app.db.core.lane import Lane
from app.db.core.unit import Database
from app.domain.catalog.markdowns import end_markdowns
from app.domain.catalog.menu import reopen
from app.domain.ledger.draft import Draft
from app.domain.ledger.post import Outcome
from app.jobs.tenants import for_every_tenant


@for_every_tenant
async def open_menus(db: Database, _lane: Lane[Draft, Outcome], tenant: UUID) -> None:
    """End the marks and markdowns of the tenant's stores at each store's own midnight."""
    await reopen(db, tenant)
    await end_markdowns(db, tenant)
