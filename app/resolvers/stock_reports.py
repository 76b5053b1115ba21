"""Roots of the reports of stock."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import strawberry
from strawberry.types import Info

from app.db.stock_values import StockFilter
from app.domain import access
from app.domain.access import Can
from app.domain.reports import stock
from app.domain.reports.stock import (
    USUAL_COVER,
    USUAL_DAYS,
    ExpiryGroupBy,
    StockGroupBy,
    TurnoverGroupBy,
)
from app.resolvers.report_arguments import (
    Compared,
    OfCategory,
    Since,
    Until,
    checked_days,
    checked_period,
)
from app.resolvers.roots import root
from app.schema import stock_reports as types
from app.schema.arguments import First, StoreIds
from app.schema.paging import page_size

GROUP = strawberry.argument(description="What the rows stand for; STORE by default. 分组")


def _chosen(info: Info, stores: Any, category: UUID | None) -> StockFilter:
    return StockFilter(access.within(info.context.viewer, Can.SEE_REPORTS, stores), category)


@strawberry.type
class StockReportsQuery:
    @root(
        Can.SEE_REPORTS,
        types.StockValue,
        description="Return what the stock is worth now or at a past moment, by store, category or "
        "product; channels share one stock. Movements that were recorded late count from when they "
        "happened, as in `stockAsOf`. For the value by day, week or month see `turnoverReport`. "
        "库存金额报表",
    )
    async def stock_value(
        self,
        info: Info,
        at: Annotated[
            datetime | None,
            strawberry.argument(description="Moment of the report; now by default. 时间"),
        ] = None,
        compared_at: Annotated[
            datetime | None,
            strawberry.argument(
                description="Past moment to compare with; no comparison by default. 对比时间"
            ),
        ] = None,
        group_by: Annotated[StockGroupBy | None, GROUP] = None,
        store_ids: StoreIds = None,
        category_id: OfCategory = None,
        first: First = None,
    ):
        tenant, limit = info.context.viewer.tenant, page_size(first)
        chosen, group = _chosen(info, store_ids, category_id), (group_by or StockGroupBy.STORE).name
        async with info.context.snapshot.read(tenant) as session:
            return await stock.stock_value(session, tenant, chosen, group, at, compared_at, limit)

    @root(
        Can.SEE_REPORTS,
        types.TurnoverReport,
        description="Return how fast the stock of goods turned: its value at both ends of the "
        "range, and the cost of what was sold or used, by day, week, month, store, "
        "category or product; channels share one stock. Movements count on the store's day on "
        "which they happened. 周转报表",
    )
    async def turnover_report(
        self,
        info: Info,
        since: Since,
        until: Until,
        group_by: Annotated[TurnoverGroupBy | None, GROUP] = None,
        store_ids: StoreIds = None,
        category_id: OfCategory = None,
        compare: Compared = None,
        first: First = None,
    ):
        tenant, limit = info.context.viewer.tenant, page_size(first)
        chosen, period = _chosen(info, store_ids, category_id), checked_period(since, until)
        async with info.context.snapshot.read(tenant) as session:
            report = stock.turnover_report
            group = (group_by or TurnoverGroupBy.STORE).name
            return await report(session, tenant, chosen, period, group, compare, limit)

    @root(
        Can.SEE_REPORTS,
        types.SlowMoversReport,
        description="Return the goods that do not move: those that the store had during all of the "
        "last `days`, and that last longer than `coverDays` at the rate at which they sold or were "
        "used; `soldBefore` is what sold in the window before. Rows are levels; `groups` adds up "
        "all of them by store, category or product. 滞销报表",
    )
    async def slow_movers(
        self,
        info: Info,
        days: Annotated[
            int | None,
            strawberry.argument(
                description="Days of the window, today included, from 1 to 366; 30 by default. "
                "统计天数"
            ),
        ] = None,
        cover_days: Annotated[
            int | None,
            strawberry.argument(
                description="Goods that last longer are slow, from 1 to 366 days; 90 by default. "
                "可售天数"
            ),
        ] = None,
        store_ids: StoreIds = None,
        category_id: OfCategory = None,
        first: First = None,
    ):
        tenant, limit = info.context.viewer.tenant, page_size(first)
        chosen = _chosen(info, store_ids, category_id)
        window = checked_days(days, USUAL_DAYS, "days")
        cover = checked_days(cover_days, USUAL_COVER, "coverDays")
        async with info.context.snapshot.read(tenant) as session:
            return await stock.slow_movers(session, tenant, chosen, window, cover, limit)

    @root(
        Can.SEE_REPORTS,
        types.ExpiryReportFigures,
        description="Return the goods that have expired or expire soon and what they cost, by last "
        "day of sale, week, month, store, category or product; channels share one stock. 临期报表",
    )
    async def expiry_report(
        self,
        info: Info,
        within_days: Annotated[
            int | None,
            strawberry.argument(
                description="Count goods that expire within so many days, from 1 to 366; 30 by "
                "default. 天数"
            ),
        ] = None,
        group_by: Annotated[
            ExpiryGroupBy | None,
            strawberry.argument(description="What the rows stand for; DAY by default. 分组"),
        ] = None,
        compared_at: Annotated[
            datetime | None,
            strawberry.argument(
                description="Past moment to compare with, at most "
                f"{stock.MOST_COMPARED.days} days ago: the goods that the stores had then and that "
                "had expired, or were to expire within `withinDays` days of it. No comparison by "
                "default. 对比时间"
            ),
        ] = None,
        store_ids: StoreIds = None,
        category_id: OfCategory = None,
        first: First = None,
    ):
        tenant, limit = info.context.viewer.tenant, page_size(first)
        chosen = _chosen(info, store_ids, category_id)
        within = checked_days(within_days, USUAL_DAYS, "withinDays")
        async with info.context.snapshot.read(tenant) as session:
            group = (group_by or ExpiryGroupBy.DAY).name
            what = chosen, within, group, limit, compared_at
            return await stock.expiry_report(session, tenant, *what)
