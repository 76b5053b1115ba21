"""Webhooks: rotation of secrets, and replays."""

from typing import Annotated
from uuid import UUID

import strawberry

from app.schema import problems
from app.schema.arguments import request_key
from app.schema.notices import NewWebhook, UnknownNotification, Webhook
from app.schema.scalars import Revision

RotateWebhookSecretResult = Annotated[
    NewWebhook | UnknownNotification | problems.WrongState | problems.KeyReused,
    strawberry.union(
        "RotateWebhookSecretResult",
        description="The webhook with its new secret, or the problem that prevented it.",
    ),
]
ReplayWebhookResult = Annotated[
    Webhook | UnknownNotification | problems.UnknownStore | problems.KeyReused,
    strawberry.union(
        "ReplayWebhookResult", description="The webhook, or the problem that prevented the replay."
    ),
]


@strawberry.input(description="Input of `rotateWebhookSecret`. 更换 Webhook 密钥")
class RotateWebhookSecretInput:
    key: UUID = request_key()
    webhook_id: UUID = strawberry.field(description="ID of the webhook.")


@strawberry.input(description="Input of `endWebhookSecret`. 停用旧密钥")
class EndWebhookSecretInput:
    key: UUID = request_key()
    webhook_id: UUID = strawberry.field(description="ID of the webhook.")


@strawberry.input(description="Input of `redeliverEvent`. 重发事件")
class RedeliverEventInput:
    key: UUID = request_key()
    delivery_id: UUID = strawberry.field(
        description="ID of a delivery, as in `webhookDeliveries`; the webhook received it as the "
        "header Kucun-Event-Id."
    )


@strawberry.input(description="Input of `replayWebhook`. 重发变动")
class ReplayWebhookInput:
    key: UUID = request_key()
    webhook_id: UUID = strawberry.field(description="ID of a webhook with STORE_CHANGED.")
    store_id: UUID = strawberry.field(description="ID of the store.")
    after: Revision = strawberry.field(
        description="Revision of the last event that you have; all later changes are sent again. "
        "版本"
    )
