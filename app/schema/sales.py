"""Inputs and results of sales and returns."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

import strawberry

from app.domain.movements import sales
from app.domain.movements.sales import MOST_OPERATIONS, Disposition
from app.schema import problems, till_problems
from app.schema.arguments import at_most, request_key
from app.schema.catalog import Channel
from app.schema.stock import Movement
from app.schema.stock_changes import MovementInput, SaleLineInput, StockLineInput
from app.schema.window import definition, window

strawberry.enum(Disposition, name="Disposition", description="Where returned goods go. 退货去向")
for _value in definition(Disposition).values:
    _value.description = Disposition[_value.name].value.value.meaning


@strawberry.input(description="Input of `sell`. 销售")
class SellInput(MovementInput):
    lines: list[SaleLineInput] = strawberry.field(
        description="Products sold, at least one. 销售明细"
    )
    channel: Channel | None = strawberry.field(
        default=None, description="Channel of the sale; COUNTER by default. 渠道"
    )
    till_id: UUID | None = strawberry.field(
        default=None,
        description="ID of the till that sold, see `registerTill`; receipt numbers of one till say "
        "nothing of another. 收银机",
    )
    receipt_no: str | None = strawberry.field(
        default=None,
        description="Receipt number of the till, at most 100 characters; capitals and width make "
        "no difference. A second sale with the number on the same business day of the till, or of "
        "the store if no till is named, is answered with the first; with other lines it fails with "
        "ReceiptTaken. 小票号",
    )
    accept_shortage: bool | None = strawberry.field(
        default=None,
        description="Pass true to record a counter sale even if recorded stock is too low. The "
        "missing quantity is booked in from variance and opens an alert; above the limit of your "
        "role the sale waits for a second person. False by default. 允许账面不足",
    )


@strawberry.input(description="A sale that a till recorded while it was offline. 离线销售")
class OfflineSaleInput:
    key: UUID = request_key()
    store_id: UUID = strawberry.field(description="ID of the store that sold.")
    occurred_at: datetime = strawberry.field(
        description="Time of the sale by the till's clock. 发生时间"
    )
    lines: list[SaleLineInput] = strawberry.field(
        description="Products sold, at least one. 销售明细"
    )
    till_id: UUID | None = strawberry.field(
        default=None,
        description="ID of the till that sold, see `registerTill`; receipt numbers of one till say "
        "nothing of another. 收银机",
    )
    receipt_no: str | None = strawberry.field(
        default=None,
        description="Receipt number of the till, at most 100 characters; capitals and width make "
        "no difference. A second sale with the number on the same business day of the till, or of "
        "the store if no till is named, is answered with the first; with other lines it fails with "
        "ReceiptTaken. 小票号",
    )
    reason: str | None = strawberry.field(
        default=None, description="Reason recorded with the sale, at most 200 characters. 原因"
    )
    note: str | None = strawberry.field(
        default=None, description="Note on the sale, at most 2000 characters. 备注"
    )
    accept_shortage: bool | None = strawberry.field(
        default=None,
        description="Whether to record the sale even if recorded stock is too low; true by "
        "default, because the goods are already sold. 允许账面不足",
    )


@strawberry.input(description="Input of `syncSales`. 离线同步")
class SyncSalesInput:
    operations: list[OfflineSaleInput] = strawberry.field(
        description="Offline sales in any order; the order does not change the final stock. "
        "离线销售",
        metadata=at_most(MOST_OPERATIONS),
    )


SyncOutcome = Annotated[
    Movement
    | problems.OutOfStock
    | problems.UnknownProduct
    | problems.UnknownStore
    | problems.UnknownBatch
    | problems.BatchExpired
    | problems.InvalidQuantity
    | problems.Unreadable
    | problems.KeyReused
    | till_problems.ReceiptTaken
    | till_problems.UnknownTill
    | problems.WrongState
    | problems.Busy,
    strawberry.union(
        "SyncOutcome", description="The movement of the sale, or the problem that prevented it."
    ),
]


@window(sales.SyncedSale, description="Result of one offline sale. 同步结果")
class SyncedSale:
    key: UUID = strawberry.field(
        description="Key of the offline sale, as it was sent; "
        "00000000-0000-0000-0000-000000000000 if it cannot be read. 幂等键"
    )
    outcome: SyncOutcome = strawberry.field(
        description="The movement of the sale, or the problem that prevented it. 同步结果"
    )


@strawberry.type(description="Results of the offline sales. 同步结果")
class SyncSalesResult:
    results: list[SyncedSale] = strawberry.field(
        description="One entry per operation, in the order of the input. An operation of the "
        "variables that cannot be read is Unreadable; the others are recorded. 同步结果"
    )


@strawberry.input(description="Input of `returnSale`. 退货")
class ReturnSaleInput:
    key: UUID = request_key()
    sale_id: UUID = strawberry.field(description="ID of the movement of the sale.")
    lines: list[StockLineInput] = strawberry.field(
        description="Goods that the customer brought back. 退货明细"
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
