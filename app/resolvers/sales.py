"""Roots of the sales topic."""

import strawberry
from strawberry.types import Info

from app.domain import access
from app.domain.access import Can
from app.domain.errors import Malformed
from app.domain.ledger.channel_limits import COUNTER
from app.domain.ledger.post import Outcome
from app.domain.movements import sales
from app.domain.movements.record import MovementTerms
from app.domain.rules.texts import clean
from app.resolvers.roots import root
from app.schema import sales as types
from app.schema.paths import with_path
from app.schema.stock import PostResult
from app.schema.window import as_window


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
        terms = MovementTerms(
            channel=input.channel.name if input.channel else COUNTER,
            document=clean(input.receipt_no, "receiptNo", 100),
            accept_shortage=bool(input.accept_shortage),
        )
        if terms.accept_shortage and terms.channel != COUNTER:
            raise Malformed(
                "acceptShortage",
                "只有柜台销售可以在库存不足时入账",
                "Only counter sales can be booked with a shortage.",
            )
        return await sales.sell(books, viewer, store, input.lines, input, terms)

    @root(
        Can.SELL,
        types.SyncSalesResult,
        description="Record sales that tills made offline. Each sale succeeds or fails on its "
        "own. 离线同步",
    )
    async def sync_sales(self, info: Info, input: types.SyncSalesInput) -> types.SyncSalesResult:
        context, unreadable = info.context, info.context.unreadable
        read = [each for each in input.operations if each.key not in unreadable]
        if read or not unreadable:
            booked = iter(await sales.sync(context.app.books, context.viewer, read))
        else:
            booked = iter(())
        results: list[sales.SyncedSale] = []
        for place, sale in enumerate(input.operations):
            stand_in = unreadable.get(sale.key)
            result = sales.SyncedSale(*stand_in) if stand_in else next(booked)
            outcome = with_path(result.outcome, sale, "input", "operations", str(place))
            results.append(result._replace(outcome=outcome))
        return types.SyncSalesResult(results=as_window(results))

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
