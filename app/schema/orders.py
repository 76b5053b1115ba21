"""Orders, and the inputs that place, pay, hand over, cancel and return them."""

from datetime import datetime
from enum import Enum
from typing import Annotated
from uuid import UUID

import strawberry
from strawberry.types import Info

from app.db import tables
from app.domain.access import Can, Role
from app.domain.movements.prices import ordered_charge
from app.domain.people.contacts import contact_of
from app.domain.rules.phones import masked
from app.schema import customer_problems, problems
from app.schema.arguments import at_most, request_key
from app.schema.boundary import needs
from app.schema.catalog import Channel, Product
from app.schema.edges import edge, joined_or_loaded, maybe_edge
from app.schema.identity import Actor
from app.schema.passes import Pass
from app.schema.recipes import Recipe
from app.schema.sales import Disposition
from app.schema.scalars import MOST_VALUES, Money, Quantity, free_text, maybe_fen, quantity
from app.schema.stock import Movement
from app.schema.stock_changes import SaleLineInput, StockLineInput
from app.schema.storefront import StorefrontStore
from app.schema.window import window


@strawberry.enum(description="State of an order. 订单状态")
class OrderState(Enum):
    HELD = strawberry.enum_value(
        "HELD", description="Goods are reserved until `expiresAt`; payment is awaited. 待付款"
    )
    PAID = strawberry.enum_value("PAID", description="Paid and ready to be handed over. 待取货")
    FULFILLED = strawberry.enum_value(
        "FULFILLED", description="Handed over to the customer, who kept everything. 已完成"
    )
    PARTLY_RETURNED = strawberry.enum_value(
        "PARTLY_RETURNED", description="Handed over; some of the goods came back. 部分退货"
    )
    RETURNED = strawberry.enum_value(
        "RETURNED", description="Handed over; everything came back. 已退货"
    )
    CANCELLED = strawberry.enum_value(
        "CANCELLED",
        description="Cancelled by staff or the customer; reserved goods are available again. "
        "已取消",
    )
    EXPIRED = strawberry.enum_value(
        "EXPIRED", description="Not paid in time; reserved goods are available again. 超时关闭"
    )


@window(
    tables.OrderLine,
    public=("product", "quantity", "returned", "price", "discount", "amount"),
    description="One product of an order. 订单明细",
)
class OrderLine:
    product: Product = edge("products", "product_id", "Product that was ordered. 商品")
    recipe: Recipe | None = maybe_edge(
        "recipes",
        "recipe_id",
        "Recipe version that the order uses; null if the product has none. 配方",
    )

    @strawberry.field(description="Ordered quantity, in the product's unit. 数量")
    def quantity(self, root: strawberry.Parent[tables.OrderLine]) -> Quantity:
        return quantity(root.quantity, root.scale)

    @strawberry.field(
        description="Price of one unit in CNY when the order was placed; null if none was set. 单价"
    )
    def price(self, root: strawberry.Parent[tables.OrderLine]) -> Money | None:
        return maybe_fen(root.price)

    @strawberry.field(
        description="Discount in CNY on the whole line; null if the line has no price. 优惠"
    )
    def discount(self, root: strawberry.Parent[tables.OrderLine]) -> Money | None:
        charge = ordered_charge(root)
        return maybe_fen(charge and charge.discount)

    @strawberry.field(
        description="Amount of the line in CNY: `price` × `quantity` − `discount`, rounded half up "
        "to 0.01. Null if it has no price. 金额"
    )
    def amount(self, root: strawberry.Parent[tables.OrderLine]) -> Money | None:
        charge = ordered_charge(root)
        return maybe_fen(charge and charge.amount)

    @strawberry.field(
        description="Quantity that the customer brought back, in the product's unit; for a pass, "
        "the uses that were left when it was refunded. 已退数量"
    )
    async def returned(self, root: strawberry.Parent[tables.OrderLine], info: Info) -> Quantity:
        back = await joined_or_loaded(root, info, "order_returns", root.order_id)
        return quantity(back.by_line[root.line] if back else 0, root.scale)


@window(
    tables.Order,
    needs=Can.SEE_ORDERS,
    public=(
        *("id", "store", "lines", "note", "pickup_at", "extended", "state", "channel", "total"),
        *("placed_at", "paid_at", "ended_at", "expires_at", "token", "contact", "external_id"),
        *("payment", "reason"),
    ),
    description="An order whose goods are reserved for a customer. 订单",
)
class Order:
    id: UUID = strawberry.field(description="ID of the order.")
    store: StorefrontStore = edge("stores", "store_id", "Store that hands the goods over. 门店")
    lines: list[OrderLine] = edge("order_lines", "id", "Products of the order. 订单明细")
    passes: list[Pass] = edge(
        "order_passes",
        "id",
        "Passes that the order sold, from its payment on; an empty list if you lack SEE_PASSES. "
        "Customers list theirs with `myPasses`. 次卡",
        needs=Can.SEE_PASSES,
    )
    note: str | None = free_text("note", "Note of the customer; null if there is none. 备注")
    external_id: str | None = strawberry.field(
        description="Order number in the channel; null for orders placed here. 渠道单号"
    )
    pickup_at: datetime | None = strawberry.field(
        description="Requested pickup time, until which the goods are reserved; null if none. "
        "自提时间"
    )
    extended: bool = strawberry.field(
        description="Whether the reservation was extended; that is possible once. 已延长"
    )
    payment: str | None = strawberry.field(
        description="Payment reference; null until the order is paid. 支付单号"
    )
    reason: str | None = free_text(
        "reason", "Reason of the cancellation; null if none was given. 取消原因"
    )
    placed_at: datetime = strawberry.field(description="Time when the order was placed. 下单时间")
    paid_at: datetime | None = strawberry.field(
        description="Time when the order was paid; null until then. 付款时间"
    )
    ended_at: datetime | None = strawberry.field(
        description="Time when the order was fulfilled, cancelled or closed; null while it is "
        "open. 结束时间"
    )
    token: str | None = strawberry.field(
        description="Secret that lets a guest read, cancel and extend this order. Returned by "
        "`placeOrder` only and null everywhere else. 订单凭证"
    )

    @strawberry.field(
        description="State of the order. An unpaid order is EXPIRED as soon as `expiresAt` "
        "passes. 订单状态"
    )
    async def state(self, root: strawberry.Parent[tables.Order], info: Info) -> OrderState:
        if root.state == "FULFILLED":
            back = await joined_or_loaded(root, info, "order_returns", root.id)
            return OrderState[back.state.name if back else root.state]
        over = root.state == "HELD" and root.expires_at and root.expires_at <= info.context.now
        # A reservation ends at its time, even before the job has closed the order.
        return OrderState.EXPIRED if over else OrderState[root.state]

    @strawberry.field(
        description="Time when the reservation ends; null once the order is paid. 预占到期"
    )
    def expires_at(self, root: strawberry.Parent[tables.Order]) -> datetime | None:
        return root.expires_at

    @strawberry.field(description="Channel that the order came through. 渠道")
    def channel(self, root: strawberry.Parent[tables.Order]) -> Channel:
        return Channel[root.channel]

    @strawberry.field(description="Total price in CNY; null if a line has no price. 合计")
    def total(self, root: strawberry.Parent[tables.Order]) -> Money | None:
        return maybe_fen(root.total)

    @strawberry.field(
        description="Name or phone number of the customer. Phone numbers are masked, except for "
        "the customer who shows the order's token; owners use `revealContact`. Null once it is "
        "erased, and for staff without SEE_CONTACTS. 联系人"
    )
    def contact(self, root: strawberry.Parent[tables.Order], info: Info) -> str | None:
        contact, scope = contact_of(info.context.app.db.vault, root), info.context.scope
        # A guest reaches an order only with its token.
        guest = scope is None or scope.tenant != root.tenant_id or scope.role is Role.CUSTOMER
        if guest or contact is None:
            return contact
        seen = info.context.sees(Can.SEE_CONTACTS, root, [root.store_id])
        return masked(contact) if seen else None

    @strawberry.field(
        description="Movements that reserved, released, handed over and took back the goods; "
        "empty if you lack SEE_STOCK. 单据"
    )
    async def movements(self, root: strawberry.Parent[tables.Order], info: Info) -> list[Movement]:
        return await info.context.loaders_of(root).document_movements.load(root.id)

    @strawberry.field(
        description="Member of staff or API key that placed the order; null for guests. 下单人",
        directives=needs(Can.SEE_ORDERS),
    )
    async def placed_by(self, root: strawberry.Parent[tables.Order], info: Info) -> Actor | None:
        return await info.context.loaders_of(root).actors.load(root.placed_by)


PlaceOrderResult = Annotated[
    Order
    | problems.OutOfStock
    | problems.UnknownProduct
    | problems.UnknownStore
    | problems.UnknownBatch
    | problems.BatchExpired
    | problems.InvalidQuantity
    | customer_problems.TooManyOrders
    | customer_problems.GuestLimitReached
    | problems.WrongState
    | problems.KeyReused
    | problems.Busy,
    strawberry.union(
        "PlaceOrderResult", description="The placed order, or the problem that prevented it."
    ),
]
OrderResult = Annotated[
    Order
    | problems.UnknownOrder
    | problems.OutOfStock
    | problems.BatchExpired
    | problems.WrongState
    | problems.KeyReused
    | problems.Busy,
    strawberry.union(
        "OrderResult",
        description="The order as it is now, or the problem that prevented the change.",
    ),
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
    strawberry.union(
        "ReturnOrderResult",
        description="The movement of the return, or the problem that prevented it.",
    ),
]


@strawberry.input(
    description="Input of `placeOrder`. Unpaid orders in a store: at most 5 of guests with the "
    "same contact, 30 of guests with the same IP address, and 20 of a customer with "
    "an account. An order of a guest or customer has at most 50 lines, at most 200 "
    "pieces or 200 kg of a product, and a pickup time within 2 days. 下单"
)
class PlaceOrderInput:
    key: UUID = request_key()
    store: str = strawberry.field(description="Public code of the store. 门店编码")
    channel: Channel = strawberry.field(
        description="Channel of the order. Guests may use WECHAT and DOUYIN. 渠道"
    )
    lines: list[SaleLineInput] = strawberry.field(
        description="Products to order, at least one. For a pass, or a service that is redeemed "
        "later, the quantity is the number of uses; guests must sign in to buy one. "
        "订单明细"
    )
    contact: str | None = strawberry.field(
        default=None,
        description="Name or phone number of the customer, at most 100 characters. A customer "
        "with an account may omit it; the phone number that they bound is then used. "
        "联系人",
    )
    pickup_at: datetime | None = strawberry.field(
        default=None,
        description="Pickup time within 30 days, until which the goods are reserved; if omitted, "
        "the store's hold policy applies. 自提时间",
    )
    note: str | None = strawberry.field(
        default=None, description="Note for the store, at most 500 characters. 备注"
    )


@strawberry.input(description="Input of `payOrder`. 付款")
class PayOrderInput:
    key: UUID = request_key()
    order_id: UUID = strawberry.field(description="ID of the order that was paid.")
    reference: str | None = strawberry.field(
        default=None, description="Payment reference, at most 100 characters. 支付单号"
    )


@strawberry.input(description="Zone of a product's goods. 商品区域")
class ProductZoneInput:
    product_id: UUID = strawberry.field(description="ID of the product.")
    zone: str = strawberry.field(description="Zone, one of `Store.zones`. 区域")


@strawberry.input(description="Input of `fulfilOrder`. 交付")
class FulfilOrderInput:
    key: UUID = request_key()
    order_id: UUID = strawberry.field(description="ID of the paid order to hand over.")
    zone: str | None = strawberry.field(
        default=None,
        description="Zone of the store that the goods leave, one of `Store.zones`. With it a "
        "product in several zones is counted exactly while the store sells. 区域",
    )
    zones: list[ProductZoneInput] | None = strawberry.field(
        default=None,
        description="Zones of products that lie elsewhere. 商品区域",
        metadata=at_most(MOST_VALUES),
    )


@strawberry.input(description="Input of `cancelOrder`. 取消订单")
class CancelOrderInput:
    key: UUID = request_key()
    order_id: UUID = strawberry.field(description="ID of the order to cancel.")
    token: str | None = strawberry.field(
        default=None, description="Order token, required for guests. 订单凭证"
    )
    reason: str | None = strawberry.field(
        default=None, description="Reason of the cancellation, at most 200 characters. 取消原因"
    )


@strawberry.input(description="Input of `extendHold`. 延长预占")
class ExtendHoldInput:
    key: UUID = request_key()
    order_id: UUID = strawberry.field(description="ID of the unpaid order to extend.")
    token: str | None = strawberry.field(
        default=None, description="Order token, required for guests. 订单凭证"
    )


@strawberry.input(description="Input of `returnOrder`. 订单退货")
class ReturnOrderInput:
    key: UUID = request_key()
    order_id: UUID = strawberry.field(description="ID of the fulfilled order.")
    lines: list[StockLineInput] = strawberry.field(
        description="Goods that the customer brought back, at least one line. For a pass, the "
        "quantity must be all uses that are left; it needs REFUND_PASS. 退货明细"
    )
    disposition: Disposition = strawberry.field(description="Where the returned goods go. 退货去向")
    reason: str | None = strawberry.field(
        default=None, description="Reason of the return, at most 200 characters. 退货原因"
    )
    note: str | None = strawberry.field(
        default=None, description="Note on the return, at most 2000 characters. 备注"
    )
    occurred_at: datetime | None = strawberry.field(
        default=None, description="Time of the return on the device; now by default. 发生时间"
    )
