"""What each webhook may be sent: what its creator may see."""

from collections.abc import Sequence
from uuid import UUID

from app.db import notices as rows
from app.db.core.snapshot import AnySession
from app.db.tables import Webhook
from app.domain.access import Can, Role, Scope, Viewer
from app.domain.notices.people import ALERT_RAISED

STORE_CHANGED = "STORE_CHANGED"
DAILY_DIGEST = "DAILY_DIGEST"
NEEDED = {
    ALERT_RAISED: Can.SEE_ALERTS,
    DAILY_DIGEST: Can.SEE_ALERTS,
    STORE_CHANGED: Can.SEE_STOCK,
}
"""The permission that a webhook's creator needs for each event."""


async def listeners(session: AnySession, tenant: UUID, event: str) -> list[tuple[Webhook, Scope]]:
    """The webhooks that receive an event, each with the scope of its creator.

    A webhook that the owner created belongs to the chain. One of an API key sees what the key
    sees, and receives nothing once the key is revoked.
    """
    hooks = [hook for hook in await rows.webhooks(session, tenant) if event in hook.events]
    scopes = await scopes_of(session, tenant, hooks)
    chosen = [(hook, scopes[hook.id]) for hook in hooks]
    return [(hook, scope) for hook, scope in chosen if scope and scope.sees(NEEDED[event])]


async def scopes_of(
    session: AnySession, tenant: UUID, hooks: Sequence[Webhook]
) -> dict[UUID, Scope | None]:
    """The scope of each webhook's creator; None for an API key that was revoked."""
    keys = await rows.api_keys(session, tenant, {hook.created_by for hook in hooks})
    scopes: dict[UUID, Scope | None] = {}
    for hook in hooks:
        key = keys.get(hook.created_by)
        if key is None:
            scopes[hook.id] = Scope(tenant, Role.OWNER)
        elif key.revoked_at is None:
            scopes[hook.id] = Scope(tenant, Role.INTEGRATOR, frozenset(key.scopes))
        else:
            scopes[hook.id] = None
    return scopes


def manages(viewer: Viewer, webhook: Webhook) -> bool:
    """Whether the viewer sees and changes this webhook: an API key only those that it created,
    since others may be sent what the key may not see."""
    return viewer.scope.role is not Role.INTEGRATOR or webhook.created_by == viewer.actor
