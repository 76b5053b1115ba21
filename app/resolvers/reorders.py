"""Root of the reorder plan."""

from typing import Annotated
from uuid import UUID

import strawberry
from strawberry.types import Info

from app.db.stock_values import StockFilter
from app.domain import access
from app.domain.access import Can
from app.domain.reports.reorders import reorder_plan
from app.domain.rules.reordering import COVER_DAYS
from app.resolvers.report_arguments import OfCategory, checked_days
from app.resolvers.roots import root
from app.schema import reorders as types
from app.schema.arguments import First, StoreIds
from app.schema.paging import page_size


@strawberry.type
class ReordersQuery:
    @root(
        Can.SEE_REPORTS,
        types.Plan,
        description="Plan what to order now: goods whose shelf, transit and open orders do not "
        "exceed the reorder point plus the demand until a delivery. Demand is averaged over the 28 "
        "days before today without those on which the goods were sold out. "
        "A plan is of now: it has no period and no comparison. 补货计划",
    )
    async def reorder_plan(
        self,
        info: Info,
        store_ids: StoreIds = None,
        category_id: OfCategory = None,
        supplier_id: Annotated[
            UUID | None,
            strawberry.argument(
                description="Plan only products that were ordered last of this supplier. 供应商"
            ),
        ] = None,
        cover_days: Annotated[
            int | None,
            strawberry.argument(
                description="Days that an order lasts beyond the delivery, from 1 to 366; 7 by "
                "default. 备货天数"
            ),
        ] = None,
        first: First = None,
    ):
        viewer, limit = info.context.viewer, page_size(first)
        stores = access.within(viewer, Can.SEE_REPORTS, store_ids)
        chosen, cover = (
            StockFilter(stores, category_id),
            checked_days(cover_days, COVER_DAYS, "coverDays"),
        )
        async with info.context.snapshot.read(viewer.tenant) as session:
            return await reorder_plan(session, viewer.tenant, chosen, supplier_id, cover, limit)
