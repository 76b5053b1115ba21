"""Delivery: sends what is due, and tries again later what failed.

A delivery is leased before it is sent: if its process dies, it is sent again, with the same id.
"""

import asyncio
from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from app.db import notices as rows
from app.db.core.unit import Database, clock
from app.db.core.vault import Unopened
from app.db.tables import Delivery, NotificationTarget, Webhook
from app.platforms import messages, webhook
from app.platforms.webhook import SendError

AT_ONCE = 20
MOST_ATTEMPTS = 12
LONGEST_PAUSE = timedelta(hours=1)
TITLE = "库存预警"


async def deliver(db: Database, tenant: UUID, private_hosts: Collection[str]) -> None:
    """Send the tenant's deliveries that are due, at most `AT_ONCE` of them."""
    async with db.unit(tenant) as unit:
        due = await rows.take_due(unit, AT_ONCE)
        recipients = {each.id: each for each in await rows.targets(unit.session, tenant)}
        hooks = {each.id: each for each in await rows.webhooks(unit.session, tenant)}
    await asyncio.gather(
        *(_attempt(db, each, {**recipients, **hooks}, private_hosts) for each in due)
    )


async def _attempt(
    db: Database,
    delivery: Delivery,
    recipients: dict[UUID, NotificationTarget | Webhook],
    private_hosts: Collection[str],
) -> None:
    recipient = recipients.get(delivery.recipient_id)
    try:
        if recipient is None:
            raise SendError("the recipient was removed")
        receipt = await _send(db, delivery, recipient, private_hosts)
        outcome: dict[str, Any] = {
            "state": "DELIVERED",
            "receipt": receipt,
            "error": None,
            "delivered_at": clock(),
        }
    except SendError as error:
        dead = recipient is None or delivery.attempts >= MOST_ATTEMPTS
        outcome = {
            "state": "DEAD" if dead else "PENDING",
            "error": str(error)[:300],
            "next_at": retry_at(clock(), delivery.attempts),
        }
    async with db.unit(delivery.tenant_id) as unit:
        await rows.end_attempt(unit, delivery.id, **outcome)


async def _send(
    db: Database,
    delivery: Delivery,
    recipient: NotificationTarget | Webhook,
    private_hosts: Collection[str],
) -> str:
    try:
        if isinstance(recipient, Webhook):
            secret = db.vault.open(recipient.tenant_id, recipient.id, recipient.sealed_secret)
            event, body = str(delivery.id), delivery.body
            return await webhook.send(recipient.url, secret, event, body, private_hosts)
        url = db.vault.open(recipient.tenant_id, recipient.id, recipient.sealed_url)
    except Unopened:
        raise SendError("the secret that sealed the address is gone") from None
    return await messages.send(url, TITLE, delivery.body, private_hosts)


def retry_at(now: datetime, attempts: int) -> datetime:
    """The moment of the next attempt: after 5 s, 20 s, 80 s ... and at most an hour."""
    return now + min(LONGEST_PAUSE, timedelta(seconds=5 * 4 ** (attempts - 1)))
