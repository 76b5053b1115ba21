"""Reports of sales and losses, from the sums that the ledger keeps by hour."""

from dataclasses import dataclass
from datetime import date
from typing import Any

import strawberry
from strawberry.types import Info

from app.db.flow_reports import LossSums, SalesSums
from app.domain.access import Can
from app.domain.reports.comparison import Report, ReportRow
from app.domain.reports.flows import GroupBy, LossGroupBy
from app.domain.rules.periods import Comparison
from app.domain.rules.phones import masked
from app.schema.boundary import needs, public
from app.schema.catalog import Category, Channel, Product
from app.schema.edges import maybe_edge
from app.schema.identity import Actor, Store
from app.schema.scalars import Money, Quantity, money, quantity
from app.schema.series import Measure, Series, series_of, yuan
from app.schema.window import as_window, describe_values, window

strawberry.enum(
    GroupBy, name="SalesGroupBy", description="What the rows of a sales report stand for. 分组"
)
strawberry.enum(
    LossGroupBy, name="LossGroupBy", description="What the rows of a loss report stand for. 分组"
)
strawberry.enum(
    Comparison, name="Comparison", description="The earlier period to compare with. 对比期"
)
GROUPS = {
    "DAY": "One row for each business day. 按日",
    "WEEK": "One row for each week, which begins on Monday. 按周",
    "MONTH": "One row for each calendar month. 按月",
    "HOUR": "One row for each hour of the day, by the store's clock. 按小时",
    "STORE": "One row for each store. 按门店",
    "CATEGORY": "One row for each category, by the present categories of products. 按分类",
    "PRODUCT": "One row for each product. 按商品",
    "CHANNEL": "One row for each sales channel. 按渠道",
    "PERSON": "One row for each member of staff or API key that recorded a loss; a reversal counts "
    "against the one whose movement it undoes. Needs MANAGE_STAFF. 按经手人",
    "SUPPLIER": "One row for each supplier. 按供应商",
    "STOCKTAKE": "One row for each stocktake. 按盘点单",
    "REASON": "One row for each reason, as it was given. 按原因",
}
describe_values(GroupBy, {each.name: GROUPS[each.name] for each in GroupBy})
describe_values(LossGroupBy, {each.name: GROUPS[each.name] for each in LossGroupBy})
describe_values(
    Comparison,
    {
        "PREVIOUS_PERIOD": "The period of the same length before; for 7 days or more, whole "
        "weeks earlier, so that weekdays match. 上期",
        "PREVIOUS_WEEK": "The same days a week earlier. 上周同期",
        "PREVIOUS_YEAR": "The same weekdays 52 weeks earlier. 去年同期",
    },
)


@dataclass(frozen=True, slots=True)
class SalesRow:
    """The sums of a sales report; quantities are shown for one product only."""

    sums: SalesSums
    of_product: bool


@window(SalesRow, description="Figures of sales. 销售数据")
class SalesFigures:
    @strawberry.field(
        description="Amount in CNY that customers paid, less what they got back. 销售额"
    )
    def revenue(self, root: strawberry.Parent[SalesRow]) -> Money:
        return money(root.sums.revenue * 100)

    @strawberry.field(description="Discounts in CNY that are not part of the revenue. 优惠")
    def discount(self, root: strawberry.Parent[SalesRow]) -> Money:
        return money(root.sums.discount * 100)

    @strawberry.field(
        description="Cost in CNY of the goods that customers kept; null if you lack SEE_COST. 成本",
        directives=needs(Can.SEE_COST),
    )
    def cost(self, root: strawberry.Parent[SalesRow]) -> Money | None:
        return money(root.sums.cost)

    @strawberry.field(
        description="Gross margin in CNY: `revenue` − `cost`; null if you lack SEE_COST. 毛利",
        directives=needs(Can.SEE_COST),
    )
    def margin(self, root: strawberry.Parent[SalesRow]) -> Money | None:
        return money(root.sums.margin)

    @strawberry.field(
        description="Gross margin in percent of the revenue, with one decimal; null without "
        "revenue or if you lack SEE_COST. 毛利率",
        directives=needs(Can.SEE_COST),
    )
    def margin_percent(self, root: strawberry.Parent[SalesRow]) -> float | None:
        return percent(root.sums.margin, root.sums.revenue * 100)

    @strawberry.field(
        description="Quantity handed over, in the product's unit; null unless the row stands for "
        "one product. 销量"
    )
    def sold(self, root: strawberry.Parent[SalesRow]) -> Quantity | None:
        return quantity(root.sums.sold, root.sums.scale) if root.of_product else None

    @strawberry.field(
        description="Quantity that customers returned, in the product's unit; null unless the row "
        "stands for one product. 退货"
    )
    def returned(self, root: strawberry.Parent[SalesRow]) -> Quantity | None:
        return quantity(root.sums.returned, root.sums.scale) if root.of_product else None


@window(LossSums, description="Figures of losses, at cost. 损耗数据")
class LossFigures:
    @strawberry.field(
        description="Cost in CNY of goods written off or thrown away; null if you lack SEE_COST. "
        "报损",
        directives=needs(Can.SEE_COST),
    )
    def wasted(self, root: strawberry.Parent[LossSums]) -> Money | None:
        return money(root.wasted)

    @strawberry.field(
        description="Cost in CNY of goods that were missing in counts; null if you lack SEE_COST. "
        "盘亏",
        directives=needs(Can.SEE_COST),
    )
    def missing(self, root: strawberry.Parent[LossSums]) -> Money | None:
        return money(root.missing)

    @strawberry.field(
        description="Cost in CNY of goods that were found in counts; null if you lack SEE_COST. "
        "盘盈",
        directives=needs(Can.SEE_COST),
    )
    def surplus(self, root: strawberry.Parent[LossSums]) -> Money | None:
        return money(root.surplus)

    @strawberry.field(
        description="Loss: `wasted` + `missing` − `surplus`; null if you lack SEE_COST. 损耗",
        directives=needs(Can.SEE_COST),
    )
    def loss(self, root: strawberry.Parent[LossSums]) -> Money | None:
        return money(root.loss)


def percent(part: int, whole: int) -> float | None:
    """The part in percent of the whole, with one decimal; None without a whole."""
    return round(part * 100 / whole, 1) if whole > 0 else None


def sales_figures(sums: SalesSums, group: str = "") -> Any:
    """The figures of these sums; quantities if the row stands for a product."""
    return as_window(SalesRow(sums, group == "PRODUCT"))


def day_of(row: ReportRow[Any]) -> date | None:
    """The first day of the period that the row stands for."""
    return row.key if isinstance(row.key, date) else None


@public
@strawberry.interface(description="What a row of a report stands for. 报表行")
class ReportKey:
    store: Store | None = maybe_edge(
        "stores", "store_id", "Store of the row; null unless grouped by STORE. 门店"
    )
    product: Product | None = maybe_edge(
        "products", "product_id", "Product of the row; null unless grouped by PRODUCT. 商品"
    )
    category: Category | None = maybe_edge(
        "categories",
        "category_id",
        "Category of the row; null unless grouped by CATEGORY, and for products without one. 分类",
    )

    @strawberry.field(
        description="First day of the day, week or month; null unless grouped by one. 日期"
    )
    def day(self, root: strawberry.Parent[Any]) -> date | None:
        return day_of(root)


@window(ReportRow, description="A row of a sales report. 销售报表行")
class SalesReportRow(ReportKey):
    @strawberry.field(
        description="Hour of the day, from 0 to 23; null unless grouped by HOUR. 小时"
    )
    def hour(self, root: strawberry.Parent[ReportRow[SalesSums]]) -> int | None:
        return root.key if isinstance(root.key, int) else None

    @strawberry.field(description="Channel of the row; null unless grouped by CHANNEL. 渠道")
    def channel(self, root: strawberry.Parent[ReportRow[SalesSums]]) -> Channel | None:
        return Channel[str(root.key)] if root.group == "CHANNEL" and root.key else None

    @strawberry.field(description="Figures of the row. 数据")
    def figures(self, root: strawberry.Parent[ReportRow[SalesSums]]) -> SalesFigures:
        return sales_figures(root.sums, root.group)

    @strawberry.field(
        description="Figures of the same row in the earlier period; null without a comparison, "
        "or without sales then. 对比数据"
    )
    def compared(self, root: strawberry.Parent[ReportRow[SalesSums]]) -> SalesFigures | None:
        return root.compared and sales_figures(root.compared, root.group)


@window(ReportRow, description="A row of a loss report. 损耗报表行")
class LossReportRow(ReportKey):
    @strawberry.field(
        description="Reason as it was given; null unless grouped by REASON, empty without one. 原因"
    )
    def reason(self, root: strawberry.Parent[ReportRow[LossSums]]) -> str | None:
        return masked(str(root.key)) if root.group == "REASON" else None

    person: Actor | None = maybe_edge(
        "actors",
        "person_id",
        "Member of staff or API key that recorded the losses; null unless grouped by PERSON. "
        "经手人",
    )

    @strawberry.field(description="Figures of the row. 数据")
    def figures(self, root: strawberry.Parent[ReportRow[LossSums]]) -> LossFigures:
        return as_window(root.sums)

    @strawberry.field(
        description="Figures of the same row in the earlier period; null without a comparison, "
        "or without losses then. 对比数据"
    )
    def compared(self, root: strawberry.Parent[ReportRow[LossSums]]) -> LossFigures | None:
        return as_window(root.compared)


@public
@strawberry.interface(description="The period of a report. 报表期间")
class ReportPeriod:
    @strawberry.field(description="First business day of the report. 开始日期")
    def since(self, root: strawberry.Parent[Report[Any]]) -> date:
        return root.period.since

    @strawberry.field(description="Last business day of the report, included. 结束日期")
    def until(self, root: strawberry.Parent[Report[Any]]) -> date:
        return root.period.until

    @strawberry.field(
        description="First business day of the earlier period; null without a comparison. 对比开始"
    )
    def compared_since(self, root: strawberry.Parent[Report[Any]]) -> date | None:
        return root.earlier and root.earlier.since

    @strawberry.field(
        description="Last business day of the earlier period; null without a comparison. 对比结束"
    )
    def compared_until(self, root: strawberry.Parent[Report[Any]]) -> date | None:
        return root.earlier and root.earlier.until


def _revenue(sums: SalesSums) -> float:
    return sums.revenue / 100


SALES = [
    Measure("销售额", "Revenue", "CNY", _revenue),
    Measure("毛利", "Margin", "CNY", yuan("margin"), Can.SEE_COST),
]
LOSSES = [
    Measure("损耗", "Loss", "CNY", yuan("loss"), Can.SEE_COST),
    Measure("报损", "Written off", "CNY", yuan("wasted"), Can.SEE_COST),
]


@window(Report, description="Sales of a period, at the counter and by order. 销售报表")
class SalesReport(ReportPeriod):
    @strawberry.field(
        description="Rows in order of time, or the largest revenue first; the total includes "
        "rows beyond `first`. 明细"
    )
    def rows(self, root: strawberry.Parent[Report[SalesSums]]) -> list[SalesReportRow]:
        return as_window(root.rows)

    @strawberry.field(description="Figures of the whole period. 合计")
    def total(self, root: strawberry.Parent[Report[SalesSums]]) -> SalesFigures:
        return sales_figures(root.total)

    @strawberry.field(
        description="Figures of the whole earlier period; null without a comparison. 对比合计"
    )
    def compared_total(self, root: strawberry.Parent[Report[SalesSums]]) -> SalesFigures | None:
        return root.compared_total and sales_figures(root.compared_total)

    @strawberry.field(description="The rows as points, ready to plot. 图表数据")
    async def series(self, root: strawberry.Parent[Report[SalesSums]], info: Info) -> list[Series]:
        return await series_of(info, root.rows, SALES)


@window(Report, description="Losses of a period, at cost. 损耗报表")
class LossReport(ReportPeriod):
    @strawberry.field(
        description="Rows in order of time, or the largest loss first; the total includes rows "
        "beyond `first`. 明细"
    )
    def rows(self, root: strawberry.Parent[Report[LossSums]]) -> list[LossReportRow]:
        return as_window(root.rows)

    @strawberry.field(description="Figures of the whole period. 合计")
    def total(self, root: strawberry.Parent[Report[LossSums]]) -> LossFigures:
        return as_window(root.total)

    @strawberry.field(
        description="Figures of the whole earlier period; null without a comparison. 对比合计"
    )
    def compared_total(self, root: strawberry.Parent[Report[LossSums]]) -> LossFigures | None:
        return as_window(root.compared_total)

    @strawberry.field(
        description="Loss in percent of the cost of goods sold, with one decimal; null without "
        "sales or if you lack SEE_COST. 损耗率",
        directives=needs(Can.SEE_COST),
    )
    def percent_of_sales(self, root: strawberry.Parent[Report[LossSums]]) -> float | None:
        return percent(root.total.loss, root.sales.cost)

    @strawberry.field(
        description="The rows as points, ready to plot; empty if you lack SEE_COST. 图表数据",
        directives=needs(Can.SEE_COST),
    )
    async def series(self, root: strawberry.Parent[Report[LossSums]], info: Info) -> list[Series]:
        return await series_of(info, root.rows, LOSSES)
