"""Types and inputs of channel accounts: shops, their listings and how far they are behind."""

from datetime import datetime
from enum import Enum
from typing import Annotated
from uuid import UUID

import strawberry
from strawberry.types import Info

from app.db import tables
from app.db.channel_accounts import Lag
from app.domain.access import Can
from app.schema import problems
from app.schema.arguments import request_key
from app.schema.catalog import Channel, Product
from app.schema.edges import edge
from app.schema.identity import Actor, Store
from app.schema.scalars import Revision
from app.schema.window import as_window, window


@strawberry.enum(description="Whether the shop has the current quantity. 推送状态")
class ListingState(Enum):
    NEW = strawberry.enum_value("NEW", description="Not pushed to the shop yet. 待推送")
    PUSHED = strawberry.enum_value(
        "PUSHED", description="The shop has the current quantity. 已推送"
    )
    WAITING = strawberry.enum_value(
        "WAITING", description="The last push failed and will be retried soon. 重试中"
    )
    DEAD = strawberry.enum_value(
        "DEAD", description="All retries failed; call `retryChannel`. 推送失败"
    )


@window(tables.Listing, description="Mapping of a product to a SKU in a channel's shop. 渠道商品")
class Listing:
    id: UUID = strawberry.field(description="ID of the listing.")
    product: Product = edge("products", "product_id", "Product that is listed. 商品")
    sku: str = strawberry.field(description="SKU ID in the shop (`sku_id`). 渠道 SKU")
    item: str = strawberry.field(
        description="WeChat only: `product_id` that the SKU belongs to. 渠道商品号"
    )
    pushed: int | None = strawberry.field(
        description="Quantity last pushed to the shop, in whole units; null if none yet. 已推送数量"
    )
    pushed_at: datetime | None = strawberry.field(
        description="Time of the last successful push; null if none yet. 推送时间"
    )
    attempts: int = strawberry.field(
        description="Number of failures since the last successful push. 失败次数"
    )
    error: str | None = strawberry.field(
        description="Last error message from the shop; null if the last push succeeded. 失败原因"
    )

    @strawberry.field(description="State of the push. 推送状态")
    def state(self, root: strawberry.Parent[tables.Listing]) -> ListingState:
        return ListingState[root.state]


@window(
    tables.ChannelLink,
    needs=Can.CONNECT_CHANNELS,
    description="Connection of a store to its shop in a channel. 渠道店铺",
)
class ChannelLink:
    id: UUID = strawberry.field(description="ID of the connection.")
    store: Store = edge("stores", "store_id", "Store that the shop belongs to. 门店")
    app_id: str = strawberry.field(
        description="App ID in the channel: WeChat `appid` or Douyin `app_key`. 应用号"
    )
    connected_at: datetime = strawberry.field(
        description="Time when the shop was connected. 对接时间"
    )
    connected_by: Actor | None = edge(
        "actors", "connected_by", "Member of staff who connected the shop. 操作人"
    )
    ended_at: datetime | None = strawberry.field(
        description="Time when the shop was disconnected; null while it is connected. 断开时间"
    )
    listings: list[Listing] = edge(
        "listings", "id", "Products that are mapped to SKUs of the shop. 渠道商品"
    )

    @strawberry.field(description="Channel of the shop. 渠道")
    def channel(self, root: strawberry.Parent[tables.ChannelLink]) -> Channel:
        return Channel[root.channel]

    @strawberry.field(
        description="Path of the webhook that receives the shop's messages. Set it in the shop's "
        "console, after this server's public address. 消息推送地址"
    )
    def webhook(self, root: strawberry.Parent[tables.ChannelLink]) -> str:
        return f"/shops/{root.id}"


@window(Lag, description="How far a shop is behind its store's stock. 渠道延迟")
class ChannelLag:
    link: ChannelLink | None = strawberry.field(
        description="Connection that the figures belong to; null if you lack CONNECT_CHANNELS. "
        "渠道店铺"
    )
    revision: Revision = strawberry.field(description="Current revision of the store. 门店版本")
    waiting: int = strawberry.field(
        description="Number of pushes and messages that wait to be processed. 待处理"
    )
    dead: int = strawberry.field(
        description="Number of pushes and messages that failed for good. 失败"
    )
    since: datetime | None = strawberry.field(
        description="Time of the last successful push; null if none yet. 最近推送"
    )
    error: str | None = strawberry.field(
        description="Last error message; null if there is none. 最近错误"
    )

    @strawberry.field(
        description="Store revision up to which the shop has every change. 已推送版本"
    )
    def pushed_revision(self, root: strawberry.Parent[Lag]) -> Revision:
        return as_window(max(root.link.revision, 0))

    @strawberry.field(description="Number of revisions that are not pushed yet. 落后版本数")
    def behind(self, root: strawberry.Parent[Lag], info: Info) -> Revision:
        return as_window(root.revision - max(root.link.revision, 0))


ChannelLinkResult = Annotated[
    ChannelLink
    | problems.UnknownChannelLink
    | problems.UnknownStore
    | problems.UnknownProduct
    | problems.AlreadyTaken
    | problems.WrongState
    | problems.KeyReused,
    strawberry.union(
        "ChannelLinkResult",
        description="The connection as it is now, or the problem that prevented the change.",
    ),
]


@strawberry.input(description="Input of `connectChannel`. 对接渠道店铺")
class ConnectChannelInput:
    key: UUID = request_key()
    store_id: UUID = strawberry.field(description="ID of the store to connect.")
    channel: Channel = strawberry.field(description="Channel of the shop: WECHAT or DOUYIN. 渠道")
    app_id: str = strawberry.field(description="WeChat `appid` or Douyin `app_key`. 应用号")
    secret: str = strawberry.field(
        description="Secret of the app. It is stored encrypted and never returned. 密钥"
    )
    shop_id: str | None = strawberry.field(
        default=None, description="Douyin only: ID of the shop. 店铺号"
    )
    token: str | None = strawberry.field(
        default=None, description="WeChat only: token that signs its messages. 消息推送 Token"
    )


@strawberry.input(description="Input of the mutations that act on one channel connection. 渠道店铺")
class ChannelLinkInput:
    key: UUID = request_key()
    link_id: UUID = strawberry.field(description="ID of the connection.")


@strawberry.input(description="Input of `setListing`. 设置渠道商品映射")
class SetListingInput(ChannelLinkInput):
    product_id: UUID = strawberry.field(description="ID of the product to map.")
    sku: str = strawberry.field(
        description="SKU ID in the shop (`sku_id`), at most 64 characters. 渠道 SKU"
    )
    item: str | None = strawberry.field(
        default=None,
        description="WeChat only: `product_id` that the SKU belongs to, at most 64 characters. "
        "渠道商品号",
    )


@strawberry.input(description="Input of `removeListing`. 删除渠道商品映射")
class RemoveListingInput(ChannelLinkInput):
    sku: str = strawberry.field(description="SKU ID whose mapping is removed. 渠道 SKU")
