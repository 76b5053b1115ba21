"""How late movements may be recorded: the chain's horizon, in days."""

from datetime import datetime, timedelta
from uuid import UUID

from app.db import identity as rows
from app.db import tables
from app.db.core.snapshot import Reads
from app.db.core.unit import Database, clock
from app.domain import access
from app.domain.access import Can, Viewer
from app.domain.audit_log import Act, Subject, record_act
from app.domain.claims import claim
from app.domain.errors import Malformed

SHORTEST, LONGEST = 1, 3650
"""Bounds of the horizon in days."""


async def earliest_for(
    reads: Reads, viewer: Viewer, store: UUID, occurred_at: datetime | None
) -> datetime | None:
    """The earliest moment of a movement that the viewer may record in the store; None for any.

    Who may adjust stock by hand is not bound. Read only for what happened more than a day ago.
    """
    now = clock()
    if occurred_at is None or occurred_at >= now - timedelta(days=SHORTEST):
        return None
    if access.within(viewer, Can.ADJUST, [store]):
        return None
    async with reads.read(viewer.tenant) as session:
        [tenant] = (await rows.tenants_by_id(session, viewer.tenant, [viewer.tenant])).values()
    return now - timedelta(days=tenant.backdate_days)


async def set_backdate_days(db: Database, viewer: Viewer, key: UUID, days: int) -> tables.Tenant:
    """The chain with this horizon. Raises Malformed for days out of bounds, Refused(KeyReused)."""
    if not SHORTEST <= days <= LONGEST:
        raise Malformed(
            "days",
            f"补录期限须为 {SHORTEST} 至 {LONGEST} 天",
            f"Days: give {SHORTEST} to {LONGEST}.",
        )
    async with db.unit(viewer.tenant) as unit:
        earlier = await claim(unit, viewer.claimant, key, viewer.tenant, "setBackdateDays", days)
        tenant = await rows.locked_tenant(unit)
        if earlier is None:
            tenant.backdate_days = days
            await record_act(unit, viewer, Act.SET_BACKDATE_DAYS, Subject.CHAIN, viewer.tenant)
    return tenant
