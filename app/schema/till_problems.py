"""Problems of receipt numbers and tills."""

from typing import TYPE_CHECKING, Annotated

import strawberry

from app.domain import till_errors
from app.domain.access import Can
from app.domain.errors import Text
from app.schema.edges import maybe_edge
from app.schema.problems import Problem, as_sent, problem

if TYPE_CHECKING:
    from app.schema.stock import Movement


@problem(
    till_errors.ReceiptTaken,
    words=Text(
        "小票号 {receipt_no} 当天已用于另一笔销售，请核对小票号",
        "Receipt number {receipt_no} already belongs to another sale of that day: check "
        "the number.",
    ),
    description="Another sale of the store, till and business day has this receipt number; a sale "
    "of the same lines is answered with the first instead. 小票号重复",
)
class ReceiptTaken(Problem):
    receipt_no: str = strawberry.field(description="The receipt number that is taken. 小票号")
    movement: Annotated["Movement", strawberry.lazy("app.schema.stock")] | None = maybe_edge(
        "movements",
        "movement_id",
        "Sale that has the number; null if you lack SEE_STOCK. 已有的销售单",
        Can.SEE_STOCK,
    )


@problem(
    till_errors.UnknownTill,
    words=Text("该门店没有这台收银机：{asked}", "The store has no such till: {asked}."),
    description="The store has no till with this id. 收银机不存在",
)
class UnknownTill(Problem):
    asked: str = as_sent()
