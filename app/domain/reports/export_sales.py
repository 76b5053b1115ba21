"""Exports of sales and losses: the rows of the reports, with the products' codes."""

from collections.abc import AsyncIterator, Callable, Sequence
from datetime import date
from typing import Any, TypeVar
from uuid import UUID

from app.db.catalog import products_by_id
from app.db.core.snapshot import AnySession
from app.db.export_rows import barcodes_of
from app.db.flow_reports import TIMES, FlowFilter, LossSums, SalesSums
from app.domain.reports.columns import (
    MOST_BARS,
    OTHERS,
    Chart,
    Column,
    ExportScope,
    ExportTable,
    Label,
    Row,
    fen,
    yuan,
)
from app.domain.reports.export_stock import NO_CATEGORY, PRODUCT, product_values
from app.domain.reports.flows import Report, ReportRow, loss_report, sales_report
from app.domain.rules.phones import masked
from app.domain.rules.units import written

PAGE = 500
ROWS_MAX = 1_000_000
CHANNELS: dict[str, Label] = {
    "COUNTER": ("门店", "Counter"),
    "WECHAT": ("微信", "WeChat"),
    "DOUYIN": ("抖音", "Douyin"),
    "DELIVERY": ("外卖", "Delivery"),
}
REVENUE: Label = ("销售额（元）", "Revenue (CNY)")
LOSS: Label = ("损耗（元）", "Loss (CNY)")
SHAPES = {**dict.fromkeys(("DAY", "WEEK", "MONTH"), "LINE"), "CHANNEL": "PIE", "REASON": "PIE"}
NO_REASON: Label = ("未填写", "Not given")
KEYS: dict[str, list[Column]] = {
    "DAY": [Column("key", ("日期", "Day"), "DATE")],
    "WEEK": [Column("key", ("周（周一）", "Week of"), "DATE")],
    "MONTH": [Column("key", ("月份（首日）", "Month of"), "DATE")],
    "HOUR": [Column("key", ("小时", "Hour"), "COUNT")],
    "STORE": [Column("code", ("门店编码", "Store code")), Column("key", ("门店", "Store"))],
    "CATEGORY": [Column("key", ("分类", "Category"))],
    "CHANNEL": [Column("key", ("渠道", "Channel"))],
    "REASON": [Column("key", ("原因", "Reason"))],
    "PRODUCT": [each._replace(name="key") if each.name == "name" else each for each in PRODUCT],
}
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
Sums = TypeVar("Sums", SalesSums, LossSums)


async def sales(session: AnySession, scope: ExportScope) -> ExportTable:
    """What customers took and kept, grouped like the sales report."""
    group = scope.group_by or "DAY"
    report = await sales_report(session, scope.tenant, _filter(scope), group, None, ROWS_MAX)
    figures = [*(OF_PRODUCT if group == "PRODUCT" else []), *SALES]
    return _table(session, scope, group, figures, report.rows, _sales, REVENUE, _revenue)


async def losses(session: AnySession, scope: ExportScope) -> ExportTable:
    """What was written off, missing or found in counts, grouped like the loss report."""
    group = scope.group_by or "REASON"
    report = await loss_report(session, scope.tenant, _filter(scope), group, None, ROWS_MAX)
    return _table(session, scope, group, LOSSES, report.rows, _losses, LOSS, _loss)


async def sales_chart(session: AnySession, scope: ExportScope) -> Chart:
    """The revenue of the sales report."""
    group = scope.group_by or "DAY"
    report = await sales_report(session, scope.tenant, _filter(scope), group, None, MOST_BARS - 1)
    return await _chart_of(session, scope, group, report, REVENUE, _revenue)


async def losses_chart(session: AnySession, scope: ExportScope) -> Chart:
    """The loss of the loss report."""
    group = scope.group_by or "REASON"
    report = await loss_report(session, scope.tenant, _filter(scope), group, None, MOST_BARS - 1)
    return await _chart_of(session, scope, group, report, LOSS, _loss)


async def _chart_of(
    session: AnySession,
    scope: ExportScope,
    group: str,
    report: Report[Sums],
    title: Label,
    value_of: Callable[[Sums], int],
) -> Chart:
    """The chart of a report's largest rows; the last point adds up all others."""
    keys = await _keys(session, scope, group, [row.key for row in report.rows])
    values = [value_of(row.sums) for row in report.rows]
    points = [(str(key["key"]), value) for key, value in zip(keys, values, strict=True)]
    if others := value_of(report.total) - sum(values):
        points.append((scope.text(OTHERS), others))
    return _chart(group, title, points)


def _chart(group: str, title: Label, points: list[tuple[str, int]]) -> Chart:
    label = next(column.title for column in KEYS[group] if column.name == "key")
    return Chart(SHAPES.get(group, "BAR"), title, (label, title), points)


def _filter(scope: ExportScope) -> FlowFilter:
    return FlowFilter(scope.stores, scope.period, scope.category_id)


def _revenue(sums: SalesSums) -> int:
    return sums.revenue * 100


def _loss(sums: LossSums) -> int:
    return sums.loss


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


def _table(
    session: AnySession,
    scope: ExportScope,
    group: str,
    figures: list[Column],
    rows: Sequence[ReportRow[Sums]],
    values_of: Callable[[Sums], dict[str, Any]],
    title: Label,
    value_of: Callable[[Sums], int],
) -> ExportTable:
    columns = scope.columns([*KEYS[group], *figures])
    points: list[tuple[str, int]] = []

    async def pages() -> AsyncIterator[list[Row]]:
        for start in range(0, len(rows), PAGE):
            part = rows[start : start + PAGE]
            keys = await _keys(session, scope, group, [row.key for row in part])
            for row, key in zip(part, keys, strict=True):
                points.append((str(key["key"]), value_of(row.sums)))
            yield [
                [({**key, **values_of(row.sums)})[column.name] for column in columns]
                for row, key in zip(part, keys, strict=True)
            ]

    def charts() -> list[Chart]:
        return [_chart(group, title, points if group in TIMES else scope.largest(points))]

    return ExportTable(columns, pages(), charts, len(rows))


async def _keys(
    session: AnySession, scope: ExportScope, group: str, keys: list[Any]
) -> list[dict[str, Any]]:
    """What each row stands for, as values of the first columns."""
    if group == "PRODUCT":
        return await _products(session, scope, keys)
    return [_key(scope, group, key) for key in keys]


def _key(scope: ExportScope, group: str, key: Any) -> dict[str, Any]:
    if group == "STORE":
        return {"code": scope.names[key].code, "key": scope.names[key].name}
    if isinstance(key, date | int):
        return {"key": str(key)}
    if group == "CATEGORY":
        return {"key": scope.categories.get(key) or scope.text(NO_CATEGORY)}
    if group == "CHANNEL":
        return {"key": scope.text(CHANNELS[key]) if key else ""}
    return {"key": masked(key) if key else scope.text(NO_REASON)}


async def _products(
    session: AnySession, scope: ExportScope, ids: list[UUID]
) -> list[dict[str, Any]]:
    products = {each.id: each for each in await products_by_id(session, scope.tenant, ids)}
    codes = await barcodes_of(session, scope.tenant, ids)
    rows = [product_values(scope, products[id], codes.get(id)) for id in ids]
    return [{**row, "key": row["name"]} for row in rows]
