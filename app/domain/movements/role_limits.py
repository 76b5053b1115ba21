"""Limits that the owner sets for roles: what they may approve, and book without a second person."""

from uuid import UUID

from app.db import writeoffs as rows
from app.db.core.snapshot import AnySession, Reads
from app.domain.access import Role, Viewer


async def limits_of_roles(session: AnySession, tenant: UUID) -> dict[str, int | None]:
    """The limits that were set, by role, in 1/10000 yuan; None for no limit."""
    return {limit.role: limit.amount for limit in await rows.limits(session, tenant)}


async def limit_of_role(session: AnySession, tenant: UUID, role: Role) -> int | None:
    """The limit of a role in 1/10000 yuan; None for no limit, as for owners."""
    return (await limits_of_roles(session, tenant)).get(role.name)


async def limit_of(reads: Reads, viewer: Viewer) -> int | None:
    """The same for the viewer's role."""
    async with reads.read(viewer.tenant) as session:
        return await limit_of_role(session, viewer.tenant, viewer.scope.role)
