"""Webhooks: how they are set, their secrets, and replays of a store's changes."""

import secrets
from collections.abc import Collection, Sequence
from typing import NamedTuple
from urllib.parse import urlsplit
from uuid import UUID

from uuid_utils.compat import uuid7

from app.db import notices as rows
from app.db.core.unit import Database, Unit
from app.db.tables import Delivery, Webhook
from app.db.webhooks import kept_revisions, replay_from
from app.domain import access
from app.domain.access import Can, Viewer
from app.domain.audit_log import Act, Subject, record_act
from app.domain.claims import claim
from app.domain.errors import Malformed, Refused, UnknownNotification, WrongState, WrongStateReason
from app.domain.notices.people import REPORT_READY
from app.domain.notices.webhook_scopes import NEEDED, STORE_CHANGED, manages
from app.domain.rules.texts import clean, link
from app.platforms import addresses


class NewWebhook(NamedTuple):
    """A webhook, and its secret the first time that it is returned."""

    webhook: Webhook
    secret: str | None


async def create_webhook(
    db: Database,
    viewer: Viewer,
    key: UUID,
    url: str,
    events: Sequence[str],
    private_hosts: Collection[str],
) -> NewWebhook:
    """Creates a webhook. The secret is shown once: only the sealed one is kept.

    Raises Malformed for an address that is not https or not public, for no event, or for one of a
    person; Denied for an event that the viewer may not see.
    """
    url = clean(url, "url", 500, required=True)
    if not _is_private(url, private_hosts):
        url = link(url, "url", 500)
        _check_public(url)
    if not events:
        raise Malformed("events", "请至少选择一种事件", "Choose at least one event.")
    if REPORT_READY in events:
        raise Malformed(
            "events",
            "月度报表只发给订阅的员工本人",
            "REPORT_READY goes to the subscriber alone.",
        )
    for event in events:
        access.require(viewer, NEEDED[event])
    secret, id = _new_secret(), uuid7()
    chosen = sorted(set(events))
    async with db.unit(viewer.tenant) as unit:
        earlier = await claim(unit, viewer.actor, key, id, "createWebhook", url, chosen)
        if earlier is not None:
            return NewWebhook(await rows.locked(unit, Webhook, earlier), None)
        webhook = Webhook(
            tenant_id=viewer.tenant,
            id=id,
            url=url,
            events=chosen,
            sealed_secret=db.vault.seal(viewer.tenant, id, secret),
            created_by=viewer.actor,
            created_at=unit.now,
        )
        unit.session.add(webhook)
        await unit.session.flush()
        await record_act(unit, viewer, Act.CREATE_WEBHOOK, Subject.WEBHOOK, id, events=chosen)
        await rows.begin_cursors(unit, id)
    return NewWebhook(webhook, secret)


def _is_private(url: str, private_hosts: Collection[str]) -> bool:
    try:
        return urlsplit(url).hostname in private_hosts
    except ValueError:
        return False


def _check_public(url: str) -> None:
    """Raises Malformed for an address of this machine or a private network, which the owner would
    otherwise see only when the first event fails."""
    if addresses.is_private_name(urlsplit(url).hostname or ""):
        raise Malformed(
            "url",
            "须为公网地址：内网地址收不到推送",
            "Give a public address: events are not sent to private networks.",
        )


async def delete_webhook(db: Database, viewer: Viewer, key: UUID, id: UUID) -> Webhook:
    """Ends a webhook; again is harmless. Raises Refused(UnknownNotification)."""
    async with db.unit(viewer.tenant) as unit:
        await claim(unit, viewer.claimant, key, id, "deleteWebhook", id)
        webhook = await _locked(unit, viewer, id)
        if webhook.ended_at is None:
            webhook.ended_at = unit.now
            await record_act(unit, viewer, Act.DELETE_WEBHOOK, Subject.WEBHOOK, id)
    return webhook


async def rotate_secret(db: Database, viewer: Viewer, key: UUID, id: UUID) -> NewWebhook:
    """Gives a webhook a second secret; both sign until the old one is ended.

    The new one is shown once. Raises Refused: UnknownNotification; WrongState while there are
    two already.
    """
    secret = _new_secret()
    async with db.unit(viewer.tenant) as unit:
        earlier = await claim(unit, viewer.actor, key, id, "rotateWebhookSecret", id)
        webhook = await _locked(unit, viewer, id)
        if earlier is not None:
            return NewWebhook(webhook, None)
        if webhook.ended_at is not None:
            raise Refused(UnknownNotification(str(id)))
        if webhook.former_secret is not None:
            raise Refused(WrongState(WrongStateReason.TWO_SECRETS))
        webhook.former_secret = webhook.sealed_secret
        webhook.sealed_secret = db.vault.seal(viewer.tenant, id, secret)
        webhook.rotated_at = unit.now
        await record_act(unit, viewer, Act.ROTATE_WEBHOOK_SECRET, Subject.WEBHOOK, id)
    return NewWebhook(webhook, secret)


async def end_old_secret(db: Database, viewer: Viewer, key: UUID, id: UUID) -> Webhook:
    """Ends the secret before the present one; again is harmless.

    Raises Refused(UnknownNotification).
    """
    async with db.unit(viewer.tenant) as unit:
        await claim(unit, viewer.claimant, key, id, "endWebhookSecret", id)
        webhook = await _locked(unit, viewer, id)
        if webhook.former_secret is not None:
            webhook.former_secret = webhook.rotated_at = None
            await record_act(unit, viewer, Act.END_WEBHOOK_SECRET, Subject.WEBHOOK, id)
    return webhook


async def replay(
    db: Database, viewer: Viewer, key: UUID, id: UUID, store: UUID, after: int
) -> Webhook:
    """Delivers the changes of a store after a revision again.

    Raises Refused: UnknownNotification, UnknownStore; Malformed for a revision whose changes are
    no longer kept, or that is not reached yet.
    """
    access.at(viewer, Can.MANAGE_WEBHOOKS, store)
    async with db.unit(viewer.tenant) as unit:
        request = ("replayWebhook", id, store, after)
        earlier = await claim(unit, viewer.claimant, key, id, *request)
        webhook = await _locked(unit, viewer, id)
        if webhook.ended_at is not None:
            raise Refused(UnknownNotification(str(id)))
        if STORE_CHANGED not in webhook.events:
            raise Malformed(
                "webhookId",
                "该 Webhook 未订阅 STORE_CHANGED，没有可重发的变动",
                "The webhook does not follow STORE_CHANGED: it has no changes to replay.",
            )
        if earlier is None:
            kept = await kept_revisions(unit.session, viewer.tenant, store)
            if not kept.first <= after <= kept.last:
                raise Malformed(
                    "after",
                    f"版本须为 {kept.first} 至 {kept.last}，更早的变动已不保留",
                    f"Give a revision from {kept.first} to {kept.last}: earlier changes are not "
                    "kept.",
                )
            await rows.begin_cursors(unit, id)
            await replay_from(unit, id, store, after)
            await record_act(unit, viewer, Act.REPLAY_WEBHOOK, Subject.WEBHOOK, id, store)
    return webhook


async def redeliver_event(db: Database, viewer: Viewer, key: UUID, id: UUID) -> Delivery:
    """Sends an event to its webhook again at once. Raises Refused(UnknownNotification)."""
    async with db.unit(viewer.tenant) as unit:
        earlier = await claim(unit, viewer.claimant, key, id, "redeliverEvent", id)
        delivery: Delivery | None = await rows.locked(unit, Delivery, id)
        if delivery is None or delivery.channel != "WEBHOOK":
            raise Refused(UnknownNotification(str(id)))
        webhook = await rows.locked(unit, Webhook, delivery.recipient_id)
        if webhook is None or webhook.ended_at is not None or not manages(viewer, webhook):
            raise Refused(UnknownNotification(str(id)))
        if earlier is None:
            rows.send_again(unit, delivery)
    return delivery


async def _locked(unit: Unit, viewer: Viewer, id: UUID) -> Webhook:
    webhook = await rows.locked(unit, Webhook, id)
    if webhook is None or not manages(viewer, webhook):
        raise Refused(UnknownNotification(str(id)))
    return webhook


def _new_secret() -> str:
    return f"whsec_{secrets.token_urlsafe(32)}"
