"""Exports of what to order, how suppliers deliver, and what stocktakes find."""

from collections import Counter
from collections.abc import AsyncIterator
from typing import Any

from app.db.catalog import products_by_id
from app.db.core.snapshot import AnySession
from app.db.document_reports import StocktakeSums, SupplierSums
from app.db.export_rows import barcodes_of
from app.db.purchases import suppliers_by_id
from app.db.stock_values import StockFilter
from app.domain.reports.columns import Chart, Column, ExportScope, ExportTable, Row, yuan
from app.domain.reports.documents import stocktake_report, supplier_report
from app.domain.reports.export_groups import ROWS_MAX, GroupedReport
from app.domain.reports.export_stock import PAGE, PRODUCT, product_values
from app.domain.reports.reorders import ReorderLine, reorder_plan
from app.domain.rules.periods import Period
from app.domain.rules.reordering import COVER_DAYS
from app.domain.rules.units import written

REORDER = [
    Column("store", ("门店", "Store")),
    Column("supplier", ("供应商", "Supplier")),
    *PRODUCT,
    Column("quantity", ("建议数量", "Order"), "QUANTITY"),
    Column("pack", ("包装规格", "Pack size"), "QUANTITY"),
    Column("packs", ("件数", "Packs"), "COUNT"),
    Column("shelf", ("可售", "Available"), "QUANTITY"),
    Column("transit", ("在途", "In transit"), "QUANTITY"),
    Column("on_order", ("已订未到", "On order"), "QUANTITY"),
    Column("reorder_point", ("最低库存", "Reorder point"), "QUANTITY"),
    Column("demand", ("近 28 天需求", "Demand of 28 days"), "QUANTITY"),
    Column("sold_out_days", ("缺货天数", "Days sold out"), "COUNT"),
    Column("daily", ("日均需求", "Demand a day"), "RATIO"),
    Column("cover", ("可售天数", "Days of cover"), "RATIO"),
    Column("lead_days", ("到货天数", "Lead days"), "COUNT"),
    Column("unit_cost", ("单价", "Unit cost"), "COST", cost=True),
    Column("cost", ("金额", "Cost"), "MONEY", total=True, cost=True),
]
SUPPLIERS = [
    Column("orders", ("采购单数", "Orders"), "COUNT", total=True),
    Column("open", ("未完成", "Open"), "COUNT", total=True),
    Column("late", ("迟到", "Late"), "COUNT", total=True),
    Column("late_percent", ("迟到率", "Late %"), "PERCENT", ratio=("late", "orders")),
    Column("late_days", ("迟到天数", "Days late"), "COUNT", total=True),
    Column("short", ("短缺", "Short"), "COUNT", total=True),
    Column("ordered", ("采购金额", "Ordered"), "MONEY", total=True, cost=True),
    Column("missing", ("未到金额", "Missing"), "MONEY", total=True, cost=True),
]
STOCKTAKES = [
    Column("counted", ("盘点商品数", "Products counted"), "COUNT", total=True),
    Column("matching", ("相符商品数", "Matching"), "COUNT", total=True),
    Column("accuracy", ("准确率", "Accuracy"), "PERCENT", ratio=("matching", "counted")),
    Column("missing", ("盘亏", "Missing"), "MONEY", total=True, cost=True),
    Column("surplus", ("盘盈", "Surplus"), "MONEY", total=True, cost=True),
    Column("net", ("净差异", "Net"), "MONEY", total=True, cost=True),
]
SHEET = [
    Column("expected", ("账面", "Expected"), "QUANTITY"),
    Column("found", ("实盘", "Counted"), "QUANTITY"),
    Column("variance", ("差异", "Variance"), "QUANTITY"),
]
"""What a stocktake expected and counted of a product."""


async def reorders(session: AnySession, scope: ExportScope) -> ExportTable:
    """The reorder plan with its usual days to cover, all lines."""
    chosen = StockFilter(scope.stores, scope.category_id)
    plan = await reorder_plan(session, scope.tenant, chosen, None, COVER_DAYS, ROWS_MAX)
    columns = scope.columns(REORDER)
    no_supplier = scope.text(("未指定供应商", "No supplier"))
    costs = Counter[str]()

    async def pages() -> AsyncIterator[list[Row]]:
        for start in range(0, len(plan.lines), PAGE):
            part = plan.lines[start : start + PAGE]
            ids = {line.product_id for line in part}
            products = {each.id: each for each in await products_by_id(session, scope.tenant, ids)}
            codes = await barcodes_of(session, scope.tenant, ids)
            names = await _suppliers(session, scope, {line.supplier_id for line in part})
            page: list[Row] = []
            for line in part:
                product = products[line.product_id]
                values = product_values(scope, product, codes.get(product.id))
                values |= _line(line)
                values["store"] = scope.names[line.store_id].name
                values["supplier"] = supplier = names.get(line.supplier_id, "")
                costs[supplier or no_supplier] += line.cost or 0
                page.append([values[column.name] for column in columns])
            yield page

    def charts() -> list[Chart]:
        titles = ("供应商", "Supplier"), ("金额（元）", "Cost (CNY)")
        title = "各供应商建议采购金额（元）", "Suggested orders by supplier (CNY)"
        return [Chart("BAR", title, titles, scope.largest(costs.items()))] * scope.with_cost

    return ExportTable(columns, pages(), charts, len(plan.lines))


async def _suppliers(session: AnySession, scope: ExportScope, ids: set[Any]) -> dict[Any, str]:
    rows = await suppliers_by_id(session, scope.tenant, [id for id in ids if id is not None])
    return {each.id: each.name for each in rows}


def _line(line: ReorderLine) -> dict[str, Any]:
    level, scale = line.level, line.scale
    quantities = ("shelf", "transit", "on_order", "reorder_point", "demand")
    cover = line.days_of_cover
    return {
        **{name: written(getattr(level, name), scale) for name in quantities},
        "quantity": written(line.packing.quantity, scale),
        "pack": written(line.packing.pack, scale),
        "packs": str(line.packing.packs),
        "sold_out_days": str(level.sold_out_days),
        "daily": str(line.daily),
        "cover": None if cover is None else str(cover),
        "lead_days": str(level.lead_days),
        "unit_cost": yuan(level.unit_cost),
        "cost": yuan(line.cost),
    }


async def _read_suppliers(session: AnySession, scope: ExportScope, group: str, limit: int) -> Any:
    period = Period(*scope.period)
    read = supplier_report
    return await read(session, scope.tenant, scope.stores, period, group, None, None, limit)


def _supplier_values(sums: SupplierSums) -> dict[str, Any]:
    return {
        **{name: str(getattr(sums, name)) for name in ("orders", "open", "late", "short")},
        "late_days": str(sums.late_days),
        "late_percent": str(sums.late / sums.orders) if sums.orders else None,
        "ordered": yuan(sums.ordered),
        "missing": yuan(sums.missing),
    }


async def _read_stocktakes(session: AnySession, scope: ExportScope, group: str, limit: int) -> Any:
    period = Period(*scope.period) if scope.since else None
    of = scope.stocktake_id
    read = stocktake_report
    return await read(session, scope.tenant, scope.stores, period, of, group, None, limit)


def _stocktake_values(sums: StocktakeSums) -> dict[str, Any]:
    return {
        "counted": str(sums.counted),
        "matching": str(sums.matching),
        "accuracy": str(sums.matching / sums.counted) if sums.counted else None,
        "missing": yuan(sums.missing),
        "surplus": yuan(sums.surplus),
        "net": yuan(sums.net),
        "expected": written(sums.expected, sums.scale),
        "found": written(sums.found, sums.scale),
        "variance": written(sums.found - sums.expected, sums.scale),
    }


def _ordered_of(sums: SupplierSums) -> int:
    return sums.ordered


def _variance_of(sums: StocktakeSums) -> int:
    return sums.missing + sums.surplus


suppliers = GroupedReport(
    "SUPPLIER",
    _read_suppliers,
    SUPPLIERS,
    _supplier_values,
    ("采购金额（元）", "Ordered (CNY)"),
    _ordered_of,
)
"""How suppliers delivered, grouped like `supplierReport`."""
stocktakes = GroupedReport(
    "STOCKTAKE",
    _read_stocktakes,
    STOCKTAKES,
    _stocktake_values,
    ("盘亏与盘盈（元）", "Variances (CNY)"),
    _variance_of,
    SHEET,
)
"""What stocktakes found, grouped like `stocktakeReport`; by product it is a stocktake's sheet."""
