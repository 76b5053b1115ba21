"""Exports of sales and losses: the rows of the reports, with the products' codes."""

from typing import Any

from app.db.core.snapshot import AnySession
from app.db.flow_reports import FlowFilter, LossSums, SalesSums
from app.domain.reports.columns import Column, ExportScope, fen, yuan
from app.domain.reports.comparison import Report
from app.domain.reports.export_groups import GroupedReport
from app.domain.reports.flows import loss_report, sales_report
from app.domain.rules.units import written

OF_PRODUCT = [
    Column("sold", ("销量", "Sold"), "QUANTITY"),
    Column("returned", ("退货", "Returned"), "QUANTITY"),
]
SALES = [
    Column("revenue", ("销售额", "Revenue"), "MONEY", total=True),
    Column("discount", ("优惠", "Discount"), "MONEY", total=True),
    Column("cost", ("成本", "Cost"), "MONEY", total=True, cost=True),
    Column("margin", ("毛利", "Margin"), "MONEY", total=True, cost=True),
    Column("percent", ("毛利率", "Margin %"), "PERCENT", ratio=("margin", "revenue"), cost=True),
]
LOSSES = [
    Column("wasted", ("报损", "Wasted"), "MONEY", total=True, cost=True),
    Column("missing", ("盘亏", "Missing"), "MONEY", total=True, cost=True),
    Column("surplus", ("盘盈", "Surplus"), "MONEY", total=True, cost=True),
    Column("loss", ("损耗合计", "Loss"), "MONEY", total=True, cost=True),
]


async def _read_sales(
    session: AnySession, scope: ExportScope, group: str, limit: int
) -> Report[SalesSums]:
    return await sales_report(session, scope.tenant, _filter(scope), group, None, limit)


async def _read_losses(
    session: AnySession, scope: ExportScope, group: str, limit: int
) -> Report[LossSums]:
    return await loss_report(session, scope.tenant, _filter(scope), group, None, limit)


def _filter(scope: ExportScope) -> FlowFilter:
    return FlowFilter(scope.stores, scope.period, scope.category_id)


def _sales(sums: SalesSums) -> dict[str, Any]:
    revenue = sums.revenue * 100
    return {
        "sold": written(sums.sold, sums.scale),
        "returned": written(sums.returned, sums.scale),
        "revenue": fen(sums.revenue),
        "discount": fen(sums.discount),
        "cost": yuan(sums.cost),
        "margin": yuan(sums.margin),
        "percent": str(sums.margin / revenue) if revenue > 0 else None,
    }


def _losses(sums: LossSums) -> dict[str, Any]:
    return {
        "wasted": yuan(sums.wasted),
        "missing": yuan(sums.missing),
        "surplus": yuan(sums.surplus),
        "loss": yuan(sums.loss),
    }


def _revenue(sums: SalesSums) -> int:
    return sums.revenue * 100


def _loss(sums: LossSums) -> int:
    return sums.loss


sales = GroupedReport(
    "DAY", _read_sales, SALES, _sales, ("销售额（元）", "Revenue (CNY)"), _revenue, OF_PRODUCT
)
"""What customers took and kept, grouped like the sales report."""
losses = GroupedReport("REASON", _read_losses, LOSSES, _losses, ("损耗（元）", "Loss (CNY)"), _loss)
"""What was written off, missing or found in counts, grouped like the loss report."""
