"""Webhooks: replays of a store's changes, and the deliveries of one webhook."""

from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import and_, func, select, update

from app.db.core.paging import Span
from app.db.core.snapshot import AnySession
from app.db.core.unit import Unit
from app.db.tables import Change, Delivery, Feed, Webhook, WebhookCursor


class Kept(NamedTuple):
    """The revisions of a store between which changes are kept."""

    first: int
    last: int


async def kept_revisions(session: AnySession, tenant: UUID, store: UUID) -> Kept:
    """The revisions that a replay can deliver: it may begin after `first` and ends at `last`."""
    oldest = select(func.min(Change.revision)).where(
        Change.tenant_id == tenant, Change.store_id == store
    )
    head = select(Feed.revision).where(Feed.tenant_id == tenant, Feed.store_id == store)
    last = await session.scalar(head) or 0
    first = await session.scalar(oldest)
    return Kept(last if first is None else first - 1, last)


async def replay_from(unit: Unit, webhook: UUID, store: UUID, after: int) -> None:
    """Move the webhook's cursor back to a revision, so that all later changes are delivered
    again."""
    C = WebhookCursor
    mine = and_(C.tenant_id == unit.tenant, C.webhook_id == webhook, C.store_id == store)
    await unit.session.execute(update(C).where(mine).values(revision=after, replays=C.replays + 1))


async def deliveries_to(
    session: AnySession,
    tenant: UUID,
    recipient: UUID,
    creator: UUID | None,
    state: str | None,
    span: Span,
) -> Sequence[Delivery]:
    """A page of the deliveries to one webhook, the newest first; with `creator`, none to a webhook
    of another."""
    D, W = Delivery, Webhook
    query = select(D).where(D.tenant_id == tenant, D.recipient_id == recipient)
    query = query.where(D.channel == "WEBHOOK")
    if creator is not None:
        own = select(W.id).where(W.tenant_id == tenant, W.id == recipient, W.created_by == creator)
        query = query.where(own.exists())
    if state is not None:
        query = query.where(D.state == state)
    return await span.scalars(session, query, D.id, newest=True)
