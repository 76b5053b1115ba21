"""Roots on the history of stock, and on what to count next."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

import strawberry
from strawberry.types import Info

from app.db import catalog
from app.db import history as rows
from app.db.history import CountCandidate
from app.domain import access
from app.domain.access import Can
from app.domain.errors import Malformed
from app.domain.movements import history
from app.domain.movements.history import Explanation
from app.resolvers.pages import reading
from app.resolvers.roots import root
from app.schema import history as types
from app.schema.arguments import After, Before, First, Last, StoreIds, at_most
from app.schema.paging import Connection, PageArguments, connection, page, page_size

MOST_PRODUCTS = 500
USUAL_COUNTS = 30
"""Products that one person counts in 15 minutes."""


@strawberry.type
class HistoryQuery:
    @root(
        Can.SEE_STOCK,
        Connection[types.StockAsOf],
        description="Return the stock at any moment: what was true at `at`, by what was recorded "
        "until `knownAt`. Facts that were recorded late count from the moment they happened. "
        "历史库存",
    )
    async def stock_as_of(
        self,
        info: Info,
        at: Annotated[
            datetime, strawberry.argument(description="Moment whose stock is asked for.")
        ],
        known_at: Annotated[
            datetime | None,
            strawberry.argument(
                description="Ignore what was recorded after this moment; now by default."
            ),
        ] = None,
        store_ids: StoreIds = None,
        product_ids: Annotated[
            list[UUID] | None,
            strawberry.argument(
                description="Return only these products.", metadata=at_most(MOST_PRODUCTS)
            ),
        ] = None,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ):
        viewer = info.context.viewer
        paging = page(PageArguments(first, after, last, before), UUID, UUID)
        stores = access.within(viewer, Can.SEE_STOCK, store_ids)
        read = reading(info, history.past_levels, stores, product_ids, at, known_at)
        return await connection(paging, read, lambda row: [row.store_id, row.product_id])

    @root(
        Can.SEE_STOCK,
        types.LevelExplanation,
        description="Explain a level: the movements since a moment, which sum to the quantity on "
        "hand. 说明库存",
    )
    async def explain_level(
        self,
        info: Info,
        store_id: Annotated[UUID, strawberry.argument(description="ID of the store.")],
        product_id: Annotated[UUID, strawberry.argument(description="ID of the product.")],
        since: Annotated[
            datetime | None,
            strawberry.argument(
                description="Moment from which movements are summed; the beginning by default."
            ),
        ] = None,
    ) -> Explanation:
        viewer = info.context.viewer
        if not access.within(viewer, Can.SEE_STOCK, [store_id]):
            raise Malformed("storeId", "没有这个门店", "No store of yours has this id.")
        async with info.context.snapshot.read(viewer.tenant) as session:
            products = await catalog.products_by_id(session, viewer.tenant, [product_id])
            if not products:
                raise Malformed("productId", "没有这个商品", "No product has this id.")
            pair = store_id, product_id
            return await history.explain(session, viewer.tenant, pair, products[0].scale, since)

    @root(
        Can.RUN_STOCKTAKES,
        list[types.SuggestedCount],
        description="List the products of a store to count next, those that one person counts in "
        "15 minutes: open discrepancies first, then by value and age of the last count. Without "
        "`first`, products in stocktakes opened today count as part of today's 30. 建议盘点",
    )
    async def suggested_counts(
        self,
        info: Info,
        store_id: Annotated[UUID, strawberry.argument(description="ID of the store.")],
        first: First = None,
    ) -> list[CountCandidate]:
        viewer = info.context.viewer
        stores = access.within(viewer, Can.RUN_STOCKTAKES, [store_id])
        if not stores:
            return []
        async with info.context.snapshot.read(viewer.tenant) as session:
            if first is None:
                chosen = rows.chosen_today(session, viewer.tenant, store_id, USUAL_COUNTS)
                limit = USUAL_COUNTS - await chosen
            else:
                limit = page_size(first)
            return list(await rows.count_candidates(session, viewer.tenant, store_id, limit))
