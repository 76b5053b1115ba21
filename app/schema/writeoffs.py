"""Write-offs, and what one sends to ask for them and to decide."""

import asyncio
from datetime import datetime
from enum import Enum
from typing import Annotated
from uuid import UUID

import strawberry
from strawberry.types import Info

from app.db import tables
from app.domain.access import Can
from app.domain.access import Role as RoleValue
from app.domain.documents import writeoffs
from app.domain.rules.costs import share
from app.schema import problems
from app.schema.batches import Batch
from app.schema.catalog import Product
from app.schema.edges import edge, maybe_edge
from app.schema.identity import Actor, Role, Store
from app.schema.scalars import Money, Quantity, amount, money, seen
from app.schema.stock import Movement, StockLineInput
from app.schema.window import window


@strawberry.enum(description="What became of a write-off. 报损状态")
class WriteOffState(Enum):
    REQUESTED = strawberry.enum_value("REQUESTED", description="Waits in quarantine. 待审批")
    APPROVED = strawberry.enum_value("APPROVED", description="It is waste, at its cost. 已报损")
    REJECTED = strawberry.enum_value("REJECTED", description="Rejected or withdrawn. 已驳回")


WriteOffSource = strawberry.enum(
    writeoffs.Source, name="WriteOffSource", description="Where the goods were. 来源"
)


@window(tables.WriteOffLine, description="What is to be written off of one batch. 报损明细")
class WriteOffLine:
    product: Product = edge("products", "product_id")
    batch: Batch | None = maybe_edge("batches", "batch_id", "Null: kept without batches. 批次")
    quantity: Quantity = amount("quantity", "How much of it. 数量")

    @strawberry.field(name="from", description="Where it was when somebody asked. 来源")
    def source(self, root: strawberry.Parent[tables.WriteOffLine]) -> WriteOffSource:  # pyright: ignore[reportInvalidTypeForm]
        return writeoffs.Source(root.source)

    @strawberry.field(
        description="Yuan: what it would cost now while it waits, what the ledger says once it is "
        "approved; null when rejected, or not yours to see. 成本金额"
    )
    async def cost(self, root: strawberry.Parent[tables.WriteOffLine], info: Info) -> Money | None:
        if not seen(info, Can.SEE_COST):
            return None
        row = await info.context.loaders.write_offs.load(root.write_off_id)
        return None if row.state == "REJECTED" else money(await _cost(info, row, root))


async def _cost(info: Info, row: tables.WriteOff, line: tables.WriteOffLine) -> int:
    """1/10000 yuan that the line costs: by the ledger, or by the level as it is now."""
    loaders = info.context.loaders
    if row.state == "APPROVED":
        return (await loaders.wasted.load((row.id, line.line))).cost
    level = await loaders.levels.load((row.store_id, line.product_id))
    held = level.shelf + level.reserved + level.quarantine + level.transit
    # It may have been decided since the row was read: then nothing need be left.
    return share(level.value, line.quantity, held) if held else 0


@window(tables.WriteOff, description="Goods that somebody wants to throw away. 报损单")
class WriteOff:
    id: UUID
    store: Store = edge("stores", "store_id")
    lines: list[WriteOffLine] = edge("write_off_lines", "id", "By batch. 明细")
    reason: str = strawberry.field(description="Why. 报损原因")
    note: str | None
    photo_urls: list[str] = strawberry.field(description="Links as they were sent. 照片")
    requested_by: Actor | None = edge("actors", "requested_by", "Never approves it. 申请人")
    requested_at: datetime
    decided_by: Actor | None = maybe_edge("actors", "decided_by", "Null: nobody yet. 审批人")
    decided_at: datetime | None
    decision_note: str | None = strawberry.field(description="Why it was decided so. 审批意见")
    movements: list[Movement] = edge("document_movements", "id", "What was moved for it. 单据")

    @strawberry.field
    def state(self, root: strawberry.Parent[tables.WriteOff]) -> WriteOffState:
        return WriteOffState[root.state]

    @strawberry.field(
        description="Yuan: what it would cost now while it waits, what the ledger says once it is "
        "approved; null when rejected, or not yours to see. 报损金额"
    )
    async def value(self, root: strawberry.Parent[tables.WriteOff], info: Info) -> Money | None:
        if root.state == "REJECTED" or not seen(info, Can.SEE_COST):
            return None
        lines = await info.context.loaders.write_off_lines.load(root.id)
        costs = await asyncio.gather(*(_cost(info, root, line) for line in lines))
        return money(sum(costs))


@window(tables.WriteOffLimit, description="How much a role approves. 报损审批额度")
class WriteOffLimit:
    @strawberry.field(description="Yuan, for one write-off; null: no limit. 额度")
    def amount(self, root: strawberry.Parent[tables.WriteOffLimit]) -> Money | None:
        return None if root.amount is None else money(root.amount)

    @strawberry.field
    def role(self, root: strawberry.Parent[tables.WriteOffLimit]) -> Role:  # pyright: ignore[reportInvalidTypeForm]
        return RoleValue[root.role]


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
        "RequestWriteOffResult", description="The write-off, or why nothing was put aside."
    ),
]
ApproveWriteOffResult = Annotated[
    WriteOff
    | problems.UnknownWriteOff
    | problems.OverLimit
    | problems.WrongState
    | problems.KeyReused,
    strawberry.union(
        "ApproveWriteOffResult", description="The write-off, or why nothing was written off."
    ),
]
RejectWriteOffResult = Annotated[
    WriteOff | problems.UnknownWriteOff | problems.WrongState | problems.KeyReused,
    strawberry.union(
        "RejectWriteOffResult", description="The write-off, or why nothing was put back."
    ),
]
SetWriteOffLimitResult = Annotated[
    WriteOffLimit | problems.KeyReused,
    strawberry.union("SetWriteOffLimitResult", description="The limit, or why it is as it was."),
]


@strawberry.input(description="Goods to be written off. 报损明细")
class WriteOffLineInput(StockLineInput):
    source: WriteOffSource | None = strawberry.field(  # pyright: ignore[reportInvalidTypeForm]
        name="from",
        default=None,
        description="SHELF if not given; QUARANTINE for what expired, came back or was put aside "
        "before. 来源",
    )


@strawberry.input(description="Put goods aside to be written off. 申请报损")
class RequestWriteOffInput:
    key: UUID
    store_id: UUID
    lines: list[WriteOffLineInput]
    reason: str = strawberry.field(description="Why, at most 200 characters. 报损原因")
    note: str | None = strawberry.field(default=None, description="At most 2000 characters.")
    photo_urls: list[str] | None = strawberry.field(
        default=None,
        description="At most 10 links that begin with https://, of 500 characters; they are shown "
        "and never fetched. 照片链接",
    )


@strawberry.input(description="Decide a write-off that waits. 审批报损")
class DecideWriteOffInput:
    key: UUID
    write_off_id: UUID
    note: str | None = strawberry.field(default=None, description="At most 500 characters.")


@strawberry.input(description="How much a role approves. 设置报损额度")
class SetWriteOffLimitInput:
    key: UUID
    role: Role  # pyright: ignore[reportInvalidTypeForm]
    amount: Money | None = strawberry.field(
        default=None, description="Yuan, for one write-off; null: no limit. 额度"
    )
