"""Alerts: judge the stores that changed, or whose day has begun."""

from functools import partial
from uuid import UUID

from app.db import identity
from app.db.core.unit import Database
from app.domain.notices.watch import watch_stores
from app.jobs.rounds import Rounds

PAUSE_SECONDS = 2.0


async def serve_alerts(db: Database) -> None:
    """Run for ever, every two seconds; a failure delays its tenant only."""

    async def serve(tenant: UUID) -> None:
        await watch_stores(db, tenant)

    await Rounds(partial(identity.tenants, db), serve, "alerts.failing").run(PAUSE_SECONDS)
