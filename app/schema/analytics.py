"""Analytics: metrics of the roll-ups by any dimensions."""

from datetime import date
from typing import Any
from uuid import UUID

import strawberry
from strawberry.types import Info

from app.domain.access import Can
from app.domain.reports.analytics import Analytics as Answer
from app.domain.reports.analytics import AnalyticsRow as Row
from app.domain.reports.analytics import Value
from app.domain.rules.metrics import Dimension, Metric
from app.domain.rules.phones import masked
from app.schema.arguments import at_most
from app.schema.catalog import Channel
from app.schema.sales_reports import ReportKey, ReportPeriod, percent
from app.schema.scalars import Money, Quantity, money, quantity
from app.schema.series import Series, SeriesPoint, label_of
from app.schema.window import as_window, describe_values, window

MOST_PRODUCTS = 500


strawberry.enum(
    Metric,
    name="AnalyticsMetric",
    description="A metric that analytics computes. Metrics at cost need SEE_COST. 指标",
)
strawberry.enum(
    Dimension,
    name="AnalyticsDimension",
    description="A dimension by which analytics groups rows. 维度",
)
describe_values(Metric, {each.name: each.value.meaning for each in Metric})
describe_values(Dimension, {each.name: each.value for each in Dimension})


@strawberry.input(description="A range of business days. 期间")
class AnalyticsPeriod:
    since: date = strawberry.field(description="First day of the range. 开始日期")
    until: date = strawberry.field(
        description="Last day of the range, included; the range has at most 366 days. 结束日期"
    )


@strawberry.input(description="Which movements are counted. An omitted field does not filter. 筛选")
class AnalyticsFilter:
    store_ids: list[UUID] | None = strawberry.field(
        default=None,
        description="Count only these stores; stores that you may not see are ignored. 门店",
        metadata=at_most(1000),
    )
    category_id: UUID | None = strawberry.field(
        default=None,
        description="Count only products of this category and of those below it. 分类",
    )
    product_ids: list[UUID] | None = strawberry.field(
        default=None,
        description="Count only these products. 商品",
        metadata=at_most(MOST_PRODUCTS),
    )
    channels: list[Channel] | None = strawberry.field(
        default=None, description="Count only these sales channels. 渠道"
    )
    weekdays: list[int] | None = strawberry.field(
        default=None,
        description="Count only these days of the week, from 1 for Monday to 7 for Sunday. 星期",
    )


@strawberry.input(
    description="Sort order of the rows, by one of the requested metrics or dimensions. 排序"
)
class AnalyticsOrder:
    metric: Metric | None = strawberry.field(default=None, description="Metric to sort by. 指标")
    dimension: Dimension | None = strawberry.field(
        default=None, description="Dimension to sort by. 维度"
    )
    descending: bool | None = strawberry.field(
        default=None, description="Pass false for the smallest first; true by default. 降序"
    )


def _shown(info: Info, value: Value, sums: tuple[int, ...] | None, unit: str) -> Any:
    """The sums, if the metric has this unit and the reader may see it."""
    measure = value.metric.value
    if sums is None or measure.unit != unit:
        return None
    return sums if not measure.is_cost or info.context.sees(Can.SEE_COST, None) else None


def _money(info: Info, value: Value, sums: tuple[int, ...] | None) -> Any:
    shown = _shown(info, value, sums, "MONEY")
    return None if shown is None else money(shown[0])


def _quantity(info: Info, value: Value, sums: tuple[int, ...] | None) -> Any:
    shown = _shown(info, value, sums, "QUANTITY")
    return None if shown is None else quantity(shown[0], value.scale)


def _percent(info: Info, value: Value, sums: tuple[int, ...] | None) -> float | None:
    shown = _shown(info, value, sums, "PERCENT")
    return None if shown is None else percent(*shown)


@window(
    Value,
    description="Value of a metric, in one of the fields `money`, `quantity` and `percent`; the "
    "others are null. Metrics at cost are null if you lack SEE_COST. 指标值",
)
class AnalyticsValue:
    @strawberry.field(description="Metric that the value is of. 指标")
    def metric(self, root: strawberry.Parent[Value]) -> Metric:
        return root.metric

    @strawberry.field(description="Amount in CNY; null for other metrics. 金额")
    def money(self, root: strawberry.Parent[Value], info: Info) -> Money | None:
        return _money(info, root, root.now)

    @strawberry.field(
        description="Quantity in the product's unit; null for other metrics and in totals. 数量"
    )
    def quantity(self, root: strawberry.Parent[Value], info: Info) -> Quantity | None:
        return _quantity(info, root, root.now)

    @strawberry.field(description="Percentage with one decimal; null for other metrics. 百分比")
    def percent(self, root: strawberry.Parent[Value], info: Info) -> float | None:
        return _percent(info, root, root.now)

    @strawberry.field(
        description="Amount of the earlier period in CNY; null without a comparison. 对比金额"
    )
    def compared_money(self, root: strawberry.Parent[Value], info: Info) -> Money | None:
        return _money(info, root, root.then)

    @strawberry.field(
        description="Quantity of the earlier period; null without a comparison. 对比数量"
    )
    def compared_quantity(self, root: strawberry.Parent[Value], info: Info) -> Quantity | None:
        return _quantity(info, root, root.then)

    @strawberry.field(
        description="Percentage of the earlier period; null without a comparison. 对比百分比"
    )
    def compared_percent(self, root: strawberry.Parent[Value], info: Info) -> float | None:
        return _percent(info, root, root.then)


@window(Row, stores=(), description="One combination of the dimensions. 分析结果行")
class AnalyticsRow(ReportKey):
    @strawberry.field(
        description="Hour of the day, from 0 to 23; null unless grouped by HOUR. 小时"
    )
    def hour(self, root: strawberry.Parent[Row]) -> int | None:
        return root.keys.get(Dimension.HOUR)

    @strawberry.field(
        description="Day of the week, from 1 for Monday to 7; null unless grouped by WEEKDAY. 星期"
    )
    def weekday(self, root: strawberry.Parent[Row]) -> int | None:
        return root.keys.get(Dimension.WEEKDAY)

    @strawberry.field(
        description="Channel of the row; null unless grouped by CHANNEL, and for movements without "
        "one. 渠道"
    )
    def channel(self, root: strawberry.Parent[Row]) -> Channel | None:
        name = root.keys.get(Dimension.CHANNEL)
        return Channel[name] if name else None

    @strawberry.field(
        description="Reason as it was given; null unless grouped by REASON, empty without one. 原因"
    )
    def reason(self, root: strawberry.Parent[Row]) -> str | None:
        reason = root.keys.get(Dimension.REASON)
        return None if reason is None else masked(reason)

    @strawberry.field(description="Values of the metrics, in the requested order. 指标值")
    def values(self, root: strawberry.Parent[Row]) -> list[AnalyticsValue]:
        return as_window(root.values)


@window(Answer, description="Metrics by dimensions. 经营分析")
class Analytics(ReportPeriod):
    @strawberry.field(
        description="Rows in the requested order, at most `first`; the total includes all rows. "
        "明细"
    )
    def rows(self, root: strawberry.Parent[Answer]) -> list[AnalyticsRow]:
        return as_window(root.rows)

    @strawberry.field(description="Metrics of all chosen movements. 合计")
    def total(self, root: strawberry.Parent[Answer]) -> list[AnalyticsValue]:
        return as_window(root.total.values)

    @strawberry.field(
        description="The rows as points, ready to plot: one series for each metric that you may "
        "see. 图表数据"
    )
    async def series(self, root: strawberry.Parent[Answer], info: Info) -> list[Series]:
        labels = [await _label(info, row) for row in root.rows]
        chinese = info.context.language == "zh"
        return [
            Series(
                name=_name(value.metric, chinese),
                unit=UNITS[value.metric.value.unit],
                points=[
                    SeriesPoint(
                        label=label,
                        value=_plotted(row.values[place], row.values[place].now),
                        compared=_plotted(row.values[place], row.values[place].then),
                    )
                    for label, row in zip(labels, root.rows, strict=True)
                ],
            )
            for place, value in enumerate(root.total.values)
            if not value.metric.value.is_cost or info.context.sees(Can.SEE_COST, None)
        ]


UNITS = {"MONEY": "CNY", "QUANTITY": "units", "PERCENT": "percent"}


def _plotted(value: Value, sums: tuple[int, ...] | None) -> float | None:
    if sums is None:
        return None
    match value.metric.value.unit:
        case "MONEY":
            return sums[0] / 10_000
        case "QUANTITY":
            return sums[0] / value.scale
        case _:
            return percent(*sums)


def _name(metric: Metric, chinese: bool) -> str:
    english, _, name = metric.value.meaning.rpartition(" ")
    return name if chinese else english.rstrip(".")


async def _label(info: Info, row: Row) -> str:
    """The labels of all keys of a row."""
    return " · ".join([await label_of(info, each.name, key) for each, key in row.keys.items()])
