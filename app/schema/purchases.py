"""Suppliers, purchase orders, and the inputs that order and receive goods."""

from datetime import date, datetime
from enum import Enum
from typing import Annotated
from uuid import UUID

import strawberry
from strawberry.types import Info

from app.db import tables
from app.domain import errors
from app.domain.access import Can
from app.domain.rules.days import store_day
from app.domain.rules.kinds import Kind
from app.domain.rules.phones import masked
from app.schema import problems
from app.schema.arguments import request_key
from app.schema.boundary import needs
from app.schema.catalog import Product
from app.schema.edges import edge
from app.schema.identity import Actor, Store
from app.schema.scalars import Money, Quantity, amount, free_text, maybe_money
from app.schema.stock import Movement
from app.schema.stock_changes import GoodsLineInput, ReceiveLineInput
from app.schema.window import as_window, window


@window(
    tables.Supplier,
    needs=Can.SEE_SUPPLIERS,
    description="A supplier that delivers goods. 供应商",
)
class Supplier:
    id: UUID = strawberry.field(description="ID of the supplier.")
    name: str = strawberry.field(
        description="Name of the supplier, unique in the chain. 供应商名称"
    )
    lead_days: int = strawberry.field(
        description="Usual number of days from order to delivery. 到货周期（天）"
    )
    created_at: datetime = strawberry.field(
        description="Time when the supplier was created. 创建时间"
    )
    archived_at: datetime | None = strawberry.field(
        description="Time when the supplier was archived; null while it is active. 停用时间"
    )

    @strawberry.field(
        description="Contact person; null if none was given. Phone numbers are masked if you lack "
        "EDIT_SUPPLIERS. 联系人"
    )
    def contact(self, root: strawberry.Parent[tables.Supplier], info: Info) -> str | None:
        return _business_text(info, root, root.contact)

    @strawberry.field(description="Phone number. Masked if you lack EDIT_SUPPLIERS. 电话")
    def phone(self, root: strawberry.Parent[tables.Supplier], info: Info) -> str | None:
        return _business_text(info, root, root.phone)

    @strawberry.field(
        description="Internal note, with phone numbers masked; null if you lack SEE_SUPPLIERS. "
        "备注",
        directives=needs(Can.SEE_SUPPLIERS),
    )
    def note(self, root: strawberry.Parent[tables.Supplier]) -> str | None:
        return root.note and masked(root.note)


def _business_text(info: Info, row: tables.Supplier, text: str | None) -> str | None:
    """The supplier's text, with phone numbers masked for those who cannot edit suppliers."""
    return text if text is None or info.context.sees(Can.EDIT_SUPPLIERS, row) else masked(text)


@strawberry.enum(description="State of a purchase order. 采购单状态")
class PurchaseOrderState(Enum):
    OPEN = strawberry.enum_value("OPEN", description="Nothing has been received yet. 待到货")
    PARTIAL = strawberry.enum_value(
        "PARTIAL", description="Some goods were received and some are missing. 部分到货"
    )
    RECEIVED = strawberry.enum_value("RECEIVED", description="All goods were received. 已到齐")
    CLOSED = strawberry.enum_value(
        "CLOSED",
        description="Closed with goods missing; they are not expected any more. 已关闭（少货）",
    )
    CANCELLED = strawberry.enum_value(
        "CANCELLED", description="Cancelled before any goods were received. 已取消"
    )


@window(tables.PurchaseLine, description="One product of a purchase order. 采购明细")
class PurchaseLine:
    product: Product = edge("products", "product_id", "Product that was ordered. 商品")
    ordered: Quantity = amount(
        "ordered",
        "Ordered quantity; 0 if the product was delivered without being ordered. 订货数量",
    )
    received: Quantity = amount("received", "Quantity received in all deliveries. 到货数量")
    missing: Quantity = amount(
        "missing", "Quantity ordered but not received; 0 if more was received. 欠货数量"
    )
    over: Quantity = amount("over", "Quantity received beyond the ordered quantity. 超收数量")

    @strawberry.field(
        description="Agreed cost of one unit in CNY; null if unknown or if you lack SEE_COST. "
        "采购单价",
        directives=needs(Can.SEE_COST),
    )
    def unit_cost(self, root: strawberry.Parent[tables.PurchaseLine]) -> Money | None:
        return maybe_money(root.unit_cost)


@window(
    tables.PurchaseOrder,
    needs=Can.SEE_PURCHASES,
    description="An order of goods from a supplier for one store. 采购单",
)
class PurchaseOrder:
    id: UUID = strawberry.field(description="ID of the purchase order.")
    number: str = strawberry.field(description="Number of the order, unique in the chain. 采购单号")
    supplier: Supplier | None = edge(
        "suppliers",
        "supplier_id",
        "Supplier that delivers the goods; null if you lack SEE_SUPPLIERS. 供应商",
    )
    store: Store = edge("stores", "store_id", "Store that receives the goods. 收货门店")
    lines: list[PurchaseLine] = edge("purchase_lines", "id", "Products of the order. 采购明细")
    expected_on: date = strawberry.field(
        description="Date on which the goods are expected. 预计到货日"
    )
    note: str | None = free_text("note", "Note on the order; null if there is none. 备注")
    reason: str | None = free_text(
        "reason", "Reason why the order was closed or cancelled; null if none was given. 原因"
    )
    ordered_at: datetime = strawberry.field(description="Time when the order was created. 下单时间")
    ordered_by: Actor | None = edge(
        "actors", "ordered_by", "Member of staff or API key that created the order. 采购人"
    )
    ended_at: datetime | None = strawberry.field(
        description="Time when the order was fully received, closed or cancelled; null while it "
        "is open. 结束时间"
    )

    @strawberry.field(description="State of the purchase order. 采购单状态")
    def state(self, root: strawberry.Parent[tables.PurchaseOrder]) -> PurchaseOrderState:
        return PurchaseOrderState[root.state]

    @strawberry.field(
        description="Whether the order is open and its expected date has passed in the store's "
        "time zone. 逾期未到"
    )
    async def overdue(self, root: strawberry.Parent[tables.PurchaseOrder], info: Info) -> bool:
        if root.ended_at is not None:
            return False
        store = await info.context.loaders_of(root).stores.load(root.store_id)
        return root.expected_on < store_day(info.context.now, store.timezone)

    @strawberry.field(
        description="Receipts of this order, one movement per delivery, reversed ones included; "
        "empty if you lack SEE_STOCK. 入库单据"
    )
    async def receipts(
        self, root: strawberry.Parent[tables.PurchaseOrder], info: Info
    ) -> list[Movement]:
        moved = await info.context.loaders_of(root).document_movements.load(root.id)
        return as_window([each for each in moved if each.kind == Kind.RECEIPT.name])


@window(errors.Delivery, description="A product of which too much was delivered. 超收明细")
class Delivery:
    product: Product = edge("products", "product_id", "Product that was delivered. 商品")
    ordered: Quantity = amount(
        "ordered", "Ordered quantity; 0 if the product was not ordered. 订货数量"
    )
    received: Quantity = amount("received", "Quantity received in earlier deliveries. 到货数量")
    requested: Quantity = amount(
        "requested", "Quantity in this delivery, summed over all its lines. 本次数量"
    )


@problems.problem(
    errors.DeliveryExceedsOrder,
    description="The delivery contains more than the order is missing. Count again, or send it "
    "with `acceptOver`. 到货超出订货",
)
class DeliveryExceedsOrder(problems.Problem):
    deliveries: list[Delivery] = strawberry.field(
        description="Every product with too much in the delivery. 超收明细"
    )


SupplierResult = Annotated[
    Supplier | problems.UnknownSupplier | problems.AlreadyTaken | problems.KeyReused,
    strawberry.union(
        "SupplierResult",
        description="The supplier as it is now, or the problem that prevented the change.",
    ),
]
CreatePurchaseOrderResult = Annotated[
    PurchaseOrder
    | problems.UnknownSupplier
    | problems.UnknownStore
    | problems.UnknownProduct
    | problems.InvalidQuantity
    | problems.AlreadyTaken
    | problems.WrongState
    | problems.KeyReused,
    strawberry.union(
        "CreatePurchaseOrderResult",
        description="The created purchase order, or the problem that prevented it.",
    ),
]
PurchaseOrderResult = Annotated[
    PurchaseOrder | problems.UnknownPurchaseOrder | problems.WrongState | problems.KeyReused,
    strawberry.union(
        "PurchaseOrderResult",
        description="The purchase order as it is now, or the problem that prevented the change.",
    ),
]
ReversePurchaseReceiptResult = Annotated[
    PurchaseOrder
    | problems.UnknownMovement
    | problems.OutOfStock
    | problems.WrongState
    | problems.KeyReused,
    strawberry.union(
        "ReversePurchaseReceiptResult",
        description="The purchase order without the receipt, or the problem that prevented the "
        "reversal.",
    ),
]
ReceivePurchaseOrderResult = Annotated[
    PurchaseOrder
    | problems.UnknownPurchaseOrder
    | problems.UnknownProduct
    | DeliveryExceedsOrder
    | problems.InvalidQuantity
    | problems.WrongState
    | problems.KeyReused,
    strawberry.union(
        "ReceivePurchaseOrderResult",
        description="The purchase order as it is now, or the problem that prevented the receipt.",
    ),
]


@strawberry.input(description="Input of `createSupplier`. 新建供应商")
class CreateSupplierInput:
    key: UUID = request_key()
    contact: str | None = strawberry.field(
        default=None, description="Contact person, at most 100 characters. 联系人"
    )
    phone: str | None = strawberry.field(
        default=None, description="Phone number, at most 30 characters. 电话"
    )
    note: str | None = strawberry.field(
        default=None, description="Internal note, at most 500 characters. 备注"
    )
    name: str = strawberry.field(
        description="Name of the supplier, unique in the chain, at most 100 characters. 供应商名称"
    )
    lead_days: int | None = strawberry.field(
        default=None,
        description="Usual number of days from order to delivery, from 0 to 365; 0 by default. "
        "到货周期（天）",
    )


@strawberry.input(
    description="Input of `updateSupplier`; omitted fields stay unchanged, and null empties those "
    "that may be empty. 修改供应商"
)
class UpdateSupplierInput:
    key: UUID = request_key()
    contact: strawberry.Maybe[str | None] = strawberry.field(
        description="Contact person, at most 100 characters; null removes it. 联系人"
    )
    phone: strawberry.Maybe[str | None] = strawberry.field(
        description="Phone number, at most 30 characters; null removes it. 电话"
    )
    note: strawberry.Maybe[str | None] = strawberry.field(
        description="Internal note, at most 500 characters; null removes it. 备注"
    )
    supplier_id: UUID = strawberry.field(description="ID of the supplier to change.")
    name: str | None = strawberry.field(
        default=None,
        description="New name, unique in the chain, at most 100 characters. 供应商名称",
    )
    lead_days: int | None = strawberry.field(
        default=None,
        description="Usual number of days from order to delivery, from 0 to 365. 到货周期（天）",
    )


@strawberry.input(description="Input of `archiveSupplier`. 停用供应商")
class ArchiveSupplierInput:
    key: UUID = request_key()
    supplier_id: UUID = strawberry.field(description="ID of the supplier to archive or restore.")
    archived: bool | None = strawberry.field(
        default=None,
        description="Pass false to restore an archived supplier; true by default. 是否停用",
    )


@strawberry.input(
    description="One product to order; lines of the same product are added up. 采购明细"
)
class PurchaseLineInput(GoodsLineInput):
    unit_cost: Money | None = strawberry.field(
        default=None,
        description="Cost of one product unit in CNY, used as the cost of the received goods. "
        "采购单价",
    )


@strawberry.input(description="Input of `createPurchaseOrder`. 采购下单")
class CreatePurchaseOrderInput:
    key: UUID = request_key()
    supplier_id: UUID = strawberry.field(description="ID of the supplier.")
    store_id: UUID = strawberry.field(
        description="ID of the store that receives the goods. 收货门店"
    )
    lines: list[PurchaseLineInput] = strawberry.field(
        description="Products to order, at least one. 采购明细"
    )
    number: str | None = strawberry.field(
        default=None,
        description="Order number, unique in the chain, at most 50 characters; generated if "
        "omitted. 采购单号",
    )
    expected_on: date | None = strawberry.field(
        default=None,
        description="Expected date of delivery, from today to 730 days ahead; today plus the "
        "supplier's `leadDays` by default. 预计到货日",
    )
    note: str | None = strawberry.field(
        default=None, description="Note on the order, at most 500 characters. 备注"
    )


@strawberry.input(
    description="Input of `updatePurchaseOrder`; omitted fields stay unchanged. 修改采购单"
)
class UpdatePurchaseOrderInput:
    key: UUID = request_key()
    purchase_order_id: UUID = strawberry.field(description="ID of the purchase order to change.")
    expected_on: date | None = strawberry.field(
        default=None,
        description="Expected date of delivery, from today to 730 days ahead. 预计到货日",
    )
    note: strawberry.Maybe[str | None] = strawberry.field(
        description="Note on the order, at most 500 characters; null removes it. 备注"
    )


@strawberry.input(description="Input of `cancelPurchaseOrder`. 取消采购单")
class CancelPurchaseOrderInput:
    key: UUID = request_key()
    purchase_order_id: UUID = strawberry.field(description="ID of the purchase order to cancel.")
    reason: str | None = strawberry.field(
        default=None, description="Reason of the cancellation, at most 200 characters. 取消原因"
    )


@strawberry.input(description="Input of `closePurchaseOrder`. 关闭采购单")
class ClosePurchaseOrderInput:
    key: UUID = request_key()
    purchase_order_id: UUID = strawberry.field(description="ID of the purchase order to close.")
    reason: str = strawberry.field(
        description="Reason why goods are missing, at most 200 characters; required. 少货原因"
    )


@strawberry.input(description="Input of `receivePurchaseOrder`. 采购收货")
class ReceivePurchaseOrderInput:
    key: UUID = request_key()
    purchase_order_id: UUID = strawberry.field(description="ID of the purchase order.")
    lines: list[ReceiveLineInput] = strawberry.field(
        description="Goods received, as in `receive`; supplier and cost come from the order unless "
        "given. 收货明细"
    )
    accept_over: bool | None = strawberry.field(
        default=None,
        description="Pass true to also receive goods that were not ordered, with a `reason`; "
        "false by default. 超收",
    )
    reason: str | None = strawberry.field(
        default=None,
        description="Reason for receiving more than ordered, at most 200 characters. 原因",
    )
    document: str | None = strawberry.field(
        default=None, description="Number of the delivery note, at most 100 characters. 送货单号"
    )
    note: str | None = strawberry.field(
        default=None, description="Note on the receipt, at most 2000 characters. 备注"
    )
    occurred_at: datetime | None = strawberry.field(
        default=None, description="Time of the delivery on the device; now by default. 发生时间"
    )
