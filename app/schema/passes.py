"""Prepaid passes, their redemptions, and the inputs that sell, redeem and refund them."""

from datetime import date, datetime
from enum import Enum
from typing import Annotated
from uuid import UUID

import strawberry
from strawberry.types import Info

from app.db import tables
from app.domain.access import Can
from app.domain.people.contacts import contact_of
from app.domain.rules.phones import masked
from app.schema import problems
from app.schema.arguments import request_key
from app.schema.boundary import needs
from app.schema.catalog import Channel, Product
from app.schema.edges import edge, maybe_edge
from app.schema.identity import Actor, Store
from app.schema.recipes import ConsumeOn
from app.schema.stock import Movement
from app.schema.stock_changes import UsedInput
from app.schema.window import window


@strawberry.enum(description="State of a prepaid pass. 次卡状态")
class PassState(Enum):
    ACTIVE = strawberry.enum_value(
        "ACTIVE", description="Uses are left and the pass is valid. 有效"
    )
    USED = strawberry.enum_value("USED", description="All uses are redeemed. 已用完")
    REFUNDED = strawberry.enum_value(
        "REFUNDED", description="Refunded before all uses were redeemed. 已退卡"
    )
    EXPIRED = strawberry.enum_value(
        "EXPIRED", description="Past its last day with uses left. 已过期"
    )


@window(
    tables.Redemption,
    needs=Can.SEE_PASSES,
    stores=(),
    description="Redeemed uses of a service in a store. 核销记录",
)
class Redemption:
    id: UUID = strawberry.field(description="ID of the redemption.")
    product: Product = edge(
        "products",
        "product_id",
        "Product of the pass, or the service that was paid for at the counter. 商品",
    )
    store: Store = edge("stores", "store_id", "Store that rendered the service. 核销门店")
    uses: int = strawberry.field(description="Number of uses redeemed. 次数")
    movement: Movement | None = edge(
        "movements",
        "movement_id",
        "Movement of the consumables that the service used; null if you lack SEE_STOCK. 单据",
    )
    redeemed_by: Actor | None = edge(
        "actors", "redeemed_by", "Member of staff who redeemed the uses. 操作人"
    )
    redeemed_at: datetime = strawberry.field(description="Time of the redemption. 核销时间")
    reversed_at: datetime | None = strawberry.field(
        description="Time when the redemption was reversed; null if it was not. 冲销时间"
    )
    of_pass: Annotated["Pass", strawberry.lazy("app.schema.passes")] | None = maybe_edge(
        "passes",
        "pass_id",
        "Pass that was redeemed; null if the service was paid for at the counter. 次卡",
    )


@window(
    tables.Pass,
    needs=Can.SEE_PASSES,
    stores=(),
    public=(
        *("id", "product", "store", "uses", "used", "expires_on", "sold_at", "ended_at"),
        *("state", "channel", "consume_on"),
    ),
    description="A prepaid pass for several uses of a service. 次卡",
)
class Pass:
    id: UUID = strawberry.field(description="ID of the pass.")
    product: Product = edge(
        "products", "product_id", "Product of kind PASS or SERVICE that was sold. 商品"
    )
    store: Store = edge(
        "stores",
        "store_id",
        "Store that sold the pass; every store of the chain redeems it. 售出门店",
    )
    uses: int = strawberry.field(description="Number of uses paid for. 总次数")
    used: int = strawberry.field(description="Number of uses redeemed so far. 已用次数")
    expires_on: date = strawberry.field(
        description="Last day on which the pass can be redeemed. 有效期至"
    )
    sold_at: datetime = strawberry.field(description="Time when the pass was sold. 售出时间")
    ended_at: datetime | None = strawberry.field(
        description="Time when the pass was used up, refunded or expired; null while it is "
        "active. 结束时间"
    )
    redemptions: list[Redemption] = edge("redemptions", "id", "Redemptions of this pass. 核销记录")

    @strawberry.field(
        description="Member number or phone number of the customer. Phone numbers are masked; "
        "owners use `revealContact`. Null once it is erased. 会员",
        directives=needs(Can.SEE_CONTACTS),
    )
    def customer(self, root: strawberry.Parent[tables.Pass], info: Info) -> str | None:
        contact = contact_of(info.context.app.db.vault, root)
        return contact and masked(contact)

    @strawberry.field(description="State of the pass. 次卡状态")
    def state(self, root: strawberry.Parent[tables.Pass]) -> PassState:
        return PassState[root.state]

    @strawberry.field(description="Channel that the pass was sold through. 渠道")
    def channel(self, root: strawberry.Parent[tables.Pass]) -> Channel:
        return Channel[root.channel]

    @strawberry.field(description="When the consumables leave stock. 扣减时机")
    def consume_on(self, root: strawberry.Parent[tables.Pass]) -> ConsumeOn:
        return ConsumeOn[root.consume_on]


SellPassResult = Annotated[
    Pass
    | problems.UnknownProduct
    | problems.UnknownStore
    | problems.OutOfStock
    | problems.InvalidQuantity
    | problems.WrongState
    | problems.KeyReused,
    strawberry.union(
        "SellPassResult", description="The sold pass, or the problem that prevented the sale."
    ),
]
RedeemResult = Annotated[
    Redemption
    | problems.UnknownPass
    | problems.UnknownProduct
    | problems.UnknownStore
    | problems.NotEnoughUses
    | problems.OutOfStock
    | problems.InvalidQuantity
    | problems.WrongState
    | problems.KeyReused,
    strawberry.union(
        "RedeemResult", description="The redemption, or the problem that prevented it."
    ),
]
ReverseRedemptionResult = Annotated[
    Redemption
    | problems.UnknownMovement
    | problems.OutOfStock
    | problems.WrongState
    | problems.KeyReused,
    strawberry.union(
        "ReverseRedemptionResult",
        description="The reversed redemption, or the problem that prevented the reversal.",
    ),
]
RefundPassResult = Annotated[
    Pass | problems.UnknownPass | problems.WrongState | problems.KeyReused,
    strawberry.union(
        "RefundPassResult",
        description="The refunded pass, or the problem that prevented the refund.",
    ),
]


@strawberry.input(description="Input of `sellPass`. 售卡")
class SellPassInput:
    key: UUID = request_key()
    store_id: UUID = strawberry.field(
        description="ID of the store that sells the pass and supplies the consumables taken at "
        "the sale. 售出门店"
    )
    product_id: UUID = strawberry.field(description="ID of a product of kind PASS or SERVICE.")
    customer: str = strawberry.field(
        description="Member number or phone number, at most 100 characters. 会员"
    )
    uses: int = strawberry.field(description="Number of uses, from 1 to 1000. 次数")
    channel: Channel | None = strawberry.field(
        default=None, description="Channel of the sale; COUNTER by default. 渠道"
    )
    expires_on: date | None = strawberry.field(
        default=None,
        description="Last day on which the pass can be redeemed; one year from today by default. "
        "有效期至",
    )
    zone: str | None = strawberry.field(
        default=None,
        description="Zone of the store that the consumables taken at the sale leave, one of "
        "`Store.zones`. 区域",
    )


@strawberry.input(
    description="Input of `redeem`. Give exactly one of `passId` and `serviceProductId`. 核销"
)
class RedeemInput:
    key: UUID = request_key()
    store_id: UUID = strawberry.field(
        description="ID of the store that renders the service. 核销门店"
    )
    pass_id: UUID | None = strawberry.field(
        default=None,
        description="ID of a pass. Give exactly one of `passId` and `serviceProductId`. 次卡",
    )
    service_product_id: UUID | None = strawberry.field(
        default=None,
        description="ID of a service that is paid for at the counter. Give exactly one of "
        "`passId` and `serviceProductId`. 服务项目",
    )
    uses: int | None = strawberry.field(
        default=None, description="Number of uses to redeem; 1 by default. 次数"
    )
    without: list[UUID] | None = strawberry.field(
        default=None, description="IDs of optional recipe components to leave out. 不要的配料"
    )
    used: list[UsedInput] | None = strawberry.field(
        default=None,
        description="Quantities actually used, for components that differ from the recipe. "
        "实际用量",
    )
    zone: str | None = strawberry.field(
        default=None,
        description="Zone of the store that the components leave, one of `Store.zones`. 区域",
    )


@strawberry.input(description="Input of `refundPass`. 退卡")
class RefundPassInput:
    key: UUID = request_key()
    pass_id: UUID = strawberry.field(description="ID of the pass to refund.")
    reason: str | None = strawberry.field(
        default=None, description="Reason of the refund, at most 200 characters. 退卡原因"
    )
    zone: str | None = strawberry.field(
        default=None,
        description="Zone of the store that sold the pass into which consumables go back, one of "
        "`Store.zones`; the zone they were taken from by default. Consumables that were only "
        "reserved go back without a zone. 区域",
    )
