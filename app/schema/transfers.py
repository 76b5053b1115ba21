"""Transfers, and what one sends to ask for goods, approve, ship and receive them."""

from datetime import datetime
from enum import Enum
from typing import Annotated
from uuid import UUID

import strawberry
from strawberry.types import Info

from app.db import tables
from app.domain.access import Can
from app.domain.documents import transfer_requests
from app.schema import problems
from app.schema.catalog import Product
from app.schema.edges import edge, maybe_edge
from app.schema.identity import Actor, Store
from app.schema.scalars import Quantity, amount, seen
from app.schema.stock import Movement
from app.schema.window import window


@strawberry.enum(description="How far a transfer has come. 调拨状态")
class TransferState(Enum):
    REQUESTED = strawberry.enum_value(
        "REQUESTED", description="A store asks; nobody has answered. 待审批"
    )
    REJECTED = strawberry.enum_value("REJECTED", description="Head office said no. 已驳回")
    APPROVED = strawberry.enum_value("APPROVED", description="To be shipped. 待发货")
    SHIPPED = strawberry.enum_value("SHIPPED", description="On its way. 在途")
    PARTIAL = strawberry.enum_value("PARTIAL", description="Some of it arrived. 部分收货")
    RECEIVED = strawberry.enum_value("RECEIVED", description="All accounted for. 已完成")
    CANCELLED = strawberry.enum_value(
        "CANCELLED", description="Withdrawn, given up or called back. 已取消"
    )


@window(
    tables.TransferLine,
    description="What became of one product: shipped = received + damaged + lost + returned + "
    "inTransit. 调拨明细",
)
class TransferLine:
    product: Product = edge("products", "product_id")
    requested: Quantity = amount("requested", "What the store asked for. 申请数量")
    approved: Quantity = amount("approved", "What head office would send. 批准数量")
    shipped: Quantity = amount("shipped", "What left the sender's shelf. 发货数量")
    received: Quantity = amount("received", "What is on the receiver's shelf. 收货数量")
    damaged: Quantity = amount("damaged", "Arrived, and waits in quarantine. 破损数量")
    lost: Quantity = amount("lost", "Did not arrive. 丢失数量")
    returned: Quantity = amount("returned", "Sent or called back. 退回数量")
    in_transit: Quantity = amount("in_transit", "Not accounted for yet. 在途数量")
    reason: str | None = strawberry.field(description="Why something differs. 差异原因")


@window(
    tables.Transfer,
    description="Goods from one store to another, from the request to the last piece. 调拨单",
)
class Transfer:
    id: UUID
    from_store: Store | None = maybe_edge(
        "stores", "from_store", "Null: nobody has said from where. 发货门店/仓库"
    )
    to_store: Store = edge("stores", "to_store", "收货门店")
    lines: list[TransferLine] = edge("transfer_lines", "id")
    note: str | None
    reason: str | None = strawberry.field(description="Why it was rejected or cancelled. 原因")
    requested_by: Actor | None = maybe_edge(
        "actors", "requested_by", "Null: head office sent it unasked. 申请人"
    )
    approved_by: Actor | None = maybe_edge("actors", "approved_by", "审批人")
    shipped_by: Actor | None = maybe_edge("actors", "shipped_by", "发货人")
    created_at: datetime = strawberry.field(description="When it was asked for or made. 创建时间")
    approved_at: datetime | None
    shipped_at: datetime | None
    ended_at: datetime | None = strawberry.field(
        description="When the last piece was accounted for, or it was given up. 结束时间"
    )
    return_of: Annotated["Transfer", strawberry.lazy("app.schema.transfers")] | None = maybe_edge(
        "transfers", "return_of", "The transfer of which these goods come back. 原调拨单"
    )
    returns: list[Annotated["Transfer", strawberry.lazy("app.schema.transfers")]] = edge(
        "transfer_returns", "id", "What was sent back of it. 退回单"
    )

    @strawberry.field
    def state(self, root: strawberry.Parent[tables.Transfer]) -> TransferState:
        return TransferState[root.state]

    @strawberry.field(description="What was shipped, received, called back. 单据")
    async def movements(
        self, root: strawberry.Parent[tables.Transfer], info: Info
    ) -> list[Movement] | None:
        if not seen(info, Can.SEE_STOCK):
            return None
        return await info.context.loaders.document_movements.load(root.id)


@window(
    transfer_requests.Suggestion,
    description="A product that a store should ask for: what it has and what is coming will not "
    "last until a delivery. 补货建议",
)
class ReplenishmentSuggestion:
    product: Product = edge("products", "product_id")
    available: Quantity = amount("there", "Can be sold now. 可售")
    coming: Quantity = amount("coming", "In transit, approved, asked for or on order. 已申请及在途")
    sold: Quantity = amount("sold", "Sold or used up in the last 30 days. 近30天销量")
    quantity: Quantity = amount(
        "quantity",
        "Fills it up to its reorder point and what is sold until a delivery (`Store.leadDays`) "
        "and a week longer, in whole units. 建议数量",
    )
    days_left: int | None = strawberry.field(
        description="Until it is sold out, at the pace of these 30 days; null: it does not sell. "
        "可售天数"
    )


TransferResult = Annotated[
    Transfer
    | problems.UnknownTransfer
    | problems.UnknownStore
    | problems.UnknownProduct
    | problems.UnknownBatch
    | problems.BatchExpired
    | problems.InvalidQuantity
    | problems.OutOfStock
    | problems.ExceedsTransfer
    | problems.ReasonNeeded
    | problems.WrongState
    | problems.KeyReused,
    strawberry.union(
        "TransferResult", description="The transfer as it is now, or why nothing changed."
    ),
]


@strawberry.input(description="A product by id or scanned code, and how much of it. 明细")
class GoodsLineInput:
    product_id: UUID | None = None
    code: str | None = strawberry.field(
        default=None, description="A barcode or sku, instead of productId. 条码"
    )
    quantity: Quantity | None = strawberry.field(
        default=None, description="In the product's unit, above 0. 数量"
    )
    packs: Quantity | None = strawberry.field(
        default=None, description="Packs of the scanned code; 1 if nothing is given. 件数"
    )
    unit: str | None = strawberry.field(
        default=None, description="What the quantity is told in: one of `Product.units`. 单位"
    )


@strawberry.input(description="What is put on the way of one product. 发货明细")
class ShipLineInput(GoodsLineInput):
    batch_no: str | None = strawberry.field(
        default=None, description="Only of this batch; else what expires first. 批号"
    )


@strawberry.input(description="What became of one product, in its own unit. 收货明细")
class ArrivalInput:
    product_id: UUID | None = None
    code: str | None = strawberry.field(
        default=None, description="A barcode or sku, instead of productId. 条码"
    )
    batch_no: str | None = strawberry.field(
        default=None, description="Of this batch; else of what expires first. 批号"
    )
    received: Quantity | None = strawberry.field(default=None, description="To the shelf. 收货")
    damaged: Quantity | None = strawberry.field(
        default=None, description="To quarantine, to be written off or released. 破损"
    )
    lost: Quantity | None = strawberry.field(default=None, description="Did not arrive. 丢失")
    returned: Quantity | None = strawberry.field(
        default=None, description="Goes back to where it came from, as a transfer. 退回"
    )
    reason: str | None = strawberry.field(
        default=None,
        description="Needed when anything is damaged, lost or returned; at most 200. 差异原因",
    )


@strawberry.input(description="A store asks head office for goods. 申请补货")
class RequestReplenishmentInput:
    key: UUID
    store_id: UUID
    lines: list[GoodsLineInput] | None = strawberry.field(
        default=None, description="All of `replenishmentSuggestions` if not given. 明细"
    )
    note: str | None = strawberry.field(default=None, description="At most 500 characters.")


@strawberry.input(description="Head office sends what a store asked for. 批准补货")
class ApproveReplenishmentInput:
    key: UUID
    transfer_id: UUID
    from_store_id: UUID = strawberry.field(description="Where it is shipped from. 发货门店/仓库")
    lines: list[GoodsLineInput] | None = strawberry.field(
        default=None,
        description="What is sent, and nothing else; what was asked for if not given. 明细",
    )


@strawberry.input(description="Head office sends nothing. 驳回补货")
class RejectReplenishmentInput:
    key: UUID
    transfer_id: UUID
    reason: str = strawberry.field(description="At most 200 characters. 原因")


@strawberry.input(description="The store asks no longer. 撤回申请")
class WithdrawReplenishmentInput:
    key: UUID
    transfer_id: UUID
    reason: str | None = None


@strawberry.input(description="Send goods to a store that did not ask. 新建调拨")
class CreateTransferInput:
    key: UUID
    from_store_id: UUID
    to_store_id: UUID
    lines: list[GoodsLineInput]
    note: str | None = strawberry.field(default=None, description="At most 500 characters.")


@strawberry.input(description="Put what was approved on its way. 发货")
class ShipTransferInput:
    key: UUID
    transfer_id: UUID
    lines: list[ShipLineInput] | None = strawberry.field(
        default=None,
        description="What is really sent, no more than approved; all of it if not given. 明细",
    )


@strawberry.input(description="Account for what arrived, in as many parts as it takes. 收货")
class ReceiveTransferInput:
    key: UUID
    transfer_id: UUID
    lines: list[ArrivalInput] | None = strawberry.field(
        default=None, description="All that is in transit was received, if not given. 明细"
    )


@strawberry.input(description="Give up what was approved, or call back what is shipped. 取消调拨")
class CancelTransferInput:
    key: UUID
    transfer_id: UUID
    reason: str | None = strawberry.field(default=None, description="At most 200 characters.")
