"""Roots of the shops topic."""

import strawberry
from strawberry.types import Info

from app.db import channel_accounts as rows
from app.db.tables import ChannelLink
from app.domain import access
from app.domain.access import Can
from app.domain.channels import accounts
from app.resolvers.roots import root
from app.schema import channel_accounts as types
from app.schema.arguments import StoreIds

CAN = Can.CONNECT_CHANNELS


@strawberry.type
class ShopsQuery:
    @root(
        CAN,
        list[types.ChannelLink],
        description="List the channel shops connected to your stores. 渠道店铺列表",
    )
    async def channel_links(self, info: Info, store_ids: StoreIds = None):
        viewer = info.context.viewer
        stores = access.within(viewer, CAN, store_ids)
        async with info.context.snapshot.read(viewer.tenant) as session:
            return await rows.links(session, viewer.tenant, stores)

    @root(
        Can.SEE_HEALTH,
        list[types.ChannelLag],
        description="Return how far each connected shop is behind its store, and what failed. "
        "渠道延迟",
    )
    async def channel_lag(self, info: Info, store_ids: StoreIds = None):
        viewer = info.context.viewer
        stores = access.within(viewer, Can.SEE_HEALTH, store_ids)
        async with info.context.snapshot.read(viewer.tenant) as session:
            return await rows.lags(session, viewer.tenant, stores)


@strawberry.type
class ShopsMutation:
    @root(
        CAN,
        types.ChannelLinkResult,
        description="Connect a store to its shop in a channel. 对接渠道店铺",
    )
    async def connect_channel(self, info: Info, input: types.ConnectChannelInput) -> ChannelLink:
        app, account = info.context.app, accounts.account_of(input)
        request = input.key, input.store_id, input.channel.name, account
        return await accounts.connect(app.db, info.context.viewer, app.shops, *request)

    @root(
        CAN,
        types.ChannelLinkResult,
        description="Disconnect a shop; it receives no further pushes. 断开渠道店铺",
    )
    async def disconnect_channel(self, info: Info, input: types.ChannelLinkInput) -> ChannelLink:
        db, viewer = info.context.app.db, info.context.viewer
        return await accounts.disconnect(db, viewer, input.key, input.link_id)

    @root(
        CAN,
        types.ChannelLinkResult,
        description="Map a product to a SKU of the shop, and push its stock from now on. "
        "渠道商品映射",
    )
    async def set_listing(self, info: Info, input: types.SetListingInput) -> ChannelLink:
        db, viewer = info.context.app.db, info.context.viewer
        listing = input.product_id, input.sku, input.item
        return await accounts.set_listing(db, viewer, input.key, input.link_id, *listing)

    @root(
        CAN, types.ChannelLinkResult, description="Remove a channel SKU mapping. 删除渠道商品映射"
    )
    async def remove_listing(self, info: Info, input: types.RemoveListingInput) -> ChannelLink:
        db, viewer = info.context.app.db, info.context.viewer
        return await accounts.remove_listing(db, viewer, input.key, input.link_id, input.sku)

    @root(
        CAN,
        types.ChannelLinkResult,
        description="Retry every push and message of the shop that failed for good. 重试失败推送",
    )
    async def retry_channel(self, info: Info, input: types.ChannelLinkInput) -> ChannelLink:
        db, viewer = info.context.app.db, info.context.viewer
        return await accounts.retry(db, viewer, input.key, input.link_id)
