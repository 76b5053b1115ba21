"""Scan sessions: what several phones scan, and what one sends to change a session."""

from datetime import date, datetime
from enum import Enum
from typing import Annotated
from uuid import UUID

import strawberry
from strawberry.types import Info

from app.db import scans as rows
from app.db import tables
from app.db.core.paging import Span
from app.domain import scan_errors
from app.domain.access import Can
from app.domain.documents.scans import (
    MOST_AT_ONCE,
    MOST_SCANS,
    ScanPurpose,
    ScanTotal,
    totals_of,
)
from app.domain.errors import Text
from app.schema import problems
from app.schema.arguments import After, Before, First, Last, at_most, request_key
from app.schema.boundary import needs
from app.schema.catalog import Product
from app.schema.edges import edge, maybe_edge
from app.schema.identity import Actor, Store
from app.schema.paging import Connection, PageArguments, connection, page
from app.schema.problems import Problem, as_sent, problem
from app.schema.scalars import Money, Quantity, maybe_money, quantity
from app.schema.stock import Movement
from app.schema.stock_changes import GoodsLineInput
from app.schema.topics import DocumentTopic
from app.schema.window import as_window, describe_values, window

strawberry.enum(ScanPurpose, description="What the scans of a session become. 扫码用途")
describe_values(
    ScanPurpose,
    {
        "OPENING_STOCK": "Opening stock, like `openStock`. 期初库存",
        "RECEIPT": "Goods received, like `receive`. 入库",
    },
)


@strawberry.enum(description="State of a scan session. 扫码单状态")
class ScanSessionState(Enum):
    OPEN = strawberry.enum_value("OPEN", description="Phones add scans. 扫码中")
    COMMITTED = strawberry.enum_value("COMMITTED", description="The scans are posted. 已入库")
    CANCELLED = strawberry.enum_value(
        "CANCELLED", description="Cancelled; nothing was posted. 已取消"
    )


@problem(
    scan_errors.UnknownScanSession,
    words=Text("没有这张扫码单或这条扫码：{asked}", "No such scan session or scan: {asked}."),
    description="No scan session or scan visible to you has this id. 扫码单不存在",
)
class UnknownScanSession(Problem):
    asked: str = as_sent()


@window(tables.Scan, needs=Can.RECEIVE, description="One scan of a session. 扫码")
class ScanEntry:
    id: UUID = strawberry.field(description="ID of the scan.")
    code: str | None = strawberry.field(
        description="Code as it was scanned; null if the product was chosen. 条码"
    )
    product: Product | None = maybe_edge(
        "products", "product_id", "Product; null if no product has the code. 商品"
    )
    batch_no: str | None = strawberry.field(description="Batch number; null without one. 批号")
    expires_on: date | None = strawberry.field(
        description="Last day of sale; null if it is not known. 到期日"
    )
    produced_on: date | None = strawberry.field(
        description="Date of production; null if it was not given. 生产日期"
    )
    scanned_by: Actor | None = edge("actors", "scanned_by", "Person who scanned it. 扫码人")
    scanned_at: datetime = strawberry.field(description="Time when it was received. 扫码时间")
    corrected_by: Actor | None = maybe_edge(
        "actors", "corrected_by", "Person who corrected or removed it last; null if none. 更正人"
    )
    removed_at: datetime | None = strawberry.field(
        description="Time when it was removed; null while it counts. 移除时间"
    )

    @strawberry.field(
        description="Quantity in the product's unit; of an unknown code as it was entered, in "
        "packs without a quantity. 数量"
    )
    def quantity(self, root: strawberry.Parent[tables.Scan]) -> Quantity:
        if root.base is not None and root.scale is not None:
            return quantity(root.base, root.scale)
        return as_window(root.amount or root.packs or "1")

    @strawberry.field(
        description="Cost of one unit in CNY; null if it was not given or if you lack SEE_COST. "
        "单位成本",
        directives=needs(Can.SEE_COST),
    )
    def unit_cost(self, root: strawberry.Parent[tables.Scan]) -> Money | None:
        return maybe_money(root.unit_cost)


@window(
    ScanTotal,
    needs=Can.RECEIVE,
    description="All that was scanned of one product and batch. 扫码合计",
)
class ScanLine:
    product: Product = edge("products", "product_id", "Product that was scanned. 商品")
    batch_no: str | None = strawberry.field(description="Batch number; null without one. 批号")
    expires_on: date | None = strawberry.field(
        description="Last day of sale; null if it is not known. 到期日"
    )

    @strawberry.field(description="Quantity of all its scans, in the product's unit. 数量")
    def quantity(self, root: strawberry.Parent[ScanTotal]) -> Quantity:
        return quantity(root.base, root.scale)


@window(
    tables.ScanSession,
    needs=Can.RECEIVE,
    description="Codes and quantities that several phones gather for one receipt, or for the "
    "opening stock of a store. 扫码单",
)
class ScanSession:
    id: UUID = strawberry.field(description="ID of the session.")
    store: Store = edge("stores", "store_id", "Store that receives the goods. 门店")
    note: str | None = strawberry.field(
        description="Note on the session, and on its movements; null if there is none. 备注"
    )
    opened_by: Actor | None = edge("actors", "opened_by", "Person who opened it. 开单人")
    opened_at: datetime = strawberry.field(description="Time when it was opened. 开单时间")
    ended_by: Actor | None = maybe_edge(
        "actors", "ended_by", "Person who committed or cancelled it; null until then. 提交人"
    )
    ended_at: datetime | None = strawberry.field(
        description="Time when it was committed or cancelled; null until then. 结束时间"
    )

    @strawberry.field(description="What the scans become. 用途")
    def purpose(self, root: strawberry.Parent[tables.ScanSession]) -> ScanPurpose:
        return ScanPurpose(root.purpose)

    @strawberry.field(description="State of the session. 状态")
    def state(self, root: strawberry.Parent[tables.ScanSession]) -> ScanSessionState:
        return ScanSessionState[root.state]

    @strawberry.field(
        description="Scans in the order in which they came in, removed ones too; empty 90 days "
        "after the session ended. 扫码记录"
    )
    async def scans(
        self,
        root: strawberry.Parent[tables.ScanSession],
        info: Info,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> Connection[ScanEntry]:
        pages = info.context.loaders_of(root).scan_pages

        async def read(span: Span) -> list[tables.Scan]:
            return await pages.load(rows.ScanSpan(root.id, span))

        part = page(PageArguments(first, after, last, before), UUID)
        return await connection(part, read, lambda row: [row.id])

    @strawberry.field(
        description=f"Scans added up by product and batch, at most {MOST_SCANS}. 合计"
    )
    async def lines(
        self, root: strawberry.Parent[tables.ScanSession], info: Info
    ) -> list[ScanLine]:
        return as_window(totals_of(await info.context.loaders_of(root).scans.load(root.id)))

    @strawberry.field(
        description="Scans whose code names no product, without removed ones. Create the product "
        f"or add the barcode, and `commitScanSession` finds it. At most {MOST_SCANS}. 未识别的条码"
    )
    async def unknown(
        self, root: strawberry.Parent[tables.ScanSession], info: Info
    ) -> list[ScanEntry]:
        scans = await info.context.loaders_of(root).scans.load(root.id)
        return [each for each in scans if each.product_id is None and each.removed_at is None]

    @strawberry.field(description="Movements that were posted; empty until then. 入库单据")
    async def movements(
        self, root: strawberry.Parent[tables.ScanSession], info: Info
    ) -> list[Movement]:
        loaders = info.context.loaders_of(root)
        return as_window(await loaders.movements.load_many(root.movement_ids))


SCAN_SESSIONS = DocumentTopic(
    name="scan_sessions",
    type=ScanSession,
    by_id=rows.sessions_by_id,
    open=rows.open_sessions,
    event="ScanSessionChange",
    can=Can.RECEIVE,
    title="Scan sessions",
    chinese="扫码单",
)
"""The feed of one session, for the phones that scan. No store's feed has it."""

ScanSessionResult = Annotated[
    ScanSession
    | UnknownScanSession
    | problems.UnknownStore
    | problems.UnknownProduct
    | problems.InvalidQuantity
    | problems.WrongState
    | problems.KeyReused,
    strawberry.union(
        "ScanSessionResult", description="The session, or the problem that prevented the change."
    ),
]
CommitScanSessionResult = Annotated[
    ScanSession
    | UnknownScanSession
    | problems.UnknownProduct
    | problems.UnknownBatch
    | problems.InvalidQuantity
    | problems.WrongState
    | problems.KeyReused
    | problems.Busy,
    strawberry.union(
        "CommitScanSessionResult",
        description="The session with its movements, or the problem that prevented it.",
    ),
]


@strawberry.input(description="Input of `openScanSession`. 新建扫码单")
class OpenScanSessionInput:
    key: UUID = request_key()
    store_id: UUID = strawberry.field(description="ID of the store that receives the goods.")
    purpose: ScanPurpose = strawberry.field(description="What the scans become. 用途")
    note: str | None = strawberry.field(
        default=None, description="Note on the session, at most 200 characters. 备注"
    )


@strawberry.input(description="A code or a product, and how much of it. 扫码")
class ScanInput(GoodsLineInput):
    batch_no: str | None = strawberry.field(
        default=None, description="Batch number as printed, at most 50 characters. 批号"
    )
    expires_on: date | None = strawberry.field(
        default=None,
        description="Last day of sale; computed from the shelf life if omitted. 到期日",
    )
    produced_on: date | None = strawberry.field(
        default=None, description="Date of production, used to compute the expiry. 生产日期"
    )
    unit_cost: Money | None = strawberry.field(
        default=None, description="Cost of one product unit in CNY. 单位成本"
    )


@strawberry.input(description="Input of `addScans`. 扫码")
class AddScansInput:
    key: UUID = request_key()
    scan_session_id: UUID = strawberry.field(description="ID of the session.")
    scans: list[ScanInput] = strawberry.field(
        description=f"Scans, at least one; a session has at most {MOST_SCANS}. 扫码",
        metadata=at_most(MOST_AT_ONCE),
    )


@strawberry.input(description="Input of `correctScan`. 更正扫码")
class CorrectScanInput:
    key: UUID = request_key()
    scan_id: UUID = strawberry.field(description="ID of the scan.")
    quantity: Quantity = strawberry.field(
        description="Quantity in the product's unit, above 0. It also restores a removed scan. 数量"
    )


@strawberry.input(description="Input of `removeScan`. 移除扫码")
class RemoveScanInput:
    key: UUID = request_key()
    scan_id: UUID = strawberry.field(description="ID of the scan.")


@strawberry.input(description="Input of `commitScanSession`. 提交扫码单")
class CommitScanSessionInput:
    key: UUID = request_key()
    scan_session_id: UUID = strawberry.field(description="ID of the session.")
    known_only: bool | None = strawberry.field(
        default=None,
        description="Pass true to leave out codes that name no product; without it they are "
        "answered UnknownProduct. 只提交已识别的",
    )
    document: str | None = strawberry.field(
        default=None,
        description="Number of the delivery note, at most 100 characters. 单号",
    )


@strawberry.input(description="Input of `cancelScanSession`. 取消扫码单")
class CancelScanSessionInput:
    key: UUID = request_key()
    scan_session_id: UUID = strawberry.field(description="ID of the session.")
