"""Inputs of the mutations that record movements."""

from datetime import date, datetime
from enum import Enum
from uuid import UUID

import strawberry

from app.schema.arguments import request_key
from app.schema.scalars import Money, Quantity, Revision


@strawberry.enum(description="Kind of a manual adjustment. 调整类型")
class AdjustmentKind(Enum):
    GAIN = strawberry.enum_value("GAIN", description="Add stock that was found. 盘盈")
    LOSS = strawberry.enum_value("LOSS", description="Remove stock that is missing. 盘亏")
    QUARANTINE = strawberry.enum_value(
        "QUARANTINE", description="Move stock from the shelf to quarantine. 转待检"
    )
    RELEASE = strawberry.enum_value(
        "RELEASE", description="Move stock from quarantine to the shelf. 待检放行"
    )


@strawberry.input(description="Quantity of one component that was actually used. 实际用量")
class UsedInput:
    product_id: UUID = strawberry.field(description="ID of the component's product.")
    quantity: Quantity = strawberry.field(
        description="Quantity in the component's unit for the whole line, 0 or more. 实际用量"
    )


@strawberry.input(description="One product and its quantity. 明细")
class GoodsLineInput:
    product_id: UUID | None = strawberry.field(
        default=None, description="ID of the product. Give either `productId` or `code`."
    )
    code: str | None = strawberry.field(
        default=None,
        description="Barcode or SKU of the product, instead of `productId`. A GS1 code also "
        "supplies weight and count, and batch and dates for lines that have them; "
        "values given in the line take precedence. 条码",
    )
    quantity: Quantity | None = strawberry.field(
        default=None,
        description="Quantity greater than 0, in the product's unit or in `unit`. 数量",
    )
    packs: Quantity | None = strawberry.field(
        default=None,
        description="Number of packs of the scanned code; 1 if no quantity is given either. 件数",
    )
    unit: str | None = strawberry.field(
        default=None,
        description="Unit of `quantity`: one of `Product.units`, or another measure of the same "
        "kind such as 斤 or g; the product's unit by default. 单位",
    )


@strawberry.input(description="One product and its quantity, by batch if needed. 明细")
class StockLineInput(GoodsLineInput):
    batch_no: str | None = strawberry.field(
        default=None,
        description="Batch number as printed, at most 50 characters. Only this batch is moved; by "
        "default the earliest expiry leaves first. 批号",
    )
    expires_on: date | None = strawberry.field(
        default=None,
        description="Last day of sale of the batch, alone or with `batchNo`; only such batches "
        "are moved. For received goods it is their expiry, computed from the shelf "
        "life if omitted. 到期日",
    )
    zone: str | None = strawberry.field(
        default=None,
        description="Zone of the store that the goods leave or are put in, one of `Store.zones`, "
        "or any text at most 50 characters long with `occurredAt`. With it a product in several "
        "zones is counted exactly while the store sells. `placeOrder` ignores it: `fulfilOrder` "
        "has zones. 区域",
    )
    without: list[UUID] | None = strawberry.field(
        default=None, description="IDs of optional recipe components to leave out. 不要的配料"
    )
    used: list[UsedInput] | None = strawberry.field(
        default=None,
        description="Quantities actually used, for components that differ from the recipe. The "
        "difference is recorded as a variance. 实际用量",
    )


@strawberry.input(description="One product to sell, with its price if it differs. 销售明细")
class SaleLineInput(StockLineInput):
    price: Money | None = strawberry.field(
        default=None,
        description="Price of one product unit in CNY, with at most 2 decimals; the product's own "
        "price by default. Another price needs SET_PRICE. Not for guests. 单价",
    )
    discount: Money | None = strawberry.field(
        default=None,
        description="Discount in CNY on the whole line, at most its amount; needs SET_PRICE. "
        "`amount` = `price` × quantity − `discount`, rounded half up to 0.01. Not for guests. 优惠",
    )


@strawberry.input(description="Goods received and their cost. 入库明细")
class ReceiveLineInput(StockLineInput):
    unit_cost: Money | None = strawberry.field(
        default=None, description="Cost of one product unit in CNY. 单位成本"
    )
    produced_on: date | None = strawberry.field(
        default=None, description="Date of production, used to compute the expiry. 生产日期"
    )
    supplier: str | None = strawberry.field(
        default=None, description="Name of the supplier to record with the batch. 供应商"
    )


@strawberry.input(description="Quantity to adjust for one product. 调整明细")
class AdjustLineInput(StockLineInput):
    expected_version: Revision | None = strawberry.field(
        default=None,
        description="Version of the level that you read; fails with VersionConflict if it has "
        "changed since. 版本",
    )


@strawberry.input(description="Fields that every movement has. 单据")
class MovementInput:
    key: UUID = request_key()
    store_id: UUID = strawberry.field(description="ID of the store.")
    reason: str | None = strawberry.field(
        default=None, description="Reason of the movement, at most 200 characters. 原因"
    )
    note: str | None = strawberry.field(
        default=None, description="Note on the movement, at most 2000 characters. 备注"
    )
    occurred_at: datetime | None = strawberry.field(
        default=None,
        description="Time of the event by the device's clock; now by default. An event longer "
        "ago than `Tenant.backdateDays` needs the permission ADJUST, which no API "
        "key has. 发生时间",
    )


@strawberry.input(description="Input of `openStock`. 期初")
class OpenStockInput(MovementInput):
    lines: list[ReceiveLineInput] = strawberry.field(
        description="Goods counted when record keeping begins. 期初明细"
    )


@strawberry.input(description="Input of `receive`. 入库")
class ReceiveInput(MovementInput):
    lines: list[ReceiveLineInput] = strawberry.field(
        description="Goods received, at least one line. 入库明细"
    )
    document: str | None = strawberry.field(
        default=None, description="Number of the delivery note, at most 100 characters. 送货单号"
    )


@strawberry.input(description="Input of `adjust`. 手工调整")
class AdjustInput(MovementInput):
    kind: AdjustmentKind = strawberry.field(description="Kind of the adjustment. 调整类型")
    lines: list[AdjustLineInput] = strawberry.field(
        description="Products to adjust, at least one line. 调整明细"
    )


@strawberry.input(
    description="Input of `consume`, `produce` and `returnToSupplier`. 自用/自制/退供应商"
)
class LinesInput(MovementInput):
    lines: list[StockLineInput] = strawberry.field(
        description="Products to move, at least one line. 明细"
    )


@strawberry.input(
    description="Input of `reverse`, `reversePurchaseReceipt`, `reverseTransferReceipt` and "
    "`reverseRedemption`. 冲销"
)
class ReverseInput:
    key: UUID = request_key()
    movement_id: UUID = strawberry.field(description="ID of the movement to reverse.")
    reason: str | None = strawberry.field(
        default=None, description="Reason of the reversal, at most 200 characters. 冲销原因"
    )
