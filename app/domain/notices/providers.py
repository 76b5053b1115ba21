"""How one delivery is sent, by its channel."""

from collections.abc import Collection
from dataclasses import dataclass

import orjson

from app.db import subscriptions
from app.db.core.unit import Database
from app.db.core.vault import Unopened
from app.db.tables import Delivery, NotificationTarget, Webhook
from app.domain.errors import Refused
from app.domain.people.mini_apps import MiniApps
from app.platforms import messages, webhook
from app.platforms.mini_apps import CodeRefused
from app.platforms.platform import ShopError
from app.platforms.sending import SendError, TemplateMessage

TITLE = "库存预警"


@dataclass(frozen=True, slots=True)
class Providers:
    """What deliveries are sent by; one per process. `private_hosts` are those of the operator."""

    private_hosts: Collection[str]
    mini_apps: MiniApps


async def send(
    db: Database,
    providers: Providers,
    delivery: Delivery,
    recipient: NotificationTarget | Webhook | None,
) -> str:
    """Send a delivery and return the provider's receipt. Raises SendError.

    `recipient` is the target or webhook; None for a message to a person, or when it was removed.
    """
    try:
        if delivery.channel in ("WECHAT", "DOUYIN"):
            return await _by_mini_app(db, providers.mini_apps, delivery)
        if recipient is None:
            raise SendError("the recipient was removed", final=True)
        tenant, hosts = delivery.tenant_id, providers.private_hosts
        if isinstance(recipient, Webhook):
            secret = db.vault.open(tenant, recipient.id, recipient.sealed_secret)
            event, body = str(delivery.id), delivery.body
            return await webhook.send(recipient.url, secret, event, body, hosts)
        url = db.vault.open(tenant, recipient.id, recipient.sealed_url)
        return await messages.send(url, TITLE, delivery.body, hosts)
    except Unopened:
        raise SendError("the secret that sealed the address is gone") from None


async def _by_mini_app(db: Database, apps: MiniApps, delivery: Delivery) -> str:
    tenant, channel = delivery.tenant_id, delivery.channel
    async with db.read(tenant) as session:
        inbox = await subscriptions.inbox(session, tenant, delivery.recipient_id, channel)
    if inbox is None or delivery.template is None:
        raise SendError("the person has left the mini-program", final=True)
    openid = db.vault.open(tenant, inbox.identity.seal_id, inbox.identity.sealed_openid)
    fields = orjson.loads(delivery.body)
    message = TemplateMessage(delivery.template, inbox.page, fields)
    try:
        return await apps.of(db.vault, inbox.app).notify(openid, message)
    except CodeRefused as error:
        raise SendError(str(error), final=True) from None
    except ShopError as error:
        raise SendError(str(error), final=not error.passing) from None
    except Refused:
        raise SendError("the secret of the mini-program cannot be read", final=True) from None
