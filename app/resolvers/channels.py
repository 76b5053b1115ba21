"""Roots of the channels topic."""

from typing import Annotated, Any
from uuid import UUID

import strawberry
from strawberry.types import Info

from app.db import channels as rows
from app.db.channels import Subject
from app.db.tables import ChannelRule, Product
from app.domain import access
from app.domain.access import Can
from app.domain.channels import previews, rules
from app.resolvers.pages import newest
from app.resolvers.roots import root
from app.schema import channels as types
from app.schema.arguments import After, Before, First, Last, StoreIds
from app.schema.catalog import Channel
from app.schema.catalog_changes import ProductResult
from app.schema.paging import Connection, PageArguments
from app.schema.scalars import Quantity
from app.schema.window import as_window


def subject(input: Any) -> Subject:
    return Subject(input.channel.name, input.product_id, input.store_id)


@strawberry.type
class ChannelsQuery:
    @root(
        Can.EDIT_CHANNELS,
        Connection[types.ChannelRule],
        description="List the channel rules that apply to your stores, the newest first. "
        "渠道规则列表",
    )
    async def channel_rules(
        self,
        info: Info,
        store_ids: StoreIds = None,
        channel: Annotated[
            Channel | None, strawberry.argument(description="Return only rules of this channel.")
        ] = None,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ):
        viewer = info.context.viewer
        stores = access.within(viewer, Can.EDIT_CHANNELS, store_ids)
        name = channel and channel.name
        return await newest(
            info, rows.rules, stores, name, paging=PageArguments(first, after, last, before)
        )

    @root(
        Can.EDIT_CHANNELS,
        types.ChannelPreviewResult,
        description="Preview the effect of a channel rule in each store; nothing is saved. "
        "渠道规则预览",
    )
    async def channel_preview(
        self,
        info: Info,
        channel: Annotated[
            Channel,
            strawberry.argument(description="Any channel except COUNTER, which has no rules."),
        ],
        product_id: Annotated[UUID, strawberry.argument(description="ID of the product.")],
        store_id: Annotated[
            UUID | None,
            strawberry.argument(description="ID of one store; all your stores by default."),
        ] = None,
        buffer: Annotated[
            Quantity | None,
            strawberry.argument(
                description="Quantity kept for the counter; unchanged if omitted. 安全库存"
            ),
        ] = None,
        quota: Annotated[
            Quantity | None,
            strawberry.argument(
                description="Maximum quantity per store and day; unchanged if omitted. 每日限量"
            ),
        ] = None,
        paused: Annotated[
            bool | None,
            strawberry.argument(
                description="Whether sales are paused; unchanged if omitted. 暂停销售"
            ),
        ] = None,
    ):
        given = {"buffer": buffer, "quota": quota, "paused": paused}
        settings = {name: value for name, value in given.items() if value is not None}
        about = Subject(channel.name, product_id, store_id)
        effects = await previews.channel_preview(
            info.context.app.db, info.context.viewer, about, settings
        )
        return types.ChannelPreview(effects=as_window(effects))


@strawberry.type
class ChannelsMutation:
    @root(
        Can.EDIT_CHANNELS,
        ProductResult,
        description="Set a channel's minimum remaining shelf life, in days. 渠道效期",
    )
    async def set_channel_freshness(
        self, info: Info, input: types.SetChannelFreshnessInput
    ) -> Product:
        arguments = info.context.app.db, info.context.viewer, input.key, subject(input)
        return await rules.set_channel_freshness(*arguments, input.days_left)

    @root(
        Can.EDIT_CHANNELS,
        types.ChannelRuleResult,
        description="Set the quantity that a channel leaves on the shelf for the counter. "
        "渠道安全库存",
    )
    async def set_channel_buffer(
        self, info: Info, input: types.SetChannelBufferInput
    ) -> ChannelRule:
        arguments = info.context.app.db, info.context.viewer, input.key, subject(input)
        return await rules.set_channel_buffer(*arguments, input.quantity)

    @root(
        Can.EDIT_CHANNELS,
        types.ChannelRuleResult,
        description="Set the maximum quantity that a channel sells per store and day. 渠道每日限量",
    )
    async def set_channel_quota(self, info: Info, input: types.SetChannelQuotaInput) -> ChannelRule:
        arguments = info.context.app.db, info.context.viewer, input.key, subject(input)
        return await rules.set_channel_quota(*arguments, input.quantity)

    @root(
        Can.EDIT_CHANNELS,
        types.ChannelRuleResult,
        description="Pause or resume sales in a channel, for one product or all, in one store or "
        "all. 渠道暂停销售",
    )
    async def set_channel_pause(self, info: Info, input: types.SetChannelPauseInput) -> ChannelRule:
        arguments = info.context.app.db, info.context.viewer, input.key, subject(input)
        return await rules.set_channel_pause(*arguments, input.paused)
