"""Approvals of movements above a role's limit, and the inputs that decide them."""

from datetime import datetime
from decimal import Decimal
from enum import Enum
from typing import Annotated, NamedTuple
from uuid import UUID

import strawberry
from strawberry.types import Info

from app.db import tables
from app.domain.access import Can
from app.domain.documents.approvals import lines_of
from app.domain.rules.kinds import Kind
from app.schema import problems
from app.schema.approval_problems import UnknownApproval
from app.schema.arguments import request_key
from app.schema.boundary import needs
from app.schema.catalog import Channel, Product
from app.schema.edges import edge, maybe_edge
from app.schema.identity import Actor, Store
from app.schema.scalars import Money, Quantity, free_text, maybe_fen, money
from app.schema.stock import Movement
from app.schema.till_problems import ReceiptTaken
from app.schema.window import as_window, window


@strawberry.enum(description="State of an approval. 审批状态")
class ApprovalState(Enum):
    WAITING = strawberry.enum_value(
        "WAITING", description="Waits for a second person; nothing is recorded. 待审批"
    )
    APPROVED = strawberry.enum_value("APPROVED", description="The movement is recorded. 已批准")
    REJECTED = strawberry.enum_value(
        "REJECTED", description="Rejected by a second person or withdrawn by the requester. 已驳回"
    )


class RequestedLine(NamedTuple):
    """A line of a movement that waits for approval; the amount is in fen."""

    tenant_id: UUID
    product_id: UUID
    quantity: Decimal
    amount: int | None


@window(RequestedLine, description="A line of a movement that waits for approval. 申请明细")
class ApprovalLine:
    product: Product = edge("products", "product_id", "Product of the line. 商品")

    @strawberry.field(description="Quantity in the product's unit. 数量")
    def quantity(self, root: strawberry.Parent[RequestedLine]) -> Quantity:
        return root.quantity  # pyright: ignore[reportReturnType] serialised as one

    @strawberry.field(
        description="Amount in CNY that the customer pays for the line; null if it is not sold or "
        "has no price. 金额"
    )
    def amount(self, root: strawberry.Parent[RequestedLine]) -> Money | None:
        return maybe_fen(root.amount)


@window(
    tables.Approval,
    needs=Can.SEE_APPROVALS,
    description="A movement above the limit of a role, which a second person approves. 超额申请",
)
class Approval:
    id: UUID = strawberry.field(description="ID of the approval.")
    store: Store = edge("stores", "store_id", "Store of the movement. 门店")
    reason: str | None = free_text("reason", "Reason of the movement; null if none. 原因")
    note: str | None = free_text("note", "Note of the requester; null if there is none. 备注")
    receipt_no: str | None = free_text(
        "document", "Receipt number of the sale; null if there is none. 小票号"
    )
    occurred_at: datetime = strawberry.field(
        description="Time of the event: the movement is recorded as of then. 发生时间"
    )
    requested_by: Actor | None = edge(
        "actors",
        "requested_by",
        "Member of staff who requested the movement and therefore cannot approve it. 申请人",
    )
    requested_at: datetime = strawberry.field(description="Time of the request. 申请时间")
    decided_by: Actor | None = maybe_edge(
        "actors", "decided_by", "Member of staff who decided; null until then. 审批人"
    )
    decided_at: datetime | None = strawberry.field(
        description="Time of the decision; null until then. 审批时间"
    )
    decision_note: str | None = free_text(
        "decision_note", "Note of the person who decided; null if there is none. 审批意见"
    )
    movement: Movement | None = maybe_edge(
        "movements", "movement_id", "The recorded movement; null unless approved. 单据"
    )

    @strawberry.field(description="State of the approval. 审批状态")
    def state(self, root: strawberry.Parent[tables.Approval]) -> ApprovalState:
        return ApprovalState[root.state]

    @strawberry.field(description="Kind of the movement. 单据类型")
    def kind(self, root: strawberry.Parent[tables.Approval]) -> Kind:
        return Kind[root.kind]

    @strawberry.field(description="Channel of a sale; null for other kinds. 渠道")
    def channel(self, root: strawberry.Parent[tables.Approval]) -> Channel | None:
        return None if root.channel is None else Channel[root.channel]

    @strawberry.field(description="Lines of the movement as they were requested. 申请明细")
    def lines(self, root: strawberry.Parent[tables.Approval]) -> list[ApprovalLine]:
        rows = [
            RequestedLine(
                root.tenant_id, line.product_id, line.quantity, line.charge and line.charge.amount
            )
            for line in lines_of(root)
        ]
        return as_window(rows)

    @strawberry.field(
        description="Cost in CNY that exceeds the limit, as of the request; for a sale, the cost "
        "of the missing quantity. Null if you lack SEE_COST. 金额",
        directives=needs(Can.SEE_COST),
    )
    def value(self, root: strawberry.Parent[tables.Approval]) -> Money | None:
        return money(root.value)

    @strawberry.field(
        description="Members of staff who may approve it now; none once it is decided. 可审批人"
    )
    async def approvers(self, root: strawberry.Parent[tables.Approval], info: Info) -> list[Actor]:
        loaders = info.context.loaders_of(root)
        return await loaders.actors.load_many(await loaders.approvers.load(root.id) or [])


ApproveMovementResult = Annotated[
    Approval
    | UnknownApproval
    | problems.OverLimit
    | problems.OutOfStock
    | problems.UnknownProduct
    | problems.UnknownBatch
    | problems.BatchExpired
    | problems.InvalidQuantity
    | problems.VersionConflict
    | ReceiptTaken
    | problems.WrongState
    | problems.KeyReused
    | problems.Busy,
    strawberry.union(
        "ApproveMovementResult",
        description="The approval with its movement, or the problem that prevented it; then the "
        "request still waits.",
    ),
]
RejectMovementResult = Annotated[
    Approval | UnknownApproval | problems.WrongState | problems.KeyReused,
    strawberry.union(
        "RejectMovementResult",
        description="The rejected request, or the problem that prevented the rejection.",
    ),
]


@strawberry.input(description="Input of `approveMovement` and `rejectMovement`. 超额审批")
class DecideMovementInput:
    key: UUID = request_key()
    approval_id: UUID = strawberry.field(description="ID of the approval to decide.")
    note: str | None = strawberry.field(
        default=None, description="Note on the decision, at most 500 characters. 审批意见"
    )
