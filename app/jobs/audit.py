"""Every night: each tenant's ledger is checked, and the result is kept for `health`."""

from uuid import UUID

import structlog

from app.db import health
from app.db.core.lane import Lane
from app.db.core.unit import Database
from app.domain.ledger.draft import Draft
from app.domain.ledger.post import Outcome
from app.domain.notices.watch import judge_drift
from app.jobs.tenants import for_every_tenant

log = structlog.get_logger()


@for_every_tenant
async def audit(db: Database, _lane: Lane[Draft, Outcome], tenant: UUID) -> None:
    """Check every invariant of the tenant's ledger; breaches raise an alert and are logged."""
    async with db.unit(tenant) as unit:
        result = await health.audit_tenant(unit)
        breaches, invariants = result.breaches, result.invariants
        await judge_drift(unit, breaches)
    if breaches:
        log.error("audit.drift", tenant=str(tenant), breaches=breaches, invariants=invariants)
