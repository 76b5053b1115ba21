"""What channels may sell of products."""

from typing import Annotated
from uuid import UUID

import strawberry
from strawberry.types import Info

from app.db import tables
from app.domain.channels.previews import Effect
from app.schema import problems
from app.schema.catalog import Channel, Product
from app.schema.edges import edge, maybe_edge
from app.schema.identity import Store
from app.schema.scalars import Quantity, quantity
from app.schema.window import window


@window(
    tables.ChannelRule,
    description="What a channel may sell. For each thing it says, the most specific rule wins: of "
    "the product in the store, then of the product, then of the store, then of the channel. "
    "渠道规则",
)
class ChannelRule:
    store: Store | None = maybe_edge("stores", "store_id", "Null: in all stores. 门店")
    product: Product | None = maybe_edge("products", "product_id", "Null: of all. 商品")
    days_left: int | None = strawberry.field(
        description="It sells batches with at least so many days left. 最少剩余天数"
    )
    paused: bool | None = strawberry.field(description="It sells nothing. 暂停销售")

    @strawberry.field
    def channel(self, root: strawberry.Parent[tables.ChannelRule]) -> Channel:
        return Channel[root.channel]

    @strawberry.field(description="So much is left on the shelf for the counter. 安全库存")
    async def buffer(
        self, root: strawberry.Parent[tables.ChannelRule], info: Info
    ) -> Quantity | None:
        return await _amount(info, root.product_id, root.buffer)

    @strawberry.field(description="It sells at most so much a day of the store. 每日限量")
    async def quota(
        self, root: strawberry.Parent[tables.ChannelRule], info: Info
    ) -> Quantity | None:
        return await _amount(info, root.product_id, root.quota)


async def _amount(info: Info, product_id: UUID | None, base: int | None) -> Quantity | None:
    if base is None:
        return None
    product = await info.context.loaders.products.load(product_id)
    return quantity(base, product.scale)


@window(Effect, description="What a rule would change in one store. 规则效果")
class ChannelEffect:
    store: Store = edge("stores", "store_id")

    @strawberry.field(description="What can be sold there at all; null: nothing limits it. 可售")
    def available(self, root: strawberry.Parent[Effect]) -> Quantity | None:
        return _told(root.available, root.scale)

    @strawberry.field(description="What the channel may sell of it now. 当前可售")
    def offered(self, root: strawberry.Parent[Effect]) -> Quantity | None:
        return _told(root.offered, root.scale)

    @strawberry.field(description="What it could sell with the rule. 调整后可售")
    def would_offer(self, root: strawberry.Parent[Effect]) -> Quantity | None:
        return _told(root.would_offer, root.scale)


def _told(base: int | None, scale: int) -> Quantity | None:
    return None if base is None else quantity(base, scale)


ChannelRuleResult = Annotated[
    ChannelRule
    | problems.UnknownProduct
    | problems.UnknownStore
    | problems.InvalidQuantity
    | problems.KeyReused,
    strawberry.union("ChannelRuleResult", description="The rule, or why nothing was written."),
]


@strawberry.type(description="What a rule would change. 规则预览")
class ChannelPreview:
    effects: list[ChannelEffect] = strawberry.field(description="A store each.")


ChannelPreviewResult = Annotated[
    ChannelPreview | problems.UnknownProduct | problems.UnknownStore | problems.InvalidQuantity,
    strawberry.union("ChannelPreviewResult", description="The effect, or what is wrong with it."),
]


@strawberry.input
class ChannelSubjectInput:
    key: UUID
    product_id: UUID
    channel: Channel = strawberry.field(description="Not COUNTER: no rule binds it. 渠道")
    store_id: UUID | None = strawberry.field(
        default=None, description="Null: every store without a rule of its own. 门店"
    )


@strawberry.input(description="How fresh a channel wants a product. 渠道保质期要求")
class SetChannelFreshnessInput(ChannelSubjectInput):
    days_left: int = strawberry.field(
        description="Only batches with at least so many days left are sold there; 0 to 365, 0: "
        "any that has not expired. 最少剩余天数"
    )


@strawberry.input(description="What a channel leaves on the shelf for the counter. 渠道安全库存")
class SetChannelBufferInput(ChannelSubjectInput):
    quantity: Quantity | None = strawberry.field(
        default=None, description="0: nothing; null: what a wider rule says. 数量"
    )


@strawberry.input(description="How much a channel sells a day. 渠道每日限量")
class SetChannelQuotaInput(ChannelSubjectInput):
    quantity: Quantity | None = strawberry.field(
        default=None,
        description="A day of the store; null: what a wider rule says. What was cancelled or not "
        "paid in time does not count, what comes back does. 数量",
    )


@strawberry.input(description="Stop selling in a channel, or go on. 渠道暂停")
class SetChannelPauseInput:
    key: UUID
    channel: Channel = strawberry.field(description="Not COUNTER: no rule binds it. 渠道")
    product_id: UUID | None = strawberry.field(default=None, description="Null: everything. 商品")
    store_id: UUID | None = strawberry.field(default=None, description="Null: everywhere. 门店")
    paused: bool | None = strawberry.field(
        default=None,
        description="true: it sells nothing; false: it sells, whatever a wider rule says; null: "
        "what a wider rule says. 是否暂停",
    )
