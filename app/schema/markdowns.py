"""The input that sets a markdown, its answer and its problem."""

from datetime import date
from typing import Annotated
from uuid import UUID

import strawberry

from app.domain.catalog import markdowns
from app.domain.errors import Text
from app.schema import problems
from app.schema.arguments import request_key
from app.schema.batches import BatchLevel
from app.schema.problems import Problem, as_sent, problem


@strawberry.input(description="Input of `setMarkdown`. 设置临期折扣")
class SetMarkdownInput:
    key: UUID = request_key()
    store_id: UUID = strawberry.field(description="ID of the store. 门店")
    batch_id: UUID = strawberry.field(description="ID of the batch, as in `Alert.batch`. 批次")
    percent: strawberry.Maybe[int | None] = strawberry.field(
        description="Percent off the product's price, from 1 to 99: 20 is 8 折. Null ends the "
        "markdown. 折扣"
    )
    until: date | None = strawberry.field(
        default=None,
        description="Last day of the lower price; by default the batch's last day of sale. 截止日",
    )


@problem(
    markdowns.BatchNotHeld,
    words=Text("门店没有这个批次的库存：{asked}", "The store has no stock of this batch: {asked}."),
    description="The store has no stock of a batch with this id. 批次无库存",
)
class BatchNotHeld(Problem):
    asked: str = as_sent()


MarkdownResult = Annotated[
    BatchLevel | BatchNotHeld | problems.UnknownStore | problems.KeyReused,
    strawberry.union(
        "MarkdownResult",
        description="The store's stock of the batch, or the problem that prevented the change.",
    ),
]
