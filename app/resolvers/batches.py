"""Roots of the batches topic."""

from datetime import date
from typing import Annotated
from uuid import UUID

import strawberry
from strawberry.types import Info

from app.db import batches as rows
from app.domain import access
from app.domain.access import Can
from app.domain.errors import Malformed
from app.resolvers.pages import reading
from app.resolvers.roots import root
from app.schema import batches as types
from app.schema.arguments import After, Before, First, Last, StoreIds
from app.schema.paging import Connection, PageArguments, connection, page

FURTHEST_DAYS = 3650


@strawberry.type
class BatchesQuery:
    @root(
        Can.SEE_STOCK,
        Connection[types.BatchLevel],
        description="List batches with stock in your stores, the earliest expiry first. "
        "批次临期列表",
    )
    async def batches(
        self,
        info: Info,
        store_ids: StoreIds = None,
        product_id: Annotated[
            UUID | None, strawberry.argument(description="Return only batches of this product.")
        ] = None,
        expiring_within_days: Annotated[
            int | None,
            strawberry.argument(
                description="Return only batches that expire within this many days, from 0 to "
                "3650, including expired ones."
            ),
        ] = None,
        sort: Annotated[
            types.BatchSort | None,
            strawberry.argument(description="Sort order of the list; DAYS_LEFT by default."),
        ] = None,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ):
        paging = page(PageArguments(first, after, last, before), date, UUID, UUID)
        days = expiring_within_days
        if days is not None and not 0 <= days <= FURTHEST_DAYS:
            raise Malformed(
                "expiringWithinDays",
                f"到期天数须为 0 至 {FURTHEST_DAYS}",
                f"Days to expiry: give 0 to {FURTHEST_DAYS}.",
            )
        stores = access.within(info.context.viewer, Can.SEE_STOCK, store_ids)
        return await connection(
            paging,
            reading(info, rows.expiring, stores, product_id, days),
            lambda row: (row.expires_on, row.store_id, row.batch_id),
        )
