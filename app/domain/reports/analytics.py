"""Analytics: metrics by dimensions, a small closed grammar over the roll-ups."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, NamedTuple
from uuid import UUID

from app.db import analytics as rows
from app.db.analytics import Choice, Order, Sums
from app.db.core.snapshot import AnySession
from app.domain.errors import CostExceeded, Malformed
from app.domain.rules.metrics import Dimension, Metric
from app.domain.rules.periods import Period

MOST_METRICS = 10
MOST_DIMENSIONS = 3
MOST_STORE_DAYS = 80_000
"""Days of all stores that one question reads: 200 stores for a year."""


class OrderBy(NamedTuple):
    """The order of rows: by a metric or a dimension that is asked for."""

    metric: Metric | None
    dimension: Dimension | None
    descending: bool


@dataclass(frozen=True, slots=True)
class Value:
    """A metric of a row: 1/10000 yuan, base units of `scale`, or (part, whole) of a ratio.

    None where a quantity means nothing: it is of more than one product.
    """

    metric: Metric
    now: tuple[int, ...] | None
    then: tuple[int, ...] | None
    scale: int


@dataclass(frozen=True, slots=True)
class AnalyticsRow:
    """The values of one combination of keys."""

    keys: dict[Dimension, Any]
    values: list[Value]

    @property
    def store_id(self) -> UUID | None:
        return self.keys.get(Dimension.STORE)

    @property
    def product_id(self) -> UUID | None:
        return self.keys.get(Dimension.PRODUCT)

    @property
    def category_id(self) -> UUID | None:
        return self.keys.get(Dimension.CATEGORY)

    @property
    def key(self) -> date | None:
        """The first day of what the row stands for."""
        return next((each for each in self.keys.values() if isinstance(each, date)), None)


@dataclass(frozen=True, slots=True)
class Analytics:
    """The answer: its rows, and the total of everything that was chosen."""

    period: Period
    earlier: Period | None
    rows: list[AnalyticsRow]
    total: AnalyticsRow


def checked(metrics: Sequence[Metric], dimensions: Sequence[Dimension], choice: Choice) -> None:
    """Raises Malformed for a question that means nothing, CostExceeded for one that is too large.

    It is known before anything is read.
    """
    _counted("metrics", metrics, 1, MOST_METRICS)
    _counted("dimensions", dimensions, 0, MOST_DIMENSIONS)
    if Dimension.PRODUCT not in dimensions and any(
        each.value.unit == "QUANTITY" for each in metrics
    ):
        raise Malformed(
            "metrics",
            "数量只能按商品统计，请加上维度“商品”",
            "Quantities have units: add the dimension PRODUCT.",
        )
    periods = [each for each in (choice.period, choice.earlier) if each is not None]
    days = len(choice.stores) * sum(Period(*each).length.days for each in periods)
    if days > MOST_STORE_DAYS:
        raise CostExceeded(
            f"共需统计 {days} 个门店日，上限为 {MOST_STORE_DAYS}：请减少门店或缩短期间",
            f"This covers {days} days of stores and the limit is {MOST_STORE_DAYS}: choose fewer "
            "stores or a shorter period.",
        )


def _counted(field: str, values: Sequence[Any], least: int, most: int) -> None:
    if not least <= len(values) <= most or len(set(values)) < len(values):
        raise Malformed(
            field,
            f"须选择 {least} 至 {most} 项，且不能重复",
            f"Give {least} to {most} different values.",
        )


async def analytics(
    session: AnySession,
    tenant: UUID,
    choice: Choice,
    metrics: Sequence[Metric],
    dimensions: Sequence[Dimension],
    order: OrderBy | None,
    limit: int,
) -> Analytics:
    """The metrics by these dimensions, in one statement; by default the largest first metric
    first, or in order of time. Raises Malformed and CostExceeded before it reads."""
    checked(metrics, dimensions, choice)
    sums: list[Any] = []
    places: list[tuple[int, ...]] = []
    for metric in metrics:
        parts = [terms for terms in (metric.value.terms, metric.value.whole) if terms is not None]
        places.append(tuple(range(len(sums), len(sums) + len(parts))))
        sums += parts
    names = [each.name for each in dimensions]
    by = _order(order, metrics, dimensions, places)
    total, read = await rows.summed(session, tenant, choice, sums, names, by, limit)

    def row(each: Sums, keys: dict[Dimension, Any]) -> AnalyticsRow:
        compared = choice.earlier is not None
        values = [
            _value(metric, each, place, keys, compared)
            for metric, place in zip(metrics, places, strict=True)
        ]
        return AnalyticsRow(keys, values)

    shown = [row(each, dict(zip(dimensions, each.keys, strict=True))) for each in read]
    earlier = choice.earlier and Period(*choice.earlier)
    return Analytics(Period(*choice.period), earlier, shown, row(total, {}))


def _value(
    metric: Metric, sums: Sums, place: tuple[int, ...], keys: dict[Dimension, Any], compared: bool
) -> Value:
    if metric.value.unit == "QUANTITY" and Dimension.PRODUCT not in keys:
        return Value(metric, None, None, 1)
    now = tuple(sums.now[each] for each in place)
    then = tuple(sums.then[each] for each in place) if compared else None
    return Value(metric, now, then, sums.scale)


TIMES = (Dimension.DAY, Dimension.WEEK, Dimension.MONTH, Dimension.HOUR, Dimension.WEEKDAY)


def _order(
    order: OrderBy | None,
    metrics: Sequence[Metric],
    dimensions: Sequence[Dimension],
    places: Sequence[tuple[int, ...]],
) -> Order:
    """Raises Malformed for an order by what is not asked for."""
    if order is None:
        if dimensions and dimensions[0] in TIMES:
            return Order(None, None, 0, False)
        return Order(places[0][0], *_whole(places[0]), None, True)
    if (order.metric is None) == (order.dimension is None):
        raise Malformed("order", "请按一个指标或一个维度排序", "Give a metric or a dimension.")
    if order.metric is not None and order.metric in metrics:
        place = places[metrics.index(order.metric)]
        return Order(place[0], *_whole(place), None, order.descending)
    if order.dimension is not None and order.dimension in dimensions:
        return Order(None, None, dimensions.index(order.dimension), order.descending)
    raise Malformed(
        "order",
        "只能按已选择的指标或维度排序",
        "Order by one of the metrics or dimensions that you ask for.",
    )


def _whole(place: tuple[int, ...]) -> tuple[int | None]:
    return (place[1] if len(place) > 1 else None,)
