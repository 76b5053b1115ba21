"""STORE_CHANGED: each webhook receives what changed in a store, as the store's feed shows it."""

from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

import orjson
from uuid_utils.compat import uuid7

from app.db import feed
from app.db import notices as rows
from app.db.core.unit import Database
from app.db.notices import Cursor
from app.db.tables import Webhook
from app.domain.access import Scope
from app.domain.feed import Change, change_of
from app.domain.notices.webhook_scopes import STORE_CHANGED, listeners

MOST_REVISIONS = 500
MOST_ROWS = 500
"""Products and documents of one event, unless a single revision has more."""

ShowChange = Callable[[Scope, UUID, Change], Awaitable[Any]]
"""What the feed of a store shows of a change to viewers of a scope, ready to be encoded."""


async def dispatch_changes(db: Database, tenant: UUID, show: ShowChange) -> None:
    """Write one delivery a store and webhook, with all that changed since the one before it."""
    async with db.unit(tenant) as unit:
        hooks = await listeners(unit.session, tenant, STORE_CHANGED)
        behind: list[tuple[Webhook, Scope, Cursor]] = []
        for hook, scope in hooks:
            await rows.begin_cursors(unit, hook.id)
            behind += [(hook, scope, each) for each in await rows.behind(unit, hook.id)]
    for hook, scope, cursor in behind:
        missed = await _missed(db, tenant, cursor)
        change = change_of(tenant, cursor.revision, missed)
        content: dict[str, Any] = {
            "id": uuid7(),
            "event": STORE_CHANGED,
            "at": change.at,
            "storeId": cursor.store,
            "fromRevision": str(change.from_revision),
            "revision": str(change.revision),
            "productIds": sorted(map(str, missed.product_ids)),
            "documentIds": sorted(map(str, missed.document_ids)),
            "change": await show(scope, cursor.store, change),
        }
        await _write(db, tenant, hook, cursor, change.revision, content)


async def _missed(db: Database, tenant: UUID, cursor: Cursor) -> feed.Changes:
    """What changed after the cursor: fewer revisions when they name too many rows for one event."""
    revisions = MOST_REVISIONS
    while True:
        missed = await feed.changes_after(db, tenant, cursor.store, cursor.revision, revisions)
        if revisions == 1 or len(missed.product_ids) + len(missed.document_ids) <= MOST_ROWS:
            return missed
        revisions = max(1, revisions // 5)


async def _write(
    db: Database,
    tenant: UUID,
    hook: Webhook,
    cursor: Cursor,
    revision: int,
    content: dict[str, Any],
) -> None:
    """Write the delivery, unless another process has written it or the cursor was moved back."""
    async with db.unit(tenant) as unit:
        if not await rows.move_cursor(unit, hook.id, cursor, revision):
            return
        delivery: dict[str, Any] = {
            "tenant_id": tenant,
            "id": content["id"],
            "channel": "WEBHOOK",
            "recipient_id": hook.id,
            "event": STORE_CHANGED,
            "store_id": cursor.store,
            "revision": revision,
            "replay": cursor.replays,
            "body": orjson.dumps(content, default=str).decode(),
            "next_at": unit.now,
        }
        await rows.add_deliveries(unit, [delivery])
