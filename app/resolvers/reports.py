"""Roots of the reports topic."""

from datetime import date
from typing import Annotated

import strawberry
from strawberry.types import Info

from app.db import reports as rows
from app.db.reports import Ordered
from app.domain import access
from app.domain.access import Can
from app.domain.errors import Malformed
from app.resolvers.roots import root
from app.schema import reports as types
from app.schema.arguments import StoreIds
from app.schema.reports import Figures

MOST_DAYS = 366


@strawberry.type
class ReportsQuery:
    @root(
        Can.SEE_REPORTS,
        list[types.ChannelFigures],
        description="Return orders, sales and returns by store and channel for a range of dates, "
        "counted in each store's time zone. 渠道报表",
    )
    async def channel_report(
        self,
        info: Info,
        since: Annotated[date, strawberry.argument(description="First day of the range. 开始日期")],
        until: Annotated[
            date,
            strawberry.argument(
                description="Last day of the range, included; the range has at most 366 days. "
                "结束日期"
            ),
        ],
        store_ids: StoreIds = None,
    ):
        if not 0 <= (until - since).days < MOST_DAYS:
            raise Malformed(
                "until",
                f"结束日期不能早于开始日期，最多 {MOST_DAYS} 天",
                f"The end lies on or after the start, at most {MOST_DAYS} days later.",
            )
        viewer = info.context.viewer
        stores = access.within(viewer, Can.SEE_REPORTS, store_ids)
        async with info.context.snapshot.read(viewer.tenant) as session:
            days = since, until
            ordered = await rows.ordered(session, viewer.tenant, stores, *days)
            sold = await rows.sold(session, viewer.tenant, stores, *days)
        orders = {each[:2]: each for each in ordered}
        keys = sorted({*orders, *(each[:2] for each in sold)})
        return [
            Figures(
                orders.get(key) or Ordered(*key, 0, 0, 0, 0, 0),
                [each for each in sold if each[:2] == key],
                key[0],
            )
            for key in keys
        ]
