"""Alerts: judge the stores that changed, notify the recipients, and send what is due."""

from functools import partial
from uuid import UUID

from app.db import escalations, identity, notices
from app.db.core.unit import Database
from app.domain.notices.deliver import deliver
from app.domain.notices.digest import write_digests
from app.domain.notices.dispatch import dispatch
from app.domain.notices.escalate import escalate
from app.domain.notices.providers import Providers
from app.domain.notices.store_changes import ShowChange, dispatch_changes
from app.domain.notices.watch import watch_stores
from app.jobs.rounds import Rounds

PAUSE_SECONDS = 2.0


async def serve_alerts(db: Database, providers: Providers, show: ShowChange) -> None:
    """Run every two seconds until cancelled; a failure delays its tenant only."""

    async def serve(tenant: UUID) -> None:
        await watch_stores(db, tenant)
        await notify(db, tenant, providers, show)

    await Rounds(db, "alerts", partial(identity.tenants, db), serve).run(PAUSE_SECONDS)


async def notify(db: Database, tenant: UUID, providers: Providers, show: ShowChange) -> None:
    """Write the tenant's deliveries, and send those that are due."""
    async with db.read(tenant) as session:
        due = await notices.is_due(session, tenant)
        overdue = await escalations.is_due(session, tenant)
    if overdue:
        await escalate(db, tenant)
        await write_digests(db, tenant)
    if due or overdue:
        await dispatch(db, tenant)
        await dispatch_changes(db, tenant, show)
        await deliver(db, tenant, providers)
