"""Roots of the batches topic."""

from datetime import date
from typing import Annotated
from uuid import UUID

import strawberry
from strawberry.types import Info

from app.db import batches as rows
from app.domain import access
from app.domain.access import Can
from app.domain.movements.batches import check_days
from app.resolvers.pages import listed
from app.resolvers.roots import root
from app.schema import batches as types
from app.schema.arguments import After, Before, First, Last, StoreIds
from app.schema.paging import Connection, PageArguments, page


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
        stores = access.within(info.context.viewer, Can.SEE_STOCK, store_ids)
        check_days(expiring_within_days)
        return await listed(
            info,
            paging,
            rows.expiring,
            stores,
            product_id,
            expiring_within_days,
            key=lambda row: (row.expires_on, row.store_id, row.batch_id),
        )
