"""Roots of the orders topic."""

from collections.abc import AsyncIterable, Awaitable
from dataclasses import replace
from typing import Annotated, Any, TypeVar, cast
from uuid import UUID

import strawberry
from strawberry.types import Info

from app.db import orders as rows
from app.db.orders import OrderFilter
from app.db.tables import Direction, Order
from app.domain import access
from app.domain.access import Can, Viewer
from app.domain.documents import order_returns, orders, placement
from app.domain.documents.placement import OrderRequest
from app.domain.errors import Malformed, Refusal, Refused, UnknownOrder
from app.domain.ledger.post import Outcome
from app.domain.people.customer_accounts import owns
from app.domain.rules.texts import clean
from app.resolvers.menu import known_place
from app.resolvers.pages import newest
from app.resolvers.roots import root
from app.schema import orders as types
from app.schema.arguments import After, Before, First, Last, StoreIds, UpdatedSince
from app.schema.catalog import Channel
from app.schema.feed import document_change
from app.schema.paging import Connection, PageArguments
from app.schema.topics import ORDERS

T = TypeVar("T")


async def asking(info: Info, can: Can, id: UUID, token: str | None) -> tuple[Viewer, Order]:
    """Who asks about an order, as staff or with its token, and the order. Raises Refused."""
    context = info.context
    if token is not None:
        tenant = context.app.gate.signer.order_tenant(token, id)
        if tenant is None:
            raise Refused(UnknownOrder(str(id)))
        return access.guest(tenant), await orders.get_order(context.snapshot, tenant, id)
    if context.person is not None and context.person.is_customer:
        return context.person, await own_order(info, context.person, id)
    if context.person is None:
        # A stranger without the token: there is no such order.
        raise Refused(UnknownOrder(str(id)))
    access.require(context.viewer, can)
    return context.viewer, await orders.reached_order(context.snapshot, context.viewer, can, id)


async def own_order(info: Info, viewer: Viewer, id: UUID) -> Order:
    """The order, if it is the customer's own. Raises Refused(UnknownOrder)."""
    reads, vault = info.context.snapshot, info.context.app.db.vault
    row = await orders.get_order(reads, viewer.tenant, id)
    if not await owns(reads, vault, viewer, row):
        raise Refused(UnknownOrder(str(id)))
    return row


async def changing(info: Info, id: UUID, token: str | None) -> tuple[Viewer, Order]:
    """The same before a change, which waits for no connection while a snapshot holds one."""
    answer = await asking(info, Can.RUN_ORDERS, id, token)
    await info.context.snapshot.end()
    return answer


def orderer(info: Info, place: Direction) -> Viewer:
    """The viewer, as staff or a member of the chain of the store, or else as a guest."""
    context = info.context
    if context.sees(Can.SHOP, place) or context.sees(Can.RUN_ORDERS, place, [place.subject_id]):
        return context.viewer
    return access.guest(place.tenant_id, context.address)


async def of_tenant(tenant: UUID, work: Awaitable[T]) -> T | Refusal:
    """The answer; a refusal names the chain, which may not be the viewer's."""
    try:
        answer: Any = await work
    except Refused as refused:
        answer = refused.refusal
    return replace(answer, tenant_id=tenant) if isinstance(answer, Refusal) else answer


def with_token(info: Info, placed: Order | Refusal) -> Order | Refusal:
    """The order with its token, which no other answer shows."""
    if isinstance(placed, Order):
        signer = info.context.app.gate.signer
        cast(Any, placed).token = signer.order_token(placed.tenant_id, placed.id)
    return placed


@strawberry.type
class OrdersQuery:
    @root(
        Can.PLACE_ORDER,
        types.Order | None,
        description="Return one order, for staff of its store or for a guest with its token; "
        "null if there is none. 订单",
    )
    async def order(
        self,
        info: Info,
        id: Annotated[UUID, strawberry.argument(description="ID of the order.")],
        token: Annotated[
            str | None,
            strawberry.argument(description="Order token, required for guests. 订单凭证"),
        ] = None,
    ) -> Order | None:
        try:
            return (await asking(info, Can.SEE_ORDERS, id, token))[1]
        except Refused:
            return None

    @root(
        Can.SEE_ORDERS,
        Connection[types.Order],
        description="List orders of your stores, the newest first. 订单列表",
    )
    async def orders(
        self,
        info: Info,
        store_ids: StoreIds = None,
        state: Annotated[
            types.OrderState | None,
            strawberry.argument(description="Return only orders in this state."),
        ] = None,
        channel: Annotated[
            Channel | None, strawberry.argument(description="Return only orders of this channel.")
        ] = None,
        contact: Annotated[
            str | None,
            strawberry.argument(
                description="Return only orders of this phone number in any spelling, or of "
                "exactly this name, at most 100 characters; needs SEE_CONTACTS. 联系人"
            ),
        ] = None,
        external_id: Annotated[
            str | None,
            strawberry.argument(
                description="Return only the order with this number in its channel, at most 100 "
                "characters. 渠道单号"
            ),
        ] = None,
        updated_since: UpdatedSince = None,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ):
        viewer, vault = info.context.viewer, info.context.app.db.vault
        chosen = OrderFilter(
            access.within(viewer, Can.SEE_ORDERS, store_ids),
            state and state.name,
            channel and channel.name,
            orders.contact_filter(viewer, vault, contact),
            clean(external_id, "externalId", 100),
            updated_since,
        )
        paging = PageArguments(first, after, last, before)
        return await newest(info, rows.orders, chosen, paging=paging, updated_since=updated_since)


@strawberry.type
class OrdersMutation:
    @root(
        Can.PLACE_ORDER,
        types.PlaceOrderResult,
        description="Place an order and reserve its goods, all lines or none. Guests can place "
        "orders without signing in. 下单",
    )
    async def place_order(self, info: Info, input: types.PlaceOrderInput) -> Order | Refusal:
        place, context = await known_place(info, input.store), info.context
        store, channel = place.subject_id, input.channel.name
        request = OrderRequest(
            input.key, store, channel, input.contact, input.pickup_at, input.note
        )
        work = placement.place(context.app.books, orderer(info, place), request, input.lines)
        return with_token(info, await of_tenant(place.tenant_id, work))

    @root(Can.RUN_ORDERS, types.OrderResult, description="Record the payment of an order. 付款")
    async def pay_order(self, info: Info, input: types.PayOrderInput) -> Order:
        books, viewer = info.context.app.books, info.context.viewer
        return await orders.pay(books, viewer, input.key, input.order_id, input.reference)

    @root(
        Can.RUN_ORDERS,
        types.OrderResult,
        description="Hand a paid order over to its customer. 交付",
    )
    async def fulfil_order(self, info: Info, input: types.FulfilOrderInput) -> Order:
        db, viewer = info.context.app.db, info.context.viewer
        where = input.zone, input.zones or ()
        return await orders.fulfil(db, viewer, input.key, input.order_id, *where)

    @root(
        Can.PLACE_ORDER,
        types.OrderResult,
        description="Cancel an order. Staff can cancel every open order, guests only their own "
        "unpaid ones. 取消订单",
    )
    async def cancel_order(self, info: Info, input: types.CancelOrderInput) -> Order | Refusal:
        viewer, row = await changing(info, input.order_id, input.token)
        work = orders.cancel(info.context.app.db, viewer, input.key, row, input.reason)
        return await of_tenant(viewer.tenant, work)

    @root(
        Can.PLACE_ORDER,
        types.OrderResult,
        description="Extend the reservation of an unpaid order once, by the duration of the "
        "store's hold policy. 延长预占",
    )
    async def extend_hold(self, info: Info, input: types.ExtendHoldInput) -> Order | Refusal:
        viewer, row = await changing(info, input.order_id, input.token)
        work = orders.extend(info.context.app.db, viewer, input.key, row)
        return await of_tenant(viewer.tenant, work)

    @root(
        Can.RETURN_SALE,
        types.ReturnOrderResult,
        description="Return goods and passes of a fulfilled order, all lines or none. Passes are "
        "refunded as `refundPass` does; no line of the movement shows them. 订单退货",
    )
    async def return_order(self, info: Info, input: types.ReturnOrderInput) -> Outcome:
        context, goods = info.context, (input.order_id, input.lines, input.disposition)
        return await order_returns.give_back(context.app.books, context.viewer, *goods, input)


@strawberry.type
class OrdersSubscription:
    @root(
        Can.PLACE_ORDER,
        document_change(ORDERS),
        subscription=True,
        description="Follow one order or all orders of your stores. Give exactly one of "
        "`orderId` and `storeIds`. Open orders come first, then every change. "
        "实时订单",
    )
    async def order_feed(
        self,
        info: Info,
        order_id: Annotated[
            UUID | None, strawberry.argument(description="ID of one order. 订单")
        ] = None,
        token: Annotated[
            str | None,
            strawberry.argument(description="Order token, required for guests. 订单凭证"),
        ] = None,
        store_ids: StoreIds = None,
    ) -> AsyncIterable[object]:
        hub = info.context.app.hub
        if (order_id is None) == (store_ids is None):
            raise Malformed(
                "orderId", "订单和门店须填且只填一个", "Give exactly one of order and stores."
            )
        if order_id is not None:
            viewer, row = await asking(info, Can.SEE_ORDERS, order_id, token)
            return hub.follow_documents(ORDERS, viewer.tenant, [row.store_id], row.id)
        access.require(info.context.viewer, Can.SEE_ORDERS)
        stores = access.some(info.context.viewer, Can.SEE_ORDERS, store_ids)
        return hub.follow_documents(ORDERS, info.context.viewer.tenant, stores)
