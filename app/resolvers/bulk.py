"""Roots of bulk queries."""

import strawberry
from strawberry.types import Info

from app.db import tables
from app.domain.access import Can
from app.domain.reports.bulk_queries import request_bulk_query
from app.resolvers.roots import root
from app.schema import bulk as types
from app.schema.exports import RequestExportResult


@strawberry.type
class BulkMutation:
    @root(
        Can.SEE_STOCK,
        RequestExportResult,
        description="Request all products, levels or movements as a file of JSON Lines: one "
        "object a row, with the fields of the API. It is made in the background, as of one "
        "moment: follow it with `exportFeed`, then fetch `url`. Costs are in the file if you have "
        "SEE_COST in all its stores. At most 5 exports of yours may be unfinished. 批量查询",
    )
    async def bulk_query(self, info: Info, input: types.BulkQueryInput) -> tables.Export:
        context, request = info.context, input.request()
        return await request_bulk_query(
            context.app.db, context.viewer, request, context.language, context.origin
        )
