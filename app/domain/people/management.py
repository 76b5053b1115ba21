"""Who manages which staff accounts: owners all, managers the cashiers of their own stores."""

from collections.abc import Collection
from uuid import UUID

from app.db import identity as rows
from app.db import tables
from app.db.core.snapshot import AnySession, Reads
from app.domain.access import Can, Reach, Role, Viewer
from app.domain.errors import Denied, Refused, UnknownStaff


def manages(viewer: Viewer, role: str, stores: Collection[UUID]) -> bool:
    """Whether the viewer may create or change an account with this role in these stores."""
    reach = viewer.scope.reach(Can.MANAGE_STAFF)
    if reach is Reach.OWN:
        return role == Role.CASHIER.name and bool(stores) and viewer.scope.own.issuperset(stores)
    return reach is Reach.ALL


def require_managed(viewer: Viewer, role: Role, stores: Collection[UUID]) -> None:
    """Check the role and stores that an account is to have. Raises Denied."""
    if not manages(viewer, role.name, stores):
        raise Denied(
            "FORBIDDEN",
            "店长只能邀请和管理本店店员，其他员工请联系老板",
            "Managers invite and manage only cashiers of their own stores. Ask the owner.",
        )


async def check_managed(session: AnySession, viewer: Viewer, person: tables.Staff) -> None:
    """Check that the viewer manages the account as it is now.

    Raises Refused(UnknownStaff): an account out of reach and an absent one look the same.
    """
    stores = await rows.stores_of_staff(session, viewer.tenant, [person.id])
    if not manages(viewer, person.role, {store.id for store in stores[person.id]}):
        raise Refused(UnknownStaff(str(person.id)))


async def manages_staff(reads: Reads, viewer: Viewer, staff_id: UUID) -> bool:
    """Whether the viewer manages the account with this id; False if there is none."""
    async with reads.read(viewer.tenant) as session:
        person = await rows.staff_by_id(session, viewer.tenant, staff_id)
        if person is None:
            return False
        try:
            await check_managed(session, viewer, person)
        except Refused:
            return False
    return True


def managed_stores(viewer: Viewer) -> Collection[UUID] | None:
    """The stores whose cashiers the viewer manages; None for all staff of the chain."""
    return None if viewer.scope.reach(Can.MANAGE_STAFF) is Reach.ALL else viewer.scope.own
