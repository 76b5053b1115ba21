"""The live orders: a store's orders for its staff, one order for its guest, and expiry in time."""

import asyncio
from typing import Any
from uuid import UUID, uuid4

import pytest

from app.domain.alerts import acknowledge
from app.live import documents
from tests.support.identity import CREATE_KEY, Chain
from tests.support.live import Line as Wire
from tests.support.live import dialled
from tests.support.orders import OrderDesk
from tests.support.shop import Shop

ORDERS = """
subscription($order: UUID, $proof: String, $stores: [UUID!]) {
  orderFeed(orderId: $order, token: $proof, storeIds: $stores) {
    orders { id state contact movements { kind } }
  }
}
"""
STORE = """
subscription($store: UUID!) { storeFeed(storeId: $store) {
  ... on StoreSnapshot { revision }
  ... on StoreChange { levels { available reserved } orders { id state } }
} }
"""


async def next_states(wire: Wire) -> dict[str, Any]:
    return {each["id"]: each["state"] for each in (await wire.next())["orders"]}


async def test_a_stores_orders(open_shop: Shop) -> None:
    desk = OrderDesk(open_shop)
    other = str(await open_shop.another_store())
    await open_shop.receive("米", 20)
    first = await desk.place(("米", 1))
    gone = await desk.place(("米", 1))
    await desk.cancel(gone)
    async with dialled(open_shop.base_url, open_shop.token) as wire:
        # A store that the viewer cannot access is left out.
        await wire.subscribe(ORDERS, stores=[str(open_shop.store), other])
        assert await next_states(wire) == {str(first.id): "HELD"}
        second = await desk.place(("米", 2))
        assert await next_states(wire) == {str(second.id): "HELD"}
        await desk.pay(first)
        assert await next_states(wire) == {str(first.id): "PAID"}
        await desk.fulfil(first)
        assert await next_states(wire) == {str(first.id): "FULFILLED"}
        await open_shop.sell("米", 1)
        assert await wire.silent()


PAGES = """
subscription($stores: [UUID!]) {
  orderFeed(storeIds: $stores) { hasMore orders { id state } }
}
"""


SNAPSHOT = """
subscription($store: UUID!) { storeFeed(storeId: $store) {
  ... on StoreSnapshot { orders { id } }
} }
"""


async def test_all_open_orders_come_in_pages_the_oldest_first(
    open_shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A change while the pages are read arrives after them, and none is left out."""
    monkeypatch.setattr(documents, "PAGE", 3)
    desk = OrderDesk(open_shop)
    await open_shop.receive("米", 20)
    placed = [await desk.place(("米", 1)) for _ in range(8)]
    async with dialled(open_shop.base_url, open_shop.token) as wire:
        await wire.subscribe(PAGES, stores=[str(open_shop.store)])
        pages = [await wire.next() for _ in range(3)]
        assert [page["hasMore"] for page in pages] == [True, True, False]
        ids = [order["id"] for page in pages for order in page["orders"]]
        assert ids == [str(order.id) for order in placed]
        await desk.pay(placed[0])
        paid = [{"id": ids[0], "state": "PAID"}]
        assert await wire.next() == {"hasMore": False, "orders": paid}
    async with dialled(open_shop.base_url, open_shop.token) as wire:
        await wire.subscribe(SNAPSHOT, store=str(open_shop.store))
        assert [order["id"] for order in (await wire.next())["orders"]] == ids


async def test_a_guest_follows_one_order(open_shop: Shop, chain: Chain) -> None:
    desk = OrderDesk(open_shop)
    await open_shop.receive("米", 20)
    placed = await chain.asking(
        """mutation($input: PlaceOrderInput!) { placeOrder(input: $input) {
          ... on Order { id token } } }""",
        input={
            "key": "0195e6a0-0000-7000-8000-000000000001",
            "store": chain.founded.store.code,
            "channel": "WECHAT",
            "contact": "13900139000",
            "lines": [{"productId": str(await open_shop.product("米")), "quantity": "2"}],
        },
    )
    async with dialled(open_shop.base_url) as wire, dialled(open_shop.base_url) as stranger:
        await wire.subscribe(ORDERS, order=placed["id"], proof=placed["token"])
        [first] = (await wire.next())["orders"]
        assert (first["state"], first["contact"], first["movements"]) == (
            "HELD",
            "13900139000",
            [],
        )
        for proof in (None, "x", placed["token"][:-1] + "_"):
            await stranger.subscribe(ORDERS, order=placed["id"], proof=proof)
            refused = await stranger.receive()
            assert refused["type"] == "error", refused
        await desk.place(("米", 1))
        assert await wire.silent()
        await desk.pay(await desk.order(first["id"]))
        assert await next_states(wire) == {placed["id"]: "PAID"}


ALERTS = """
subscription($stores: [UUID!]) { alertFeed(storeIds: $stores) {
  alerts { id rule state quantity ordersAtRisk { id } }
} }
"""


async def test_alerts_of_a_store(open_shop: Shop) -> None:
    desk = OrderDesk(open_shop)
    await open_shop.receive("米", 5)
    order = await desk.place(("米", 3))
    async with dialled(open_shop.base_url, open_shop.token) as wire:
        await wire.subscribe(ALERTS, stores=[str(open_shop.store)])
        assert (await wire.next())["alerts"] == []
        await desk.sell_all_the_same("米", 4)
        alerts = {alert["rule"]: alert for alert in (await wire.next())["alerts"]}
        assert set(alerts) == {"DISCREPANCY", "OUT_OF_STOCK"}
        alert = alerts["DISCREPANCY"]
        assert (alert["quantity"], alert["ordersAtRisk"]) == ("2", [{"id": str(order.id)}])
        acknowledgement = open_shop.db, open_shop.owner, uuid4(), UUID(alert["id"])
        await acknowledge(*acknowledgement)
        [alert] = (await wire.next())["alerts"]
        assert alert["state"] == "ACKNOWLEDGED"
    async with dialled(open_shop.base_url) as stranger:
        await stranger.subscribe(ALERTS, stores=[str(open_shop.store)])
        assert (await stranger.receive())["type"] == "error"


PAPERS = """
subscription($store: UUID!) { storeFeed(storeId: $store) {
  ... on StoreSnapshot { revision alerts { rule quantity } }
  ... on StoreChange { orders { id } alerts { quantity } transfers { id } }
} }
"""


async def test_a_feed_begins_with_the_alerts_that_are_open(open_shop: Shop, chain: Chain) -> None:
    """An API key receives only the documents that its scopes name."""
    desk = OrderDesk(open_shop)
    await open_shop.receive("米", 5)
    await desk.sell_all_the_same("米", 7)
    key_input = {"name": "看板", "scopes": ["STOCK_READ"]}
    key = (await chain.do(CREATE_KEY, **key_input))["secret"]
    async with (
        dialled(open_shop.base_url, open_shop.token) as wire,
        dialled(open_shop.base_url, key) as program,
    ):
        for line, known in ((wire, ["0", "2"]), (program, [])):
            await line.subscribe(PAPERS, store=str(open_shop.store))
            alerts = (await line.next())["alerts"]
            assert sorted(alert["quantity"] for alert in alerts) == known
        await open_shop.receive("米", 9)
        order = await desk.place(("米", 1))
        for line, known in ((wire, [{"id": str(order.id)}]), (program, [])):
            change = await line.next()
            while not change["orders"] and line is wire:
                change = await line.next()
            assert change["orders"] == known


async def test_an_expired_order_is_sent_to_followers(open_shop: Shop) -> None:
    """Without reads, sales or jobs, the tail of a watched store ends the order."""
    desk = OrderDesk(open_shop)
    await open_shop.receive("米", 20)
    order = await desk.place(("米", 3))
    async with dialled(open_shop.base_url, open_shop.token) as wire:
        await wire.subscribe(STORE, store=str(open_shop.store))
        await wire.next()
        async with asyncio.timeout(1.5):
            await desk.time_passes(order)
            change = await wire.next()
        assert change["orders"] == [{"id": str(order.id), "state": "EXPIRED"}]
        assert change["levels"] == [{"available": "20", "reserved": "0"}]
