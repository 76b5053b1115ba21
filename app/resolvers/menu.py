"""Roots of the menu topic."""

from typing import Annotated

import strawberry
from strawberry.types import Info

from app.db import identity
from app.db.core.snapshot import Reads
from app.db.tables import Direction, Level, Store
from app.domain.access import Can
from app.domain.catalog import menu
from app.domain.catalog.menu import MOST_LINES
from app.domain.errors import Refused, UnknownStore
from app.domain.rules.texts import clean
from app.resolvers.roots import root
from app.schema import menu as types
from app.schema.arguments import StoreCode, at_most
from app.schema.catalog import RulesOf, named
from app.schema.window import as_window


async def public_store(info: Info, code: str) -> Store | None:
    """The store with this public code."""
    name = clean(code, "store", 100, required=True)
    return await identity.store_by_code(info.context.app.db, info.context.snapshot, name)


async def public_place(info: Info, code: str, reads: Reads | None = None) -> Direction | None:
    """The chain and id of the store with this public code. Mutations give no `reads`: their
    snapshot begins after the write."""
    name = clean(code, "store", 100, required=True)
    return await identity.resolve_name(info.context.app.db, "store", name, reads)


async def known_place(info: Info, code: str, reads: Reads | None = None) -> Direction:
    """The chain and id of the store with this public code. Raises Refused(UnknownStore)."""
    place = await public_place(info, code, reads)
    if place is None:
        raise Refused(UnknownStore(code))
    return place


def sees_stock(info: Info, place: Direction) -> bool:
    """Whether the viewer may see exact quantities in this store."""
    return info.context.sees(Can.SEE_STOCK, place, [place.subject_id])


@strawberry.type
class MenuQuery:
    @root(
        Can.BROWSE,
        types.Menu | None,
        description="Return the dishes and services of a store and how many it can make; null if "
        "no store has this code. 菜单",
    )
    async def menu(
        self, info: Info, store: StoreCode, channel: RulesOf = None
    ) -> types.Menu | None:
        context = info.context
        try:
            place = await known_place(info, store, context.snapshot)
            where = place.tenant_id, place.subject_id, named(channel)
            board = await menu.board(context.app.cookbook, *where, reads=context.snapshot)
        except Refused:
            return None
        dishes = board.servings(board.dishes, sees_stock(info, place))
        return types.Menu(store=as_window(board.store), dishes=as_window(dishes))

    @root(
        Can.BROWSE,
        types.CanMakeResult,
        description="Check whether a store can serve a whole cart at once, with shared ingredients "
        "counted once. 整单可做",
    )
    async def can_make(
        self,
        info: Info,
        store: StoreCode,
        lines: Annotated[
            list[types.CartLineInput],
            strawberry.argument(
                description="Lines of the cart to check.", metadata=at_most(MOST_LINES)
            ),
        ],
        channel: RulesOf = None,
    ):
        context = info.context
        place = await known_place(info, store, context.snapshot)
        cart = [(line.product_id, line.quantity) for line in lines]
        exact = sees_stock(info, place)
        answers = await menu.can_make(
            context.app.cookbook, context.snapshot, place, named(channel), cart, exact
        )
        possible = all(line.makeable == line.requested for line in answers)
        return types.Cart(possible=possible, lines=as_window(answers))


@strawberry.type
class MenuMutation:
    @root(
        Can.SELL_OUT,
        types.SoldOutResult,
        description="Mark sold out until the store's midnight, or clear the mark. 估清",
    )
    async def set_sold_out(self, info: Info, input: types.SetSoldOutInput) -> Level:
        context, mark = info.context, (input.key, input.store_id, input.product_id)
        return await menu.set_sold_out(context.app.db, context.viewer, *mark, input.sold_out)
