"""Exports of what the stock is worth, how fast it turns, and what hardly sells."""

from collections import Counter
from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any

from app.db.catalog import products_by_id
from app.db.core.snapshot import AnySession
from app.db.export_rows import barcodes_of
from app.db.stock_reports import SlowLevel, TurnoverSums
from app.db.stock_values import StockFilter, StockValue
from app.domain.reports import stock
from app.domain.reports.columns import Chart, Column, ExportScope, ExportTable, Label, Row, yuan
from app.domain.reports.export_groups import ROWS_MAX, GroupedReport
from app.domain.reports.export_stock import PAGE, PRODUCT, category_of, product_values
from app.domain.rules.periods import Period
from app.domain.rules.units import written

VALUE: Label = ("库存金额（元）", "Stock value (CNY)")
CENTS = Decimal("0.01")
VALUES = [
    Column("levels", ("在库数", "Levels with goods"), "COUNT", total=True),
    Column("value", ("库存金额", "Stock value"), "MONEY", total=True, cost=True),
]
TURNOVER = [
    Column("opening", ("期初金额", "Opening value"), "MONEY", total=True, cost=True),
    Column("closing", ("期末金额", "Closing value"), "MONEY", total=True, cost=True),
    Column("average", ("平均库存金额", "Average value"), "MONEY", total=True, cost=True),
    Column("consumed", ("消耗成本", "Cost of goods used"), "MONEY", total=True, cost=True),
    Column("turns", ("周转次数", "Turns"), "RATIO", ratio=("consumed", "average"), cost=True),
]
SLOW = [
    Column("store", ("门店", "Store")),
    *PRODUCT,
    Column("on_hand", ("现有", "On hand"), "QUANTITY"),
    Column("sold", ("近 30 天销量", "Sold in 30 days"), "QUANTITY"),
    Column("earlier", ("上个 30 天销量", "Sold in the 30 days before"), "QUANTITY"),
    Column("value", ("库存金额", "Stock value"), "MONEY", total=True, cost=True),
]


def _filter(scope: ExportScope) -> StockFilter:
    return StockFilter(scope.stores, scope.category_id)


async def _read_values(session: AnySession, scope: ExportScope, group: str, limit: int) -> Any:
    filter = _filter(scope)
    return await stock.stock_value(session, scope.tenant, filter, group, None, None, limit)


def _values(sums: StockValue) -> dict[str, Any]:
    on_hand = written(sums.on_hand, sums.scale)
    return {"on_hand": on_hand, "levels": str(sums.levels), "value": yuan(sums.value)}


async def _read_turnover(session: AnySession, scope: ExportScope, group: str, limit: int) -> Any:
    filter, period = _filter(scope), Period(*scope.period)
    return await stock.turnover_report(session, scope.tenant, filter, period, group, None, limit)


def _turnover(sums: TurnoverSums) -> dict[str, Any]:
    turns = Decimal(sums.consumed) / sums.average if sums.average > 0 else None
    return {
        "opening": yuan(sums.opening),
        "closing": yuan(sums.closing),
        "average": yuan(sums.average),
        "consumed": yuan(sums.consumed),
        "turns": turns if turns is None else str(turns.quantize(CENTS)),
    }


def _value_of(sums: StockValue) -> int:
    return sums.value


def _average_of(sums: TurnoverSums) -> int:
    return sums.average


stock_value = GroupedReport(
    "STORE",
    _read_values,
    VALUES,
    _values,
    VALUE,
    _value_of,
    [Column("on_hand", ("现有", "On hand"), "QUANTITY")],
)
"""What the stock is worth now, grouped like `stockValue`."""
turnover = GroupedReport(
    "STORE",
    _read_turnover,
    TURNOVER,
    _turnover,
    ("平均库存金额（元）", "Average value (CNY)"),
    _average_of,
)
"""How fast the stock turned, grouped like `turnoverReport`."""


async def slow_movers(session: AnySession, scope: ExportScope) -> ExportTable:
    """Goods that do not move, as in `slowMovers` with its usual days."""
    levels = await _slow(session, scope, ROWS_MAX)
    columns = scope.columns(SLOW)
    values: Counter[str] = Counter()

    async def pages() -> AsyncIterator[list[Row]]:
        for start in range(0, len(levels), PAGE):
            part = levels[start : start + PAGE]
            ids = {level.product_id for level in part}
            products = {each.id: each for each in await products_by_id(session, scope.tenant, ids)}
            codes = await barcodes_of(session, scope.tenant, ids)
            page: list[Row] = []
            for level in part:
                product = products[level.product_id]
                row = product_values(scope, product, codes.get(product.id)) | _slow_values(level)
                row["store"] = scope.names[level.store_id].name
                values[category_of(scope, product)] += level.value
                page.append([row[column.name] for column in columns])
            yield page

    def charts() -> list[Chart]:
        title = "各分类滞销金额（元）", "Slow stock by category (CNY)"
        points = scope.largest(values.items())
        chart = Chart("BAR", title, (("分类", "Category"), VALUE), points)
        return [chart] if scope.with_cost else []

    return ExportTable(columns, pages(), charts, len(levels))


async def _slow(session: AnySession, scope: ExportScope, limit: int) -> list[SlowLevel]:
    days, cover = stock.USUAL_DAYS, stock.USUAL_COVER
    report = await stock.slow_movers(session, scope.tenant, _filter(scope), days, cover, limit)
    return report.levels.rows


def _slow_values(level: SlowLevel) -> dict[str, Any]:
    return {
        "on_hand": written(level.on_hand, level.scale),
        "sold": written(level.sold, level.scale),
        "earlier": written(level.earlier, level.scale),
        "value": yuan(level.value),
    }
