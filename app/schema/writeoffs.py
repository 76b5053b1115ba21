"""Write-offs, and the inputs that request and decide them."""

import asyncio
from datetime import datetime
from enum import Enum
from typing import Annotated
from uuid import UUID

import strawberry
from strawberry.types import Info

from app.db import tables
from app.domain.access import Can, Role
from app.domain.documents import writeoffs
from app.domain.documents.writeoffs import MOST_PHOTOS
from app.domain.rules.costs import share
from app.domain.rules.phones import masked
from app.schema import problems
from app.schema.arguments import at_most, request_key
from app.schema.batches import Batch
from app.schema.boundary import needs
from app.schema.catalog import Product
from app.schema.edges import edge, maybe_edge
from app.schema.identity import Actor, Store
from app.schema.scalars import Money, Quantity, amount, free_text, money
from app.schema.stock import Movement
from app.schema.stock_changes import StockLineInput
from app.schema.window import describe_values, window


@strawberry.enum(description="State of a write-off. 报损状态")
class WriteOffState(Enum):
    REQUESTED = strawberry.enum_value(
        "REQUESTED", description="Goods are in quarantine and wait for a decision. 待审批"
    )
    APPROVED = strawberry.enum_value(
        "APPROVED", description="Goods are written off at their cost. 已报损"
    )
    REJECTED = strawberry.enum_value(
        "REJECTED", description="Rejected by an approver or withdrawn by the requester. 已驳回"
    )


strawberry.enum(
    writeoffs.Source,
    name="WriteOffSource",
    description="Where the goods were before the write-off. 报损来源",
)
describe_values(
    writeoffs.Source,
    {
        "SHELF": "On the shelf, for sale. 货架",
        "QUARANTINE": "In quarantine, not for sale. 待检",
    },
)


@window(tables.WriteOffLine, description="Goods of one batch to write off. 报损明细")
class WriteOffLine:
    product: Product = edge("products", "product_id", "Product to write off. 商品")
    batch: Batch | None = maybe_edge(
        "batches", "batch_id", "Batch to write off; null if the product has no batches. 批次"
    )
    quantity: Quantity = amount("quantity", "Quantity in the product's unit. 数量")

    @strawberry.field(
        name="from", description="Where the goods were when the write-off was requested. 来源"
    )
    def source(self, root: strawberry.Parent[tables.WriteOffLine]) -> writeoffs.Source:
        return writeoffs.Source(root.source)

    @strawberry.field(
        description="Cost in CNY: the current cost while it waits, the recorded cost once "
        "approved. Null if rejected or if you lack SEE_COST. 成本金额"
    )
    async def cost(self, root: strawberry.Parent[tables.WriteOffLine], info: Info) -> Money | None:
        row = await info.context.loaders_of(root).write_offs.load(root.write_off_id)
        if row.state == "REJECTED" or not info.context.sees(Can.SEE_COST, row, [row.store_id]):
            return None
        return money(await _cost(info, row, root))


async def _cost(info: Info, row: tables.WriteOff, line: tables.WriteOffLine) -> int:
    """The cost of the line in 1/10000 yuan: from the ledger once decided, else from the present
    level."""
    loaders = info.context.loaders_of(row)
    if row.state == "APPROVED":
        return (await loaders.wasted.load((row.id, line.line))).cost
    level = await loaders.levels.load((row.store_id, line.product_id))
    held = level.shelf + level.reserved + level.quarantine + level.transit
    # If the write-off was decided after its row was read, there may be no stock left.
    return share(level.value, line.quantity, held) if held else 0


@window(
    tables.WriteOff,
    needs=Can.SEE_WRITE_OFFS,
    description="A request to write goods off. 报损单",
)
class WriteOff:
    id: UUID = strawberry.field(description="ID of the write-off.")
    store: Store = edge("stores", "store_id", "Store that holds the goods. 门店")
    lines: list[WriteOffLine] = edge(
        "write_off_lines", "id", "Goods to write off, one entry per batch. 报损明细"
    )
    note: str | None = free_text("note", "Note of the requester; null if there is none. 备注")
    photo_urls: list[str] = strawberry.field(description="Links to photos, as they were sent. 照片")
    requested_by: Actor | None = edge(
        "actors",
        "requested_by",
        "Member of staff who requested the write-off and therefore cannot approve it. 申请人",
    )
    requested_at: datetime = strawberry.field(
        description="Time when the write-off was requested. 申请时间"
    )
    decided_by: Actor | None = maybe_edge(
        "actors", "decided_by", "Member of staff who decided; null until then. 审批人"
    )
    decided_at: datetime | None = strawberry.field(
        description="Time of the decision; null until then. 审批时间"
    )
    decision_note: str | None = free_text(
        "decision_note", "Note of the person who decided; null if there is none. 审批意见"
    )
    movements: list[Movement] = edge(
        "document_movements", "id", "Movements of the goods for this write-off. 单据"
    )

    @strawberry.field(description="Reason of the write-off. 报损原因")
    def reason(self, root: strawberry.Parent[tables.WriteOff]) -> str:
        return masked(root.reason)

    @strawberry.field(description="State of the write-off. 报损状态")
    def state(self, root: strawberry.Parent[tables.WriteOff]) -> WriteOffState:
        return WriteOffState[root.state]

    @strawberry.field(
        description="Cost of all lines in CNY: the current cost while it waits, the recorded "
        "cost once approved. Null if rejected or if you lack SEE_COST. 报损金额",
        directives=needs(Can.SEE_COST),
    )
    async def value(self, root: strawberry.Parent[tables.WriteOff], info: Info) -> Money | None:
        if root.state == "REJECTED":
            return None
        lines = await info.context.loaders_of(root).write_off_lines.load(root.id)
        costs = await asyncio.gather(*(_cost(info, root, line) for line in lines))
        return money(sum(costs))


@window(
    tables.WriteOffLimit,
    description="Highest value that a role may approve, or book without a second person. 额度",
)
class WriteOffLimit:
    @strawberry.field(
        description="Highest value of one write-off, or of one adjustment, own use, production or "
        "shortage, in CNY; null means no limit. 额度"
    )
    def amount(self, root: strawberry.Parent[tables.WriteOffLimit]) -> Money | None:
        return None if root.amount is None else money(root.amount)

    @strawberry.field(description="Role that the limit applies to. 角色")
    def role(self, root: strawberry.Parent[tables.WriteOffLimit]) -> Role:
        return Role[root.role]


RequestWriteOffResult = Annotated[
    WriteOff
    | problems.OutOfStock
    | problems.UnknownStore
    | problems.UnknownProduct
    | problems.UnknownBatch
    | problems.InvalidQuantity
    | problems.WrongState
    | problems.KeyReused,
    strawberry.union(
        "RequestWriteOffResult",
        description="The write-off, or the problem that prevented the request.",
    ),
]
ApproveWriteOffResult = Annotated[
    WriteOff
    | problems.UnknownWriteOff
    | problems.OverLimit
    | problems.WrongState
    | problems.KeyReused,
    strawberry.union(
        "ApproveWriteOffResult",
        description="The approved write-off, or the problem that prevented the approval.",
    ),
]
RejectWriteOffResult = Annotated[
    WriteOff | problems.UnknownWriteOff | problems.WrongState | problems.KeyReused,
    strawberry.union(
        "RejectWriteOffResult",
        description="The rejected write-off, or the problem that prevented the rejection.",
    ),
]
SetWriteOffLimitResult = Annotated[
    WriteOffLimit | problems.KeyReused,
    strawberry.union(
        "SetWriteOffLimitResult",
        description="The limit as it is now, or the problem that prevented the change.",
    ),
]


@strawberry.input(description="Goods to write off. 报损明细")
class WriteOffLineInput(StockLineInput):
    source: writeoffs.Source | None = strawberry.field(
        name="from",
        default=None,
        description="By default goods are taken from the shelf first, and the rest from "
        "quarantine. Use QUARANTINE for goods that expired, were returned or were "
        "put aside before. 来源",
    )


@strawberry.input(description="Input of `requestWriteOff`. 申请报损")
class RequestWriteOffInput:
    key: UUID = request_key()
    store_id: UUID = strawberry.field(description="ID of the store that holds the goods.")
    lines: list[WriteOffLineInput] = strawberry.field(
        description="Goods to write off, at least one line. 报损明细"
    )
    reason: str = strawberry.field(
        description="Reason of the write-off, at most 200 characters. 报损原因"
    )
    note: str | None = strawberry.field(
        default=None, description="Note for the approver, at most 2000 characters. 备注"
    )
    photo_urls: list[str] | None = strawberry.field(
        default=None,
        description="Links to photos, each starting with https:// and at most 500 characters. "
        "The server stores them and never fetches them. 照片链接",
        metadata=at_most(MOST_PHOTOS),
    )


@strawberry.input(description="Input of `approveWriteOff` and `rejectWriteOff`. 审批报损")
class DecideWriteOffInput:
    key: UUID = request_key()
    write_off_id: UUID = strawberry.field(description="ID of the write-off to decide.")
    note: str | None = strawberry.field(
        default=None, description="Note on the decision, at most 500 characters. 审批意见"
    )


@strawberry.input(description="Input of `setWriteOffLimit`. 设置报损额度")
class SetWriteOffLimitInput:
    key: UUID = request_key()
    role: Role = strawberry.field(description="Role that the limit applies to. 角色")
    amount: Money | None = strawberry.field(
        default=None, description="Highest value of one write-off in CNY; null means no limit. 额度"
    )
