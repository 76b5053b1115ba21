"""Stocktakes: their progress, results and lines."""

from datetime import datetime
from decimal import Decimal
from enum import Enum
from typing import Annotated
from uuid import UUID

import strawberry
from strawberry.types import Info

from app.db import tables
from app.domain.access import Can
from app.domain.documents import stocktake_progress
from app.domain.documents.stocktake_progress import (
    CategoryProgress,
    Progress,
    Summary,
    ZoneProgress,
)
from app.domain.documents.worksheet import LineState, WorksheetLine
from app.domain.errors import Malformed
from app.schema.boundary import needs
from app.schema.catalog import Category
from app.schema.edges import edge, maybe_edge
from app.schema.identity import Actor, Store
from app.schema.scalars import Money, Quantity, maybe_money, money
from app.schema.stock import Movement
from app.schema.stocktake_lines import StocktakeLine, sees_book, shown_state, unsynced_tills
from app.schema.tills import Till
from app.schema.window import as_window, window

USUAL_LINES, MOST_LINES = 100, 500


@strawberry.enum(description="State of a stocktake. 盘点单状态")
class StocktakeState(Enum):
    OPEN = strawberry.enum_value("OPEN", description="People are counting. 盘点中")
    REVIEW = strawberry.enum_value(
        "REVIEW", description="Counting has ended; lines are recounted and explained. 复核中"
    )
    CLOSING = strawberry.enum_value(
        "CLOSING", description="Variances are being posted; call `closeStocktake` again. 过账中"
    )
    CLOSED = strawberry.enum_value("CLOSED", description="All variances are posted. 已过账")
    CANCELLED = strawberry.enum_value(
        "CANCELLED", description="Cancelled; nothing was posted. 已取消"
    )
    REVERSED = strawberry.enum_value(
        "REVERSED", description="Closed, then undone by new movements. 已撤销"
    )


@window(Progress, description="Progress of a count, in numbers of products. 盘点进度")
class StocktakeProgress:
    products: int = strawberry.field(description="Products to count. 商品数")
    counted: int = strawberry.field(description="Products counted so far. 已盘")
    ambiguous: int = strawberry.field(
        description="Products to recount or to confirm, because goods moved meanwhile. 待确认"
    )

    @strawberry.field(description="Products not counted yet. 未盘")
    def uncounted(self, root: strawberry.Parent[Progress]) -> int:
        return root.products - root.counted


@window(CategoryProgress, description="Progress of a category. 分类进度")
class StocktakeCategory:
    category: Category | None = maybe_edge(
        "categories", "category_id", "Category; null for products without one. 分类"
    )
    progress: StocktakeProgress = strawberry.field(description="Progress of its products. 进度")


@window(ZoneProgress, description="Counts in a zone of the store. 区域进度")
class StocktakeZone:
    name: str = strawberry.field(description="Name of the zone; empty without one. 区域")
    last_counted_at: datetime | None = strawberry.field(
        description="Time of the latest count in the zone; null before the first. 最近盘点时间"
    )

    @strawberry.field(description="Products counted in the zone. 已盘商品数")
    def products(self, root: strawberry.Parent[ZoneProgress]) -> int:
        return len(root.products)

    @strawberry.field(description="People who counted in the zone. 盘点人")
    async def people(self, root: strawberry.Parent[ZoneProgress], info: Info) -> list[Actor]:
        rows = await info.context.loaders_of(root).actors.load_many(root.people)
        return as_window([row for row in rows if row is not None])


@window(Summary, description="Results of a stocktake. 盘点汇总")
class StocktakeSummary:
    gains: int = strawberry.field(description="Products counted above the book. 盘盈商品数")
    losses: int = strawberry.field(description="Products counted below the book. 盘亏商品数")

    @strawberry.field(description="Number of products counted. 已盘商品数")
    def counted(self, root: strawberry.Parent[Summary]) -> int:
        return root.progress.counted

    @strawberry.field(description="Products that differ from the book. 差异商品数")
    def differing(self, root: strawberry.Parent[Summary]) -> int:
        return root.progress.differing

    @strawberry.field(
        description="Share of counted products that equal the book, in percent; null before the "
        "first count. 准确率（%）"
    )
    def accuracy(self, root: strawberry.Parent[Summary]) -> Quantity | None:
        return None if root.accuracy is None else Quantity(Decimal(root.accuracy) / 100)

    @strawberry.field(
        description="Value of all gains in CNY; null if you lack SEE_COST. 盘盈金额",
        directives=needs(Can.SEE_COST),
    )
    def gain_value(self, root: strawberry.Parent[Summary]) -> Money | None:
        return maybe_money(root.gain_value)

    @strawberry.field(
        description="Value of all losses in CNY, below 0; null if you lack SEE_COST. 盘亏金额",
        directives=needs(Can.SEE_COST),
    )
    def loss_value(self, root: strawberry.Parent[Summary]) -> Money | None:
        return maybe_money(root.loss_value)


@window(
    tables.Stocktake,
    needs=Can.SEE_STOCKTAKES,
    description="A count of products of a store while it sells. 盘点单",
)
class Stocktake:
    id: UUID = strawberry.field(description="ID of the stocktake.")
    store: Store = edge("stores", "store_id", "Store that is counted. 门店")
    blind: bool = strawberry.field(
        description="Whether expected quantities are hidden from people who only count. 盲盘"
    )
    everything: bool = strawberry.field(
        description="Whether it covers all products of the store. 全盘"
    )
    opened_by: Actor | None = edge("actors", "opened_by", "Person who opened it. 开单人")
    opened_at: datetime = strawberry.field(description="Time when it was opened. 开单时间")
    reviewed_by: Actor | None = maybe_edge(
        "actors", "reviewed_by", "Person who ended the counting; null until then. 复核人"
    )
    reviewed_at: datetime | None = strawberry.field(
        description="Time when counting ended; null until then. 复核时间"
    )
    closed_by: Actor | None = maybe_edge(
        "actors", "closed_by", "Person who closed or cancelled it; null until then. 过账人"
    )
    closed_at: datetime | None = strawberry.field(
        description="Time when it was closed or cancelled; null until then. 过账时间"
    )
    reversed_by: Actor | None = maybe_edge(
        "actors", "reversed_by", "Person who reversed it; null if it was not reversed. 撤销人"
    )
    reversed_at: datetime | None = strawberry.field(
        description="Time when it was reversed; null if it was not reversed. 撤销时间"
    )
    movements: list[Movement] = edge(
        "document_movements", "id", "Movements that posted its variances. 单据"
    )

    @strawberry.field(description="State of the stocktake. 盘点单状态")
    def state(self, root: strawberry.Parent[tables.Stocktake]) -> StocktakeState:
        return StocktakeState[root.state]

    @strawberry.field(description="Categories that it covers; empty if not chosen. 盘点分类")
    async def categories(
        self, root: strawberry.Parent[tables.Stocktake], info: Info
    ) -> list[Category]:
        rows = await info.context.loaders_of(root).categories.load_many(root.category_ids)
        return as_window([row for row in rows if row is not None])

    @strawberry.field(description="How many products are counted. 盘点进度")
    async def progress(
        self, root: strawberry.Parent[tables.Stocktake], info: Info
    ) -> StocktakeProgress:
        worksheet = await info.context.loaders_of(root).worksheets.load(root.id)
        return as_window(stocktake_progress.progress(worksheet.lines))

    @strawberry.field(description="Progress by category. 分类进度")
    async def by_category(
        self, root: strawberry.Parent[tables.Stocktake], info: Info
    ) -> list[StocktakeCategory]:
        loaders = info.context.loaders_of(root)
        worksheet = await loaders.worksheets.load(root.id)
        products = await loaders.products.load_many([each.product_id for each in worksheet.lines])
        categories = {each.id: each.category_id for each in products}
        return as_window(stocktake_progress.by_category(worksheet, categories))

    @strawberry.field(description="Who counted where, by zone. 区域进度")
    async def zones(
        self, root: strawberry.Parent[tables.Stocktake], info: Info
    ) -> list[StocktakeZone]:
        worksheet = await info.context.loaders_of(root).worksheets.load(root.id)
        return as_window(stocktake_progress.by_zone(worksheet))

    @strawberry.field(
        description="Tills of the store that were not in contact since the last count: they may "
        "still have sales, which count for the variances once they are uploaded. 未同步收银机"
    )
    async def unsynced_tills(
        self, root: strawberry.Parent[tables.Stocktake], info: Info
    ) -> list[Till]:
        worksheet = await info.context.loaders_of(root).worksheets.load(root.id)
        return as_window(await unsynced_tills(info, root, worksheet.counted_until))

    @strawberry.field(
        description="Results so far; null while it is blind and you may not see it. 盘点汇总"
    )
    async def summary(
        self, root: strawberry.Parent[tables.Stocktake], info: Info
    ) -> StocktakeSummary | None:
        if not sees_book(info, root):
            return None
        worksheet = await info.context.loaders_of(root).worksheets.load(root.id)
        return as_window(stocktake_progress.summary(worksheet))

    @strawberry.field(
        graphql_type=list[StocktakeLine], description="Products to count, by name. 盘点明细"
    )
    async def lines(
        self,
        root: strawberry.Parent[tables.Stocktake],
        info: Info,
        filter: Annotated[
            LineState | None, strawberry.argument(description="Return only lines in this state.")
        ] = None,
        product_ids: Annotated[
            list[UUID] | None,
            strawberry.argument(description="Return only lines of these products."),
        ] = None,
        zone: Annotated[
            str | None, strawberry.argument(description="Return only lines counted in this zone.")
        ] = None,
        first: Annotated[
            int | None,
            strawberry.argument(
                description=f"Number of lines, from 1 to {MOST_LINES}; {USUAL_LINES} by default."
            ),
        ] = None,
        after: Annotated[
            UUID | None,
            strawberry.argument(description="ID of a line; return the lines after it."),
        ] = None,
    ) -> list[WorksheetLine]:
        number = USUAL_LINES if first is None else first
        if not 1 <= number <= MOST_LINES:
            raise Malformed(
                "first", f"每页须为 1 至 {MOST_LINES} 行", f"Give 1 to {MOST_LINES} lines."
            )
        worksheet = await info.context.loaders_of(root).worksheets.load(root.id)
        chosen = [
            line
            for line in worksheet.lines
            if (filter is None or shown_state(line, info) is filter)
            and (product_ids is None or line.product_id in product_ids)
            and (zone is None or any(each.zone == zone for each in line.counts))
            and (after is None or line.id > after)
        ]
        return chosen[:number]


@window(
    tables.StocktakeRules,
    description="When a variance needs a recount by another person, or a reason. 盘点规则",
)
class StocktakeRules:
    recount_percent: int | None = strawberry.field(
        description="A variance above this percentage of the expected quantity needs a recount; "
        "null: never. 复盘比例（%）"
    )

    @strawberry.field(
        description="A variance worth more than this, in CNY, needs a recount by another person; "
        "null: never. 复盘金额"
    )
    def recount_value(self, root: strawberry.Parent[tables.StocktakeRules]) -> Money | None:
        return None if root.recount_value is None else money(root.recount_value)

    @strawberry.field(
        description="A variance worth more than this, in CNY, needs a reason; null: never. "
        "说明原因金额"
    )
    def reason_value(self, root: strawberry.Parent[tables.StocktakeRules]) -> Money | None:
        return None if root.reason_value is None else money(root.reason_value)
