"""How one delivery is sent, by its channel."""

from collections.abc import Collection
from dataclasses import dataclass

import orjson

from app.db import sms, subscriptions
from app.db.core.unit import Database
from app.db.core.vault import Unopened
from app.db.tables import Delivery, NotificationTarget, Webhook
from app.domain.errors import Refused
from app.domain.notices.sms import SmsClients
from app.domain.people.mini_apps import MiniApps
from app.platforms import messages, webhook
from app.platforms.mini_apps import CodeRefused
from app.platforms.platform import ShopError
from app.platforms.sending import NotSubscribed, SendError, TemplateMessage
from app.platforms.sms import Report, SmsProvider, TextMessage

NO_ANSWER = "no answer"
TITLE, REPORT_TITLE = "库存预警", "月度报表"


@dataclass(frozen=True, slots=True)
class Providers:
    """What deliveries are sent by; one per process. `private_hosts` are those of the operator."""

    private_hosts: Collection[str]
    mini_apps: MiniApps
    sms: SmsClients


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
        if delivery.channel == "SMS":
            provider, message = await _text_message(db, providers.sms, delivery)
            # The answer to an earlier attempt may be lost, and not the message.
            if delivery.attempts > 1 and await provider.was_sent(message, delivery.created_at):
                return str(delivery.id)
            return await provider.send(message)
        if recipient is None:
            raise SendError("the recipient was removed", final=True)
        tenant, hosts = delivery.tenant_id, providers.private_hosts
        if isinstance(recipient, Webhook):
            sealed = recipient.sealed_secret, recipient.former_secret
            secrets = [db.vault.open(tenant, recipient.id, each) for each in sealed if each]
            event, body = str(delivery.id), delivery.body
            return await webhook.send(recipient.url, secrets, event, body, hosts)
        url = db.vault.open(tenant, recipient.id, recipient.sealed_url)
        if delivery.sealed_link is None:
            return await messages.send(url, TITLE, delivery.body, hosts)
        link = db.vault.open(tenant, delivery.id, delivery.sealed_link)
        return await messages.send(url, REPORT_TITLE, f"{delivery.body}\n{link}", hosts)
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
    except NotSubscribed:
        # The message had a credit: an attempt whose answer was lost has used the subscription.
        if not _is_unclear(delivery):
            raise
        return "sent by an earlier attempt"
    except CodeRefused as error:
        raise SendError(str(error), final=True) from None
    except ShopError as error:
        raise SendError(str(error), final=not error.passing) from None
    except Refused:
        raise SendError("the secret of the mini-program cannot be read", final=True) from None


def _is_unclear(delivery: Delivery) -> bool:
    """Whether an earlier attempt may have reached the provider: its process ended, or there was
    no answer."""
    error = delivery.error
    return delivery.attempts > 1 and (error is None or error.startswith(NO_ANSWER))


async def report(db: Database, providers: Providers, delivery: Delivery) -> tuple[Report, str]:
    """What the provider reports of an SMS that it took. Raises SendError."""
    try:
        provider, message = await _text_message(db, providers.sms, delivery)
    except Unopened:
        raise SendError("the secret of the account is gone") from None
    return await provider.report(message, delivery.receipt or "", delivery.created_at)


async def _text_message(
    db: Database, clients: SmsClients, delivery: Delivery
) -> tuple[SmsProvider, TextMessage]:
    tenant = delivery.tenant_id
    async with db.read(tenant) as session:
        account = await sms.sms_account(session, tenant)
        phone = await sms.phone_of(session, tenant, delivery.recipient_id)
    if account is None or phone is None or delivery.template is None:
        raise SendError("the person has no phone", final=True)
    number = db.vault.open(tenant, phone.staff_id, phone.sealed_phone)
    fields = orjson.loads(delivery.body)
    message = TextMessage(str(delivery.id), number, delivery.template, fields)
    return clients.of(db.vault, account), message
