"""Prepaid passes, their redemptions, and what one sends to sell, redeem and refund them."""

from datetime import date, datetime
from enum import Enum
from typing import Annotated
from uuid import UUID

import strawberry
from strawberry.types import Info

from app.db import tables
from app.domain.access import Role
from app.domain.rules.texts import masked
from app.schema import problems
from app.schema.catalog import Channel, Product
from app.schema.edges import edge, maybe_edge
from app.schema.identity import Actor, Store
from app.schema.recipes import ConsumeOn
from app.schema.stock import Movement, UsedInput
from app.schema.window import window

OPEN = (Role.OWNER, Role.INTEGRATOR)
"""Who reads customers' phone numbers in full."""


@strawberry.enum(description="What became of a pass. 次卡状态")
class PassState(Enum):
    ACTIVE = "ACTIVE"
    USED = "USED"
    REFUNDED = "REFUNDED"
    EXPIRED = "EXPIRED"


@window(tables.Redemption, description="Uses of a service rendered in a store. 核销记录")
class Redemption:
    id: UUID
    product: Product = edge("products", "product_id", "The pass, or the service paid for there.")
    store: Store = edge("stores", "store_id")
    uses: int
    movement: Movement = edge("movements", "movement_id", "What it took. 单据")
    redeemed_by: Actor | None = edge("actors", "redeemed_by", "Who rendered it. 操作人")
    redeemed_at: datetime
    of_pass: Annotated["Pass", strawberry.lazy("app.schema.passes")] | None = maybe_edge(
        "passes", "pass_id", "Null: paid for at the counter. 次卡"
    )


@window(tables.Pass, description="Uses of a service somebody paid for. 次卡")
class Pass:
    id: UUID
    product: Product = edge("products", "product_id")
    store: Store = edge("stores", "store_id", "Which sold it; it is redeemed in any. 售出门店")
    uses: int = strawberry.field(description="Paid for. 总次数")
    used: int = strawberry.field(description="Redeemed. 已用次数")
    expires_on: date = strawberry.field(description="The last day it is redeemed. 有效期至")
    sold_at: datetime
    ended_at: datetime | None = strawberry.field(description="Null: still active. 结束时间")
    redemptions: list[Redemption] = edge("redemptions", "id")

    @strawberry.field(description="A phone number is told in full to owners only. 会员")
    def customer(self, root: strawberry.Parent[tables.Pass], info: Info) -> str:
        scope = info.context.scope
        full = scope is not None and scope.role in OPEN
        return root.customer if full else masked(root.customer)

    @strawberry.field
    def state(self, root: strawberry.Parent[tables.Pass]) -> PassState:
        return PassState[root.state]

    @strawberry.field
    def channel(self, root: strawberry.Parent[tables.Pass]) -> Channel:
        return Channel[root.channel]

    @strawberry.field(description="When its consumables leave. 扣减时机")
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
    strawberry.union("SellPassResult", description="The pass, or why nothing was written."),
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
    strawberry.union("RedeemResult", description="The redemption, or why nothing was written."),
]
RefundPassResult = Annotated[
    Pass | problems.UnknownPass | problems.WrongState | problems.KeyReused,
    strawberry.union("RefundPassResult", description="The pass, or why nothing was written."),
]


@strawberry.input(description="Sell a pass, or uses of a service to come. 售卡")
class SellPassInput:
    key: UUID
    store_id: UUID = strawberry.field(description="Which gives what is taken ahead. 售出门店")
    product_id: UUID = strawberry.field(description="Of kind PASS or SERVICE.")
    customer: str = strawberry.field(description="A member's number or phone, at most 100. 会员")
    uses: int = strawberry.field(description="From 1 to 1000. 次数")
    channel: Channel | None = strawberry.field(default=None, description="COUNTER if not given.")
    expires_on: date | None = strawberry.field(
        default=None, description="The last day it is redeemed; a year from today if not given."
    )


@strawberry.input(description="Render uses of a pass, or of a service paid for here. 核销")
class RedeemInput:
    key: UUID
    store_id: UUID = strawberry.field(description="Where it is rendered. 核销门店")
    pass_id: UUID | None = strawberry.field(default=None, description="A pass; or instead:")
    service_product_id: UUID | None = strawberry.field(
        default=None, description="A service that is paid for at this counter. 服务项目"
    )
    uses: int | None = strawberry.field(default=None, description="1 if not given. 次数")
    without: list[UUID] | None = strawberry.field(
        default=None, description="Optional parts of the recipe to leave out. 不要的配料"
    )
    used: list[UsedInput] | None = strawberry.field(
        default=None,
        description="What was really used, where it is not what the recipe says. 实际用量",
    )


@strawberry.input(description="End a pass; what was taken ahead and not used comes back. 退卡")
class RefundPassInput:
    key: UUID
    pass_id: UUID
    reason: str | None = strawberry.field(default=None, description="At most 200 characters.")
