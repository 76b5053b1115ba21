"""Messages of mini-programs and SMS: templates, and the subscriptions of staff."""

from datetime import datetime
from enum import Enum
from typing import Annotated
from uuid import UUID

import strawberry

from app.db import tables
from app.db.subscriptions import Subscription
from app.domain.access import Can
from app.domain.notices.subscriptions import MOST_FIELDS
from app.domain.rules.message_fields import Part
from app.schema import customer_problems, problems, session_problems
from app.schema.arguments import at_most, request_key
from app.schema.edges import edge
from app.schema.identity import Actor
from app.schema.notices import UnknownNotification
from app.schema.window import describe_values, window

strawberry.enum(
    Part, name="MessagePart", description="A part of an alert that fills a field. 模板内容"
)
describe_values(Part, {part.name: part.value for part in Part})


@strawberry.enum(description="Channel whose messages have a template. 消息渠道")
class MessageChannel(Enum):
    WECHAT = strawberry.enum_value(
        "WECHAT", description="Subscribe message of the WeChat mini-program. 微信订阅消息"
    )
    DOUYIN = strawberry.enum_value(
        "DOUYIN", description="Subscribe message of the Douyin mini-program. 抖音订阅消息"
    )
    SMS = strawberry.enum_value("SMS", description="Text message to a phone. 短信")


@strawberry.type(description="A field of a template, and what fills it. 模板字段")
class MessageField:
    name: str = strawberry.field(
        description="Name of the field in the provider's template, such as thing1. 字段名"
    )
    part: Part = strawberry.field(description="Part of the alert that fills it. 内容")


@window(
    tables.MessageTemplate,
    needs=Can.CONNECT_MINI_APPS,
    description="The template with which a channel sends alerts. 消息模板",
)
class MessageTemplate:
    template: str = strawberry.field(description="ID of the template at the provider. 模板编号")
    page: str | None = strawberry.field(
        description="Page of the mini-program that the message opens; null for none. 页面路径"
    )
    set_by: Actor | None = edge("actors", "set_by", "Owner who set the template. 设置人")
    set_at: datetime = strawberry.field(description="Time when the template was set. 设置时间")

    @strawberry.field(description="Channel of the template. 渠道")
    def channel(self, root: strawberry.Parent[tables.MessageTemplate]) -> MessageChannel:
        return MessageChannel[root.channel]

    @strawberry.field(description="Fields of the template. 字段")
    def fields(self, root: strawberry.Parent[tables.MessageTemplate]) -> list[MessageField]:
        pairs = zip(root.fields, root.parts, strict=True)
        return [MessageField(name=name, part=Part[part]) for name, part in pairs]


@window(Subscription, description="How you receive alerts in a mini-program. 我的消息订阅")
class MessageSubscription:
    bound: bool = strawberry.field(
        description="Whether your identity in the mini-program is bound. 是否已绑定"
    )
    template: str | None = strawberry.field(
        description="ID of the template to subscribe to; null while the owner has set none. "
        "模板编号"
    )
    credits: int = strawberry.field(
        description="Number of messages that you have subscribed to and not received yet. 剩余次数"
    )

    @strawberry.field(description="Channel of the mini-program. 渠道")
    def channel(self, root: strawberry.Parent[Subscription]) -> MessageChannel:
        return MessageChannel[root.channel]


SetMessageTemplateResult = Annotated[
    MessageTemplate | problems.KeyReused,
    strawberry.union(
        "SetMessageTemplateResult",
        description="The template as it is now, or the problem that prevented the change.",
    ),
]
BindMiniAppResult = Annotated[
    MessageSubscription
    | customer_problems.InvalidLoginCode
    | customer_problems.CustomerBlocked
    | session_problems.TooManyAttempts
    | customer_problems.PlatformUnavailable
    | problems.WrongState
    | problems.KeyReused,
    strawberry.union(
        "BindMiniAppResult",
        description="How you receive alerts in the mini-program, or the problem that prevented "
        "the change.",
    ),
]
UnbindMiniAppResult = Annotated[
    MessageSubscription | problems.WrongState | problems.KeyReused,
    strawberry.union(
        "UnbindMiniAppResult",
        description="How you receive alerts in the mini-program, or the problem that prevented "
        "the change.",
    ),
]
GrantMessageCreditResult = Annotated[
    MessageSubscription | UnknownNotification | problems.KeyReused,
    strawberry.union(
        "GrantMessageCreditResult",
        description="How you receive alerts in the mini-program, or the problem that prevented "
        "the change.",
    ),
]


@strawberry.input(description="A field of a template, and what fills it. 模板字段")
class MessageFieldInput:
    name: str = strawberry.field(
        description="Name of the field in the provider's template: thing1 for WeChat, 商品 for "
        "Douyin. 字段名"
    )
    part: Part = strawberry.field(description="Part of the alert that fills it. 内容")


@strawberry.input(description="Input of `setMessageTemplate`. 设置消息模板")
class SetMessageTemplateInput:
    key: UUID = request_key()
    channel: MessageChannel = strawberry.field(description="Channel of the template. 渠道")
    template: str = strawberry.field(description="ID of the template at the provider. 模板编号")
    page: str | None = strawberry.field(
        default=None,
        description="Page of the mini-program that the message opens, such as "
        "pages/alerts/index. 页面路径",
    )
    fields: list[MessageFieldInput] = strawberry.field(
        description="All fields of the template. Longer values are shortened to what a field "
        "takes: 20 characters for thing. 字段",
        metadata=at_most(MOST_FIELDS),
    )


@strawberry.input(description="Input of `bindMiniApp`. 绑定小程序")
class BindMiniAppInput:
    key: UUID = request_key()
    channel: MessageChannel = strawberry.field(description="Channel: WECHAT or DOUYIN. 渠道")
    code: str = strawberry.field(
        description="Code of the mini-program's login: `wx.login` or `tt.login`. 登录码"
    )


@strawberry.input(description="Input of `unbindMiniApp`. 解除绑定")
class UnbindMiniAppInput:
    key: UUID = request_key()
    channel: MessageChannel = strawberry.field(description="Channel: WECHAT or DOUYIN. 渠道")


@strawberry.input(description="Input of `grantMessageCredit`. 上报订阅")
class GrantMessageCreditInput:
    key: UUID = request_key()
    template: str = strawberry.field(
        description="ID of the template that `requestSubscribeMessage` answered with accept. "
        "模板编号"
    )
    count: int = strawberry.field(
        default=1, description="Number of times that you accepted, from 1 to 20. 次数"
    )
