"""Reports of stock: its value, turnover, slow movers, and goods that expire."""

from datetime import datetime
from typing import Annotated, Any

import strawberry
from strawberry.types import Info

from app.db.expiry_reports import ExpirySums
from app.db.stock_reports import SlowLevel, SlowSums, TurnoverSums
from app.db.stock_values import StockValue as StockSums
from app.domain.access import Can
from app.domain.reports.comparison import Report, ReportRow
from app.domain.reports.stock import (
    ExpiryGroupBy,
    ExpiryReport,
    SlowGroupBy,
    SlowMovers,
    Snapshot,
    StockGroupBy,
    TurnoverGroupBy,
)
from app.schema.arguments import First
from app.schema.boundary import needs
from app.schema.catalog import Product
from app.schema.edges import edge
from app.schema.identity import Store
from app.schema.paging import page_size
from app.schema.sales_reports import GROUPS, ReportKey, ReportPeriod, percent
from app.schema.scalars import Money, Quantity, amount, money, quantity
from app.schema.series import Measure, Series, series_of, series_of_levels, yuan
from app.schema.window import as_window, describe_values, window

strawberry.enum(StockGroupBy, description="What the rows of a stock report stand for. 分组")
strawberry.enum(TurnoverGroupBy, description="What the rows of a turnover report stand for. 分组")
strawberry.enum(
    ExpiryGroupBy,
    name="ExpiryGroupBy",
    description="What the rows of a report of expiring goods stand for. 分组",
)
strawberry.enum(
    SlowGroupBy, name="SlowGroupBy", description="What the groups of slow movers stand for. 分组"
)
for groups in (SlowGroupBy, StockGroupBy, TurnoverGroupBy):
    describe_values(groups, {each.name: GROUPS[each.name] for each in groups})
describe_values(
    ExpiryGroupBy,
    {each.name: GROUPS[each.name] for each in ExpiryGroupBy}
    | {
        "DAY": "One row for each last day of sale. 按到期日",
        "WEEK": "One row for each week of last days of sale, by its Monday. 按到期周",
        "MONTH": "One row for each month of last days of sale, by its first day. 按到期月",
    },
)


def cost_field(name: str, english: str, chinese: str) -> Any:
    """A field: 1/10000 yuan in this attribute of the row, for those who see costs."""

    def resolve(root: strawberry.Parent[Any]) -> Money | None:
        return money(getattr(root, name))

    return strawberry.field(
        resolver=resolve,
        description=f"{english}; null if you lack SEE_COST. {chinese}",
        directives=needs(Can.SEE_COST),
    )


def share(part: int, whole: int) -> float | None:
    """The ratio with two decimals; None without a whole."""
    return round(part / whole, 2) if whole > 0 else None


@window(StockSums, description="Figures of stock levels. 库存数据")
class StockFigures:
    value: Money | None = cost_field("value", "Stock value in CNY at average cost", "库存金额")
    levels: int = strawberry.field(description="Number of levels that hold goods. 在库数")


@window(ReportRow, description="A row of a report of stock. 库存金额行")
class StockValueRow(ReportKey):
    @strawberry.field(description="Figures of the row. 数据")
    def figures(self, root: strawberry.Parent[ReportRow[StockSums]]) -> StockFigures:
        return as_window(root.sums)

    @strawberry.field(
        description="Quantity on hand in the product's unit; null unless grouped by PRODUCT. 在手"
    )
    def on_hand(self, root: strawberry.Parent[ReportRow[StockSums]]) -> Quantity | None:
        sums = root.sums
        return quantity(sums.on_hand, sums.scale) if root.group == "PRODUCT" else None

    @strawberry.field(
        description="Figures of the row at `comparedAt`; null without a comparison, or without "
        "stock then. 对比数据"
    )
    def compared(self, root: strawberry.Parent[ReportRow[StockSums]]) -> StockFigures | None:
        return as_window(root.compared)


VALUES = [Measure("库存金额", "Stock value", "CNY", yuan("value"), Can.SEE_COST)]


@window(Snapshot, description="Stock value at a moment. 库存金额报表")
class StockValue:
    at: datetime = strawberry.field(description="Moment of the report. 时间")
    compared_at: datetime | None = strawberry.field(
        description="Moment that it is compared with; null without one. 对比时间"
    )

    @strawberry.field(
        description="Rows, the largest value first; those behind `first` are only part of the "
        "total. 明细"
    )
    def rows(self, root: strawberry.Parent[Snapshot[StockSums]]) -> list[StockValueRow]:
        return as_window(root.rows)

    @strawberry.field(description="Figures of all stores. 合计")
    def total(self, root: strawberry.Parent[Snapshot[StockSums]]) -> StockFigures:
        return as_window(root.total)

    @strawberry.field(
        description="Figures of all stores at `comparedAt`; null without a comparison. 对比合计"
    )
    def compared_total(self, root: strawberry.Parent[Snapshot[StockSums]]) -> StockFigures | None:
        return as_window(root.compared_total)

    @strawberry.field(
        description="The rows as points, ready to plot; empty if you lack SEE_COST. 图表数据",
        directives=needs(Can.SEE_COST),
    )
    async def series(
        self, root: strawberry.Parent[Snapshot[StockSums]], info: Info
    ) -> list[Series]:
        return await series_of(info, root.rows, VALUES)


def turns(sums: TurnoverSums) -> float | None:
    """How often the stock was sold or used in the period."""
    return share(sums.consumed, sums.average)


def days_of_stock(sums: TurnoverSums) -> float | None:
    """How many days the average stock lasts."""
    return round(sums.average * sums.days / sums.consumed, 1) if sums.consumed > 0 else None


@window(TurnoverSums, description="Figures of turnover, of goods that are kept in stock. 周转数据")
class TurnoverFigures:
    opening_value: Money | None = cost_field(
        "opening", "Stock value in CNY when the period began", "期初金额"
    )
    closing_value: Money | None = cost_field(
        "closing", "Stock value in CNY when the period ended, or now", "期末金额"
    )
    average_value: Money | None = cost_field("average", "Average of both in CNY", "平均库存金额")
    consumed: Money | None = cost_field(
        "consumed", "Cost in CNY of goods sold or used, less returns of customers", "消耗成本"
    )

    @strawberry.field(
        description="How often the average stock was sold or used in the period, with two "
        "decimals; null without stock. 周转次数"
    )
    def turns(self, root: strawberry.Parent[TurnoverSums]) -> float | None:
        return turns(root)

    @strawberry.field(
        description="Days that the average stock lasts at the rate of the period, with one "
        "decimal; null if nothing was sold or used. 周转天数"
    )
    def days_of_stock(self, root: strawberry.Parent[TurnoverSums]) -> float | None:
        return days_of_stock(root)


@window(ReportRow, description="A row of a turnover report. 周转报表行")
class TurnoverReportRow(ReportKey):
    @strawberry.field(description="Figures of the row. 数据")
    def figures(self, root: strawberry.Parent[ReportRow[TurnoverSums]]) -> TurnoverFigures:
        return as_window(root.sums)

    @strawberry.field(
        description="Figures of the same row in the earlier period; null without a comparison, or "
        "without stock then. 对比数据"
    )
    def compared(self, root: strawberry.Parent[ReportRow[TurnoverSums]]) -> TurnoverFigures | None:
        return as_window(root.compared)


TURNS = [
    Measure("周转次数", "Turns", "times", turns),
    Measure("周转天数", "Days of stock", "days", days_of_stock),
]


@window(Report, description="Stock turnover in a period. 周转报表")
class TurnoverReport(ReportPeriod):
    @strawberry.field(
        description="Rows in order of time, or the largest stock first; the total includes rows "
        "beyond `first`. 明细"
    )
    def rows(self, root: strawberry.Parent[Report[TurnoverSums]]) -> list[TurnoverReportRow]:
        return as_window(root.rows)

    @strawberry.field(description="Figures of all stores. 合计")
    def total(self, root: strawberry.Parent[Report[TurnoverSums]]) -> TurnoverFigures:
        return as_window(root.total)

    @strawberry.field(
        description="Figures of all stores in the earlier period; null without a comparison. "
        "对比合计"
    )
    def compared_total(
        self, root: strawberry.Parent[Report[TurnoverSums]]
    ) -> TurnoverFigures | None:
        return as_window(root.compared_total)

    @strawberry.field(description="The rows as points, ready to plot. 图表数据")
    async def series(
        self, root: strawberry.Parent[Report[TurnoverSums]], info: Info
    ) -> list[Series]:
        return await series_of(info, root.rows, TURNS)


@window(
    SlowLevel,
    description="A product that a store had in stock for the whole window and "
    "that hardly sold. 滞销商品",
)
class SlowMover:
    store: Store = edge("stores", "store_id", "Store that holds the goods. 门店")
    product: Product = edge("products", "product_id", "Product that hardly sold. 商品")
    on_hand: Quantity = amount("on_hand", "Quantity on hand. 在手")
    sold: Quantity = amount(
        "sold", "Quantity sold or used in the window, less returns of customers. 期内销量"
    )
    sold_before: Quantity = amount(
        "earlier", "Quantity sold or used in the window before. 上期销量"
    )
    value: Money | None = cost_field("value", "Stock value in CNY", "库存金额")


@window(ReportRow, description="Slow movers of one store, category or product. 滞销分组")
class SlowMoversGroup(ReportKey):
    @strawberry.field(description="Number of slow movers, one for each store. 滞销数")
    def count(self, root: strawberry.Parent[ReportRow[SlowSums]]) -> int:
        return root.sums.levels

    @strawberry.field(
        description="Stock value in CNY of these slow movers; null if you lack SEE_COST. 滞销金额",
        directives=needs(Can.SEE_COST),
    )
    def value(self, root: strawberry.Parent[ReportRow[SlowSums]]) -> Money | None:
        return money(root.sums.value)


SLOW = [Measure("库存金额", "Stock value", "CNY", yuan("value"), Can.SEE_COST)]


@window(SlowMovers, description="Goods that hardly sell, with their stock value. 滞销报表")
class SlowMoversReport:
    days: int = strawberry.field(description="Days of the window, today included. 统计天数")
    cover_days: int = strawberry.field(
        description="Goods that last longer than this number of days are listed. 可售天数"
    )

    @strawberry.field(description="Goods of the largest value, at most `first`. 明细")
    def rows(self, root: strawberry.Parent[SlowMovers]) -> list[SlowMover]:
        return as_window(root.levels.rows)

    @strawberry.field(description="Number of all slow movers, one for each store. 滞销数")
    def count(self, root: strawberry.Parent[SlowMovers]) -> int:
        return root.levels.total

    @strawberry.field(
        description="Stock value in CNY of all slow movers; null if you lack SEE_COST. 滞销金额",
        directives=needs(Can.SEE_COST),
    )
    def value(self, root: strawberry.Parent[SlowMovers]) -> Money | None:
        return money(root.levels.value)

    @strawberry.field(
        description="The rows as points, ready to plot; empty if you lack SEE_COST. 图表数据",
        directives=needs(Can.SEE_COST),
    )
    async def series(self, root: strawberry.Parent[SlowMovers], info: Info) -> list[Series]:
        return await series_of_levels(info, root.levels.rows, SLOW)

    @strawberry.field(
        description="All slow movers by store, category or product, the largest value first. "
        "滞销分组"
    )
    async def groups(
        self,
        root: strawberry.Parent[SlowMovers],
        info: Info,
        by: Annotated[
            SlowGroupBy, strawberry.argument(description="What the groups stand for. 分组")
        ],
        first: First = None,
    ) -> list[SlowMoversGroup]:
        return as_window(await root.groups(info.context.snapshot, by.name, page_size(first)))


@window(ExpirySums, description="Figures of goods that expire. 临期数据")
class ExpiryFigures:
    batches: int = strawberry.field(
        description="Number of batches, counted in each store that holds them. 批次数"
    )
    value: Money | None = cost_field(
        "value", "Cost in CNY of all these goods, at their batch's cost if it is known", "金额"
    )
    expired: Money | None = cost_field(
        "expired", "Cost in CNY of goods that have expired", "已过期金额"
    )
    within_7_days: Money | None = cost_field(
        "within_7", "Cost in CNY of goods that expire within 7 days", "7 天内到期金额"
    )
    within_15_days: Money | None = cost_field(
        "within_15", "Cost in CNY of goods that expire within 15 days", "15 天内到期金额"
    )


@window(ReportRow, description="A row of a report of expiring goods. 临期报表行")
class ExpiryReportRow(ReportKey):
    @strawberry.field(description="Figures of the row. 数据")
    def figures(self, root: strawberry.Parent[ReportRow[ExpirySums]]) -> ExpiryFigures:
        return as_window(root.sums)

    @strawberry.field(
        description="Quantity in the product's unit; null unless grouped by PRODUCT. 数量"
    )
    def on_hand(self, root: strawberry.Parent[ReportRow[ExpirySums]]) -> Quantity | None:
        sums = root.sums
        return quantity(sums.on_hand, sums.scale) if root.group == "PRODUCT" else None

    @strawberry.field(
        description="Figures of the same row at `comparedAt`, at present costs; a day is compared "
        "with the day that was as many days ahead then. Null without a comparison, or without "
        "goods then. 对比数据"
    )
    def compared(self, root: strawberry.Parent[ReportRow[ExpirySums]]) -> ExpiryFigures | None:
        return as_window(root.compared)


EXPIRING = [
    Measure("金额", "Cost", "CNY", yuan("value"), Can.SEE_COST),
    Measure("批次数", "Batches", "batches", lambda sums: sums.batches),
]


@window(
    ExpiryReport,
    name="ExpiryReport",
    description="Goods that have expired or expire soon. 临期报表",
)
class ExpiryReportFigures:
    within_days: int = strawberry.field(
        description="Expired goods, and goods that expire within this number of days, are "
        "counted. 天数"
    )
    compared_at: datetime | None = strawberry.field(
        description="Moment that it is compared with; null without one. 对比时间"
    )

    @strawberry.field(
        description="Rows by day, or the largest cost first; the total includes rows beyond "
        "`first`. 明细"
    )
    def rows(self, root: strawberry.Parent[ExpiryReport]) -> list[ExpiryReportRow]:
        return as_window(root.rows)

    @strawberry.field(description="Figures of all stores. 合计")
    def total(self, root: strawberry.Parent[ExpiryReport]) -> ExpiryFigures:
        return as_window(root.total)

    @strawberry.field(
        description="Figures of all stores at `comparedAt`; null without a comparison. 对比合计"
    )
    def compared_total(self, root: strawberry.Parent[ExpiryReport]) -> ExpiryFigures | None:
        return as_window(root.compared_total)

    @strawberry.field(
        description="Share of expired goods in the cost, in percent with one decimal; null "
        "without goods or if you lack SEE_COST. 已过期占比",
        directives=needs(Can.SEE_COST),
    )
    def percent_expired(self, root: strawberry.Parent[ExpiryReport]) -> float | None:
        return percent(root.total.expired, root.total.value)

    @strawberry.field(description="The rows as points, ready to plot. 图表数据")
    async def series(self, root: strawberry.Parent[ExpiryReport], info: Info) -> list[Series]:
        return await series_of(info, root.rows, EXPIRING)
