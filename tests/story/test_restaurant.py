"""One day of the restaurant: soup is cooked, dishes share ingredients, one is sold out."""

from typing import Any

from tests.story.conftest import Demo

KITCHEN = "demo-kitchen"
MENU = """query($store: String!) { menu(store: $store) {
  dishes { id makeable limiting { name } availability { text } } } }"""
GUEST_MENU = """query($store: String!) { menu(store: $store) {
  dishes { id availability { text } } } }"""


async def dish(demo: Demo, sku: str) -> Any:
    menu, id = await demo.manager.ask(MENU, store=KITCHEN), await demo.product(sku)
    [row] = [each for each in menu["dishes"] if each["id"] == id]
    return row


async def test_dishes_share_their_ingredients(demo: Demo) -> None:
    """Eggs sold in one dish are missing in the others, on every screen at once."""
    store = demo.stores[KITCHEN]
    eggs, soup = await dish(demo, "EGGS"), await dish(demo, "EGG-SOUP")
    lines = [await demo.line("EGGS", "10")]
    sold = await demo.cashier.do("sell", storeId=store, lines=lines)
    assert sold["kind"] == "SALE"
    after = await dish(demo, "EGGS")
    assert after["makeable"] == eggs["makeable"] - 10
    assert (await dish(demo, "EGG-SOUP"))["makeable"] < soup["makeable"]


async def test_a_cart_is_held_whole_or_not_at_all(demo: Demo) -> None:
    """The last beef is promised once: the second customer reads which dish is missing."""
    left = (await dish(demo, "STEW"))["makeable"]
    order = {"store": KITCHEN, "channel": "WECHAT"}
    stew = await demo.line("STEW", str(left))
    placed = await demo.cashier.do("placeOrder", **order, contact="13700000002", lines=[stew])
    assert placed["state"] == "HELD"
    one = [await demo.line("BOILED-RICE", "1"), stew | {"quantity": "1"}]
    refused = await demo.customer.do("placeOrder", **order, contact="13700000003", lines=one)
    assert refused["__typename"] == "OutOfStock"
    assert [each["product"]["name"] for each in refused["shortages"]] == ["番茄牛腩"]
    cancelled = await demo.cashier.do("cancelOrder", orderId=placed["id"], reason="顾客改期")
    assert cancelled["state"] == "CANCELLED"
    assert (await dish(demo, "STEW"))["makeable"] == left


async def test_soup_is_cooked_from_bones(demo: Demo) -> None:
    store = demo.stores[KITCHEN]
    bones, soup = await demo.level("K-BONE", KITCHEN), await demo.level("SOUP", KITCHEN)
    lines = [await demo.line("SOUP", "2")]
    cooked = await demo.manager.do("produce", storeId=store, lines=lines)
    assert cooked["kind"] == "PRODUCTION"
    assert float((await demo.level("SOUP", KITCHEN))["onHand"]) == float(soup["onHand"]) + 2
    left = float((await demo.level("K-BONE", KITCHEN))["onHand"])
    assert round(float(bones["onHand"]) - left, 3) == 0.4


async def test_the_chef_marks_a_dish_as_sold_out(demo: Demo) -> None:
    """Sold out until midnight: guests read it at once, and cannot order it."""
    store, product = demo.stores[KITCHEN], await demo.product("EGG-SOUP")
    marked = await demo.manager.do("setSoldOut", storeId=store, productId=product, soldOut=True)
    assert marked["soldOutUntil"]
    menu = await demo.customer.ask(GUEST_MENU, store=KITCHEN)
    [shown] = [each for each in menu["dishes"] if each["id"] == product]
    assert shown["availability"]["text"] == "已售罄"
    back = await demo.manager.do("setSoldOut", storeId=store, productId=product, soldOut=False)
    assert back["soldOutUntil"] is None
