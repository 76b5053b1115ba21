"""Roots of exports."""

from collections.abc import AsyncIterable
from datetime import date
from typing import Annotated
from uuid import UUID

import strawberry
from strawberry.types import Info

from app.db import tables
from app.domain.access import Can
from app.domain.errors import Malformed
from app.domain.reports.charts import Drawing, chart_of
from app.domain.reports.exports import (
    WITHIN_DAYS,
    ExportGroupBy,
    ExportRequest,
    Report,
    ReportChoice,
    export_of,
    request_export,
)
from app.resolvers.reports import OfCategory
from app.resolvers.roots import root
from app.schema import exports as types
from app.schema.arguments import StoreIds
from app.schema.feed import document_change


@strawberry.type
class ExportsQuery:
    @root(
        Can.SEE_STOCK,
        types.Export | None,
        description="Return an export that you requested, or null if there is none. 导出",
    )
    async def export(
        self,
        info: Info,
        id: Annotated[UUID, strawberry.argument(description="ID of the export.")],
    ) -> tables.Export | None:
        return await export_of(info.context.snapshot, info.context.viewer, id)

    @root(
        Can.SEE_STOCK,
        types.Chart | None,
        description="Draw a report as SVG, with at most 15 bars: the last adds up all others. "
        "MOVEMENTS, SLOW_MOVERS, PRODUCTS and REORDER_PLAN have none. The report's own permission "
        "is needed as well, and costs are shown if you have SEE_COST. Null without a store that "
        "you may see. 图表",
    )
    async def chart(
        self,
        info: Info,
        report: Annotated[Report, strawberry.argument(description="Report to draw. 报表")],
        since: Annotated[
            date | None,
            strawberry.argument(
                description="First day; required for reports of a period. 开始日期"
            ),
        ] = None,
        until: Annotated[
            date | None,
            strawberry.argument(
                description="Last day, included; the range has at most 366 days. 结束日期"
            ),
        ] = None,
        group_by: Annotated[
            ExportGroupBy | None,
            strawberry.argument(
                description="What the points stand for, as in `requestExport`. 分组"
            ),
        ] = None,
        store_ids: StoreIds = None,
        category_id: OfCategory = None,
        within_days: Annotated[
            int | None,
            strawberry.argument(
                description="EXPIRY: draw batches that expire within so many days, from 0 to "
                "3650, and expired ones; 30 by default. 到期天数"
            ),
        ] = None,
    ) -> Drawing | None:
        within = WITHIN_DAYS if within_days is None else within_days
        choice = ReportChoice(report, store_ids, since, until, group_by, category_id, within)
        context = info.context
        return await chart_of(context.app.db, context.viewer, choice, context.language)


def choice_of(input: types.RequestExportInput) -> ReportChoice:
    return ReportChoice(
        input.report,
        input.store_ids,
        input.since,
        input.until,
        input.group_by,
        input.category_id,
        input.within_days,
        input.stocktake_id,
    )


@strawberry.type
class ExportsMutation:
    @root(
        Can.SEE_STOCK,
        types.RequestExportResult,
        description="Request a report as a file. It is made in the background: follow it with "
        "`exportFeed`, then fetch `url`. The report's own permission is needed as well, and costs "
        "are in the file if you have SEE_COST. At most 5 exports of yours may be unfinished. "
        "导出报表",
    )
    async def request_export(self, info: Info, input: types.RequestExportInput) -> tables.Export:
        context, request = info.context, ExportRequest(input.key, input.format, choice_of(input))
        db, origin = context.app.db, context.origin
        return await request_export(db, context.viewer, request, context.language, origin)


@strawberry.type
class ExportsSubscription:
    @root(
        Can.SEE_STOCK,
        document_change(types.EXPORTS),
        subscription=True,
        description="Follow an export that you requested: its state and progress now, then each "
        "change. 导出进度",
    )
    async def export_feed(
        self,
        info: Info,
        export_id: Annotated[UUID, strawberry.argument(description="ID of the export. 导出")],
    ) -> AsyncIterable[object]:
        viewer, hub = info.context.viewer, info.context.app.hub
        export = await export_of(info.context.snapshot, viewer, export_id)
        if export is None:
            raise Malformed("exportId", "您没有这个导出", "No export of yours has this id.")
        stores = [export.stores[0]]
        return hub.follow_documents(types.EXPORTS, viewer.tenant, stores, export.id)
