"""Roots of the shops topic."""

from uuid import UUID

import strawberry
from strawberry.types import Info

from app.db import channel_accounts as rows
from app.db.tables import ChannelLink
from app.domain import access
from app.domain.access import Can
from app.domain.channels import accounts
from app.resolvers.roots import root
from app.schema import channel_accounts as types

CAN = Can.CONNECT_CHANNELS


@strawberry.type
class ShopsQuery:
    @root(CAN, list[types.ChannelLink], description="The connected shops of stores. 渠道店铺列表")
    async def channel_links(self, info: Info, store_ids: list[UUID] | None = None):
        viewer = info.context.viewer
        stores = access.within(viewer, CAN, store_ids)
        async with info.context.app.db.read(viewer.tenant) as session:
            return await rows.links(session, viewer.tenant, stores)

    @root(
        Can.SEE_HEALTH,
        list[types.ChannelLag],
        description="How far the shops of stores are behind them, and what failed. 渠道延迟",
    )
    async def channel_lag(self, info: Info, store_ids: list[UUID] | None = None):
        viewer = info.context.viewer
        stores = access.within(viewer, Can.SEE_HEALTH, store_ids)
        async with info.context.app.db.read(viewer.tenant) as session:
            return await rows.lags(session, viewer.tenant, stores)


@strawberry.type
class ShopsMutation:
    @root(CAN, types.ChannelLinkResult, description="Connect a shop. 对接渠道店铺")
    async def connect_channel(self, info: Info, input: types.ConnectChannelInput) -> ChannelLink:
        app, account = info.context.app, accounts.account_of(input)
        asked = input.key, input.store_id, input.channel.name, account
        return await accounts.connect(app.db, info.context.viewer, app.shops, *asked)

    @root(CAN, types.ChannelLinkResult, description="Disconnect a shop. 断开渠道店铺")
    async def disconnect_channel(self, info: Info, input: types.ChannelLinkInput) -> ChannelLink:
        db, viewer = info.context.app.db, info.context.viewer
        return await accounts.disconnect(db, viewer, input.key, input.link_id)

    @root(CAN, types.ChannelLinkResult, description="Which SKU a product is there. 渠道商品映射")
    async def set_listing(self, info: Info, input: types.SetListingInput) -> ChannelLink:
        asked = input.key, input.link_id, input.product_id, input.sku, input.item
        return await accounts.enlist(info.context.app.db, info.context.viewer, *asked)

    @root(CAN, types.ChannelLinkResult, description="It lists it no more. 删除渠道商品映射")
    async def remove_listing(self, info: Info, input: types.RemoveListingInput) -> ChannelLink:
        db, viewer = info.context.app.db, info.context.viewer
        return await accounts.unlist(db, viewer, input.key, input.link_id, input.sku)

    @root(CAN, types.ChannelLinkResult, description="Try again all that is dead. 重试失败推送")
    async def retry_channel(self, info: Info, input: types.ChannelLinkInput) -> ChannelLink:
        db, viewer = info.context.app.db, info.context.viewer
        return await accounts.retry(db, viewer, input.key, input.link_id)
