"""The viewer that a person or an API key is now, for work that goes on without them."""

from uuid import UUID

from app.db import identity
from app.db.core.snapshot import AnySession
from app.domain.access import Role, Scope, Viewer


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
