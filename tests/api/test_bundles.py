"""Bundles over HTTP: goods sold as one, which come back whole or in parts."""

import asyncio
from decimal import Decimal
from typing import Any

import pytest

from tests.api.test_menu import STOREFRONT, menu
from tests.api.test_recipes import available, part, recipe
from tests.support.api import Desk
from tests.support.shop import day

BOX = "茶具礼盒"
COSTS = "query($id: UUID!) { movement(id: $id) { lines { product { name } cost } } }"


TOTAL = "query($id: UUID!) { movement(id: $id) { total } }"
RETURNS = "query { movements(kinds: [RETURN]) { nodes { total } } }"


async def box(desk: Desk, kind: str = "BUNDLE", priced: bool = True, **tin: Any) -> None:
    """A gift box of 4 cups and 1 tin; 20 of each are on the shelf."""
    prices = {"price": "10"} if priced else {}
    await desk.product("杯子", unit="个", **prices)
    await desk.product("茶叶罐", unit="罐", **{**prices, **tin})
    await desk.product(BOX, unit="套", kind=kind, price="99")
    await recipe(desk, BOX, await part(desk, "杯子", "4"), await part(desk, "茶叶罐", "1"))
    for name, cost in (("杯子", "3"), ("茶叶罐", "20")):
        line = {**await desk.line(name, 20), "unitCost": cost}
        await desk.do("receive", storeId=desk.store, lines=[line])


async def back(desk: Desk, sale: Any, *lines: Any, disposition: str = "SHELF") -> Any:
    return await desk.post("returnSale", *lines, saleId=sale["id"], disposition=disposition)


def moved(movement: Any) -> list[tuple[str, str, str, str]]:
    assert "lines" in movement, movement
    return [
        (line["product"]["name"], line["quantity"], line["from"]["bin"], line["to"]["bin"])
        for line in movement["lines"]
    ]


@pytest.mark.parametrize("kind", ["BUNDLE", "DISH"])
async def test_part_of_a_bundle_comes_back_and_a_whole_one(fresh: Desk, kind: str) -> None:
    await box(fresh, kind)
    sale = await fresh.post("sell", (BOX, 2))
    assert await available(fresh, "杯子", "茶叶罐") == ["12", "18"]
    tin = await back(fresh, sale, ("茶叶罐", 1))
    assert moved(tin) == [("茶叶罐", "1", "CUSTOMER", "SHELF")]
    whole = await back(fresh, sale, (BOX, 1))
    assert whole["kind"] == "RETURN"
    assert set(moved(whole)) == {
        ("杯子", "4", "KITCHEN", "SHELF"),
        ("茶叶罐", "1", "KITCHEN", "SHELF"),
        (BOX, "1", "CUSTOMER", "KITCHEN"),
    }
    more = await back(fresh, sale, (BOX, 2), disposition="WASTE")
    assert (more["code"], more["product"], more["returned"]) == (
        "RETURN_EXCEEDS_SALE",
        {"name": BOX},
        "1",
    )
    torn = await back(fresh, sale, (BOX, 1))
    assert (torn["code"], torn["product"]) == ("RETURN_EXCEEDS_SALE", {"name": "茶叶罐"})
    assert moved(await back(fresh, sale, ("杯子", 4))) == [("杯子", "4", "CUSTOMER", "SHELF")]
    assert (await back(fresh, sale, ("杯子", 1)))["code"] == "RETURN_EXCEEDS_SALE"
    assert await available(fresh, "杯子", "茶叶罐") == ["20", "20"]
    reversed_ = await fresh.do("reverse", movementId=sale["id"])
    assert reversed_["wrong"] == "RETURNED"


async def test_parts_come_back_at_their_cost(fresh: Desk) -> None:
    await box(fresh)
    sale = await fresh.post("sell", (BOX, 2))
    whole = await back(fresh, sale, (BOX, 1), ("茶叶罐", 1))
    lines = (await fresh.ask(COSTS, id=whole["id"]))["lines"]
    assert {(line["product"]["name"], line["cost"]) for line in lines} == {
        ("杯子", "12.00"),
        ("茶叶罐", "20.00"),
        (BOX, "32.00"),
    }


async def paid_back(desk: Desk, sale: Any, *lines: Any) -> str:
    movement = await back(desk, sale, *lines)
    assert "id" in movement, movement
    return (await desk.ask(TOTAL, id=movement["id"]))["total"]


async def test_parts_bring_back_their_share_of_the_price(fresh: Desk) -> None:
    """A cup costs 10 and a tin 50 by themselves, so that the tin is 50/90 of the box."""
    await box(fresh, price="50")
    sale = await fresh.post("sell", (BOX, 2))
    assert await paid_back(fresh, sale, ("茶叶罐", 1)) == "55.00"
    assert await paid_back(fresh, sale, (BOX, 1)) == "99.00"
    assert await paid_back(fresh, sale, ("杯子", 1)) == "11.00"
    assert await paid_back(fresh, sale, ("杯子", 3)) == "33.00"


async def test_shares_add_up_to_the_price(fresh: Desk) -> None:
    await box(fresh, price="33.33")
    line = {**await fresh.line(BOX, 3), "price": "100", "discount": "0.01"}
    sale = await fresh.do("sell", storeId=fresh.store, lines=[line], by=fresh.owner)
    for lines in ([("杯子", 5)], [(BOX, 1)], [("茶叶罐", 2), ("杯子", 1)], [("杯子", 2)]):
        await back(fresh, sale, *lines)
    returns = await fresh.ask(RETURNS)
    assert sum(Decimal(each["total"]) for each in returns["nodes"]) == Decimal("299.99")


async def test_a_tin_sold_alone_keeps_its_own_price(fresh: Desk) -> None:
    await box(fresh, price="50")
    sale = await fresh.post("sell", (BOX, 1), ("茶叶罐", 1))
    assert await paid_back(fresh, sale, ("茶叶罐", 1)) == "50.00"
    assert await paid_back(fresh, sale, ("茶叶罐", 1)) == "55.00"
    assert await paid_back(fresh, sale, ("杯子", 4)) == "44.00"


@pytest.mark.parametrize(("disposition", "bin"), [("QUARANTINE", "QUARANTINE"), ("WASTE", "WASTE")])
async def test_every_part_goes_where_the_bundle_goes(
    fresh: Desk, disposition: str, bin: str
) -> None:
    await box(fresh)
    sale = await fresh.post("sell", (BOX, 1))
    whole = await back(fresh, sale, (BOX, 1), disposition=disposition)
    assert {target for name, _, _, target in moved(whole) if name != BOX} == {bin}
    assert (await back(fresh, sale, ("杯子", 1)))["code"] == "RETURN_EXCEEDS_SALE"
    assert await available(fresh, "杯子") == ["16"]


async def test_parts_go_back_to_their_batches(fresh: Desk) -> None:
    await box(fresh, tracksBatches=True)
    old = {**await fresh.line("茶叶罐", 1), "batchNo": "OLD", "expiresOn": str(day(5))}
    await fresh.do("receive", storeId=fresh.store, lines=[old])
    sale = await fresh.post("sell", (BOX, 2))
    await back(fresh, sale, (BOX, 1))
    await back(fresh, sale, ("茶叶罐", 1))
    query = """query($store: UUID!, $product: UUID!) { product(id: $product) {
      level(storeId: $store) { batches { batch { number } shelf } } } }"""
    values = {"store": fresh.store, "product": await fresh.product("茶叶罐")}
    batches = (await fresh.ask(query, **values))["level"]["batches"]
    assert [(each["batch"]["number"], each["shelf"]) for each in batches] == [
        ("OLD", "1"),
        ("", "20"),
    ]


async def test_a_tin_sold_beside_the_box_comes_back_as_well(fresh: Desk) -> None:
    await box(fresh)
    sale = await fresh.post("sell", (BOX, 1), ("茶叶罐", 2))
    assert (await back(fresh, sale, ("茶叶罐", 4)))["code"] == "RETURN_EXCEEDS_SALE"
    assert moved(await back(fresh, sale, ("茶叶罐", 3))) == [("茶叶罐", "3", "CUSTOMER", "SHELF")]
    assert (await back(fresh, sale, (BOX, 1)))["code"] == "RETURN_EXCEEDS_SALE"


async def test_returns_at_the_same_time_never_exceed_the_bundle(fresh: Desk) -> None:
    await box(fresh)
    sale = await fresh.post("sell", (BOX, 2))
    lines = [(BOX, 1), ("茶叶罐", 1), (BOX, 2), ("杯子", 5), (BOX, 1)]
    await asyncio.gather(*(back(fresh, sale, line) for line in lines))
    cups, tins = await available(fresh, "杯子", "茶叶罐")
    assert int(cups) <= 20
    assert int(tins) <= 20


async def test_a_dish_of_ingredients_is_waste(fresh: Desk) -> None:
    await box(fresh, "DISH", priced=False)
    sale = await fresh.post("sell", (BOX, 1))
    assert moved(await back(fresh, sale, (BOX, 1))) == [(BOX, "1", "CUSTOMER", "WASTE")]
    assert (await back(fresh, sale, ("杯子", 1)))["code"] == "RETURN_EXCEEDS_SALE"


async def test_an_ordered_bundle_comes_back_in_parts(fresh: Desk) -> None:
    await box(fresh)
    order = await fresh.do(
        "placeOrder",
        store=fresh.chain.founded.store.code,
        channel="WECHAT",
        contact="13800138000",
        lines=[await fresh.line(BOX, 2)],
    )
    for step in ("payOrder", "fulfilOrder"):
        await fresh.do(step, orderId=order["id"])
    for lines in ([("茶叶罐", 1)], [(BOX, 1)]):
        goods = [await fresh.line(*line) for line in lines]
        answer = await fresh.do(
            "returnOrder", orderId=order["id"], lines=goods, disposition="SHELF"
        )
        assert answer.get("kind") == "RETURN", answer
    assert await available(fresh, "杯子", "茶叶罐") == ["16", "20"]


async def test_bundles_are_made_of_goods(fresh: Desk) -> None:
    await box(fresh)
    await fresh.product("套餐", unit="份", kind="BUNDLE")
    nested = await recipe(fresh, "套餐", await part(fresh, BOX, "1"))
    assert (nested["code"], nested["wrong"]) == ("WRONG_STATE", "NOT_GOODS")
    values = {"productId": await fresh.product("套餐")}
    for more in ({"loss": "5"}, {"optional": True}):
        components = [{**await part(fresh, "杯子", "1"), **more}]
        assert await fresh.code("setRecipe", components=components, **values) == "BAD_INPUT"
    stocked = await fresh.receive(BOX, 1)
    assert (stocked["code"], stocked["wrong"]) == ("WRONG_STATE", "NOT_STOCKED")


async def test_customers_see_how_many_bundles_there_are(fresh: Desk) -> None:
    await box(fresh)
    offered = (await menu(fresh, fresh.cashier))[BOX]
    assert (offered["kind"], offered["makeable"], offered["limiting"]) == (
        "BUNDLE",
        5,
        {"name": "杯子"},
    )
    answer = await fresh.asking(STOREFRONT, None, store=fresh.chain.founded.store.code)
    [shown] = [each for each in answer["products"]["nodes"] if each["name"] == BOX]
    assert shown["availability"]["label"] == "FEW"


ORDER = "query($id: UUID!) { order(id: $id) { state lines { product { name } returned } } }"


async def test_what_came_back_of_an_order_with_bundles(fresh: Desk) -> None:
    """A whole bundle is none of the goods that were ordered beside it; all of its parts are it."""
    await box(fresh)
    order = await fresh.do(
        "placeOrder",
        by=fresh.owner,
        store=fresh.chain.founded.store.code,
        channel="COUNTER",
        contact="小王",
        lines=[await fresh.line(BOX, 2), await fresh.line("杯子", 1)],
    )
    for name in ("payOrder", "fulfilOrder"):
        await fresh.do(name, orderId=order["id"])

    async def after(*lines: tuple[str, int]) -> tuple[str, list[str]]:
        sent = [await fresh.line(*line) for line in lines]
        done = await fresh.do("returnOrder", orderId=order["id"], lines=sent, disposition="SHELF")
        assert done["kind"] == "RETURN", done
        now = await fresh.ask(ORDER, id=order["id"])
        listed = await fresh.ask(
            "query($state: OrderState!) { orders(state: $state) { nodes { id } } }",
            state=now["state"],
        )
        assert order["id"] in [each["id"] for each in listed["nodes"]]
        return now["state"], [line["returned"] for line in now["lines"]]

    assert await after((BOX, 1)) == ("PARTLY_RETURNED", ["1", "0"])
    # One cup is the one that was ordered by itself.
    assert await after(("杯子", 4), ("茶叶罐", 1)) == ("PARTLY_RETURNED", ["1", "1"])
    assert await after(("杯子", 1)) == ("RETURNED", ["2", "1"])
