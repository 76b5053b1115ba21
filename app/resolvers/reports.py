"""Roots of the reports topic."""

from datetime import datetime
from typing import Annotated

import strawberry
from strawberry.types import Info

from app.db.flow_reports import FlowFilter
from app.db.reports import ChannelFilter
from app.domain import access
from app.domain.access import Can
from app.domain.reports import flows
from app.domain.reports.channels import ChannelGroupBy, channel_figures
from app.domain.reports.flows import GroupBy, LossGroupBy
from app.domain.reports.overview import overview_of
from app.resolvers.report_arguments import Compared, OfCategory, Since, Until, checked_period
from app.resolvers.roots import root
from app.schema import reports as types
from app.schema import sales_reports as sales_types
from app.schema.arguments import First, StoreIds
from app.schema.catalog import Channel
from app.schema.overview import OverviewFigures
from app.schema.paging import page_size


@strawberry.type
class ReportsQuery:
    @root(
        Can.SEE_REPORTS,
        OverviewFigures,
        description="Return your stores as they are now, or were at a past moment: value and "
        "shortage of stock, goods at risk, sales of the day beside the usual, and what waits. "
        "经营概况",
    )
    async def overview(
        self,
        info: Info,
        store_ids: StoreIds = None,
        at: Annotated[
            datetime | None,
            strawberry.argument(
                description="Moment of the overview; now by default. At a past moment sales count "
                "until the end of its hour, and movements that were recorded late count as well. "
                "时间"
            ),
        ] = None,
    ):
        viewer = info.context.viewer
        stores = access.within(viewer, Can.SEE_REPORTS, store_ids)
        async with info.context.snapshot.read(viewer.tenant) as session:
            return await overview_of(session, viewer.tenant, stores, at)

    @root(
        Can.SEE_REPORTS,
        sales_types.SalesReport,
        description="Return revenue, cost and margin of what customers took and kept, by day, "
        "hour, store, category, product or channel. A sale counts on the store's day on which it "
        "happened. 销售报表",
    )
    async def sales_report(
        self,
        info: Info,
        since: Since,
        until: Until,
        group_by: Annotated[
            GroupBy, strawberry.argument(description="What the rows stand for. 分组")
        ],
        store_ids: StoreIds = None,
        category_id: OfCategory = None,
        channel: Annotated[
            Channel | None, strawberry.argument(description="Count only this channel. 渠道")
        ] = None,
        compare: Compared = None,
        first: First = None,
    ):
        viewer, limit = info.context.viewer, page_size(first)
        stores = access.within(viewer, Can.SEE_REPORTS, store_ids)
        chosen = FlowFilter(
            stores, checked_period(since, until), category_id, channel and channel.name
        )
        async with info.context.snapshot.read(viewer.tenant) as session:
            report = flows.sales_report
            return await report(session, viewer.tenant, chosen, group_by.name, compare, limit)

    @root(
        Can.SEE_REPORTS,
        sales_types.LossReport,
        description="Return what was written off, missing or found in counts, at cost, by reason, "
        "product, category, store, day, week, month or person; goods are not lost through a "
        "channel. 损耗报表",
    )
    async def loss_report(
        self,
        info: Info,
        since: Since,
        until: Until,
        group_by: Annotated[
            LossGroupBy, strawberry.argument(description="What the rows stand for. 分组")
        ],
        store_ids: StoreIds = None,
        category_id: OfCategory = None,
        compare: Compared = None,
        first: First = None,
    ):
        viewer, limit = info.context.viewer, page_size(first)
        if group_by is LossGroupBy.PERSON:
            access.require(viewer, Can.MANAGE_STAFF)
        stores = access.within(viewer, Can.SEE_REPORTS, store_ids)
        chosen = FlowFilter(stores, checked_period(since, until), category_id)
        async with info.context.snapshot.read(viewer.tenant) as session:
            report = flows.loss_report
            return await report(session, viewer.tenant, chosen, group_by.name, compare, limit)

    @root(
        Can.SEE_REPORTS,
        list[types.ChannelFigures],
        description="Return orders, sales and returns of each channel for a range of dates, "
        "counted in each store's time zone. By product see `products`; for categories, and for "
        "points to plot, see `salesReport` with its argument `channel`. 渠道报表",
    )
    async def channel_report(
        self,
        info: Info,
        since: Since,
        until: Until,
        store_ids: StoreIds = None,
        group_by: Annotated[
            ChannelGroupBy | None,
            strawberry.argument(
                description="What the figures of a channel stand for; STORE by default. 分组"
            ),
        ] = None,
        compare: Compared = None,
    ):
        viewer, period = info.context.viewer, checked_period(since, until)
        stores = access.within(viewer, Can.SEE_REPORTS, store_ids)
        chosen = ChannelFilter(stores, *period, (group_by or ChannelGroupBy.STORE).name)
        async with info.context.snapshot.read(viewer.tenant) as session:
            return await channel_figures(session, viewer.tenant, chosen, compare)
