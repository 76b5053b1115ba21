"""A refused request leaves nothing behind: no level, no status, no suggestion, no change."""

from typing import Any
from uuid import uuid4

from tests.api.test_orders import place
from tests.api.test_recipes import part, recipe
from tests.support.api import Desk, mutation

SEEN = """
query($store: UUID!, $product: UUID!) {
  levels(storeIds: [$store]) { nodes { product { name } status } }
  product(id: $product) { level(storeId: $store) { status } }
  replenishmentSuggestions(storeId: $store) { product { name } quantity }
}
"""
NOTHING = {
    "levels": {"nodes": []},
    "product": {"level": None},
    "replenishmentSuggestions": [],
}


async def seen(desk: Desk, name: str) -> Any:
    product = await desk.product(name)
    answer = await desk.asking.raw(SEEN, desk.owner, store=desk.store, product=product)
    return answer["data"]


async def low_oil(desk: Desk) -> None:
    """Oil that the store never had, and a dish that is made of it."""
    await desk.product("油", unit="ml")
    await desk.do("setReorderPoint", productId=await desk.product("油"), quantity="5000")
    await desk.product("炒饭", kind="DISH", unit="份", price="18.00")
    await recipe(desk, "炒饭", await part(desk, "油", "30"))


async def test_a_guest_who_is_refused(fresh: Desk) -> None:
    await low_oil(fresh)
    rice = await fresh.product("炒饭")
    assert "code" not in await fresh.do("setAssortment", productIds=[rice], listed=True)
    code = fresh.chain.founded.store.code
    input = {"key": str(uuid4()), "store": code, "channel": "WECHAT", "contact": "张三"}
    lines = [await fresh.line("炒饭", 1)]
    answer = await fresh.asking.raw(mutation("placeOrder"), None, input={**input, "lines": lines})
    assert answer["data"]["placeOrder"]["code"] == "OUT_OF_STOCK"
    assert await seen(fresh, "油") == NOTHING
    request = await fresh.do("requestReplenishment", storeId=fresh.store)
    assert (request["code"], request["wrong"]) == ("WRONG_STATE", "NOTHING_LOW")


async def test_staff_who_are_refused(fresh: Desk) -> None:
    await low_oil(fresh)
    oil = await fresh.product("油")
    lines = [await fresh.line("油", 1)]
    refused = [
        await fresh.post("sell", ("油", 1)),
        await fresh.post("sell", ("炒饭", 1)),
        await fresh.post("consume", ("油", 1)),
        await fresh.post("adjust", ("油", 1), kind="LOSS"),
        await place(fresh, ("油", 1)),
        await fresh.do("requestWriteOff", storeId=fresh.store, lines=lines, reason="破损"),
        await fresh.do("setReorderPoint", storeId=fresh.store, productId=oil, quantity="0.5"),
    ]
    codes = {answer["code"] for answer in refused}
    assert codes == {"OUT_OF_STOCK", "INVALID_QUANTITY"}
    assert await seen(fresh, "油") == NOTHING


async def test_what_is_accepted_is_seen(fresh: Desk) -> None:
    await low_oil(fresh)
    assert (await fresh.post("sell", ("油", 1)))["code"] == "OUT_OF_STOCK"
    await fresh.receive("油", 40)
    after = await seen(fresh, "油")
    assert after["levels"]["nodes"] == [{"product": {"name": "油"}, "status": "LOW"}]
    assert after["product"]["level"] == {"status": "LOW"}
    assert [each["product"]["name"] for each in after["replenishmentSuggestions"]] == ["油"]


async def test_a_threshold_of_the_store_makes_a_level(fresh: Desk) -> None:
    await fresh.product("盐")
    assert (await fresh.post("sell", ("盐", 1)))["code"] == "OUT_OF_STOCK"
    product = await fresh.product("盐")
    await fresh.do("setReorderPoint", storeId=fresh.store, productId=product, quantity="3")
    assert (await seen(fresh, "盐"))["product"]["level"] == {"status": "OUT"}
