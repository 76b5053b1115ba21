"""The live write-offs of stores: open ones first, then each new request and each decision."""

from decimal import Decimal
from typing import Any
from uuid import uuid4

from app.domain.access import Role
from app.domain.documents.writeoffs import set_limit
from tests.support.live import Line as Wire
from tests.support.live import dialled
from tests.support.shop import Shop
from tests.support.writeoffs import WasteDesk

WRITE_OFFS = """
subscription($stores: [UUID!]) { writeOffFeed(storeIds: $stores) {
  writeOffs { id state value lines { quantity cost } movements { kind } }
} }
"""
STORE = """
subscription($store: UUID!) { storeFeed(storeId: $store) {
  ... on StoreSnapshot { revision }
  ... on StoreChange { levels { available quarantined } writeOffs { id state } }
} }
"""


async def next_states(wire: Wire) -> dict[str, Any]:
    return {each["id"]: each["state"] for each in (await wire.next())["writeOffs"]}


async def test_a_stores_write_offs(open_shop: Shop) -> None:
    desk = WasteDesk(open_shop)
    await open_shop.receive("米", 20)
    first, gone = await desk.request(("米", 1)), await desk.request(("米", 2))
    await desk.reject(gone)
    async with dialled(open_shop.base_url, open_shop.token) as wire:
        # Without `stores`: all stores of the viewer.
        await wire.subscribe(WRITE_OFFS)
        assert await next_states(wire) == {str(first.id): "REQUESTED"}
        second = await desk.request(("米", Decimal(3)))
        assert await next_states(wire) == {str(second.id): "REQUESTED"}
        await desk.approve(first)
        assert await next_states(wire) == {str(first.id): "APPROVED"}
        await desk.reject(second)
        [row] = (await wire.next())["writeOffs"]
        assert (row["state"], row["value"], row["lines"][0]["quantity"]) == ("REJECTED", None, "3")
        # A refusal, a new limit and a sale change no write-off, so they send no event.
        await desk.approve(second)
        await set_limit(open_shop.db, open_shop.owner, uuid4(), Role.MANAGER, 1)
        await open_shop.sell("米", 1)
        assert await wire.silent()


async def test_changes_of_a_store_tell_them(open_shop: Shop) -> None:
    desk = WasteDesk(open_shop)
    await open_shop.receive("米", 20)
    async with dialled(open_shop.base_url, open_shop.token) as wire:
        await wire.subscribe(STORE, store=str(open_shop.store))
        await wire.next()
        row = await desk.request(("米", 5))
        change = await wire.next()
        assert change["writeOffs"] == [{"id": str(row.id), "state": "REQUESTED"}]
        assert change["levels"] == [{"available": "15", "quarantined": "5"}]
        await desk.approve(row)
        change = await wire.next()
        assert change["writeOffs"] == [{"id": str(row.id), "state": "APPROVED"}]
        assert change["levels"] == [{"available": "15", "quarantined": "0"}]


async def test_strangers_hear_nothing(open_shop: Shop) -> None:
    async with dialled(open_shop.base_url) as stranger:
        await stranger.subscribe(WRITE_OFFS, stores=[str(open_shop.store)])
        assert (await stranger.receive())["type"] == "error"
    async with dialled(open_shop.base_url, open_shop.token) as wire:
        await wire.subscribe(WRITE_OFFS, stores=[str(uuid4())])
        assert (await wire.receive())["type"] == "error"
