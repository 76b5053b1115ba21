"""Recipes over HTTP: set, refused, and the ingredients that a sale of dishes takes."""

import asyncio
from typing import Any
from uuid import uuid4

from tests.support.api import Desk

DISH = {"kind": "DISH", "unit": "份"}
KG = {"unit": "kg"}
FRIED = "西红柿炒蛋"


async def part(desk: Desk, name: str, quantity: str, **more: Any) -> dict[str, Any]:
    return {"productId": await desk.product(name), "quantity": quantity, **more}


async def recipe(desk: Desk, name: str, *parts: dict[str, Any], **more: Any) -> Any:
    product = await desk.product(name)
    return await desk.do("setRecipe", productId=product, components=list(parts), **more)


async def fried(desk: Desk) -> None:
    """300 g of tomatoes with 10 % loss, 2 eggs, and optional coriander."""
    await desk.product(FRIED, **DISH)
    for name in ("西红柿", "香菜"):
        await desk.product(name, **KG)
    created = await recipe(
        desk,
        FRIED,
        await part(desk, "西红柿", "300", unit="g", loss="10"),
        await part(desk, "鸡蛋", "2"),
        await part(desk, "香菜", "0.005", optional=True),
    )
    assert created["recipe"]["version"] == 1, created
    assert [(c["product"]["name"], c["quantity"], c["loss"], c["optional"])
            for c in created["recipe"]["components"]] == [
        ("西红柿", "0.3", "10", False),
        ("鸡蛋", "2", "0", False),
        ("香菜", "0.005", "0", True),
    ]  # fmt: skip


async def available(desk: Desk, *names: str) -> list[str]:
    return [(await desk.level(name))["available"] for name in names]


def lines(movement: Any) -> set[tuple[str, str, str, str]]:
    return {
        (line["product"]["name"], line["quantity"], line["from"]["bin"], line["to"]["bin"])
        for line in movement["lines"]
    }


async def test_a_dish_takes_its_recipe(desk: Desk) -> None:
    await fried(desk)
    await desk.receive("西红柿", "1")
    await desk.receive("鸡蛋", 10)
    sold = await desk.post("sell", (FRIED, 2))
    assert lines(sold) == {
        ("西红柿", "0.66", "SHELF", "KITCHEN"),
        ("鸡蛋", "4", "SHELF", "KITCHEN"),
        (FRIED, "2", "KITCHEN", "CUSTOMER"),
    }
    assert sold["lines"][-1]["product"]["name"] == FRIED
    assert await available(desk, "西红柿", "鸡蛋") == ["0.34", "6"]
    short = await desk.post("sell", (FRIED, 2))
    assert [(s["product"]["name"], s["requested"], s["available"]) for s in short["shortages"]] == [
        ("西红柿", "0.66", "0.34")
    ]
    assert await available(desk, "西红柿", "鸡蛋") == ["0.34", "6"]


async def test_dishes_and_goods_of_one_sale_share_the_shelf(desk: Desk) -> None:
    await fried(desk)
    await desk.product("西红柿汤", **DISH)
    await recipe(desk, "西红柿汤", await part(desk, "西红柿", "0.2"))
    await desk.receive("西红柿", "1")
    await desk.receive("鸡蛋", 10)
    cart = (FRIED, 1), ("西红柿汤", 2), ("西红柿", "0.28")
    short = await desk.post("sell", *cart)
    [shortage] = short["shortages"]
    assert (shortage["requested"], shortage["available"]) == ("1.01", "1")
    sold = await desk.post("sell", *cart[:2], ("西红柿", "0.27"))
    assert sold["kind"] == "SALE", sold
    assert await available(desk, "西红柿") == ["0"]


async def test_optional_parts_are_taken_when_they_are_there(desk: Desk) -> None:
    await fried(desk)
    await desk.receive("西红柿", "2")
    await desk.receive("鸡蛋", 10)
    await desk.receive("香菜", "0.007")
    coriander = await desk.product("香菜")
    without = await desk.line(FRIED, 1, without=[coriander])
    await desk.do("sell", storeId=desk.store, lines=[without])
    assert await available(desk, "香菜") == ["0.007"]
    assert (await desk.post("sell", (FRIED, 2)))["kind"] == "SALE"
    assert await available(desk, "香菜") == ["0"]
    tomato = await desk.line(FRIED, 1, without=[await desk.product("西红柿")])
    assert await desk.code("sell", storeId=desk.store, lines=[tomato]) == "BAD_INPUT"


async def test_actual_use_is_recorded_beside_the_recipe(desk: Desk) -> None:
    await fried(desk)
    await desk.receive("西红柿", "1")
    await desk.receive("鸡蛋", 10)
    used = [
        {"productId": await desk.product("西红柿"), "quantity": "0.4"},
        {"productId": await desk.product("鸡蛋"), "quantity": "1"},
    ]
    line = await desk.line(FRIED, 1, used=used)
    sold = await desk.do("sell", storeId=desk.store, lines=[line])
    assert lines(sold) == {
        ("西红柿", "0.33", "SHELF", "KITCHEN"),
        ("西红柿", "0.07", "SHELF", "VARIANCE"),
        ("鸡蛋", "1", "SHELF", "KITCHEN"),
        ("鸡蛋", "1", "VARIANCE", "KITCHEN"),
        (FRIED, "1", "KITCHEN", "CUSTOMER"),
    }
    assert await available(desk, "西红柿", "鸡蛋") == ["0.6", "9"]


async def test_a_dish_that_comes_back_is_waste(desk: Desk) -> None:
    await fried(desk)
    await desk.receive("西红柿", "1")
    await desk.receive("鸡蛋", 10)
    sold = await desk.post("sell", (FRIED, 2), ("鸡蛋", 1))
    back = {"saleId": sold["id"], "disposition": "SHELF"}
    returned = await desk.post("returnSale", (FRIED, 1), ("鸡蛋", 1), **back)
    assert lines(returned) == {
        (FRIED, "1", "CUSTOMER", "WASTE"),
        ("鸡蛋", "1", "CUSTOMER", "SHELF"),
    }
    # The ingredients of the dishes were not sold, so they cannot be returned.
    assert (await desk.post("returnSale", ("鸡蛋", 1), **back))["code"] == "RETURN_EXCEEDS_SALE"
    assert (await desk.post("returnSale", (FRIED, 2), **back))["code"] == "RETURN_EXCEEDS_SALE"
    assert await available(desk, "西红柿", "鸡蛋") == ["0.34", "6"]


async def test_a_mistaken_sale_of_dishes_is_undone(desk: Desk) -> None:
    await fried(desk)
    await desk.receive("西红柿", "1")
    await desk.receive("鸡蛋", 10)
    sold = await desk.post("sell", (FRIED, 2))
    undone = await desk.do("reverse", movementId=sold["id"])
    assert undone["kind"] == "REVERSAL", undone
    assert await available(desk, "西红柿", "鸡蛋") == ["1", "10"]


async def test_old_sales_keep_their_recipe(desk: Desk) -> None:
    await fried(desk)
    await desk.receive("西红柿", "2")
    await desk.receive("鸡蛋", 10)
    old = await desk.post("sell", (FRIED, 1))
    again = await recipe(desk, FRIED, await part(desk, "鸡蛋", "3"))
    assert again["recipe"]["version"] == 2
    new = await desk.post("sell", (FRIED, 1))
    query = "query($id: UUID!) { movement(id: $id) { lines { recipe { version } } } }"
    answers = [await desk.ask(query, id=sale["id"]) for sale in (old, new)]
    assert [sale["lines"][-1]["recipe"]["version"] for sale in answers] == [1, 2]
    gone = await recipe(desk, FRIED)
    assert gone["recipe"] is None
    assert lines(await desk.post("sell", (FRIED, 1))) == {(FRIED, "1", "KITCHEN", "CUSTOMER")}


async def test_a_recipe_that_does_not_divide_is_refused(desk: Desk) -> None:
    await desk.product("汤", **DISH)
    await desk.product("水", unit="ml")
    refused = await recipe(
        desk, "汤", await part(desk, "水", "1000"), await part(desk, "菜包", "1"), yields="3"
    )
    assert refused["code"] == "INDIVISIBLE"
    assert [
        (p["product"]["name"], p["quantity"], p["nearest"], p["finerUnit"])
        for p in refused["parts"]
    ] == [("水", "1000", "999", None), ("菜包", "1", "3", "g / ml")]
    assert (await recipe(desk, "汤", await part(desk, "水", "999"), yields="3"))["recipe"]


async def test_nothing_goes_into_itself(desk: Desk) -> None:
    for name in ("甲", "乙", "丙"):
        await desk.product(name, **DISH)
    assert (await recipe(desk, "甲", await part(desk, "乙", "1")))["recipe"]
    assert (await recipe(desk, "乙", await part(desk, "丙", "1")))["recipe"]
    refused = await recipe(desk, "丙", await part(desk, "甲", "1"))
    assert refused["code"] == "RECIPE_CYCLE"
    assert [each["name"] for each in refused["way"]] == ["丙", "甲", "乙", "丙"]
    assert (await recipe(desk, "甲", await part(desk, "甲", "1")))["code"] == "RECIPE_CYCLE"


async def test_two_who_would_close_a_circle_at_once(fresh: Desk) -> None:
    for name in ("甲", "乙"):
        await fresh.product(name, **DISH)
    there, back = await part(fresh, "乙", "1"), await part(fresh, "甲", "1")
    outcomes = await asyncio.gather(recipe(fresh, "甲", there), recipe(fresh, "乙", back))
    assert sorted("code" in outcome for outcome in outcomes) == [False, True]


async def test_a_set_menu_follows_its_dishes(desk: Desk) -> None:
    await fried(desk)
    await desk.product("套餐", **DISH)
    await desk.product("豪华套餐", **DISH)
    await recipe(desk, "套餐", await part(desk, FRIED, "1"), await part(desk, "米饭", "1"))
    await recipe(desk, "豪华套餐", await part(desk, "套餐", "2"), await part(desk, FRIED, "1"))
    await desk.receive("西红柿", "5")
    await desk.receive("鸡蛋", 20)
    await desk.receive("米饭", 20)
    assert (await desk.post("sell", ("豪华套餐", 1)))["kind"] == "SALE"
    assert await available(desk, "西红柿", "鸡蛋", "米饭") == ["4.01", "14", "18"]
    await recipe(desk, FRIED, await part(desk, "鸡蛋", "3"))
    assert (await desk.post("sell", ("豪华套餐", 1)))["kind"] == "SALE"
    assert await available(desk, "西红柿", "鸡蛋", "米饭") == ["4.01", "5", "16"]


async def test_what_is_made_ahead_is_taken_from_the_shelf(desk: Desk) -> None:
    await desk.product("酱", **KG)
    await desk.product("面", **DISH)
    await desk.product("豆", **KG)
    await recipe(desk, "酱", await part(desk, "豆", "1.5"), yields="1")
    await recipe(desk, "面", await part(desk, "酱", "0.2"))
    await desk.receive("豆", "6", by=desk.owner)
    assert (await desk.post("sell", ("面", 1)))["code"] == "OUT_OF_STOCK"
    created = await desk.post("produce", ("酱", "2"))
    assert lines(created) == {("豆", "3", "SHELF", "KITCHEN"), ("酱", "2", "KITCHEN", "SHELF")}
    assert (await desk.post("sell", ("面", 3)))["kind"] == "SALE"
    assert await available(desk, "豆", "酱") == ["3", "1.4"]


async def test_what_is_never_stocked_is_not_received(desk: Desk) -> None:
    await fried(desk)
    for verb in ("receive", "openStock", "produce", "returnToSupplier"):
        refused = await desk.post(verb, (FRIED, 1))
        assert (refused["code"], refused["wrong"]) == ("WRONG_STATE", "NOT_STOCKED"), verb
    assert (await desk.post("consume", (FRIED, 1)))["code"] == "OUT_OF_STOCK"


async def test_a_retry_with_the_same_key_is_one_sale(desk: Desk) -> None:
    await fried(desk)
    await desk.receive("西红柿", "2")
    await desk.receive("鸡蛋", 10)
    key = str(uuid4())
    first = await desk.post("sell", (FRIED, 1), key=key)
    # A change of the recipe does not change earlier sales.
    await recipe(desk, FRIED, await part(desk, "鸡蛋", "5"))
    assert (await desk.post("sell", (FRIED, 1), key=key))["id"] == first["id"]
    assert (await desk.post("sell", (FRIED, 2), key=key))["code"] == "KEY_REUSED"


async def test_costs_go_with_what_is_made(desk: Desk) -> None:
    await desk.product("酱", **KG)
    await desk.product("豆", **KG)
    await desk.product("面", **DISH)
    await recipe(desk, "酱", await part(desk, "豆", "1.5"), yields="1")
    await recipe(desk, "面", await part(desk, "酱", "0.2"))
    await desk.do(
        "receive", storeId=desk.store, lines=[await desk.line("豆", "6", unitCost="4.00")]
    )
    await desk.post("produce", ("酱", "2"))
    sold = await desk.post("sell", ("面", 5))
    costs = (await desk.ask(
        "query($id: UUID!) { movement(id: $id) { lines { product { name } cost } } }",
        id=sold["id"],
    ))["lines"]  # fmt: skip
    assert {line["product"]["name"]: line["cost"] for line in costs} == {"酱": "6.00", "面": "6.00"}
    values = "query($p: UUID!, $s: UUID!) "
    values += "{ product(id: $p) { level(storeId: $s) { value unitCost } } }"
    left = await desk.ask(values, p=await desk.product("酱"), s=desk.store)
    assert left["level"] == {"value": "6.00", "unitCost": "6.00"}
