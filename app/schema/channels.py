"""Channel rules: limits on what channels may sell."""

from typing import Annotated
from uuid import UUID

import strawberry
from strawberry.types import Info

from app.db import tables
from app.domain.access import Can
from app.domain.channels.previews import Effect
from app.schema import problems
from app.schema.arguments import request_key
from app.schema.catalog import Channel, Product
from app.schema.edges import edge, maybe_edge
from app.schema.identity import Store
from app.schema.scalars import Quantity, quantity
from app.schema.window import window


@window(
    tables.ChannelRule,
    needs=Can.EDIT_CHANNELS,
    description="A rule that limits what a channel may sell. Each setting comes from the most "
    "specific rule that has it: product in store, then product, then store, then "
    "channel. 渠道规则",
)
class ChannelRule:
    store: Store | None = maybe_edge(
        "stores", "store_id", "Store that the rule applies to; null means all stores. 门店"
    )
    product: Product | None = maybe_edge(
        "products", "product_id", "Product that the rule applies to; null means all products. 商品"
    )
    days_left: int | None = strawberry.field(
        description="The channel sells only batches with at least this many days left. 最少剩余天数"
    )
    paused: bool | None = strawberry.field(
        description="Whether sales in the channel are paused; null means not set here. 暂停销售"
    )

    @strawberry.field(description="Channel that the rule limits. 渠道")
    def channel(self, root: strawberry.Parent[tables.ChannelRule]) -> Channel:
        return Channel[root.channel]

    @strawberry.field(
        description="Quantity kept on the shelf for the counter; null means not set here. 安全库存"
    )
    async def buffer(
        self, root: strawberry.Parent[tables.ChannelRule], info: Info
    ) -> Quantity | None:
        return await _amount(info, root.product_id, root.buffer)

    @strawberry.field(
        description="Maximum quantity that the channel sells per store and day; null means not "
        "set here. 每日限量"
    )
    async def quota(
        self, root: strawberry.Parent[tables.ChannelRule], info: Info
    ) -> Quantity | None:
        return await _amount(info, root.product_id, root.quota)


async def _amount(info: Info, product_id: UUID | None, base: int | None) -> Quantity | None:
    if base is None:
        return None
    product = await info.context.loaders.products.load(product_id)
    return quantity(base, product.scale)


@window(Effect, description="Effect of a channel rule in one store. 规则效果")
class ChannelEffect:
    store: Store = edge("stores", "store_id", "Store that the effect is for. 门店")

    @strawberry.field(
        description="Quantity available in the store; null if nothing limits it. 可售"
    )
    def available(self, root: strawberry.Parent[Effect]) -> Quantity | None:
        return _in_unit(root.available, root.scale)

    @strawberry.field(
        description="Quantity that the channel may sell now; null if nothing limits it. 当前可售"
    )
    def offered(self, root: strawberry.Parent[Effect]) -> Quantity | None:
        return _in_unit(root.offered, root.scale)

    @strawberry.field(
        description="Quantity that the channel could sell with the new rule; null if nothing "
        "limits it. 调整后可售"
    )
    def would_offer(self, root: strawberry.Parent[Effect]) -> Quantity | None:
        return _in_unit(root.would_offer, root.scale)


def _in_unit(base: int | None, scale: int) -> Quantity | None:
    return None if base is None else quantity(base, scale)


ChannelRuleResult = Annotated[
    ChannelRule
    | problems.UnknownProduct
    | problems.UnknownStore
    | problems.InvalidQuantity
    | problems.KeyReused,
    strawberry.union(
        "ChannelRuleResult", description="The saved rule, or the problem that prevented the change."
    ),
]


@strawberry.type(description="Effect of a channel rule before it is saved. 规则预览")
class ChannelPreview:
    effects: list[ChannelEffect] = strawberry.field(description="One entry per store. 各门店效果")


ChannelPreviewResult = Annotated[
    ChannelPreview | problems.UnknownProduct | problems.UnknownStore | problems.InvalidQuantity,
    strawberry.union(
        "ChannelPreviewResult", description="The effect of the rule, or the problem with the input."
    ),
]


@strawberry.input(description="Product, channel and store that a channel rule applies to. 渠道规则")
class ChannelSubjectInput:
    key: UUID = request_key()
    product_id: UUID = strawberry.field(description="ID of the product.")
    channel: Channel = strawberry.field(
        description="Any channel except COUNTER, which has no rules. 渠道"
    )
    store_id: UUID | None = strawberry.field(
        default=None,
        description="ID of one store; null applies to every store without a rule of its own. 门店",
    )


@strawberry.input(description="Input of `setChannelFreshness`. 设置渠道效期")
class SetChannelFreshnessInput(ChannelSubjectInput):
    days_left: int = strawberry.field(
        description="Minimum remaining shelf life in days, from 0 to 365; 0 allows every batch "
        "that has not expired. 最少剩余天数"
    )


@strawberry.input(description="Input of `setChannelBuffer`. 设置渠道安全库存")
class SetChannelBufferInput(ChannelSubjectInput):
    quantity: Quantity | None = strawberry.field(
        default=None,
        description="Quantity kept for the counter, in the product's unit; 0 keeps nothing, null "
        "removes the setting so that a wider rule applies. 安全库存",
    )


@strawberry.input(description="Input of `setChannelQuota`. 设置渠道每日限量")
class SetChannelQuotaInput(ChannelSubjectInput):
    quantity: Quantity | None = strawberry.field(
        default=None,
        description="Maximum quantity per store and day; null removes the setting so that a "
        "wider rule applies. Cancelled and expired orders do not count; returned "
        "goods do. 每日限量",
    )


@strawberry.input(description="Input of `setChannelPause`. 设置渠道暂停销售")
class SetChannelPauseInput:
    key: UUID = request_key()
    channel: Channel = strawberry.field(
        description="Any channel except COUNTER, which has no rules. 渠道"
    )
    product_id: UUID | None = strawberry.field(
        default=None, description="ID of one product; null applies to all products. 商品"
    )
    store_id: UUID | None = strawberry.field(
        default=None, description="ID of one store; null applies to all stores. 门店"
    )
    paused: bool | None = strawberry.field(
        default=None,
        description="Pass true to pause sales, false to sell despite wider rules, null to let a "
        "wider rule decide. 暂停销售",
    )
