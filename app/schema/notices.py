"""Notifications: targets, webhooks, recipients, routes and deliveries."""

from datetime import datetime
from enum import Enum
from typing import Annotated
from uuid import UUID

import strawberry

from app.db import tables
from app.domain import errors
from app.domain.access import Can, Role
from app.domain.notices.targets import Route
from app.domain.rules.recipients import NOTIFIED, Reason
from app.schema import problems
from app.schema.alerts import Alert, AlertRule
from app.schema.arguments import at_most, request_key
from app.schema.edges import edge, maybe_edge
from app.schema.identity import Actor, Store
from app.schema.problems import as_sent, problem
from app.schema.window import as_window, definition, window

MOST_PEOPLE = 100

strawberry.enum(Reason, name="RouteReason", description="Why a person is notified or not. 原因")
for _value in definition(Reason).values:
    _value.description = Reason[_value.name].value


@problem(
    errors.UnknownNotification,
    description="No target, webhook, subscription or delivery visible to you has this id. "
    "通知渠道、订阅或发送记录不存在",
)
class UnknownNotification(problems.Problem):
    asked: str = as_sent()


@strawberry.enum(description="How a delivery reaches its recipient. 发送方式")
class DeliveryChannel(Enum):
    IN_APP = strawberry.enum_value("IN_APP", description="In the alert feed of a person. 应用内")
    MESSAGE = strawberry.enum_value(
        "MESSAGE", description="A group robot or an e-mail address. 群机器人或邮件"
    )
    WEBHOOK = strawberry.enum_value("WEBHOOK", description="A program's webhook. 接口推送")
    WECHAT = strawberry.enum_value(
        "WECHAT", description="A subscribe message of the WeChat mini-program. 微信订阅消息"
    )
    DOUYIN = strawberry.enum_value(
        "DOUYIN", description="A subscribe message of the Douyin mini-program. 抖音订阅消息"
    )
    SMS = strawberry.enum_value("SMS", description="A text message to a phone. 短信")


@strawberry.enum(description="State of a delivery. 发送状态")
class DeliveryState(Enum):
    PENDING = strawberry.enum_value(
        "PENDING", description="To be sent, now or at `nextAttemptAt`. 待发送"
    )
    SENT = strawberry.enum_value(
        "SENT",
        description="The provider has accepted it, and has not yet reported it as "
        "delivered. 已发送",
    )
    DELIVERED = strawberry.enum_value("DELIVERED", description="The recipient has it. 已送达")
    DEAD = strawberry.enum_value(
        "DEAD",
        description="Failed for good: after 12 attempts, or because no attempt can succeed. "
        "发送失败",
    )


@strawberry.enum(description="Event that a webhook can receive. 事件")
class WebhookEvent(Enum):
    ALERT_RAISED = strawberry.enum_value(
        "ALERT_RAISED", description="An alert was raised, or reached its next stage. 新预警"
    )
    STORE_CHANGED = strawberry.enum_value(
        "STORE_CHANGED",
        description="Products or documents of a store changed: their ids, and as `change` the "
        "event of the store's feed, as far as the webhook's creator may see it. 门店变动",
    )
    DAILY_DIGEST = strawberry.enum_value(
        "DAILY_DIGEST",
        description="The alerts of a store that are not urgent, once a day (`setDigest`). 每日汇总",
    )
    REPORT_READY = strawberry.enum_value(
        "REPORT_READY",
        description="A monthly report is ready (`subscribeReport`). Only its subscriber receives "
        "it: no webhook can. 月度报表",
    )


@window(
    tables.NotificationTarget,
    needs=Can.SET_ALERT_RULES,
    description="A group robot or an e-mail address that receives alerts. 通知渠道",
)
class NotificationTarget:
    id: UUID = strawberry.field(description="ID of the target.")
    name: str = strawberry.field(description="Name of the target. 名称")
    service: str = strawberry.field(
        description="Service of the address, such as WECOM, DINGTALK, FEISHU or EMAIL. 服务"
    )
    store: Store | None = maybe_edge(
        "stores", "store_id", "Store whose alerts it receives; null for all stores. 门店"
    )
    created_at: datetime = strawberry.field(description="Time when it was added. 添加时间")
    ended_at: datetime | None = strawberry.field(
        description="Time when it was removed; null while it is in use. 移除时间"
    )
    staff_id: UUID | None = strawberry.field(
        description="ID of the member of staff that it belongs to; null if it is shared. 所属员工"
    )


@window(
    tables.Webhook,
    needs=Can.MANAGE_WEBHOOKS,
    description="An address of a program that receives signed events. 接口推送地址",
)
class Webhook:
    id: UUID = strawberry.field(description="ID of the webhook.")
    url: str = strawberry.field(description="Address that receives the events. 地址")
    created_at: datetime = strawberry.field(description="Time when it was created. 创建时间")
    ended_at: datetime | None = strawberry.field(
        description="Time when it was deleted; null while it is in use. 删除时间"
    )
    rotated_at: datetime | None = strawberry.field(
        description="Time since which two secrets sign; null while there is one. 更换密钥时间"
    )

    @strawberry.field(description="Events that it receives. 事件")
    def events(self, root: strawberry.Parent[tables.Webhook]) -> list[WebhookEvent]:
        return [WebhookEvent[event] for event in root.events]


@window(
    tables.Delivery,
    needs=Can.SET_ALERT_RULES,
    description="A message to one recipient, with its attempts. 发送记录",
)
class NotificationDelivery:
    id: UUID = strawberry.field(
        description="ID of the delivery; webhooks receive it as the header Kucun-Event-Id."
    )
    store: Store | None = edge("stores", "store_id", "Store that the event is about. 门店")
    alert: Alert | None = maybe_edge(
        "alerts", "alert_id", "Alert that is delivered; null for other events. 预警"
    )
    recipient_id: UUID = strawberry.field(
        description="ID of the member of staff, target or webhook. 接收方"
    )
    body: str = strawberry.field(
        description="The text as it was sent; of a template, its fields as JSON. 内容"
    )
    attempts: int = strawberry.field(description="Number of attempts so far. 尝试次数")
    next_at: datetime = strawberry.field(
        name="nextAttemptAt", description="Time of the next attempt while PENDING. 下次尝试"
    )
    error: str | None = strawberry.field(
        description="Why the latest attempt failed; null if it did not. 错误"
    )
    receipt: str | None = strawberry.field(
        description="Answer of the receiver; null if it was not sent. 回执"
    )
    created_at: datetime = strawberry.field(description="Time when it was written. 创建时间")
    delivered_at: datetime | None = strawberry.field(
        description="Time when it was delivered; null until then. 送达时间"
    )

    @strawberry.field(description="How it reaches the recipient. 发送方式")
    def channel(self, root: strawberry.Parent[tables.Delivery]) -> DeliveryChannel:
        return DeliveryChannel[root.channel]

    @strawberry.field(description="State of the delivery. 状态")
    def state(self, root: strawberry.Parent[tables.Delivery]) -> DeliveryState:
        return DeliveryState[root.state]

    @strawberry.field(description="Event that is delivered. 事件")
    def event(self, root: strawberry.Parent[tables.Delivery]) -> WebhookEvent:
        return WebhookEvent[root.event]


@window(Route, description="A member of staff, and why they are notified or not. 通知路径")
class AlertRoutePerson:
    person: Actor | None = edge("actors", "staff_id", "Member of staff. 员工")
    reason: Reason = strawberry.field(description="Why they are notified or not. 原因")

    @strawberry.field(description="Whether they are notified. 是否通知")
    def notified(self, root: strawberry.Parent[Route]) -> bool:
        return root.reason in NOTIFIED

    @strawberry.field(
        description="Their own targets. An alert also always appears in their feed. 个人通知渠道"
    )
    def targets(self, root: strawberry.Parent[Route]) -> list[NotificationTarget]:
        return as_window(list(root.targets))

    @strawberry.field(
        description="Those of WECHAT, DOUYIN and SMS that reach them now. The first is used; if "
        "it fails, the next. 可用的消息渠道"
    )
    def channels(self, root: strawberry.Parent[Route]) -> list[DeliveryChannel]:
        return [DeliveryChannel[channel] for channel in root.channels]


@strawberry.type(
    description="Who is notified of the alerts of a rule in a store, and how. 通知路径"
)
class AlertRoute:
    people: list[AlertRoutePerson] = strawberry.field(
        description="Staff who work in the store or in all stores, with the reason for each. You "
        "also see all other staff if you have SET_ALERT_RULES in all stores. 员工"
    )
    targets: list[NotificationTarget] = strawberry.field(
        description="Shared targets that receive the alert. 共用通知渠道"
    )
    digest_hour: int | None = strawberry.field(
        description="Hour by the store's clock at which the alert is sent in the daily digest; "
        "null if it is sent at once. 每日汇总时刻"
    )
    quiet_start: str | None = strawberry.field(
        description="Time of day by the store's clock from which its messages wait until "
        "`quietEnd`, such as 22:00; null if they are sent at any time. 免打扰开始"
    )
    quiet_end: str | None = strawberry.field(
        description="Time of day at which they are sent; null with `quietStart` null. 免打扰结束"
    )
    escalates_after_minutes: int | None = strawberry.field(
        description="Minutes after which an alert that is not acknowledged goes to the next role; "
        "null: never. 升级分钟数"
    )


@strawberry.type(description="A webhook with its secret. 新建的 Webhook")
class NewWebhook:
    webhook: Webhook | None = strawberry.field(description="The webhook. Webhook")
    secret: str | None = strawberry.field(
        description="Key of the signatures, shown once; null when the request is repeated. 密钥"
    )


@strawberry.type(description="The recipients set for a rule. 接收人")
class RecipientsResult:
    rule: AlertRule = strawberry.field(description="Rule of the alerts. 预警规则")
    roles: list[Role] = strawberry.field(description="Roles that are notified. 角色")
    staff_ids: list[UUID] = strawberry.field(
        description="IDs of members of staff who are notified in addition to the roles. 员工"
    )


CreateWebhookResult = Annotated[
    NewWebhook | problems.KeyReused,
    strawberry.union(
        "CreateWebhookResult", description="The webhook, or the problem that prevented it."
    ),
]
WebhookResult = Annotated[
    Webhook | UnknownNotification | problems.KeyReused,
    strawberry.union(
        "WebhookResult", description="The webhook, or the problem that prevented the change."
    ),
]
NotificationTargetResult = Annotated[
    NotificationTarget
    | UnknownNotification
    | problems.UnknownStore
    | problems.UnknownStaff
    | problems.KeyReused,
    strawberry.union(
        "NotificationTargetResult",
        description="The target, or the problem that prevented the change.",
    ),
]
SetRecipientsResult = Annotated[
    RecipientsResult
    | problems.UnknownStore
    | problems.UnknownCategory
    | problems.UnknownStaff
    | problems.KeyReused,
    strawberry.union(
        "SetRecipientsResult", description="The recipients, or the problem that prevented it."
    ),
]
SetQuietHoursResult = Annotated[
    Store | problems.UnknownStore | problems.KeyReused,
    strawberry.union(
        "SetQuietHoursResult", description="The store, or the problem that prevented the change."
    ),
]
RedeliverResult = Annotated[
    NotificationDelivery | UnknownNotification | problems.KeyReused,
    strawberry.union(
        "RedeliverResult", description="The delivery, or the problem that prevented it."
    ),
]
AlertRouteResult = Annotated[
    AlertRoute | problems.UnknownStore,
    strawberry.union(
        "AlertRouteResult", description="The route, or the problem that prevented it."
    ),
]


@strawberry.input(description="Input of `createWebhook`. 新建 Webhook")
class CreateWebhookInput:
    key: UUID = request_key()
    url: str = strawberry.field(
        description="Address that receives the events: https, on a public address. 地址"
    )
    events: list[WebhookEvent] = strawberry.field(
        description="Events to receive. 事件", metadata=at_most(10)
    )


@strawberry.input(description="Input of `deleteWebhook`. 删除 Webhook")
class DeleteWebhookInput:
    key: UUID = request_key()
    webhook_id: UUID = strawberry.field(description="ID of the webhook to delete.")


@strawberry.input(description="Input of `addNotificationTarget`. 添加通知渠道")
class AddNotificationTargetInput:
    key: UUID = request_key()
    name: str = strawberry.field(description="Name of the target, up to 100 characters. 名称")
    url: str = strawberry.field(
        description="Address of a group robot, as WeCom, DingTalk or Feishu shows it, or an "
        "Apprise URL such as mailtos://user:password@example.com or dingtalk://SECRET@TOKEN for "
        "a robot that checks signatures. It is encrypted and never shown. 地址"
    )
    staff_id: UUID | None = strawberry.field(
        default=None,
        description="ID of the member of staff that it belongs to; it receives the alerts that "
        "they are notified of. Null for a shared target, which receives the alerts "
        "of every rule.",
    )
    store_id: UUID | None = strawberry.field(
        default=None, description="ID of one store; null receives alerts of all stores."
    )


@strawberry.input(description="Input of `removeNotificationTarget`. 移除通知渠道")
class RemoveNotificationTargetInput:
    key: UUID = request_key()
    target_id: UUID = strawberry.field(description="ID of the target to remove.")


@strawberry.input(description="Input of `setRecipients`. 设置接收人")
class SetRecipientsInput:
    key: UUID = request_key()
    rule: AlertRule = strawberry.field(description="Rule whose recipients are set.")
    store_id: UUID | None = strawberry.field(
        default=None, description="ID of one store; null applies to all stores."
    )
    category_id: UUID | None = strawberry.field(
        default=None,
        description="ID of a category; the recipients are for its products and those of the "
        "categories below it. Null applies to all products.",
    )
    roles: list[Role] = strawberry.field(
        default_factory=list,
        description="Roles that are notified in the stores of each person.",
        metadata=at_most(10),
    )
    staff_ids: list[UUID] = strawberry.field(
        default_factory=list,
        description="IDs of members of staff who work in the store and are notified in addition "
        "to the roles.",
        metadata=at_most(MOST_PEOPLE),
    )


@strawberry.input(description="Input of `setQuietHours`. 设置免打扰时段")
class SetQuietHoursInput:
    key: UUID = request_key()
    store_id: UUID = strawberry.field(description="ID of the store.")
    start: str | None = strawberry.field(
        description="Time of day by the store's clock, such as 22:00; null ends the quiet hours."
    )
    end: str | None = strawberry.field(
        description="Time of day at which they end, such as 08:00; null with `start` null."
    )


@strawberry.input(description="Input of `redeliver`. 重新发送")
class RedeliverInput:
    key: UUID = request_key()
    delivery_id: UUID = strawberry.field(description="ID of the delivery to send again.")
