"""One day of the salon: a pass sold online, redeemed at the chair, and bottles that run low."""

from tests.story.conftest import Demo

SALON = "demo-salon"
MENU = """query($store: String!) { menu(store: $store) {
  dishes { id makeable limiting { name } } } }"""
PASSES = "query($ids: [UUID!]) { passes(ids: $ids) { nodes { used uses state } } }"


async def makeable(demo: Demo, sku: str) -> int:
    """How many more the salon can serve with what stands on its shelf."""
    menu, id = await demo.manager.ask(MENU, store=SALON), await demo.product(sku)
    [service] = [each for each in menu["dishes"] if each["id"] == id]
    return service["makeable"]


async def test_a_pass_is_sold_and_redeemed(demo: Demo) -> None:
    """The first use is taken when the pass is sold, later ones when they are redeemed."""
    store = demo.stores[SALON]
    before = await demo.level("SHAMPOO", SALON)
    card = await demo.cashier.do(
        "sellPass",
        storeId=store,
        productId=await demo.product("CUT-10"),
        customer="13600000001",
        uses=10,
    )
    assert (card["uses"], card["state"]) == (10, "ACTIVE")
    level = await demo.level("SHAMPOO", SALON)
    assert int(before["available"]) - int(level["available"]) == 20
    for _ in range(2):
        redeemed = await demo.cashier.do("redeem", storeId=store, passId=card["id"])
        assert redeemed["ofPass"]["id"] == card["id"]
    level = await demo.level("SHAMPOO", SALON)
    # The first redemption uses what was taken at the sale.
    assert int(before["available"]) - int(level["available"]) == 40
    [shown] = (await demo.cashier.ask(PASSES, ids=[card["id"]]))["nodes"]
    assert (shown["used"], shown["state"]) == (2, "ACTIVE")


async def test_services_share_their_bottles(demo: Demo) -> None:
    """Colouring uses up the dye: the menu says how often it is still possible, and what limits."""
    store = demo.stores[SALON]
    times = await makeable(demo, "COLOUR")
    line = await demo.line("COLOUR", "1")
    sold = await demo.cashier.do("sell", storeId=store, lines=[line])
    assert sold["kind"] == "SALE"
    assert await makeable(demo, "COLOUR") == times - 1
    refused = await demo.cashier.do("sell", storeId=store, lines=[line | {"quantity": str(times)}])
    assert refused["__typename"] == "OutOfStock"
    assert {each["product"]["name"] for each in refused["shortages"]} <= {
        "染膏",
        "双氧奶",
        "一次性毛巾",
    }


async def test_a_spilt_bottle_is_recorded(demo: Demo) -> None:
    """Own use leaves the shelf by the bottle, in the words of the salon."""
    store = demo.stores[SALON]
    before = await demo.level("PEROXIDE", SALON)
    line = await demo.line("PEROXIDE", "1", unit="瓶")
    used = await demo.manager.do("consume", storeId=store, reason="打翻一瓶", lines=[line])
    assert used["kind"] == "CONSUMPTION"
    level = await demo.level("PEROXIDE", SALON)
    assert int(before["onHand"]) - int(level["onHand"]) == 1000
