"""Root of the system's health."""

import strawberry
from strawberry.types import Info

from app.db import health as rows
from app.domain.access import Can
from app.resolvers.roots import root
from app.schema import health as types


@strawberry.type
class HealthQuery:
    @root(
        Can.SEE_HEALTH,
        types.Health,
        description="State of the system: live feeds, deliveries, scheduled jobs, and the nightly "
        "check of the ledger. 系统状态",
    )
    async def health(self, info: Info):
        context = info.context
        tenant, hub = context.viewer.tenant, context.app.hub
        async with context.snapshot.read(tenant) as session:
            lag = hub.lag(tenant, await rows.revisions(session, tenant))
            failures = {each.job: each for each in await rows.failures(session, tenant)}
            read = types.HealthRows(
                await rows.audit_result(session, tenant),
                await rows.unsent(session, tenant),
                await rows.schedule(session),
                failures,
            )
        return types.health_of(lag, hub.connected, read)
