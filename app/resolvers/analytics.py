"""Root of analytics."""

from collections.abc import Sequence
from typing import Annotated, Any

import strawberry
from strawberry.types import Info

from app.db.analytics import Choice
from app.domain import access
from app.domain.access import Can
from app.domain.errors import Malformed
from app.domain.reports.analytics import OrderBy, analytics
from app.domain.rules.metrics import Dimension, Metric
from app.domain.rules.periods import compared_with
from app.resolvers.report_arguments import Compared, checked_period
from app.resolvers.roots import root
from app.schema import analytics as types
from app.schema.arguments import First
from app.schema.paging import page_size
from app.schema.scalars import distinct


@strawberry.type
class AnalyticsQuery:
    @root(
        Can.SEE_REPORTS,
        types.Analytics,
        description="Answer any question on what flowed through the stores: up to 10 metrics by up "
        "to 3 dimensions, beside an earlier period if asked. Movements count on the store's day on "
        "which they happened. At most 80,000 days of stores are read; a question beyond that, or "
        "whose answer costs more than your budget, is refused before it runs. 经营分析",
    )
    async def analytics(
        self,
        info: Info,
        metrics: Annotated[
            list[Metric],
            strawberry.argument(description="What to sum, from 1 to 10 metrics. 指标"),
        ],
        period: Annotated[
            types.AnalyticsPeriod, strawberry.argument(description="Days to count. 期间")
        ],
        dimensions: Annotated[
            list[Dimension] | None,
            strawberry.argument(
                description="What the rows stand for, at most 3; without, only the total. 维度"
            ),
        ] = None,
        filters: Annotated[
            types.AnalyticsFilter | None,
            strawberry.argument(description="What to count; everything by default. 筛选"),
        ] = None,
        compare: Compared = None,
        order: Annotated[
            types.AnalyticsOrder | None,
            strawberry.argument(
                description="Order of the rows; in order of time if the first dimension is one, "
                "otherwise the largest first metric first. 排序"
            ),
        ] = None,
        first: First = None,
    ):
        viewer, limit = info.context.viewer, page_size(first)
        chosen = _choice(viewer, period, filters or types.AnalyticsFilter(), compare)
        by = dimensions or []
        sort = _order(info, order) if order else _usual_order(info, metrics, by)
        async with info.context.snapshot.read(viewer.tenant) as session:
            return await analytics(session, viewer.tenant, chosen, metrics, by, sort, limit)


def _choice(viewer: Any, period: Any, filters: Any, compare: Any) -> Choice:
    days = checked_period(period.since, period.until)
    return Choice(
        access.within(viewer, Can.SEE_REPORTS, filters.store_ids),
        days,
        compared_with(days, compare) if compare else None,
        filters.category_id,
        filters.product_ids,
        distinct(filters.channels, "filters.channels"),
        _weekdays(filters.weekdays),
    )


def _weekdays(days: Sequence[int] | None) -> list[int] | None:
    """Raises Malformed."""
    if days is not None and not set(days) <= set(range(1, 8)):
        raise Malformed(
            "filters.weekdays", "星期须为 1 至 7", "Weekdays are from 1 (Monday) to 7 (Sunday)."
        )
    return None if days is None else sorted(set(days))


def _order(info: Info, order: types.AnalyticsOrder) -> OrderBy:
    """Raises Denied for an order by a cost that the viewer may not see."""
    if order.metric is not None and order.metric.value.is_cost:
        access.require(info.context.viewer, Can.SEE_COST)
    return OrderBy(order.metric, order.dimension, order.descending is not False)


def _usual_order(
    info: Info, metrics: Sequence[Metric], dimensions: Sequence[Dimension]
) -> OrderBy | None:
    """The usual order; not by a cost that the viewer may not see."""
    if not metrics or not dimensions or not metrics[0].value.is_cost:
        return None
    sees = info.context.viewer.scope.sees(Can.SEE_COST)
    return None if sees else OrderBy(None, dimensions[0], descending=False)
