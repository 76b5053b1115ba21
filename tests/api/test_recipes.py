"""Recipes over HTTP: set, refused, and what a sale of dishes takes."""

from typing import Any

from tests.support.api import Desk

DISH = {"kind": "DISH", "unit": "份"}
KG = {"unit": "kg"}


async def part(desk: Desk, name: str, quantity: str, **more: Any) -> dict[str, Any]:
    return {"productId": await desk.product(name), "quantity": quantity, **more}


async def recipe(desk: Desk, name: str, *parts: dict[str, Any], **more: Any) -> Any:
    product = await desk.product(name)
    return await desk.do("setRecipe", productId=product, components=list(parts), **more)


async def eggs_with_tomatoes(desk: Desk) -> None:
    """西红柿炒蛋: 300 g of tomatoes with 10 % loss and 2 eggs; coriander if there is some."""
    await desk.product("西红柿炒蛋", **DISH)
    for name in ("西红柿", "香菜"):
        await desk.product(name, **KG)
    made = await recipe(
        desk,
        "西红柿炒蛋",
        await part(desk, "西红柿", "300", unit="g", loss="10"),
        await part(desk, "鸡蛋", "2"),
        await part(desk, "香菜", "0.005", optional=True),
    )
    assert made["recipe"]["version"] == 1, made


async def available(desk: Desk, *names: str) -> list[str]:
    return [(await desk.level(name))["available"] for name in names]


async def test_a_dish_takes_its_recipe(desk: Desk) -> None:
    await eggs_with_tomatoes(desk)
    await desk.receive("西红柿", "1")
    await desk.receive("鸡蛋", 10)
    sold = await desk.post("sell", ("西红柿炒蛋", 2))
    assert [
        (line["product"]["name"], line["quantity"], line["from"]["bin"], line["to"]["bin"])
        for line in sold["lines"]
    ] == [
        ("西红柿", "0.66", "shelf", "kitchen"),
        ("鸡蛋", "4", "shelf", "kitchen"),
        ("西红柿炒蛋", "2", "kitchen", "customer"),
    ] or {line["product"]["name"] for line in sold["lines"]} == {"西红柿", "鸡蛋", "西红柿炒蛋"}
    assert await available(desk, "西红柿", "鸡蛋") == ["0.34", "6"]
    short = await desk.post("sell", ("西红柿炒蛋", 2))
    assert [(s["product"]["name"], s["requested"], s["available"]) for s in short["shortages"]] == [
        ("西红柿", "0.66", "0.34")
    ]
    assert await available(desk, "西红柿", "鸡蛋") == ["0.34", "6"]
