"""Transfers, and the inputs that request, approve, ship and receive them."""

from datetime import date, datetime
from enum import Enum
from typing import Annotated
from uuid import UUID

import strawberry
from strawberry.types import Info

from app.db import tables
from app.domain.access import Can
from app.domain.documents import transfer_requests
from app.schema import problems
from app.schema.arguments import request_key
from app.schema.boundary import OF_ROOT, needs
from app.schema.catalog import Product
from app.schema.edges import edge, maybe_edge
from app.schema.identity import Actor, Store
from app.schema.scalars import Quantity, amount, free_text
from app.schema.stock import Movement
from app.schema.stock_changes import GoodsLineInput
from app.schema.window import window


@strawberry.enum(description="State of a transfer. 调拨状态")
class TransferState(Enum):
    REQUESTED = strawberry.enum_value(
        "REQUESTED", description="Requested by a store; head office has not decided yet. 待审批"
    )
    REJECTED = strawberry.enum_value("REJECTED", description="Rejected by head office. 已驳回")
    APPROVED = strawberry.enum_value(
        "APPROVED", description="Approved and ready to be shipped. 待发货"
    )
    SHIPPED = strawberry.enum_value("SHIPPED", description="Shipped and not received yet. 在途")
    PARTIAL = strawberry.enum_value(
        "PARTIAL", description="Received in part; the rest is in transit. 部分收货"
    )
    RECEIVED = strawberry.enum_value(
        "RECEIVED", description="Every shipped quantity is accounted for. 已完成"
    )
    CANCELLED = strawberry.enum_value(
        "CANCELLED", description="Withdrawn, cancelled or recalled. 已取消"
    )


@window(
    tables.TransferLine,
    description="One product of a transfer: shipped = received + damaged + lost + returned + "
    "inTransit. 调拨明细",
)
class TransferLine:
    product: Product = edge("products", "product_id", "Product that is transferred. 商品")
    requested: Quantity = amount("requested", "Quantity that the store requested. 申请数量")
    approved: Quantity = amount("approved", "Quantity that head office approved. 批准数量")
    shipped: Quantity = amount("shipped", "Quantity that left the sender's shelf. 发货数量")
    received: Quantity = amount("received", "Quantity put on the receiver's shelf. 收货数量")
    damaged: Quantity = amount(
        "damaged", "Quantity that arrived damaged and went to quarantine. 破损数量"
    )
    lost: Quantity = amount("lost", "Quantity that did not arrive. 丢失数量")
    returned: Quantity = amount("returned", "Quantity sent back or recalled. 退回数量")
    in_transit: Quantity = amount(
        "in_transit", "Quantity shipped and not accounted for yet. 在途数量"
    )
    reason: str | None = free_text(
        "reason", "Reason of a difference; null if there is none. 差异原因"
    )


@window(
    tables.Transfer,
    needs=Can.SEE_TRANSFERS,
    stores=("from_store", "to_store"),
    description="Goods moved from one store to another, from the request to the last receipt. "
    "调拨单",
)
class Transfer:
    id: UUID = strawberry.field(description="ID of the transfer.")
    from_store: Store | None = maybe_edge(
        "stores",
        "from_store",
        "Store that ships the goods; null until the request is approved. 发货门店/仓库",
    )
    to_store: Store = edge("stores", "to_store", "Store that receives the goods. 收货门店")
    lines: list[TransferLine] = edge("transfer_lines", "id", "Products of the transfer. 调拨明细")
    note: str | None = free_text("note", "Note on the transfer; null if there is none. 备注")
    reason: str | None = free_text(
        "reason", "Reason why it was rejected, withdrawn or cancelled; null if none was given. 原因"
    )
    requested_by: Actor | None = maybe_edge(
        "actors",
        "requested_by",
        "Member of staff who requested the goods; null if head office created the transfer. 申请人",
    )
    approved_by: Actor | None = maybe_edge(
        "actors",
        "approved_by",
        "Member of staff who approved the transfer; null until then. 审批人",
    )
    shipped_by: Actor | None = maybe_edge(
        "actors", "shipped_by", "Member of staff who shipped the goods; null until then. 发货人"
    )
    created_at: datetime = strawberry.field(
        description="Time when the transfer was requested or created. 创建时间"
    )
    approved_at: datetime | None = strawberry.field(
        description="Time when the transfer was approved; null until then. 审批时间"
    )
    shipped_at: datetime | None = strawberry.field(
        description="Time when the goods were shipped; null until then. 发货时间"
    )
    ended_at: datetime | None = strawberry.field(
        description="Time when every quantity was accounted for, or when it was rejected or "
        "cancelled; null while it is open. 结束时间"
    )
    return_of: Annotated["Transfer", strawberry.lazy("app.schema.transfers")] | None = maybe_edge(
        "transfers",
        "return_of",
        "Transfer whose goods this one sends back; null for any other transfer. 原调拨单",
    )
    returns: list[Annotated["Transfer", strawberry.lazy("app.schema.transfers")]] = edge(
        "transfer_returns", "id", "Transfers that send goods of this one back. 退回单"
    )

    @strawberry.field(description="State of the transfer. 调拨状态")
    def state(self, root: strawberry.Parent[tables.Transfer]) -> TransferState:
        return TransferState[root.state]

    @strawberry.field(
        description="Movements that shipped, received and recalled the goods; empty if you "
        "lack SEE_STOCK. 单据",
        directives=needs(Can.SEE_STOCK),
        # Both stores see the shipment, which only one of them recorded.
        metadata=OF_ROOT,
    )
    async def movements(
        self, root: strawberry.Parent[tables.Transfer], info: Info
    ) -> list[Movement]:
        return await info.context.loaders_of(root).document_movements.load(root.id)


@window(
    transfer_requests.Suggestion,
    description="A product that the store should request: available and incoming stock will not "
    "last until the next delivery. 补货建议",
)
class ReplenishmentSuggestion:
    product: Product = edge("products", "product_id", "Product to request. 商品")
    available: Quantity = amount("there", "Quantity that can be sold now. 可售")
    coming: Quantity = amount(
        "coming", "Quantity in transit, approved, requested or on order. 已申请及在途"
    )
    sold: Quantity = amount("sold", "Quantity sold or used in the last 30 days. 近30天销量")
    quantity: Quantity = amount(
        "quantity",
        "Suggested quantity in whole units: it fills up to the reorder point plus expected "
        "sales until the delivery (`Store.leadDays`) and one more week. 建议数量",
    )
    days_left: int | None = strawberry.field(
        description="Days until it sells out at the pace of the last 30 days; null if it does "
        "not sell. 可售天数"
    )


ReverseTransferReceiptResult = Annotated[
    Transfer
    | problems.UnknownMovement
    | problems.OutOfStock
    | problems.WrongState
    | problems.KeyReused,
    strawberry.union(
        "ReverseTransferReceiptResult",
        description="The transfer without the receipt, or the problem that prevented the reversal.",
    ),
]
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
        "TransferResult",
        description="The transfer as it is now, or the problem that prevented the change.",
    ),
]


@strawberry.input(description="One product to ship. 发货明细")
class ShipLineInput(GoodsLineInput):
    batch_no: str | None = strawberry.field(
        default=None,
        description="Ship only this batch number; the earliest expiry by default. 批号",
    )
    expires_on: date | None = strawberry.field(
        default=None,
        description="Last day of sale of the batch, alone or with `batchNo`. 到期日",
    )
    zone: str | None = strawberry.field(
        default=None,
        description="Zone of the sending store that the goods leave, one of `Store.zones`. 区域",
    )


@strawberry.input(
    description="What arrived of one product. Quantities are in the product's unit. 收货明细"
)
class ArrivalInput:
    product_id: UUID | None = strawberry.field(
        default=None, description="ID of the product. Give either `productId` or `code`."
    )
    code: str | None = strawberry.field(
        default=None,
        description="Barcode or SKU of the product. Give either `productId` or `code`. 条码",
    )
    batch_no: str | None = strawberry.field(
        default=None,
        description="Batch number of these goods; the earliest expiry by default. 批号",
    )
    expires_on: date | None = strawberry.field(
        default=None,
        description="Last day of sale of the batch, alone or with `batchNo`. 到期日",
    )
    received: Quantity | None = strawberry.field(
        default=None, description="Quantity to put on the shelf. 收货"
    )
    damaged: Quantity | None = strawberry.field(
        default=None, description="Quantity damaged, to put in quarantine. 破损"
    )
    lost: Quantity | None = strawberry.field(
        default=None, description="Quantity that did not arrive. 丢失"
    )
    returned: Quantity | None = strawberry.field(
        default=None, description="Quantity to send back to the sender, as a new transfer. 退回"
    )
    reason: str | None = strawberry.field(
        default=None,
        description="Reason of the difference, at most 200 characters; required if anything is "
        "damaged, lost or returned. 差异原因",
    )
    zone: str | None = strawberry.field(
        default=None,
        description="Zone of the receiving store in which the goods are put, one of "
        "`Store.zones`; `zone` of the input by default. 区域",
    )


@strawberry.input(description="Input of `requestReplenishment`. 申请补货")
class RequestReplenishmentInput:
    key: UUID = request_key()
    store_id: UUID = strawberry.field(description="ID of the store that requests goods.")
    lines: list[GoodsLineInput] | None = strawberry.field(
        default=None,
        description="Goods to request; everything in `replenishmentSuggestions` by default. "
        "申请明细",
    )
    note: str | None = strawberry.field(
        default=None, description="Note for head office, at most 500 characters. 备注"
    )


@strawberry.input(description="Input of `approveReplenishment`. 批准补货")
class ApproveReplenishmentInput:
    key: UUID = request_key()
    transfer_id: UUID = strawberry.field(description="ID of the request to approve.")
    from_store_id: UUID = strawberry.field(
        description="ID of the store that ships the goods. 发货门店/仓库"
    )
    lines: list[GoodsLineInput] | None = strawberry.field(
        default=None,
        description="Goods to send instead of the requested ones; the requested ones by default. "
        "批准明细",
    )


@strawberry.input(description="Input of `rejectReplenishment`. 驳回补货")
class RejectReplenishmentInput:
    key: UUID = request_key()
    transfer_id: UUID = strawberry.field(description="ID of the request to reject.")
    reason: str = strawberry.field(
        description="Reason for the store, at most 200 characters; required. 驳回原因"
    )


@strawberry.input(description="Input of `withdrawReplenishment`. 撤回申请")
class WithdrawReplenishmentInput:
    key: UUID = request_key()
    transfer_id: UUID = strawberry.field(description="ID of the request to withdraw.")
    reason: str | None = strawberry.field(
        default=None, description="Reason of the withdrawal, at most 200 characters. 撤回原因"
    )


@strawberry.input(description="Input of `createTransfer`. 新建调拨")
class CreateTransferInput:
    key: UUID = request_key()
    from_store_id: UUID = strawberry.field(
        description="ID of the store that ships the goods. 发货门店/仓库"
    )
    to_store_id: UUID = strawberry.field(
        description="ID of the store that receives the goods. 收货门店"
    )
    lines: list[GoodsLineInput] = strawberry.field(
        description="Goods to send, at least one line. 调拨明细"
    )
    note: str | None = strawberry.field(
        default=None, description="Note on the transfer, at most 500 characters. 备注"
    )


@strawberry.input(description="Input of `shipTransfer`. 发货")
class ShipTransferInput:
    key: UUID = request_key()
    transfer_id: UUID = strawberry.field(description="ID of the approved transfer to ship.")
    lines: list[ShipLineInput] | None = strawberry.field(
        default=None,
        description="Goods actually shipped, at most the approved quantities; all approved goods "
        "by default. 发货明细",
    )


@strawberry.input(description="Input of `receiveTransfer`. 收货")
class ReceiveTransferInput:
    key: UUID = request_key()
    transfer_id: UUID = strawberry.field(description="ID of the shipped transfer.")
    lines: list[ArrivalInput] | None = strawberry.field(
        default=None,
        description="What arrived; by default everything in transit is received. 收货明细",
    )
    zone: str | None = strawberry.field(
        default=None,
        description="Zone of the receiving store in which goods are put whose line names none. "
        "区域",
    )


@strawberry.input(description="Input of `cancelTransfer`. 取消调拨")
class CancelTransferInput:
    key: UUID = request_key()
    transfer_id: UUID = strawberry.field(description="ID of the transfer to cancel.")
    reason: str | None = strawberry.field(
        default=None, description="Reason of the cancellation, at most 200 characters. 取消原因"
    )
    zone: str | None = strawberry.field(
        default=None,
        description="Zone of the sending store to which recalled goods return. 区域",
    )
