"""Pages of rows that are ordered by id."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any
from uuid import UUID

from strawberry.types import Info

from app.schema.paging import connection, page

Read = Callable[..., Awaitable[Sequence[Any]]]


async def newest(info: Info, read: Read, *chosen: Any, first: int | None, after: str | None) -> Any:
    """A page of the viewer's tenant, the newest first.

    `read` takes a session, the tenant, what is chosen, the last id of the page before, and how
    many rows at most.
    """
    tenant, paging = info.context.viewer.tenant, page(first, after, UUID)
    last = paging.after[0] if paging.after else None
    async with info.context.snapshot.read(tenant) as session:
        rows = await read(session, tenant, *chosen, last, paging.limit)
    return connection(rows, paging, lambda row: [row.id])
