"""What channels want of products."""

from uuid import UUID

import strawberry

from app.db import tables
from app.schema.sales import Channel
from app.schema.window import window


@window(tables.ChannelRule, description="What a channel wants of a product. 渠道规则")
class ChannelRule:
    days_left: int = strawberry.field(
        description="It sells batches with at least so many days left. 最少剩余天数"
    )

    @strawberry.field
    def channel(self, root: strawberry.Parent[tables.ChannelRule]) -> Channel:
        return Channel[root.channel]


@strawberry.input(description="How fresh a channel wants a product. 渠道保质期要求")
class SetChannelFreshnessInput:
    key: UUID
    product_id: UUID
    channel: Channel
    days_left: int = strawberry.field(
        description="Only batches with at least so many days left are sold there; 0 to 365, 0: "
        "any that has not expired. The counter sells whatever has not. 最少剩余天数"
    )
