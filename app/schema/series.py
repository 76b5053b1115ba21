"""Series: the rows of a report as points, ready to plot."""

import asyncio
from collections.abc import Callable, Sequence
from datetime import date
from typing import Any, NamedTuple

import strawberry
from strawberry.types import Info

from app.domain.access import Can
from app.domain.reports.comparison import ReportRow
from app.domain.rules.phones import masked

UNKNOWN = {"CATEGORY": ("未分类", "Without category"), "REASON": ("无原因", "Without reason")}
"""Labels of rows without a key, Chinese and English."""
LOADERS = {
    "STORE": "stores",
    "CATEGORY": "categories",
    "PRODUCT": "products",
    "SUPPLIER": "suppliers",
    "PERSON": "actors",
}


@strawberry.type(description="A point of a series. 数据点")
class SeriesPoint:
    label: str = strawberry.field(description="Label of the point, as a chart shows it. 标签")
    value: float | None = strawberry.field(
        description="Value in the unit of the series; null if there is none. 数值"
    )
    compared: float | None = strawberry.field(
        description="Value of the same row in the earlier period; null without one. 对比值"
    )


@strawberry.type(
    description="One measure of a report, a point for each row. Values are rounded for drawing; "
    "exact amounts are in the rows. 图表数据"
)
class Series:
    name: str = strawberry.field(
        description="Name of the measure, in the language of Accept-Language. 名称"
    )
    unit: str = strawberry.field(
        description="Unit of the values: CNY, percent, times, days, batches or units. 单位"
    )
    points: list[SeriesPoint] = strawberry.field(
        description="Points in the order of the rows. 数据点"
    )


class Measure(NamedTuple):
    """The measure that a series shows; `value` computes it from the sums of a row."""

    chinese: str
    english: str
    unit: str
    value: Callable[[Any], float | None]
    can: Can | None = None


def yuan(name: str) -> Callable[[Any], float]:
    """A measure in 1/10000 yuan, as CNY."""
    return lambda sums: getattr(sums, name) / 10_000


async def series_of(
    info: Info, rows: Sequence[ReportRow[Any]], measures: Sequence[Measure]
) -> list[Series]:
    """One series for each measure that the reader may see."""
    labels = await asyncio.gather(*(label_of(info, row.group, row.key) for row in rows))
    points = [(row.sums, row.compared) for row in rows]
    return _plotted(info, labels, points, measures)


async def series_of_levels(
    info: Info, rows: Sequence[Any], measures: Sequence[Measure]
) -> list[Series]:
    """One series for each measure that the reader may see, of rows with a store and a product."""
    stores = await asyncio.gather(*(label_of(info, "STORE", row.store_id) for row in rows))
    products = await asyncio.gather(*(label_of(info, "PRODUCT", row.product_id) for row in rows))
    labels = [" · ".join(each) for each in zip(stores, products, strict=True)]
    return _plotted(info, labels, [(row, None) for row in rows], measures)


def _plotted(
    info: Info,
    labels: Sequence[str],
    points: Sequence[tuple[Any, Any]],
    measures: Sequence[Measure],
) -> list[Series]:
    return [
        Series(
            name=each.chinese if info.context.language == "zh" else each.english,
            unit=each.unit,
            points=[
                SeriesPoint(
                    label=label,
                    value=each.value(now),
                    compared=None if then is None else each.value(then),
                )
                for label, (now, then) in zip(labels, points, strict=True)
            ],
        )
        for each in measures
        if each.can is None or info.context.sees(each.can, None)
    ]


async def label_of(info: Info, group: str, key: Any) -> str:
    """The label of the row with this key, as a chart shows it."""
    if key in (None, ""):
        chinese, english = UNKNOWN.get(group, ("—", "—"))
        return chinese if info.context.language == "zh" else english
    if group in LOADERS:
        row = await getattr(info.context.loaders, LOADERS[group]).load(key)
        return row.name if row is not None else str(key)
    if isinstance(key, date):
        return key.isoformat()[: 7 if group == "MONTH" else 10]
    return f"{key:02}:00" if group == "HOUR" else masked(str(key))
