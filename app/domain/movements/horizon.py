"""When movements happened, and how late they may be recorded: the chain's horizon, in days."""

from datetime import datetime, timedelta
from typing import NamedTuple
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


CLOCK_SKEW = timedelta(minutes=5)
"""How far ahead of ours a device's clock may be."""


class Moment(NamedTuple):
    """When a movement happened: `dated` if the client says so, now otherwise.

    The ledger refuses what happened before `earliest`; None for no bound.
    """

    at: datetime
    dated: bool = False
    earliest: datetime | None = None


async def moment_of(
    reads: Reads, viewer: Viewer, store: UUID, occurred_at: datetime | None
) -> Moment:
    """The moment that a client gives, now by default. Raises Malformed for one in the future."""
    now = clock()
    if occurred_at is None:
        return Moment(now)
    if occurred_at > now + CLOCK_SKEW:
        raise Malformed(
            "occurredAt",
            "发生时间晚于现在，请检查设备时钟",
            "The time lies in the future: check the clock of the device.",
        )
    earliest = await _earliest(reads, viewer, store, occurred_at, now)
    return Moment(occurred_at, dated=True, earliest=earliest)


async def _earliest(
    reads: Reads, viewer: Viewer, store: UUID, occurred_at: datetime, now: datetime
) -> datetime | None:
    """The earliest moment of a movement that the viewer may record in the store; None for any.

    Who may adjust stock by hand is not bound. Read only for what happened more than a day ago.
    """
    if occurred_at >= now - timedelta(days=SHORTEST):
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
