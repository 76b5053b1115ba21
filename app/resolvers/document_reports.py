"""Roots of the reports of suppliers and stocktakes."""

from datetime import date
from typing import Annotated
from uuid import UUID

import strawberry
from strawberry.types import Info

from app.domain import access
from app.domain.access import Can
from app.domain.errors import Malformed
from app.domain.reports import documents
from app.domain.reports.documents import StocktakeGroupBy, SupplierGroupBy
from app.domain.rules.periods import Period
from app.resolvers.report_arguments import Compared, Since, Until, checked_period
from app.resolvers.roots import root
from app.schema import document_reports as types
from app.schema.arguments import First, StoreIds
from app.schema.paging import page_size


def _maybe_period(since: date | None, until: date | None) -> Period | None:
    """Raises Malformed for one day without the other."""
    if since is None and until is None:
        return None
    if since is None or until is None:
        raise Malformed("since", "请同时填写开始和结束日期", "Give both `since` and `until`.")
    return checked_period(since, until)


@strawberry.type
class DocumentReportsQuery:
    @root(
        Can.SEE_REPORTS,
        types.SupplierReport,
        description="Return how suppliers delivered the purchase orders that were expected in the "
        "range: late and short ones, by supplier, store, category, product, day, week or month; "
        "purchases have no channel. 供应商报表",
    )
    async def supplier_report(
        self,
        info: Info,
        since: Since,
        until: Until,
        group_by: Annotated[
            SupplierGroupBy | None,
            strawberry.argument(description="What the rows stand for; SUPPLIER by default. 分组"),
        ] = None,
        store_ids: StoreIds = None,
        supplier_id: Annotated[
            UUID | None, strawberry.argument(description="Count only this supplier. 供应商")
        ] = None,
        compare: Compared = None,
        first: First = None,
    ):
        viewer, limit = info.context.viewer, page_size(first)
        stores = access.within(viewer, Can.SEE_REPORTS, store_ids)
        period, group = checked_period(since, until), (group_by or SupplierGroupBy.SUPPLIER).name
        async with info.context.snapshot.read(viewer.tenant) as session:
            return await documents.supplier_report(
                session, viewer.tenant, stores, period, group, supplier_id, compare, limit
            )

    @root(
        Can.SEE_REPORTS,
        types.StocktakeReportFigures,
        description="Return what closed stocktakes found: accuracy and variances at cost, of the "
        "range by the day on which they were closed, or of one stocktake, by product, category, "
        "store, stocktake, day, week or month; channels share one stock. Reversed ones do not "
        "count. 盘点报表",
    )
    async def stocktake_report(
        self,
        info: Info,
        stocktake_id: Annotated[
            UUID | None,
            strawberry.argument(description="Count only this stocktake; needs no range. 盘点"),
        ] = None,
        since: Annotated[
            date | None, strawberry.argument(description="First day of the range. 开始日期")
        ] = None,
        until: Annotated[
            date | None,
            strawberry.argument(
                description="Last day of the range, included; the range has at most 366 days. "
                "结束日期"
            ),
        ] = None,
        group_by: Annotated[
            StocktakeGroupBy | None,
            strawberry.argument(description="What the rows stand for; PRODUCT by default. 分组"),
        ] = None,
        store_ids: StoreIds = None,
        compare: Compared = None,
        first: First = None,
    ):
        viewer, limit = info.context.viewer, page_size(first)
        stores = access.within(viewer, Can.SEE_REPORTS, store_ids)
        period, group = _maybe_period(since, until), (group_by or StocktakeGroupBy.PRODUCT).name
        async with info.context.snapshot.read(viewer.tenant) as session:
            return await documents.stocktake_report(
                session, viewer.tenant, stores, period, stocktake_id, group, compare, limit
            )
