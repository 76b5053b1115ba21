"""Settings of escalations and daily digests, and the inputs that change them."""

from typing import Annotated
from uuid import UUID

import strawberry

from app.schema import problems
from app.schema.alerts import AlertRule
from app.schema.arguments import request_key


@strawberry.type(description="After how long an alert goes to the next role. 升级通知")
class EscalationSetting:
    rule: AlertRule = strawberry.field(description="Rule of the alerts. 预警规则")
    store_id: UUID | None = strawberry.field(description="ID of the store; null for all stores.")
    minutes: int | None = strawberry.field(
        description="Minutes until an open alert goes to the next role; null: never. 分钟"
    )


@strawberry.type(description="When a store's daily digest is sent. 每日汇总")
class DigestSetting:
    store_id: UUID = strawberry.field(description="ID of the store.")
    hour: int | None = strawberry.field(
        description="Hour by the store's clock; null sends each alert at once. 时刻"
    )


SetEscalationResult = Annotated[
    EscalationSetting | problems.UnknownStore | problems.KeyReused,
    strawberry.union(
        "SetEscalationResult", description="The setting, or the problem that prevented the change."
    ),
]
SetDigestResult = Annotated[
    DigestSetting | problems.UnknownStore | problems.KeyReused,
    strawberry.union(
        "SetDigestResult", description="The setting, or the problem that prevented the change."
    ),
]


@strawberry.input(description="Input of `setEscalation`. 设置升级通知")
class SetEscalationInput:
    key: UUID = request_key()
    rule: AlertRule = strawberry.field(description="Rule of the alerts. 预警规则")
    store_id: UUID | None = strawberry.field(
        default=None, description="ID of one store; null applies to all stores."
    )
    minutes: int | None = strawberry.field(
        description="Minutes until an open alert goes to the next role, from 1 to 10080; null: "
        "never. 分钟"
    )


@strawberry.input(description="Input of `setDigest`. 设置每日汇总")
class SetDigestInput:
    key: UUID = request_key()
    store_id: UUID = strawberry.field(description="ID of the store.")
    hour: int | None = strawberry.field(
        description="Hour by the store's clock, from 0 to 23; null sends each alert at once. 时刻"
    )
