"""Orders, and what one sends to place, pay, hand over, cancel and return them."""

from datetime import datetime
from enum import Enum
from typing import Annotated
from uuid import UUID

import strawberry
from strawberry.types import Info

from app.db import tables
from app.domain.access import Can, Role
from app.domain.rules.texts import masked
from app.schema import problems
from app.schema.catalog import Channel, Product
from app.schema.edges import edge, maybe_edge
from app.schema.identity import Actor
from app.schema.recipes import Recipe
from app.schema.sales import Disposition
from app.schema.scalars import Money, Quantity, money, quantity, seen
from app.schema.stock import Movement, StockLineInput
from app.schema.storefront import StorefrontStore
from app.schema.window import window

OPEN = (Role.OWNER, Role.INTEGRATOR)
"""Who reads customers' phone numbers in full."""


@strawberry.enum(description="What became of an order. 订单状态")
class OrderState(Enum):
    HELD = strawberry.enum_value("HELD", description="Its goods wait to be paid for. 待付款")
    PAID = strawberry.enum_value("PAID", description="Paid, not handed over yet. 待取货")
    FULFILLED = strawberry.enum_value("FULFILLED", description="Handed over. 已完成")
    CANCELLED = strawberry.enum_value("CANCELLED", description="Given up. 已取消")
    EXPIRED = strawberry.enum_value("EXPIRED", description="Not paid in time. 超时关闭")


@window(tables.OrderLine, description="What was ordered of one product. 订单明细")
class OrderLine:
    product: Product = edge("products", "product_id")
    recipe: Recipe | None = maybe_edge("recipes", "recipe_id", "How it is made. 配方")

    @strawberry.field
    def quantity(self, root: strawberry.Parent[tables.OrderLine]) -> Quantity:
        return quantity(root.quantity, root.scale)

    @strawberry.field(description="Yuan for one unit, as it was when it was ordered. 单价")
    def price(self, root: strawberry.Parent[tables.OrderLine]) -> Money | None:
        return None if root.price is None else money(root.price * 100)


@window(tables.Order, description="Goods held for a customer. 订单")
class Order:
    id: UUID
    store: StorefrontStore = edge("stores", "store_id")
    lines: list[OrderLine] = edge("order_lines", "id")
    note: str | None
    external_id: str | None = strawberry.field(description="The channel's own number. 渠道单号")
    pickup_at: datetime | None = strawberry.field(description="Held until then. 自提时间")
    extended: bool = strawberry.field(description="Held longer once; not again. 已延长")
    payment: str | None = strawberry.field(description="The payment's number. 支付单号")
    reason: str | None = strawberry.field(description="Why it was cancelled. 取消原因")
    placed_at: datetime
    paid_at: datetime | None
    ended_at: datetime | None = strawberry.field(
        description="When it was handed over, cancelled or closed; null: open. 结束时间"
    )
    token: str | None = strawberry.field(
        description="Told to whoever placed it, and only then: a guest shows it to see, cancel "
        "and extend the order. Keep it secret. 订单凭证"
    )

    @strawberry.field
    def state(self, root: strawberry.Parent[tables.Order], info: Info) -> OrderState:
        over = root.state == "HELD" and root.expires_at and root.expires_at <= info.context.now
        # It is over at its moment, whether or not anybody has noted it yet.
        return OrderState.EXPIRED if over else OrderState[root.state]

    @strawberry.field(description="Until then it is held; null once it is paid for. 预占到期")
    def expires_at(self, root: strawberry.Parent[tables.Order]) -> datetime | None:
        return root.expires_at

    @strawberry.field
    def channel(self, root: strawberry.Parent[tables.Order]) -> Channel:
        return Channel[root.channel]

    @strawberry.field(description="Yuan; null when a line has no price. 合计")
    def total(self, root: strawberry.Parent[tables.Order]) -> Money | None:
        return None if root.total is None else money(root.total * 100)

    @strawberry.field(description="A phone number is told in full to owners only. 联系人")
    def contact(self, root: strawberry.Parent[tables.Order], info: Info) -> str:
        scope = info.context.scope
        full = scope is not None and scope.role in OPEN
        return root.contact if full else masked(root.contact)

    @strawberry.field(description="What was held, given up, handed over. Staff only. 单据")
    async def movements(
        self, root: strawberry.Parent[tables.Order], info: Info
    ) -> list[Movement] | None:
        if not seen(info, Can.SEE_STOCK):
            return None
        return await info.context.loaders.document_movements.load(root.id)

    @strawberry.field(description="Null for guests, and for what they placed. 下单人")
    async def placed_by(self, root: strawberry.Parent[tables.Order], info: Info) -> Actor | None:
        if not seen(info, Can.SEE_ORDERS):
            return None
        return await info.context.loaders.actors.load(root.placed_by)


PlaceOrderResult = Annotated[
    Order
    | problems.OutOfStock
    | problems.UnknownProduct
    | problems.UnknownStore
    | problems.UnknownBatch
    | problems.BatchExpired
    | problems.InvalidQuantity
    | problems.TooManyOrders
    | problems.WrongState
    | problems.KeyReused
    | problems.Busy,
    strawberry.union("PlaceOrderResult", description="The order, or why nothing was held."),
]
OrderResult = Annotated[
    Order
    | problems.UnknownOrder
    | problems.OutOfStock
    | problems.BatchExpired
    | problems.WrongState
    | problems.KeyReused
    | problems.Busy,
    strawberry.union("OrderResult", description="The order as it is now, or why nothing changed."),
]


ReturnOrderResult = Annotated[
    Movement
    | problems.UnknownOrder
    | problems.UnknownMovement
    | problems.UnknownProduct
    | problems.UnknownBatch
    | problems.OutOfStock
    | problems.InvalidQuantity
    | problems.ReturnExceedsSale
    | problems.WrongState
    | problems.KeyReused
    | problems.Busy,
    strawberry.union("ReturnOrderResult", description="The return, or why nothing was written."),
]


@strawberry.input(
    description="Order from a store: all lines are held, or none. Whoever is not signed in has at "
    "most 5 unpaid orders of one contact in a store, each of at most 50 lines, 200 pieces or 200 "
    "kg of a product, and picks up within 2 days. 下单"
)
class PlaceOrderInput:
    key: UUID = strawberry.field(
        description="Made by the client once for this order, sent again with every retry. 幂等键"
    )
    store: str = strawberry.field(description="The store's public code. 门店编码")
    channel: Channel = strawberry.field(description="Guests: WECHAT or DOUYIN. 渠道")
    lines: list[StockLineInput]
    contact: str = strawberry.field(description="A name or phone, at most 100. 联系人")
    pickup_at: datetime | None = strawberry.field(
        default=None, description="Held until then, within 30 days; else the store's policy holds."
    )
    note: str | None = strawberry.field(default=None, description="At most 500 characters. 备注")


@strawberry.input(description="An order was paid for. 付款")
class PayOrderInput:
    key: UUID
    order_id: UUID
    reference: str | None = strawberry.field(
        default=None, description="The payment's number, at most 100 characters. 支付单号"
    )


@strawberry.input(description="Hand a paid order over. 交付")
class FulfilOrderInput:
    key: UUID
    order_id: UUID


@strawberry.input(description="Give an order up; what is held can be sold at once. 取消订单")
class CancelOrderInput:
    key: UUID
    order_id: UUID
    token: str | None = strawberry.field(default=None, description="A guest's. 订单凭证")
    reason: str | None = strawberry.field(default=None, description="At most 200 characters.")


@strawberry.input(description="Hold an unpaid order longer, once. 延长预占")
class ExtendHoldInput:
    key: UUID
    order_id: UUID
    token: str | None = strawberry.field(default=None, description="A guest's. 订单凭证")


@strawberry.input(description="Goods of an order that come back. 订单退货")
class ReturnOrderInput:
    key: UUID
    order_id: UUID
    lines: list[StockLineInput]
    disposition: Disposition  # pyright: ignore[reportInvalidTypeForm]
    reason: str | None = None
    note: str | None = None
    occurred_at: datetime | None = None
