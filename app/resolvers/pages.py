"""Pages of rows of the viewer's tenant."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from strawberry.types import Info

from app.db.core.paging import Span
from app.schema.paging import PageArguments, Reading, connection, page

Read = Callable[..., Awaitable[Sequence[Any]]]


def reading(info: Info, read: Read, *chosen: Any) -> Reading:
    """What reads a span of the viewer's tenant in the snapshot of the operation.

    `read` takes a session, the tenant, what is chosen, and the span.
    """

    async def rows(span: Span) -> Sequence[Any]:
        tenant = info.context.viewer.tenant
        async with info.context.snapshot.read(tenant) as session:
            return await read(session, tenant, *chosen, span)

    return rows


async def newest(
    info: Info, read: Read, *chosen: Any, paging: PageArguments, as_of: datetime | None = None
) -> Any:
    """A page of rows that are ordered by id, the newest first."""
    part, rows = page(paging, UUID), reading(info, read, *chosen)
    return await connection(part, rows, lambda row: [row.id], as_of=as_of)


async def complete_until(info: Info, updated_since: datetime | None) -> datetime | None:
    """Up to which moment a list of changes is complete; None for another list."""
    return None if updated_since is None else await info.context.complete_until()
