"""Suppliers, purchase orders, and what one sends to order goods and to receive them."""

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
from app.domain.rules.texts import masked
from app.schema import problems
from app.schema.catalog import Product
from app.schema.edges import edge
from app.schema.identity import Actor, Store
from app.schema.scalars import Money, Quantity, amount, cost, seen
from app.schema.stock import Movement, ReceiveLineInput
from app.schema.window import window


@window(tables.Supplier, description="Who delivers goods. 供应商")
class Supplier:
    id: UUID
    name: str
    contact: str | None = strawberry.field(description="Whom to ask for. 联系人")
    lead_days: int = strawberry.field(
        description="From the order to the delivery, usually. 到货周期(天)"
    )
    created_at: datetime
    archived_at: datetime | None = strawberry.field(description="Not ordered of since. 停用时间")

    @strawberry.field(description="In full for those who buy; masked for the others. 电话")
    def phone(self, root: strawberry.Parent[tables.Supplier], info: Info) -> str | None:
        if root.phone is None or seen(info, Can.EDIT_SUPPLIERS):
            return root.phone
        return masked(root.phone)

    @strawberry.field(description="Null for those who do not see suppliers. 备注")
    def note(self, root: strawberry.Parent[tables.Supplier], info: Info) -> str | None:
        return root.note if seen(info, Can.SEE_SUPPLIERS) else None


@strawberry.enum(description="What became of a purchase order. 采购单状态")
class PurchaseOrderState(Enum):
    OPEN = strawberry.enum_value("OPEN", description="Nothing came yet. 待到货")
    PARTIAL = strawberry.enum_value("PARTIAL", description="Something is missing. 部分到货")
    RECEIVED = strawberry.enum_value("RECEIVED", description="All of it came. 已到齐")
    CLOSED = strawberry.enum_value(
        "CLOSED", description="What was missing is not waited for any more. 已关闭(少货)"
    )
    CANCELLED = strawberry.enum_value("CANCELLED", description="Given up. 已取消")


@window(tables.PurchaseLine, description="How much of a product was ordered and came. 采购明细")
class PurchaseLine:
    product: Product = edge("products", "product_id")
    ordered: Quantity = amount("ordered", "0: it came and was never ordered. 订货数量")
    received: Quantity = amount("received", "All deliveries together. 到货数量")
    missing: Quantity = amount("missing", "Ordered and not received; 0 when more came. 欠货数量")
    over: Quantity = amount("over", "Received beyond what was ordered. 超收数量")

    @strawberry.field(
        description="Yuan for one unit, as it was ordered; null if unknown or not yours to see. "
        "采购单价"
    )
    def unit_cost(self, root: strawberry.Parent[tables.PurchaseLine], info: Info) -> Money | None:
        return cost(info, root.unit_cost)


@window(tables.PurchaseOrder, description="Goods a store waits for. 采购单")
class PurchaseOrder:
    id: UUID
    number: str = strawberry.field(description="Unique in the chain. 采购单号")
    supplier: Supplier = edge("suppliers", "supplier_id")
    store: Store = edge("stores", "store_id", "Where the goods go. 收货门店")
    lines: list[PurchaseLine] = edge("purchase_lines", "id")
    expected_on: date = strawberry.field(description="When the goods should come. 预计到货日")
    note: str | None
    reason: str | None = strawberry.field(description="Why it was closed or cancelled. 原因")
    ordered_at: datetime
    ordered_by: Actor | None = edge("actors", "ordered_by", "Who ordered. 采购人")
    ended_at: datetime | None = strawberry.field(
        description="When all had come, or no more was waited for; null: open. 结束时间"
    )

    @strawberry.field
    def state(self, root: strawberry.Parent[tables.PurchaseOrder]) -> PurchaseOrderState:
        return PurchaseOrderState[root.state]

    @strawberry.field(description="Open, and its day is past by the store's own clock. 逾期未到")
    async def overdue(self, root: strawberry.Parent[tables.PurchaseOrder], info: Info) -> bool:
        if root.ended_at is not None:
            return False
        store = await info.context.loaders.stores.load(root.store_id)
        return root.expected_on < store_day(info.context.now, store.timezone)

    @strawberry.field(description="What came in, delivery by delivery. Staff only. 入库单据")
    async def receipts(
        self, root: strawberry.Parent[tables.PurchaseOrder], info: Info
    ) -> list[Movement] | None:
        if not seen(info, Can.SEE_STOCK):
            return None
        return await info.context.loaders.document_movements.load(root.id)


@window(errors.Delivery, description="More of a product came than is missing. 超收明细")
class Delivery:
    product: Product = edge("products", "product_id")
    ordered: Quantity = amount("ordered", "0: it was never ordered.")
    received: Quantity = amount("received", "Received before.")
    requested: Quantity = amount("requested", "In this delivery, all its lines together.")


@window(
    errors.DeliveryExceedsOrder,
    description="More came than is missing: count again, or send it with acceptOver. 到货超出订货",
)
class DeliveryExceedsOrder(problems.Problem):
    deliveries: list[Delivery] = strawberry.field(description="Every product it is too much of.")


SupplierResult = Annotated[
    Supplier | problems.UnknownSupplier | problems.AlreadyTaken | problems.KeyReused,
    strawberry.union("SupplierResult", description="The supplier, or why nothing was written."),
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
        "CreatePurchaseOrderResult", description="The order, or why nothing was ordered."
    ),
]
PurchaseOrderResult = Annotated[
    PurchaseOrder | problems.UnknownPurchaseOrder | problems.WrongState | problems.KeyReused,
    strawberry.union(
        "PurchaseOrderResult", description="The order as it is now, or why nothing changed."
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
        "ReceivePurchaseOrderResult", description="The order as it is now, or why nothing came in."
    ),
]


@strawberry.input
class SupplierInput:
    key: UUID = strawberry.field(description="Made once for this request, sent with every retry.")
    contact: str | None = strawberry.field(default=None, description="At most 100 characters.")
    phone: str | None = strawberry.field(default=None, description="At most 30 characters.")
    note: str | None = strawberry.field(default=None, description="At most 500 characters.")


@strawberry.input(description="A new supplier. 新供应商")
class CreateSupplierInput(SupplierInput):
    name: str = strawberry.field(description="Unique in the chain, at most 100 characters.")
    lead_days: int | None = strawberry.field(
        default=None, description="From 0 to 365; 0 if not given. 到货周期(天)"
    )


@strawberry.input(description="Changes to a supplier; what is not given stays. 修改供应商")
class UpdateSupplierInput(SupplierInput):
    supplier_id: UUID
    name: str | None = None
    lead_days: int | None = strawberry.field(default=None, description="From 0 to 365.")


@strawberry.input(description="Take a supplier out of searches. 停用供应商")
class ArchiveSupplierInput:
    key: UUID
    supplier_id: UUID
    archived: bool | None = strawberry.field(
        default=None, description="false brings it back; true if not given."
    )


@strawberry.input(description="A product to order, and how much of it. 采购明细")
class PurchaseLineInput:
    product_id: UUID | None = None
    code: str | None = strawberry.field(
        default=None, description="A barcode or sku, instead of productId. 条码"
    )
    quantity: Quantity | None = strawberry.field(
        default=None, description="In the product's unit, above 0; lines of one product add up."
    )
    packs: Quantity | None = strawberry.field(
        default=None, description="Packs of the scanned code; 1 if nothing is given. 件数"
    )
    unit: str | None = strawberry.field(
        default=None,
        description="What the quantity is told in, if not in the product's unit: see "
        "`Product.units`. 单位",
    )
    unit_cost: Money | None = strawberry.field(
        default=None, description="Yuan for one product unit; what comes in is worth it. 采购单价"
    )


@strawberry.input(description="Order goods of a supplier. 采购下单")
class CreatePurchaseOrderInput:
    key: UUID = strawberry.field(
        description="Made by the client once for this order, sent again with every retry. 幂等键"
    )
    supplier_id: UUID
    store_id: UUID = strawberry.field(description="Where the goods go. 收货门店")
    lines: list[PurchaseLineInput]
    number: str | None = strawberry.field(
        default=None,
        description="Unique in the chain, at most 50 characters; made if not given. 采购单号",
    )
    expected_on: date | None = strawberry.field(
        default=None,
        description="From today, at most 730 days; today and the supplier's leadDays if not "
        "given. 预计到货日",
    )
    note: str | None = strawberry.field(default=None, description="At most 500 characters. 备注")


@strawberry.input(description="Changes to an open order; what is not given stays. 修改采购单")
class UpdatePurchaseOrderInput:
    key: UUID
    purchase_order_id: UUID
    expected_on: date | None = strawberry.field(
        default=None, description="From today, at most 730 days. 预计到货日"
    )
    note: str | None = strawberry.field(default=None, description="At most 500 characters. 备注")


@strawberry.input(description="Give an order up of which nothing came. 取消采购单")
class CancelPurchaseOrderInput:
    key: UUID
    purchase_order_id: UUID
    reason: str | None = strawberry.field(default=None, description="At most 200 characters.")


@strawberry.input(description="Give up what is still missing of an order. 关闭采购单")
class ClosePurchaseOrderInput:
    key: UUID
    purchase_order_id: UUID
    reason: str = strawberry.field(description="At most 200 characters. 少货原因")


@strawberry.input(description="Goods that came in for an order. 采购收货")
class ReceivePurchaseOrderInput:
    key: UUID = strawberry.field(
        description="Made by the client once for this delivery, sent again with every retry. 幂等键"
    )
    purchase_order_id: UUID
    lines: list[ReceiveLineInput] = strawberry.field(
        description="As `receive` has them; a cost that is not told is the order's, and so is the "
        "supplier."
    )
    accept_over: bool | None = strawberry.field(
        default=None,
        description="true books what was not ordered as well, for a reason; false if not given. "
        "超收",
    )
    reason: str | None = strawberry.field(default=None, description="At most 200 characters. 原因")
    document: str | None = strawberry.field(
        default=None, description="The delivery note's number, at most 100 characters. 送货单号"
    )
    note: str | None = strawberry.field(default=None, description="At most 2000 characters. 备注")
    occurred_at: datetime | None = strawberry.field(
        default=None, description="When it came, by the device; now if not given."
    )
