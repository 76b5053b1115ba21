"""Roots of exports."""

from collections.abc import AsyncIterable
from typing import Annotated
from uuid import UUID

import strawberry
from strawberry.types import Info

from app.db import tables
from app.domain.access import Can
from app.domain.errors import Malformed
from app.domain.reports.exports import ExportRequest, export_of, request_export
from app.resolvers.roots import root
from app.schema import exports as types
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
        context = info.context
        request = ExportRequest(
            input.key,
            input.report,
            input.format,
            input.store_ids,
            input.since,
            input.until,
            input.group_by,
            input.category_id,
            input.within_days,
        )
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
