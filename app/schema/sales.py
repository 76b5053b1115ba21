"""What one sends to sell and to take back."""

from datetime import datetime
from uuid import UUID

import strawberry

from app.domain import sales
from app.schema.stock import Channel, MovementInput, StockLineInput
from app.schema.window import definition

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


@strawberry.input(description="Goods of one sale that come back. 退货")
class ReturnSaleInput:
    key: UUID
    sale_id: UUID
    lines: list[StockLineInput]
    disposition: Disposition  # pyright: ignore[reportInvalidTypeForm]
    reason: str | None = None
    note: str | None = None
    occurred_at: datetime | None = None
