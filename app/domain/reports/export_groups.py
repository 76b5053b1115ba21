"""Exports and charts of reports whose rows stand for a day, a store, a category, a product …"""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from datetime import date
from typing import Any
from uuid import UUID

from app.db.catalog import products_by_id
from app.db.core.snapshot import AnySession
from app.db.export_rows import barcodes_of
from app.db.identity import actors_by_id
from app.db.purchases import suppliers_by_id
from app.db.report_keys import TIMES
from app.db.stocktakes import stocktakes_by_id
from app.db.tables import Stocktake
from app.domain.reports.columns import (
    MOST_BARS,
    OTHERS,
    Chart,
    Column,
    ExportScope,
    ExportTable,
    Label,
    Row,
)
from app.domain.reports.export_stock import NO_CATEGORY, PAGE, PRODUCT, product_values
from app.domain.rules.phones import masked

ROWS_MAX = 1_000_000
CHANNELS: dict[str, Label] = {
    "COUNTER": ("门店", "Counter"),
    "WECHAT": ("微信", "WeChat"),
    "DOUYIN": ("抖音", "Douyin"),
    "DELIVERY": ("外卖", "Delivery"),
}
SHAPES = {**dict.fromkeys(("DAY", "WEEK", "MONTH"), "LINE"), "CHANNEL": "PIE", "REASON": "PIE"}
NO_REASON: Label = ("未填写", "Not given")
NAMED: dict[str, Any] = {"PERSON": actors_by_id, "SUPPLIER": suppliers_by_id}
"""Reads of the rows whose names are the labels of a group."""
KEYS: dict[str, list[Column]] = {
    "DAY": [Column("key", ("日期", "Day"), "DATE")],
    "WEEK": [Column("key", ("周（周一）", "Week of"), "DATE")],
    "MONTH": [Column("key", ("月份（首日）", "Month of"), "DATE")],
    "HOUR": [Column("key", ("小时", "Hour"), "COUNT")],
    "STORE": [Column("code", ("门店编码", "Store code")), Column("key", ("门店", "Store"))],
    "CATEGORY": [Column("key", ("分类", "Category"))],
    "CHANNEL": [Column("key", ("渠道", "Channel"))],
    "REASON": [Column("key", ("原因", "Reason"))],
    "SUPPLIER": [Column("key", ("供应商", "Supplier"))],
    "STOCKTAKE": [
        Column("key", ("关闭时间", "Closed at"), "MOMENT"),
        Column("store", ("门店", "Store")),
    ],
    "PERSON": [Column("key", ("经手人", "Recorded by"))],
    "PRODUCT": [each._replace(name="key") if each.name == "name" else each for each in PRODUCT],
}


@dataclass(frozen=True, slots=True)
class GroupedReport:
    """A report: how it is read, its columns, and the figure that its chart shows.

    `read` returns `rows`, each with a key and its sums, and the sums of all as `total`. `values`
    are the columns of sums, `plotted` is in 1/10000 yuan.
    """

    default_group: str
    read: Callable[[AnySession, ExportScope, str, int], Awaitable[Any]]
    figures: list[Column]
    values: Callable[[Any], dict[str, Any]]
    title: Label
    plotted: Callable[[Any], int]
    of_product: list[Column] = field(default_factory=list[Column])

    async def table(self, session: AnySession, scope: ExportScope) -> ExportTable:
        """All rows of the report."""
        group = scope.group_by or self.default_group
        rows = (await self.read(session, scope, group, ROWS_MAX)).rows
        figures = [*(self.of_product if group == "PRODUCT" else []), *self.figures]
        columns = scope.columns([*KEYS[group], *figures])
        points: list[tuple[str, int]] = []

        async def pages() -> AsyncIterator[list[Row]]:
            for start in range(0, len(rows), PAGE):
                part = rows[start : start + PAGE]
                keys = await _keys(session, scope, group, [row.key for row in part])
                page: list[Row] = []
                for row, key in zip(part, keys, strict=True):
                    points.append((_label(group, key), self.plotted(row.sums)))
                    values = {**key, **self.values(row.sums)}
                    page.append([values[column.name] for column in columns])
                yield page

        def charts() -> list[Chart]:
            return [self._chart(group, points if group in TIMES else scope.largest(points))]

        return ExportTable(columns, pages(), charts, len(rows))

    async def chart(self, session: AnySession, scope: ExportScope) -> Chart:
        """The chart of the largest rows; the last point adds up all others."""
        group = scope.group_by or self.default_group
        report = await self.read(session, scope, group, MOST_BARS - 1)
        keys = await _keys(session, scope, group, [row.key for row in report.rows])
        values = [self.plotted(row.sums) for row in report.rows]
        labels = [_label(group, key) for key in keys]
        points = list(zip(labels, values, strict=True))
        if others := self.plotted(report.total) - sum(values):
            points.append((scope.text(OTHERS), others))
        return self._chart(group, points)

    def _chart(self, group: str, points: list[tuple[str, int]]) -> Chart:
        label = next(column.title for column in KEYS[group] if column.name == "key")
        return Chart(SHAPES.get(group, "BAR"), self.title, (label, self.title), points)


def _label(group: str, key: dict[str, Any]) -> str:
    """What a point of a chart stands for: a stocktake is named by its time and its store."""
    if group == "STOCKTAKE":
        return f"{key['key'].replace('T', ' ')} {key['store']}"
    return str(key["key"])


async def _keys(
    session: AnySession, scope: ExportScope, group: str, keys: list[Any]
) -> list[dict[str, Any]]:
    """What each row stands for, as values of the first columns."""
    if group == "PRODUCT":
        return await _products(session, scope, keys)
    if group in NAMED:
        names = {each.id: each.name for each in await NAMED[group](session, scope.tenant, keys)}
        return [{"key": names.get(key, "")} for key in keys]
    if group == "STOCKTAKE":
        rows = {each.id: each for each in await stocktakes_by_id(session, scope.tenant, keys)}
        return [_stocktake(scope, rows[key]) for key in keys]
    return [_key(scope, group, key) for key in keys]


def _stocktake(scope: ExportScope, row: Stocktake) -> dict[str, Any]:
    closed_at = scope.local(row.closed_at, row.store_id)
    return {"key": closed_at, "store": scope.names[row.store_id].name}


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
