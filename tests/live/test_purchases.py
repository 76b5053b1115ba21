"""The live purchase orders: open ones first, then each change, for viewers with permission."""

from typing import Any
from uuid import uuid4

from tests.support.identity import CREATE_KEY, Chain
from tests.support.live import Line as Wire
from tests.support.live import dialled
from tests.support.purchases import PurchaseDesk
from tests.support.shop import Shop

PURCHASES = """
subscription($stores: [UUID!]) { purchaseFeed(storeIds: $stores) {
  purchaseOrders { id state lines { received missing unitCost } }
} }
"""
STORE = """
subscription($store: UUID!) { storeFeed(storeId: $store) {
  ... on StoreSnapshot { revision }
  ... on StoreChange { levels { onHand onOrder } purchaseOrders { id state } }
} }
"""


async def next_states(wire: Wire) -> dict[str, Any]:
    return {each["id"]: each["state"] for each in (await wire.next())["purchaseOrders"]}


async def test_a_stores_purchase_orders(open_shop: Shop) -> None:
    desk = PurchaseDesk(open_shop)
    other = str(await open_shop.another_store())
    first = await desk.buy(("米", 5))
    await desk.drop(await desk.buy(("米", 5)))
    async with dialled(open_shop.base_url, open_shop.token) as wire:
        # A store that the viewer cannot access is left out.
        await wire.subscribe(PURCHASES, stores=[str(open_shop.store), other])
        assert await next_states(wire) == {str(first.id): "OPEN"}
        second = await desk.buy(("油", 2))
        assert await next_states(wire) == {str(second.id): "OPEN"}
        await desk.came(first, ("米", 3))
        [changed] = (await wire.next())["purchaseOrders"]
        assert changed["state"] == "PARTIAL"
        assert changed["lines"] == [{"received": "3", "missing": "2", "unitCost": "2.00"}]
        await desk.close(first)
        assert await next_states(wire) == {str(first.id): "CLOSED"}
        await open_shop.sell("米", 1)
        assert await wire.silent()


async def test_a_cashier_sees_no_costs(open_shop: Shop, chain: Chain) -> None:
    desk, (_, cashier) = PurchaseDesk(open_shop), await chain.hired()
    await desk.buy(("米", 5))
    async with dialled(open_shop.base_url, cashier["accessToken"]) as wire:
        await wire.subscribe(PURCHASES)
        [order] = (await wire.next())["purchaseOrders"]
        assert order["lines"] == [{"received": "0", "missing": "5", "unitCost": None}]
    async with dialled(open_shop.base_url, open_shop.token) as wire:
        await wire.subscribe(PURCHASES, stores=[str(uuid4())])
        assert (await wire.receive())["type"] == "error"


async def test_a_store_tells_its_orders_beside_its_levels(open_shop: Shop, chain: Chain) -> None:
    desk = PurchaseDesk(open_shop)
    key = (await chain.do(CREATE_KEY, name="POS", scopes=["STOCK_READ"]))["secret"]
    url, store = open_shop.base_url, str(open_shop.store)
    async with dialled(url, open_shop.token) as wire, dialled(url, key) as program:
        for each in (wire, program):
            await each.subscribe(STORE, store=store)
            await each.next()
        order = await desk.buy(("米", 5))
        mine = {"id": str(order.id), "state": "OPEN"}
        levels = [{"onHand": "0", "onOrder": "5"}]
        assert await wire.next() == {"levels": levels, "purchaseOrders": [mine]}
        # A key with access to stock only does not receive purchase orders.
        assert await program.next() == {"levels": levels, "purchaseOrders": []}
        await desk.came(order, ("米", 6), over=True)
        assert await wire.next() == {
            "levels": [{"onHand": "6", "onOrder": "0"}],
            "purchaseOrders": [{"id": str(order.id), "state": "RECEIVED"}],
        }
