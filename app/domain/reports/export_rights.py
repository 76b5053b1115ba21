"""What the requester of an export may see: at the request, and again when the file is made."""

from collections.abc import Collection, Iterable
from uuid import UUID

from app.db import identity
from app.db.core.snapshot import AnySession
from app.domain import access
from app.domain.access import Can, Role, Scope, Viewer


async def viewer_of(session: AnySession, tenant: UUID, actor: UUID) -> Viewer | None:
    """The member of staff or the API key, with their present rights; None for a removed or revoked
    one."""
    every = await identity.store_ids(session, tenant)
    person = await identity.staff_by_id(session, tenant, actor)
    if person is None:
        key = (await identity.admitted(session, tenant, [], [actor])).get(actor)
        return key and Viewer(Scope(tenant, Role[key.role], key.scopes), actor, key.name, every)
    if person.removed_at is not None:
        return None
    works = await identity.stores_of_staff(session, tenant, [actor])
    own = frozenset(store.id for store in works.get(actor, ()))
    return Viewer(Scope(tenant, Role[person.role], own=own), actor, person.name, every)


def has_all(viewer: Viewer, permissions: Iterable[Can]) -> bool:
    """Whether the viewer has all these permissions, in any store."""
    return all(map(viewer.scope.reach, permissions))


def sees_cost(viewer: Viewer, stores: Collection[UUID]) -> bool:
    """Whether the viewer sees the costs of all these stores."""
    return set(stores) <= set(access.within(viewer, Can.SEE_COST, stores))
