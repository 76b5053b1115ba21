"""Shops of channels, and what one sends to connect them."""

from datetime import datetime
from enum import Enum
from typing import Annotated
from uuid import UUID

import strawberry
from strawberry.types import Info

from app.db import tables
from app.db.channel_accounts import Lag
from app.schema import problems
from app.schema.catalog import Channel, Product
from app.schema.edges import edge
from app.schema.identity import Actor, Store
from app.schema.scalars import Revision
from app.schema.window import window


@strawberry.enum(description="Whether a shop knows what it may sell. 推送状态")
class ListingState(Enum):
    NEW = strawberry.enum_value("NEW", description="Not told yet. 待推送")
    TOLD = strawberry.enum_value("TOLD", description="It knows. 已推送")
    WAITING = strawberry.enum_value("WAITING", description="It failed; tried again soon. 重试中")
    DEAD = strawberry.enum_value("DEAD", description="It failed for good. 推送失败")


@window(tables.Listing, description="A product as a shop lists it. 渠道商品")
class Listing:
    id: UUID
    product: Product = edge("products", "product_id")
    sku: str = strawberry.field(description="The shop's number of it: sku_id. 渠道 SKU")
    item: str = strawberry.field(description="WeChat: the product_id above the SKU. 渠道商品号")
    told: int | None = strawberry.field(
        description="Whole units the shop was told last; null: none yet. 已推送数量"
    )
    told_at: datetime | None
    attempts: int = strawberry.field(description="Failures since it last went well. 失败次数")
    error: str | None = strawberry.field(description="What the shop said. 失败原因")

    @strawberry.field
    def state(self, root: strawberry.Parent[tables.Listing]) -> ListingState:
        return ListingState[root.state]


@window(tables.ChannelLink, description="A store's shop in a channel. 渠道店铺")
class ChannelLink:
    id: UUID
    store: Store = edge("stores", "store_id")
    app_id: str
    connected_at: datetime
    connected_by: Actor | None = edge("actors", "connected_by")
    ended_at: datetime | None = strawberry.field(description="Disconnected then. 断开时间")
    listings: list[Listing] = edge("listings", "id")

    @strawberry.field
    def channel(self, root: strawberry.Parent[tables.ChannelLink]) -> Channel:
        return Channel[root.channel]

    @strawberry.field(
        description="The path of its message push: set it in the shop's console, behind this "
        "server's public address. 消息推送地址"
    )
    def webhook(self, root: strawberry.Parent[tables.ChannelLink]) -> str:
        return f"/shops/{root.id}"


@window(Lag, description="How far a shop is behind its store. 渠道延迟")
class ChannelLag:
    link: ChannelLink
    revision: Revision = strawberry.field(description="The store's. 门店版本")
    waiting: int = strawberry.field(description="Pushes and messages that wait. 待处理")
    dead: int = strawberry.field(description="Of those that failed for good. 失败")
    since: datetime | None = strawberry.field(description="The last push that went well. 最近推送")
    error: str | None = strawberry.field(description="What went wrong last. 最近错误")

    @strawberry.field(description="What the shop was told of all of. 已推送版本")
    def told_revision(self, root: strawberry.Parent[Lag]) -> Revision:
        return max(root.link.revision, 0)  # pyright: ignore[reportReturnType]

    @strawberry.field(description="Commits the shop was not told of yet. 落后版本数")
    def behind(self, root: strawberry.Parent[Lag], info: Info) -> Revision:
        return root.revision - max(root.link.revision, 0)  # pyright: ignore[reportReturnType]


ChannelLinkResult = Annotated[
    ChannelLink
    | problems.UnknownChannelLink
    | problems.UnknownStore
    | problems.UnknownProduct
    | problems.AlreadyTaken
    | problems.WrongState
    | problems.KeyReused,
    strawberry.union("ChannelLinkResult", description="The shop, or why nothing was written."),
]


@strawberry.input(description="Connect a store to its shop in a channel. 对接渠道店铺")
class ConnectChannelInput:
    key: UUID
    store_id: UUID
    channel: Channel = strawberry.field(description="WECHAT or DOUYIN.")
    app_id: str = strawberry.field(description="WeChat: appid; Douyin: app_key.")
    secret: str = strawberry.field(description="Kept sealed, never shown. 密钥")
    shop_id: str | None = strawberry.field(
        default=None, description="Douyin: the shop's id. 店铺号"
    )
    token: str | None = strawberry.field(
        default=None, description="WeChat: what signs its messages. 消息推送 Token"
    )


@strawberry.input(description="Tell a shop nothing any more. 断开渠道店铺")
class ChannelLinkInput:
    key: UUID
    link_id: UUID


@strawberry.input(description="By which number a shop lists a product. 渠道商品映射")
class SetListingInput(ChannelLinkInput):
    product_id: UUID
    sku: str = strawberry.field(description="The shop's sku_id, at most 64 characters.")
    item: str | None = strawberry.field(
        default=None, description="WeChat: the product_id above it, at most 64 characters."
    )


@strawberry.input(description="A shop no longer lists it. 删除渠道商品映射")
class RemoveListingInput(ChannelLinkInput):
    sku: str
