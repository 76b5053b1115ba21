"""Pages of rows of the viewer's tenant."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from strawberry.types import Info

from app.db.core.paging import Span
from app.schema.paging import Page, PageArguments, Reading, connection, page

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


async def listed(
    info: Info,
    part: Page,
    read: Read,
    *chosen: Any,
    key: Callable[[Any], Sequence[Any]],
    node: Callable[[Any], Any] = lambda row: row,
    updated_since: datetime | None = None,
) -> Any:
    """A page of rows; `key` and `node` as in `connection`.

    A list of what changed since a moment says up to which moment it is complete.
    """
    as_of = None if updated_since is None else await info.context.complete_until()
    return await connection(part, reading(info, read, *chosen), key, node, as_of)


async def newest(
    info: Info,
    read: Read,
    *chosen: Any,
    paging: PageArguments,
    updated_since: datetime | None = None,
) -> Any:
    """A page of rows that are ordered by id, the newest first."""
    part = page(paging, UUID)
    return await listed(
        info, part, read, *chosen, key=lambda row: [row.id], updated_since=updated_since
    )
