"""Reports of suppliers and of stocktakes."""

import strawberry
from strawberry.types import Info

from app.db.document_reports import StocktakeSums, SupplierSums
from app.domain.access import Can
from app.domain.reports.comparison import Report, ReportRow
from app.domain.reports.documents import StocktakeGroupBy, StocktakeReport, SupplierGroupBy
from app.schema.boundary import needs
from app.schema.edges import maybe_edge
from app.schema.purchases import Supplier
from app.schema.sales_reports import GROUPS, ReportKey, ReportPeriod, percent
from app.schema.scalars import Money
from app.schema.series import Measure, Series, series_of, yuan
from app.schema.stock_reports import cost_field
from app.schema.stocktakes import Stocktake
from app.schema.window import as_window, describe_values, window

strawberry.enum(
    SupplierGroupBy,
    name="SupplierGroupBy",
    description="What the rows of a supplier report stand for. 分组",
)
strawberry.enum(
    StocktakeGroupBy,
    name="StocktakeGroupBy",
    description="What the rows of a stocktake report stand for. 分组",
)
OWN_GROUPS = {
    "SUPPLIER": "One row for each supplier. 按供应商",
    "STOCKTAKE": "One row for each stocktake. 按盘点单",
}
describe_values(
    SupplierGroupBy,
    GROUPS
    | OWN_GROUPS
    | {
        "CATEGORY": "One row for each category of the ordered goods, as products are in now; an "
        "order with goods of several categories counts in each. 按分类",
        "PRODUCT": "One row for each ordered product; an order counts in each of its products. "
        "按商品",
    },
)
describe_values(StocktakeGroupBy, GROUPS | OWN_GROUPS)


def late_percent(sums: SupplierSums) -> float | None:
    """Late orders in percent of all."""
    return percent(sums.late, sums.orders)


def fill_percent(sums: SupplierSums) -> float | None:
    """Lines of ended orders that came in full, in percent."""
    return percent(sums.lines - sums.short_lines, sums.lines)


def accuracy(sums: StocktakeSums) -> float | None:
    """Products equal to the books, in percent of those counted."""
    return percent(sums.matching, sums.counted)


@window(SupplierSums, description="Figures of deliveries by suppliers. 供货数据")
class SupplierFigures:
    orders: int = strawberry.field(
        description="Number of orders expected in the period, without cancelled ones. 采购单数"
    )
    open: int = strawberry.field(description="Number of those that are not complete yet. 未到齐")
    late: int = strawberry.field(
        description="Number of those whose last receipt was after the expected date, or that are "
        "still open after it. 迟到单数"
    )
    short: int = strawberry.field(
        description="Number of those that ended with goods missing. 缺货单数"
    )
    ordered_value: Money | None = cost_field(
        "ordered", "Cost in CNY of the ordered goods", "采购金额"
    )
    missing_value: Money | None = cost_field(
        "missing", "Cost in CNY of goods that ended orders did not deliver", "缺货金额"
    )

    @strawberry.field(
        description="Late orders in percent of all, with one decimal; null without orders. 迟到率"
    )
    def late_percent(self, root: strawberry.Parent[SupplierSums]) -> float | None:
        return late_percent(root)

    @strawberry.field(
        description="Average delay of the late orders in days, with one decimal; null if none "
        "was late. 平均迟到天数"
    )
    def average_delay_days(self, root: strawberry.Parent[SupplierSums]) -> float | None:
        return round(root.late_days / root.late, 1) if root.late else None

    @strawberry.field(
        description="Lines of ended orders that came in full, in percent with one decimal; null "
        "without lines. 到货率"
    )
    def fill_percent(self, root: strawberry.Parent[SupplierSums]) -> float | None:
        return fill_percent(root)


@window(ReportRow, description="A row of a supplier report. 供应商报表行")
class SupplierReportRow(ReportKey):
    supplier: Supplier | None = maybe_edge(
        "suppliers",
        "supplier_id",
        "Supplier of the row; null unless grouped by SUPPLIER, or if you lack SEE_SUPPLIERS. "
        "供应商",
    )

    @strawberry.field(description="Figures of the row. 数据")
    def figures(self, root: strawberry.Parent[ReportRow[SupplierSums]]) -> SupplierFigures:
        return as_window(root.sums)

    @strawberry.field(
        description="Figures of the same row in the earlier period; null without a comparison, "
        "or without orders then. 对比数据"
    )
    def compared(self, root: strawberry.Parent[ReportRow[SupplierSums]]) -> SupplierFigures | None:
        return as_window(root.compared)


DELIVERED = [
    Measure("迟到率", "Late", "percent", late_percent),
    Measure("到货率", "Lines in full", "percent", fill_percent),
]


@window(Report, description="Late and short deliveries of suppliers. 供应商报表")
class SupplierReport(ReportPeriod):
    @strawberry.field(
        description="Rows in order of time, or the largest value first; the total includes rows "
        "beyond `first`. 明细"
    )
    def rows(self, root: strawberry.Parent[Report[SupplierSums]]) -> list[SupplierReportRow]:
        return as_window(root.rows)

    @strawberry.field(description="Figures of the whole period. 合计")
    def total(self, root: strawberry.Parent[Report[SupplierSums]]) -> SupplierFigures:
        return as_window(root.total)

    @strawberry.field(
        description="Figures of the whole earlier period; null without a comparison. 对比合计"
    )
    def compared_total(
        self, root: strawberry.Parent[Report[SupplierSums]]
    ) -> SupplierFigures | None:
        return as_window(root.compared_total)

    @strawberry.field(
        description="The rows as points, ready to plot; empty if you lack SEE_SUPPLIERS. 图表数据",
        directives=needs(Can.SEE_SUPPLIERS),
    )
    async def series(
        self, root: strawberry.Parent[Report[SupplierSums]], info: Info
    ) -> list[Series]:
        return await series_of(info, root.rows, DELIVERED)


@window(StocktakeSums, description="What stocktakes found. 盘点数据")
class StocktakeFigures:
    counted: int = strawberry.field(
        description="Number of products counted, summed over the stocktakes. 盘点品数"
    )
    matching: int = strawberry.field(
        description="Number of those that were equal to the books. 相符品数"
    )
    missing: Money | None = cost_field("missing", "Cost in CNY of missing goods", "盘亏金额")
    surplus: Money | None = cost_field("surplus", "Cost in CNY of surplus goods", "盘盈金额")
    net: Money | None = cost_field("net", "Net variance in CNY: `surplus` − `missing`", "盈亏净额")

    @strawberry.field(
        description="Products equal to the books in percent of those counted, with one decimal; "
        "null without any. 盘点准确率"
    )
    def accuracy(self, root: strawberry.Parent[StocktakeSums]) -> float | None:
        return accuracy(root)


@window(ReportRow, description="A row of a stocktake report. 盘点报表行")
class StocktakeReportRow(ReportKey):
    stocktake: Stocktake | None = maybe_edge(
        "stocktakes", "stocktake_id", "Stocktake of the row; null unless grouped by STOCKTAKE. 盘点"
    )

    @strawberry.field(description="Figures of the row. 数据")
    def figures(self, root: strawberry.Parent[ReportRow[StocktakeSums]]) -> StocktakeFigures:
        return as_window(root.sums)

    @strawberry.field(
        description="Figures of the same row in the earlier period; null without a comparison, or "
        "if nothing was counted then. 对比数据"
    )
    def compared(
        self, root: strawberry.Parent[ReportRow[StocktakeSums]]
    ) -> StocktakeFigures | None:
        return as_window(root.compared)


VARIANCES = [
    Measure("盘点准确率", "Accuracy", "percent", accuracy),
    Measure("盈亏净额", "Net variance", "CNY", yuan("net"), Can.SEE_COST),
]


@window(StocktakeReport, name="StocktakeReport", description="What stocktakes found. 盘点报表")
class StocktakeReportFigures:
    @strawberry.field(
        description="Rows in order of time, or the largest variance first; the total includes "
        "rows beyond `first`. 明细"
    )
    def rows(self, root: strawberry.Parent[StocktakeReport]) -> list[StocktakeReportRow]:
        return as_window(root.rows)

    @strawberry.field(description="Figures of all these stocktakes. 合计")
    def total(self, root: strawberry.Parent[StocktakeReport]) -> StocktakeFigures:
        return as_window(root.total)

    @strawberry.field(
        description="Figures of all stocktakes of the earlier period; null without a comparison. "
        "对比合计"
    )
    def compared_total(self, root: strawberry.Parent[StocktakeReport]) -> StocktakeFigures | None:
        return as_window(root.compared_total)

    @strawberry.field(description="The rows as points, ready to plot. 图表数据")
    async def series(self, root: strawberry.Parent[StocktakeReport], info: Info) -> list[Series]:
        return await series_of(info, root.rows, VARIANCES)
