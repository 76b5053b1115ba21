"""Customers: their accounts, and their contacts, read in full and erased."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

import strawberry
from strawberry.types import Info

from app.db import tables
from app.domain.people import customers
from app.domain.people.customer_accounts import phone_of
from app.schema import customer_problems, problems, session_problems
from app.schema.arguments import request_key
from app.schema.catalog import Channel
from app.schema.edges import edge
from app.schema.identity import Actor
from app.schema.window import window


@window(customers.RevealedContact, description="A contact in full. 联系方式")
class RevealedContact:
    contact: str | None = strawberry.field(
        description="Name or phone number as the customer gave it; null once it is erased. 联系人"
    )


@window(
    customers.ErasedCustomer,
    public=("orders", "passes", "accounts"),
    description="Numbers of orders, passes and accounts from which a customer was erased. 删除结果",
)
class ErasedCustomer:
    orders: int = strawberry.field(description="Number of orders that had the contact. 订单数")
    passes: int = strawberry.field(description="Number of passes that had the contact. 次卡数")
    accounts: int = strawberry.field(
        description="Number of customer accounts with this phone number. 会员账号数"
    )


@window(
    tables.MiniApp,
    description="The mini-program with which customers of a channel sign in. 小程序",
)
class MiniApp:
    app_id: str = strawberry.field(description="App ID (`appid`) of the mini-program. 应用号")
    set_by: Actor | None = edge("actors", "set_by", "Owner who set the credentials. 设置人")
    set_at: datetime = strawberry.field(description="Time when the credentials were set. 设置时间")

    @strawberry.field(description="Channel of the mini-program: WECHAT or DOUYIN. 渠道")
    def channel(self, root: strawberry.Parent[tables.MiniApp]) -> Channel:
        return Channel[root.channel]


@window(
    tables.Customer,
    public=("id", "channel", "phone", "created_at"),
    description="The account of a customer. 会员",
)
class Customer:
    id: UUID = strawberry.field(description="ID of the account.")
    created_at: datetime = strawberry.field(description="Time of the first sign-in. 注册时间")

    @strawberry.field(description="Channel through which the customer signs in. 渠道")
    def channel(self, root: strawberry.Parent[tables.Customer]) -> Channel:
        return Channel[root.channel]

    @strawberry.field(description="Phone number that the customer bound; null without one. 手机号")
    def phone(self, root: strawberry.Parent[tables.Customer], info: Info) -> str | None:
        return phone_of(info.context.app.db.vault, root)


RevealContactResult = Annotated[
    RevealedContact
    | problems.UnknownOrder
    | problems.UnknownPass
    | problems.KeyReused
    | problems.Busy,
    strawberry.union(
        "RevealContactResult", description="The contact, or the problem that prevented it."
    ),
]
EraseCustomerResult = Annotated[
    ErasedCustomer | problems.KeyReused | problems.Busy,
    strawberry.union(
        "EraseCustomerResult",
        description="The erased rows, or the problem that prevented it.",
    ),
]


SetMiniAppResult = Annotated[
    MiniApp | problems.KeyReused | problems.Busy,
    strawberry.union(
        "SetMiniAppResult",
        description="The mini-program as it is now, or the problem that prevented the change.",
    ),
]
BindPhoneResult = Annotated[
    Customer
    | customer_problems.InvalidLoginCode
    | customer_problems.CustomerBlocked
    | session_problems.TooManyAttempts
    | customer_problems.PlatformUnavailable
    | problems.WrongState
    | problems.KeyReused,
    strawberry.union(
        "BindPhoneResult",
        description="The account with its phone number, or the problem that prevented the change.",
    ),
]


@strawberry.input(description="Input of `setMiniApp`. 对接小程序")
class SetMiniAppInput:
    key: UUID = request_key()
    channel: Channel = strawberry.field(description="Channel: WECHAT or DOUYIN. 渠道")
    app_id: str = strawberry.field(description="App ID (`appid`) of the mini-program. 应用号")
    secret: str = strawberry.field(
        description="Secret of the mini-program. It is stored encrypted and never returned. 密钥"
    )
    phone_key: str | None = strawberry.field(
        default=None,
        description="Private RSA key of a Douyin mini-program in PEM; its public key is set in "
        "Douyin's console. `bindPhone` needs it there. It is stored encrypted and never returned. "
        "手机号解密私钥",
    )


@strawberry.input(description="Input of `bindPhone`. 绑定手机号")
class BindPhoneInput:
    key: UUID = request_key()
    code: str = strawberry.field(
        description="Code of the button `getPhoneNumber` of the mini-program. 手机号授权码"
    )


@strawberry.input(description="Input of `deleteMyAccount`. 注销账号")
class DeleteMyAccountInput:
    key: UUID = request_key()


@strawberry.input(description="Input of `revealContact`; give exactly one ID. 查看联系方式")
class RevealContactInput:
    key: UUID = request_key()
    order_id: UUID | None = strawberry.field(default=None, description="ID of an order.")
    pass_id: UUID | None = strawberry.field(default=None, description="ID of a prepaid pass.")


@strawberry.input(description="Input of `eraseCustomer`. 删除顾客信息")
class EraseCustomerInput:
    key: UUID = request_key()
    contact: str = strawberry.field(
        description="Phone number in any spelling, or exactly the name, of the customer; at most "
        "100 characters. 联系人"
    )
