"""What one sends to sell and to take back."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

import strawberry

from app.domain.movements import sales
from app.schema import problems
from app.schema.catalog import Channel
from app.schema.stock import Movement, MovementInput, StockLineInput
from app.schema.window import definition, window

Disposition = strawberry.enum(
    sales.Disposition, name="Disposition", description="Where returned goods go. 退货去向"
)
for _value in definition(Disposition).values:
    _value.description = sales.Disposition[_value.name].value.value.meaning


@strawberry.input(description="A sale. 销售")
class SellInput(MovementInput):
    lines: list[StockLineInput]
    channel: Channel | None = strawberry.field(
        default=None, description="COUNTER if not given. 渠道"
    )
    receipt_no: str | None = strawberry.field(
        default=None, description="The till's receipt number, at most 100 characters. 小票号"
    )
    accept_shortage: bool | None = strawberry.field(
        default=None,
        description="At the counter: it was sold, so it is booked, whatever the shelf should hold; "
        "what was missing is a variance, and opens an alert. 允许账面不足",
    )


@strawberry.input(description="A sale that a till made offline. 离线销售")
class OfflineSaleInput:
    key: UUID = strawberry.field(description="The till's own id of the sale. 幂等键")
    store_id: UUID
    occurred_at: datetime = strawberry.field(description="By the till's clock. 发生时间")
    lines: list[StockLineInput]
    receipt_no: str | None = strawberry.field(default=None, description="At most 100 characters.")
    reason: str | None = strawberry.field(default=None, description="At most 200 characters.")
    note: str | None = strawberry.field(default=None, description="At most 2000 characters.")
    accept_shortage: bool | None = strawberry.field(
        default=None, description="True if not given: it was sold. 允许账面不足"
    )


@strawberry.input(description="What a till sold while it was offline. 离线同步")
class SyncSalesInput:
    operations: list[OfflineSaleInput] = strawberry.field(
        description="At most 1,000, in any order: the end is the same."
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
    | problems.WrongState
    | problems.Busy,
    strawberry.union("SyncOutcome", description="The sale, or why this one was not booked."),
]


@window(sales.SyncedSale, description="What became of one operation. 同步结果")
class SyncedSale:
    key: UUID
    outcome: SyncOutcome


@strawberry.type(description="One result an operation, in the order they were sent. 同步结果")
class SyncSalesResult:
    results: list[SyncedSale]


@strawberry.input(description="Goods of one sale that come back. 退货")
class ReturnSaleInput:
    key: UUID
    sale_id: UUID
    lines: list[StockLineInput]
    disposition: Disposition  # pyright: ignore[reportInvalidTypeForm]
    reason: str | None = None
    note: str | None = None
    occurred_at: datetime | None = None
