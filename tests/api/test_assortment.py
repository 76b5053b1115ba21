"""The assortment: customers see and order what a store lists in their channel, and it is live."""

import asyncio
from typing import Any
from uuid import uuid4

from tests.support.api import Desk
from tests.support.identity import CREATE_STORE
from tests.support.live import dialled

FRONT = """query($store: String!, $channel: Channel) {
  storefront(store: $store, channel: $channel) { products(first: 200) {
    nodes { id name availability { label } } } } }"""
MENU = """query($store: String!, $channel: Channel) { menu(store: $store, channel: $channel) {
  dishes { id name } } }"""
LABELS = """subscription($store: String!, $products: [UUID!]!) {
  availabilityFeed(store: $store, productIds: $products) {
    gone products { productId availability { label } } } }"""
ENTRIES = """query($id: UUID!) { product(id: $id) {
  forSale assortment { store { id } channel listed } } }"""
WECHAT: dict[str, Any] = {"channels": ["WECHAT"]}
DOUYIN: dict[str, Any] = {"channels": ["DOUYIN"]}


async def shown(desk: Desk, channel: str | None = None, code: str | None = None) -> set[str]:
    """The names on the storefront, as a guest reads it."""
    store = code or desk.chain.founded.store.code
    front = await desk.asking(FRONT, store=store, channel=channel)
    return {each["name"] for each in front["products"]["nodes"]}


async def categories(desk: Desk, channel: str | None = None, code: str | None = None) -> list[str]:
    """The paths of the categories that a storefront shows."""
    query = """query($store: String!, $channel: Channel) {
      storefront(store: $store, channel: $channel) { categories { path } } }"""
    store = code or desk.chain.founded.store.code
    answer = await desk.asking(query, store=store, channel=channel)
    return sorted(each["path"] for each in answer["categories"])


async def served(desk: Desk, channel: str | None = None) -> set[str]:
    menu = await desk.asking(MENU, store=desk.chain.founded.store.code, channel=channel)
    return {each["name"] for each in menu["dishes"]}


async def list_products(desk: Desk, *names: str, **more: Any) -> Any:
    products = [await desk.product(name) for name in names]
    return await desk.do("setAssortment", **{"productIds": products, "listed": True, **more})


async def order(desk: Desk, *names: str, channel: str = "WECHAT", by: str | None = "") -> Any:
    """What a guest reads who orders one of each; `by` is a token of staff."""
    lines = [await desk.line(name, 1) for name in names]
    code = desk.chain.founded.store.code
    input = {"key": str(uuid4()), "store": code, "channel": channel, "contact": uuid4().hex}
    text = """mutation($input: PlaceOrderInput!) { placeOrder(input: $input) {
      ... on Order { state } ... on Problem { code }
      ... on UnknownProduct { products: asked } ... on WrongState { wrong: reason } } }"""
    return await desk.asking(text, by or None, input={**input, "lines": lines})


async def another_store(desk: Desk) -> dict[str, Any]:
    input = {"key": str(uuid4()), "code": f"s-{uuid4().hex[:8]}", "name": "西店"}
    return {**await desk.asking(CREATE_STORE, desk.owner, input=input), "code": input["code"]}


async def test_goods_are_listed_where_they_were_stocked(fresh: Desk) -> None:
    west = await another_store(fresh)
    await fresh.product("米", price="9")
    assert await shown(fresh) == set()
    await fresh.receive("米", 5)
    assert await shown(fresh) == {"米"}
    assert await shown(fresh, code=west["storeCode"]) == set()
    # It stays listed when it is sold out.
    await fresh.post("sell", ("米", 5))
    assert await shown(fresh) == {"米"}


async def test_a_threshold_lists_nothing(fresh: Desk) -> None:
    product = await fresh.product("米")
    await fresh.do("setReorderPoint", productId=product, storeId=fresh.store, quantity="3")
    assert await shown(fresh) == set()


async def test_dishes_are_listed_where_their_parts_are(fresh: Desk) -> None:
    egg = await fresh.product("鸡蛋", unit="个")
    dish = await fresh.product("炒蛋", kind="DISH", unit="份", price="12")
    await fresh.do("setRecipe", productId=dish, components=[{"productId": egg, "quantity": "2"}])
    assert await served(fresh) == set()
    await fresh.receive("鸡蛋", 10)
    assert await served(fresh) == {"炒蛋"}


async def test_a_store_and_a_channel_list_their_own(fresh: Desk) -> None:
    for name in ("米", "面"):
        await fresh.product(name, price="9")
        await fresh.receive(name, 5)
    await list_products(fresh, "米", listed=False, **WECHAT)
    assert await shown(fresh, "WECHAT") == {"面"}
    assert await shown(fresh, "DOUYIN") == {"米", "面"}
    assert await shown(fresh) == {"米", "面"}
    # An entry for all channels replaces that of one.
    await list_products(fresh, "米", "面", listed=False)
    assert await shown(fresh) == await shown(fresh, "DOUYIN") == set()
    await list_products(fresh, "面", **DOUYIN)
    assert await shown(fresh, "DOUYIN") == await shown(fresh) == {"面"}
    assert await shown(fresh, "WECHAT") == set()
    [entry, own] = (await fresh.ask(ENTRIES, id=await fresh.product("面")))["assortment"]
    assert entry == {"store": {"id": fresh.store}, "channel": None, "listed": False}
    assert own == {"store": {"id": fresh.store}, "channel": "DOUYIN", "listed": True}


async def test_a_category_is_listed_at_once(fresh: Desk) -> None:
    category = (await fresh.do("createCategory", name="粮油"))["id"]
    below = (await fresh.do("createCategory", name="面食", parentId=category))["id"]
    for name, where in (("米", category), ("面", below)):
        await fresh.product(name, price="9", categoryId=where)
    answer = await fresh.do("setAssortment", categoryId=category, listed=True)
    assert {each["name"] for each in answer["products"]} == {"米", "面"}
    assert await shown(fresh) == {"米", "面"}


async def test_categories_are_those_of_listed_products(fresh: Desk) -> None:
    food = (await fresh.do("createCategory", name="食品"))["id"]
    drinks, snacks = [
        (await fresh.do("createCategory", name=name, parentId=food))["id"]
        for name in ("饮料", "零食")
    ]
    other = (await fresh.do("createCategory", name="用品"))["id"]
    assert await categories(fresh) == []
    for name, category in (("茶", drinks), ("糖", snacks), ("笔", other)):
        await fresh.product(name, categoryId=category)
    await fresh.receive("茶", 1)
    assert await categories(fresh) == ["食品", "食品 / 饮料"]
    await list_products(fresh, "糖", channels=["WECHAT"])
    assert await categories(fresh, "WECHAT") == ["食品", "食品 / 零食", "食品 / 饮料"]
    assert await categories(fresh, "DOUYIN") == ["食品", "食品 / 饮料"]
    await fresh.receive("笔", 1)
    await fresh.do("archiveProduct", productId=fresh.products["笔"], withStock=True)
    await fresh.do("updateProduct", productId=fresh.products["茶"], forSale=False)
    assert await categories(fresh, "DOUYIN") == []
    store = await another_store(fresh)
    assert await categories(fresh, code=store["code"]) == []


async def test_guests_order_what_is_listed(fresh: Desk) -> None:
    for name in ("米", "面", "油"):
        await fresh.product(name, price="9")
        await fresh.receive(name, 5)
    await fresh.product("盐")
    await fresh.receive("盐", 5)
    await list_products(fresh, "面", listed=False, **WECHAT)
    await fresh.do("updateProduct", productId=await fresh.product("油"), forSale=False)
    assert (await order(fresh, "米"))["state"] == "HELD"
    hidden = await order(fresh, "米", "面", "油")
    assert hidden["code"] == "UNKNOWN_PRODUCT"
    assert set(hidden["products"]) == {await fresh.product("面"), await fresh.product("油")}
    assert (await order(fresh, "面", channel="DOUYIN"))["state"] == "HELD"
    assert (await order(fresh, "盐"))["wrong"] == "NO_PRICE"
    # Staff sell what they have.
    for name in ("面", "油", "盐"):
        assert (await order(fresh, name, by=fresh.cashier))["state"] == "HELD"
        assert (await fresh.post("sell", (name, 1)))["kind"] == "SALE"


async def test_ingredients_are_not_for_sale(fresh: Desk) -> None:
    flour = await fresh.product("面粉", forSale=False, price="5")
    await fresh.receive("面粉", 5)
    await list_products(fresh, "面粉")
    assert await shown(fresh) == set()
    assert (await fresh.ask(ENTRIES, id=flour))["forSale"] is False


async def test_labels_follow_the_listing(fresh: Desk) -> None:
    rice = await fresh.product("米", price="9")
    await fresh.receive("米", 50)
    async with dialled(str(fresh.asking.http.base_url)) as phone:
        values = {"store": fresh.chain.founded.store.code, "products": [rice]}
        await phone.subscribe(LABELS, **values)
        assert [each["productId"] for each in (await phone.next())["products"]] == [rice]
        changes: list[tuple[str, dict[str, Any], str]] = [
            ("setAssortment", {"productIds": [rice]}, "listed"),
            ("updateProduct", {"productId": rice}, "forSale"),
        ]
        for name, input, flag in changes:
            for shown_now in (False, True):
                await fresh.do(name, **{**input, flag: shown_now})
                event = await phone.next(2)
                assert event["gone"] == ([] if shown_now else [rice])
                assert [each["productId"] for each in event["products"]] == [rice] * shown_now
        await fresh.do("archiveProduct", productId=rice, withStock=True)
        assert (await phone.next(2))["gone"] == [rice]


async def test_an_order_and_a_listing_at_once(fresh: Desk) -> None:
    """Each order is held or refused as a whole, whatever the listing is at that moment."""
    await fresh.product("米", price="9")
    await fresh.receive("米", 50)

    async def toggle() -> None:
        for round in range(6):
            await list_products(fresh, "米", listed=bool(round % 2))

    answers, _ = await asyncio.gather(
        asyncio.gather(*(order(fresh, "米") for _ in range(12))), toggle()
    )
    held = sum(each.get("state") == "HELD" for each in answers)
    assert held + sum(each.get("code") == "UNKNOWN_PRODUCT" for each in answers) == 12
    assert (await fresh.level("米"))["available"] == str(50 - held)


async def test_the_same_request_again(fresh: Desk) -> None:
    rice, key = await fresh.product("米", price="9"), str(uuid4())
    values: dict[str, Any] = {"key": key, "productIds": [rice], "listed": True}
    first = await fresh.do("setAssortment", **values)
    await list_products(fresh, "米", listed=False)
    assert await fresh.do("setAssortment", **values) == first
    assert await shown(fresh) == set()
    again = await fresh.do("setAssortment", **{**values, "listed": False})
    assert again["code"] == "KEY_REUSED"


async def test_what_is_refused(fresh: Desk) -> None:
    rice = await fresh.product("米")
    other = str(uuid4())
    cases: list[tuple[dict[str, Any], str]] = [
        ({"productIds": [other]}, "UNKNOWN_PRODUCT"),
        ({"categoryId": other}, "UNKNOWN_CATEGORY"),
        ({"productIds": [rice], "storeIds": [fresh.store, other]}, "UNKNOWN_STORE"),
    ]
    for input, code in cases:
        assert (await fresh.do("setAssortment", listed=True, **input))["code"] == code
    inputs: list[dict[str, Any]] = [{}, {"productIds": []}]
    for input in (*inputs, {"productIds": [rice], "categoryId": other}):
        assert await fresh.code("setAssortment", listed=True, **input) == "BAD_INPUT"
    assert await fresh.code("setAssortment", by=fresh.cashier, listed=True) == "FORBIDDEN"


ARCHIVED = """query($stores: [UUID!]) { levels(storeIds: $stores, archived: true) {
  nodes { product { name } onHand value } } }"""


async def test_archiving_asks_while_there_is_stock(fresh: Desk) -> None:
    rice = await fresh.product("米", price="9")
    await fresh.receive("米", 5)
    refused = await fresh.do("archiveProduct", productId=rice)
    assert refused["wrong"] == "HAS_STOCK"
    assert await shown(fresh) == {"米"}
    archived = await fresh.do("archiveProduct", productId=rice, withStock=True)
    assert archived["archivedAt"]
    assert await shown(fresh) == set()
    [level] = (await fresh.ask(ARCHIVED, stores=[fresh.store]))["nodes"]
    assert (level["product"]["name"], level["onHand"]) == ("米", "5")
    assert (await order(fresh, "米"))["code"] == "UNKNOWN_PRODUCT"


async def test_a_receipt_and_archiving_at_once(fresh: Desk) -> None:
    """Archived without `withStock` means that there was no stock at that moment."""
    for number in range(5):
        name = f"米{number}"
        product = await fresh.product(name)
        received, archived = await asyncio.gather(
            fresh.receive(name, 1), fresh.do("archiveProduct", productId=product)
        )
        assert received["kind"] == "RECEIPT"
        assert archived.get("wrong") == "HAS_STOCK" or archived["archivedAt"]
