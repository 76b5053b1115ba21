"""Problems of sales by what their till says."""

from typing import TYPE_CHECKING, Annotated

import strawberry

from app.domain import till_errors
from app.domain.access import Can
from app.schema.edges import maybe_edge
from app.schema.problems import Problem, as_sent, problem

if TYPE_CHECKING:
    from app.schema.stock import Movement


@problem(
    till_errors.ReceiptTaken,
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


@problem(till_errors.UnknownTill, description="The store has no till with this id. 收银机不存在")
class UnknownTill(Problem):
    asked: str = as_sent()
