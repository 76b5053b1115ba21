"""Roots of webhooks."""

from typing import Annotated
from uuid import UUID

import strawberry
from strawberry.types import Info

from app.db import notices as rows
from app.db.webhooks import deliveries_to
from app.domain.access import Can, Role
from app.domain.notices import webhooks
from app.domain.notices.webhook_scopes import manages
from app.resolvers.pages import newest
from app.resolvers.roots import root
from app.schema import notices as types
from app.schema import webhooks as inputs
from app.schema.arguments import After, Before, First, Last
from app.schema.paging import Connection, PageArguments


@strawberry.type
class WebhooksQuery:
    @root(
        Can.MANAGE_WEBHOOKS,
        list[types.Webhook],
        description="List the webhooks in use; an API key sees those that it created. Webhook 列表",
    )
    async def webhooks(self, info: Info):
        viewer = info.context.viewer
        async with info.context.snapshot.read(viewer.tenant) as session:
            hooks = await rows.webhooks(session, viewer.tenant)
        return [hook for hook in hooks if manages(viewer, hook)]

    @root(
        Can.MANAGE_WEBHOOKS,
        Connection[types.NotificationDelivery],
        description="List the deliveries to a webhook, the newest first; DEAD ones are its "
        "dead-letter list. Webhook 发送记录",
    )
    async def webhook_deliveries(
        self,
        info: Info,
        webhook_id: Annotated[UUID, strawberry.argument(description="ID of the webhook.")],
        state: Annotated[
            types.DeliveryState | None,
            strawberry.argument(description="Return only deliveries in this state."),
        ] = None,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ):
        viewer = info.context.viewer
        creator = viewer.actor if viewer.scope.role is Role.INTEGRATOR else None
        chosen = webhook_id, creator, state and state.name
        return await newest(
            info, deliveries_to, *chosen, paging=PageArguments(first, after, last, before)
        )


@strawberry.type
class WebhooksMutation:
    @root(
        Can.MANAGE_WEBHOOKS,
        types.CreateWebhookResult,
        description="Create a webhook; its secret is shown once. Each event is a POST with the "
        "header Kucun-Signature: t=<seconds>,v1=<hex HMAC-SHA256 of '<t>.<body>'>, with one v1 for "
        "each active secret. Answer with 2xx within 10 seconds; anything else is retried for about "
        "7 hours. 新建 Webhook",
    )
    async def create_webhook(self, info: Info, input: types.CreateWebhookInput):
        app, events = info.context.app, [event.name for event in input.events]
        request = input.key, input.url, events, app.settings.private_host_names
        created = await webhooks.create_webhook(app.db, info.context.viewer, *request)
        return types.NewWebhook(**created._asdict())

    @root(
        Can.MANAGE_WEBHOOKS,
        types.WebhookResult,
        description="Delete a webhook; it receives nothing further. 删除 Webhook",
    )
    async def delete_webhook(self, info: Info, input: types.DeleteWebhookInput):
        db, viewer = info.context.app.db, info.context.viewer
        return await webhooks.delete_webhook(db, viewer, input.key, input.webhook_id)

    @root(
        Can.MANAGE_WEBHOOKS,
        inputs.RotateWebhookSecretResult,
        description="Give a webhook a second secret, shown once. Both sign each event until "
        "`endWebhookSecret` ends the old one. 更换 Webhook 密钥",
    )
    async def rotate_webhook_secret(self, info: Info, input: inputs.RotateWebhookSecretInput):
        db, viewer = info.context.app.db, info.context.viewer
        created = await webhooks.rotate_secret(db, viewer, input.key, input.webhook_id)
        return types.NewWebhook(**created._asdict())

    @root(
        Can.MANAGE_WEBHOOKS,
        types.WebhookResult,
        description="End the old secret of a webhook after a rotation. 停用旧密钥",
    )
    async def end_webhook_secret(self, info: Info, input: inputs.EndWebhookSecretInput):
        db, viewer = info.context.app.db, info.context.viewer
        return await webhooks.end_old_secret(db, viewer, input.key, input.webhook_id)

    @root(
        Can.MANAGE_WEBHOOKS,
        types.RedeliverResult,
        description="Send an event to its webhook again at once, also one that is DEAD, as if it "
        "had not been tried. 重发事件",
    )
    async def redeliver_event(self, info: Info, input: inputs.RedeliverEventInput):
        db, viewer = info.context.app.db, info.context.viewer
        return await webhooks.redeliver_event(db, viewer, input.key, input.delivery_id)

    @root(
        Can.MANAGE_WEBHOOKS,
        inputs.ReplayWebhookResult,
        description="Send the changes of a store after a revision to a webhook again, as "
        "STORE_CHANGED. Changes are kept for 7 days. 重发变动",
    )
    async def replay_webhook(self, info: Info, input: inputs.ReplayWebhookInput):
        db, viewer = info.context.app.db, info.context.viewer
        subject = input.webhook_id, input.store_id, input.after
        return await webhooks.replay(db, viewer, input.key, *subject)
