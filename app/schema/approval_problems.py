"""Problems of movements above a role's limit."""

from typing import TYPE_CHECKING, Annotated

import strawberry

from app.domain.errors import Text
from app.domain.ledger import limits
from app.schema.edges import maybe_edge
from app.schema.problems import Problem, as_sent, problem
from app.schema.scalars import Money, money

if TYPE_CHECKING:
    from app.schema.approvals import Approval


@problem(
    limits.SecondPersonNeeded,
    words=Text(
        "金额超过您的额度 {limit} 元，请由额度更高的同事确认",
        "This costs more than the {limit} yuan that you may book alone: a colleague with a "
        "higher limit must confirm it.",
    ),
    description="The movement costs more than your role may book alone: it waits until a second "
    "person approves it. Nothing is recorded yet. 超出额度",
)
class SecondPersonNeeded(Problem):
    approval: Annotated["Approval", strawberry.lazy("app.schema.approvals")] | None = maybe_edge(
        "approvals",
        "approval_id",
        "The request that waits, with the members of staff who may approve it. 超额申请",
    )

    @strawberry.field(description="Highest amount your role may book alone, in CNY. 额度")
    def limit(self, root: strawberry.Parent[limits.SecondPersonNeeded]) -> Money:
        return money(root.limit)


@problem(
    limits.UnknownApproval,
    words=Text("没有这张超额申请：{asked}", "No such approval: {asked}."),
    description="No approval visible to you has this id. 超额申请不存在",
)
class UnknownApproval(Problem):
    asked: str = as_sent()
