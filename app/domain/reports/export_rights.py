"""What the requester of an export may see: at the request, and again when the file is made."""

from collections.abc import Collection, Iterable
from uuid import UUID

from app.domain import access
from app.domain.access import Can, Viewer


def has_all(viewer: Viewer, permissions: Iterable[Can]) -> bool:
    """Whether the viewer has all these permissions, in any store."""
    return all(map(viewer.scope.reach, permissions))


def sees_cost(viewer: Viewer, stores: Collection[UUID]) -> bool:
    """Whether the viewer sees the costs of all these stores."""
    return set(stores) <= set(access.within(viewer, Can.SEE_COST, stores))
