"""Live transfers: head office sees each request at once, and both stores see each step."""

from typing import Any

from tests.support.depot import Depot, a_depot
from tests.support.live import Line, dialled
from tests.support.shop import Shop

FEED = """
subscription($stores: [UUID!]) { replenishmentFeed(storeIds: $stores) {
  transfers { id state lines { requested shipped inTransit } }
} }
"""
STORE = """
subscription($store: UUID!) { storeFeed(storeId: $store) {
  ... on StoreSnapshot { revision }
  ... on StoreChange { levels { incoming available } transfers { id state } }
} }
"""


async def next_states(wire: Line) -> dict[str, Any]:
    return {each["id"]: each["state"] for each in (await wire.next())["transfers"]}


async def test_head_office_sees_a_request_and_what_becomes_of_it(open_shop: Shop) -> None:
    depot: Depot = await a_depot(open_shop)
    await depot.stock("米", 20)
    waiting = await depot.ask(("米", 3))
    await depot.withdraw(await depot.ask(("米", 1)))
    async with dialled(open_shop.base_url, open_shop.token) as wire:
        await wire.subscribe(FEED, stores=[str(open_shop.store)])
        assert await next_states(wire) == {str(waiting.id): "REQUESTED"}
        request = await depot.ask(("米", 5))
        assert await next_states(wire) == {str(request.id): "REQUESTED"}
        await depot.approve(request)
        assert await next_states(wire) == {str(request.id): "APPROVED"}
        await depot.ship(request)
        [shipped] = (await wire.next())["transfers"]
        assert shipped["lines"] == [{"requested": "5", "shipped": "5", "inTransit": "5"}]
        await depot.receive(request, "米", received=4, returned=1)
        states = await next_states(wire)
        [back] = await depot.back(request)
        # The event includes the transfer of returned goods, which concerns the store as well.
        assert states == {str(request.id): "RECEIVED", str(back.id): "SHIPPED"}
    async with dialled(open_shop.base_url) as stranger:
        await stranger.subscribe(FEED, stores=[str(open_shop.store)])
        assert (await stranger.receive())["type"] == "error"


async def test_a_stores_feed_tells_of_its_transfers(open_shop: Shop) -> None:
    depot = await a_depot(open_shop)
    await depot.stock("米", 20)
    planned = await depot.plan(("米", 5))
    async with dialled(open_shop.base_url, open_shop.token) as wire:
        await wire.subscribe(STORE, store=str(open_shop.store))
        await wire.next()
        await depot.ship(planned)
        change = await wire.next()
        assert change["transfers"] == [{"id": str(planned.id), "state": "SHIPPED"}]
        assert change["levels"] == [{"incoming": "5", "available": "0"}]
        await depot.receive(planned)
        change = await wire.next()
        assert change["transfers"] == [{"id": str(planned.id), "state": "RECEIVED"}]
        assert change["levels"] == [{"incoming": "0", "available": "5"}]
