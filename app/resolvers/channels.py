"""Roots of the channels topic."""

import strawberry
from strawberry.types import Info

from app.db.tables import Product
from app.domain import channels
from app.domain.access import Can
from app.resolvers.roots import root
from app.schema import channels as types
from app.schema.catalog_changes import ProductResult


@strawberry.type
class ChannelsMutation:
    @root(Can.EDIT_CHANNELS, ProductResult, description="How fresh a channel wants it. 渠道效期")
    async def set_channel_freshness(
        self, info: Info, input: types.SetChannelFreshnessInput
    ) -> Product:
        context, channel = info.context, input.channel.name
        return await channels.set_channel_freshness(
            context.app.db, context.viewer, input.key, input.product_id, channel, input.days_left
        )
