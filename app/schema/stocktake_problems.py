"""Problems of stocktakes."""

from uuid import UUID

import strawberry

from app.domain import stocktake_errors
from app.domain.errors import Text
from app.domain.stocktake_errors import Blocker
from app.schema.catalog import Product
from app.schema.edges import edge
from app.schema.problems import Problem, as_sent, problem
from app.schema.window import describe_values, window


@problem(
    stocktake_errors.UnknownStocktake,
    words=Text("没有这张盘点单：{asked}", "No such stocktake: {asked}."),
    description="No stocktake visible to you has this id. 盘点单不存在",
)
class UnknownStocktake(Problem):
    asked: str = as_sent()


strawberry.enum(
    Blocker, name="StocktakeBlocker", description="Why a line cannot be closed. 阻止原因"
)
describe_values(Blocker, {each.name: each.value for each in Blocker})


@window(stocktake_errors.BlockedLine, description="A line that cannot be closed yet. 待处理明细")
class BlockedLine:
    line_id: UUID = strawberry.field(description="ID of the line.")
    product: Product = edge("products", "product_id", "Product of the line. 商品")
    blocker: Blocker = strawberry.field(description="What is missing. 阻止原因")


@problem(
    stocktake_errors.StocktakeBlocked,
    words=Text(
        "还有 {count} 行需要重盘、确认或填写原因",
        "{count} lines must be recounted, confirmed or explained first.",
    ),
    description="Some lines must be recounted, confirmed or explained before the stocktake can "
    "be closed. 盘点未处理完",
)
class StocktakeBlocked(Problem):
    @strawberry.field(
        graphql_type=list[BlockedLine], description="Every line that blocks. 待处理明细"
    )
    def lines(
        self, root: strawberry.Parent[stocktake_errors.StocktakeBlocked]
    ) -> list[stocktake_errors.BlockedLine]:
        return list(root.lines)
