"""Roots of the stocktakes topic."""

from collections.abc import AsyncIterable
from typing import Annotated
from uuid import UUID

import strawberry
from strawberry.types import Info

from app.db import stocktakes as rows
from app.db.stocktakes import StocktakeFilter
from app.db.tables import Stocktake, StocktakeRules, Store
from app.domain import access
from app.domain.access import Can
from app.domain.documents import counts, stocktake_close, stocktakes
from app.domain.documents.counts import CountRequest
from app.domain.documents.stocktakes import StocktakeRequest
from app.domain.errors import Malformed, Refused
from app.domain.movements import zones
from app.resolvers.pages import newest
from app.resolvers.roots import root
from app.schema import stocktake_inputs as inputs
from app.schema import stocktakes as types
from app.schema.arguments import After, Before, First, Last, StoreIds
from app.schema.feed import document_change
from app.schema.paging import Connection, PageArguments
from app.schema.topics import STOCKTAKES


@strawberry.type
class StocktakesQuery:
    @root(
        Can.SEE_STOCKTAKES,
        types.Stocktake | None,
        description="Return one stocktake, or null if there is none. 盘点单",
    )
    async def stocktake(
        self,
        info: Info,
        id: Annotated[UUID, strawberry.argument(description="ID of the stocktake.")],
    ) -> Stocktake | None:
        arguments = info.context.snapshot, info.context.viewer, Can.SEE_STOCKTAKES, id
        try:
            return await stocktakes.get_stocktake(*arguments)
        except Refused:
            return None

    @root(
        Can.SEE_STOCKTAKES,
        Connection[types.Stocktake],
        description="List stocktakes of your stores, the newest first. 盘点单列表",
    )
    async def stocktakes(
        self,
        info: Info,
        store_ids: StoreIds = None,
        state: Annotated[
            types.StocktakeState | None,
            strawberry.argument(description="Return only stocktakes in this state."),
        ] = None,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ):
        viewer = info.context.viewer
        stores = access.within(viewer, Can.SEE_STOCKTAKES, store_ids)
        chosen = StocktakeFilter(stores, state and state.name)
        return await newest(
            info, rows.stocktakes, chosen, paging=PageArguments(first, after, last, before)
        )

    @root(
        Can.RUN_STOCKTAKES,
        types.StocktakeRules,
        description="Return when variances need a recount or a reason. 盘点规则",
    )
    async def stocktake_rules(self, info: Info) -> StocktakeRules:
        return await stocktakes.rules(info.context.snapshot, info.context.viewer.tenant)


@strawberry.type
class StocktakesMutation:
    @root(
        Can.RUN_STOCKTAKES,
        inputs.SetZonesResult,
        description="Set the zones of a store, such as the shop floor and the stock room. Lines of "
        "movements may name one, and counts do. 设置区域",
    )
    async def set_zones(self, info: Info, input: inputs.SetZonesInput) -> Store:
        db, viewer = info.context.app.db, info.context.viewer
        return await zones.set_zones(db, viewer, input.key, input.store_id, input.zones)

    @root(
        Can.RUN_STOCKTAKES,
        inputs.OpenStocktakeResult,
        description="Open a stocktake of products, categories or a whole store, which goes on "
        "selling. Fails with OVERLAPS if another open stocktake has a product of it. 新建盘点单",
    )
    async def open_stocktake(self, info: Info, input: inputs.OpenStocktakeInput) -> Stocktake:
        request = StocktakeRequest(
            input.key,
            input.store_id,
            input.category_ids or (),
            input.product_ids or (),
            input.zones or (),
            input.blind or False,
        )
        return await stocktakes.open_stocktake(info.context.app.db, info.context.viewer, request)

    @root(
        Can.COUNT,
        inputs.CountResult,
        description="Add counts of one zone; they add to earlier ones. Any number of people count "
        "at once. 盘点录入",
    )
    async def count(self, info: Info, input: inputs.CountInput) -> Stocktake:
        request = CountRequest(input.key, input.stocktake_id, input.zone, input.lines)
        return await counts.count(info.context.app.db, info.context.viewer, request)

    @root(
        Can.COUNT,
        inputs.CountResult,
        description="Replace your own counts of these products in the zone; of products that you "
        "did not count there, the counts of others. 重盘",
    )
    async def recount(self, info: Info, input: inputs.CountInput) -> Stocktake:
        request = CountRequest(input.key, input.stocktake_id, input.zone, input.lines, True)
        return await counts.count(info.context.app.db, info.context.viewer, request)

    @root(
        Can.RUN_STOCKTAKES,
        inputs.ChangeStocktakeResult,
        description="End counting; lines can still be recounted, confirmed and explained. 复核盘点",
    )
    async def review_stocktake(self, info: Info, input: inputs.StocktakeInput) -> Stocktake:
        db, viewer = info.context.app.db, info.context.viewer
        return await stocktakes.review(db, viewer, input.key, input.stocktake_id)

    @root(
        Can.RUN_STOCKTAKES,
        inputs.ChangeStocktakeResult,
        description="Confirm counts during which goods moved: say which movements they include. "
        "确认盘点",
    )
    async def confirm_count(self, info: Info, input: inputs.ConfirmCountInput) -> Stocktake:
        db, viewer = info.context.app.db, info.context.viewer
        return await counts.confirm(db, viewer, input.key, input.line_id, input.seq)

    @root(
        Can.RUN_STOCKTAKES,
        inputs.ChangeStocktakeResult,
        description="Give the reason of a line's variance. 说明差异",
    )
    async def explain_variance(self, info: Info, input: inputs.ExplainVarianceInput) -> Stocktake:
        db, viewer = info.context.app.db, info.context.viewer
        return await stocktakes.explain(
            db, viewer, input.key, input.line_id, input.reason, input.note
        )

    @root(
        Can.RUN_STOCKTAKES,
        inputs.CloseStocktakeResult,
        description="Close a stocktake: post each variance once, as a difference to the book at "
        "the position of its count. Movements after the count never matter. 盘点过账",
    )
    async def close_stocktake(self, info: Info, input: inputs.StocktakeInput) -> Stocktake:
        db, viewer = info.context.app.db, info.context.viewer
        return await stocktake_close.close(db, viewer, input.key, input.stocktake_id)

    @root(
        Can.RUN_STOCKTAKES,
        inputs.ChangeStocktakeResult,
        description="Cancel a stocktake that is not closed; nothing is posted. 取消盘点",
    )
    async def cancel_stocktake(self, info: Info, input: inputs.StocktakeInput) -> Stocktake:
        db, viewer = info.context.app.db, info.context.viewer
        return await stocktakes.cancel(db, viewer, input.key, input.stocktake_id)

    @root(
        Can.RUN_STOCKTAKES,
        inputs.ReverseStocktakeResult,
        description="Undo a closed stocktake with new movements. 撤销盘点",
    )
    async def reverse_stocktake(self, info: Info, input: inputs.ReverseStocktakeInput) -> Stocktake:
        db, viewer = info.context.app.db, info.context.viewer
        return await stocktake_close.reverse(
            db, viewer, input.key, input.stocktake_id, input.reason
        )

    @root(
        Can.SET_STOCKTAKE_RULES,
        inputs.SetStocktakeRulesResult,
        description="Set when variances need a recount by another person, or a reason. "
        "设置盘点规则",
    )
    async def set_stocktake_rules(
        self, info: Info, input: inputs.SetStocktakeRulesInput
    ) -> StocktakeRules:
        db, viewer = info.context.app.db, info.context.viewer
        limits = input.recount_value, input.recount_percent, input.reason_value
        return await stocktakes.set_rules(db, viewer, input.key, *limits)


@strawberry.type
class StocktakesSubscription:
    @root(
        Can.SEE_STOCKTAKES,
        document_change(STOCKTAKES),
        subscription=True,
        description="Follow one stocktake, or those of these stores or of all your stores: open "
        "ones first, then each change as people count. 实时盘点",
    )
    async def stocktake_feed(
        self,
        info: Info,
        stocktake_id: Annotated[
            UUID | None, strawberry.argument(description="ID of one stocktake. 盘点单")
        ] = None,
        store_ids: StoreIds = None,
    ) -> AsyncIterable[object]:
        viewer, hub = info.context.viewer, info.context.app.hub
        if stocktake_id is None:
            stores = access.some(viewer, Can.SEE_STOCKTAKES, store_ids)
            return hub.follow_documents(STOCKTAKES, viewer.tenant, stores)
        try:
            arguments = info.context.snapshot, viewer, Can.SEE_STOCKTAKES, stocktake_id
            row = await stocktakes.get_stocktake(*arguments)
        except Refused:
            raise Malformed(
                "stocktakeId", "没有这张盘点单", "No stocktake of yours has this id."
            ) from None
        return hub.follow_documents(STOCKTAKES, viewer.tenant, [row.store_id], row.id)
