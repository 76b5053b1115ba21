"""Roots of the sales topic."""

from collections.abc import Sequence
from datetime import date
from typing import Annotated
from uuid import UUID

import strawberry
from strawberry.types import Info

from app.db import stock as rows
from app.db import tables
from app.domain import access
from app.domain.access import Can
from app.domain.documents import approvals
from app.domain.ledger.channel_limits import COUNTER
from app.domain.ledger.post import Outcome
from app.domain.movements import sales
from app.domain.movements.receipts import receipt_number
from app.domain.movements.record import post_prepared
from app.resolvers.roots import root
from app.schema import sales as types
from app.schema.paths import with_path
from app.schema.stock import Movement, PostResult
from app.schema.window import as_window


def located(
    operations: Sequence[object], results: Sequence[sales.SyncedSale]
) -> list[sales.SyncedSale]:
    """The results; problems name the operation that they are about."""
    return [
        result._replace(
            outcome=with_path(result.outcome, operation, "input", "operations", str(place))
        )
        for place, (operation, result) in enumerate(zip(operations, results, strict=True))
    ]


@strawberry.type
class SalesQuery:
    @root(
        Can.SEE_STOCK,
        Movement | None,
        description="Find a sale by its receipt number; null if there is none. 按小票号查销售单",
    )
    async def sale(
        self,
        info: Info,
        store_id: Annotated[UUID, strawberry.argument(description="ID of the store that sold.")],
        receipt_no: Annotated[
            str, strawberry.argument(description="Receipt number, at most 100 characters. 小票号")
        ],
        day: Annotated[
            date | None,
            strawberry.argument(
                description="Day of the sale in the store's time zone; if omitted, the latest sale "
                "with this number is returned."
            ),
        ] = None,
    ) -> tables.Movement | None:
        viewer, number = info.context.viewer, receipt_number(receipt_no)
        if number is None or not access.within(viewer, Can.SEE_STOCK, [store_id]):
            return None
        async with info.context.snapshot.read(viewer.tenant) as session:
            return await rows.sale_by_receipt(session, viewer.tenant, store_id, number, day)


@strawberry.type
class SalesMutation:
    @root(
        Can.SELL,
        PostResult,
        description="Sell goods, all lines or none. Fails with OutOfStock if stock is too low. "
        "销售",
    )
    async def sell(self, info: Info, input: types.SellInput) -> Outcome:
        books, viewer = info.context.app.books, info.context.viewer
        store = access.at(viewer, Can.SELL, input.store_id)
        channel, accepts = input.channel.name if input.channel else COUNTER, input.accept_shortage
        terms = sales.sale_terms(channel, input.receipt_no, bool(accepts), input.till_id)
        sale = await sales.prepare_sale(books.db, viewer, store, input.lines, input, terms)
        if terms.accept_shortage:
            return await approvals.book(books, viewer, sale)
        return (await post_prepared(books, viewer, sale))[1]

    @root(
        Can.SELL,
        types.SyncSalesResult,
        description="Record sales that tills made offline. Each sale succeeds or fails on its "
        "own. 离线同步",
    )
    async def sync_sales(self, info: Info, input: types.SyncSalesInput) -> types.SyncSalesResult:
        context, unreadable = info.context, info.context.unreadable
        read = [each for each in input.operations if each.key not in unreadable]
        # An upload of unreadable sales alone is answered; one of no sale is refused.
        is_booking = bool(read) or not unreadable
        booked = iter(
            await sales.sync(context.app.books, context.viewer, read) if is_booking else ()
        )
        results = [
            sales.SyncedSale(*unreadable[each.key]) if each.key in unreadable else next(booked)
            for each in input.operations
        ]
        return types.SyncSalesResult(results=as_window(located(input.operations, results)))

    @root(
        Can.RETURN_SALE,
        PostResult,
        description="Return goods of a sale, at most the quantity sold. 退货",
    )
    async def return_sale(self, info: Info, input: types.ReturnSaleInput) -> Outcome:
        context = info.context
        return await sales.take_back(
            context.app.books,
            context.viewer,
            input.sale_id,
            input.lines,
            input.disposition,
            input,
        )
