"""SMS: the chain's account at a provider, and the phone of a member of staff."""

from datetime import datetime
from enum import Enum
from typing import Annotated
from uuid import UUID

import strawberry

from app.db import tables
from app.domain.access import Can
from app.schema import problems
from app.schema.arguments import request_key
from app.schema.edges import edge
from app.schema.identity import Actor
from app.schema.window import window


@strawberry.enum(description="Provider of SMS. 短信服务商")
class SmsProvider(Enum):
    ALIYUN = strawberry.enum_value("ALIYUN", description="SMS service of Aliyun. 阿里云短信")
    TENCENT = strawberry.enum_value(
        "TENCENT", description="SMS service of Tencent Cloud. 腾讯云短信"
    )


@window(
    tables.SmsAccount,
    needs=Can.CONNECT_SMS,
    description="The account with which the chain sends SMS. 短信账号",
)
class SmsAccount:
    key_id: str = strawberry.field(
        description="ID of the access key: AccessKey ID or SecretId. 密钥编号"
    )
    sign_name: str = strawberry.field(description="Approved signature of the messages. 短信签名")
    sdk_app_id: str | None = strawberry.field(
        description="SdkAppId of Tencent's SMS application; null for Aliyun. 应用编号"
    )
    set_by: Actor | None = edge("actors", "set_by", "Owner who set the account. 设置人")
    set_at: datetime = strawberry.field(description="Time when the account was set. 设置时间")

    @strawberry.field(description="Provider of the account. 服务商")
    def provider(self, root: strawberry.Parent[tables.SmsAccount]) -> SmsProvider:
        return SmsProvider[root.provider]


@strawberry.type(description="The phone on which you receive SMS. 接收短信的手机")
class MessagePhone:
    phone: str | None = strawberry.field(
        description="Mobile number with +86; null without one. 手机号"
    )


SetSmsAccountResult = Annotated[
    SmsAccount | problems.KeyReused,
    strawberry.union(
        "SetSmsAccountResult",
        description="The account as it is now, or the problem that prevented the change.",
    ),
]
SetMyPhoneResult = Annotated[
    MessagePhone | problems.KeyReused,
    strawberry.union(
        "SetMyPhoneResult", description="Your phone, or the problem that prevented the change."
    ),
]


@strawberry.input(description="Input of `setSmsAccount`. 对接短信")
class SetSmsAccountInput:
    key: UUID = request_key()
    provider: SmsProvider = strawberry.field(description="Provider of the account. 服务商")
    key_id: str = strawberry.field(
        description="ID of the access key: AccessKey ID or SecretId. 密钥编号"
    )
    secret: str = strawberry.field(
        description="Secret of the access key. It is stored encrypted and never returned. 密钥"
    )
    sign_name: str = strawberry.field(description="Approved signature of the messages. 短信签名")
    sdk_app_id: str | None = strawberry.field(
        default=None, description="SdkAppId of Tencent's SMS application. 应用编号"
    )


@strawberry.input(description="Input of `setMyPhone`. 设置接收短信的手机")
class SetMyPhoneInput:
    key: UUID = request_key()
    phone: str | None = strawberry.field(
        description="Mobile number in China; null deletes it. 手机号"
    )
