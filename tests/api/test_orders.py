"""Orders over HTTP: placed, paid, fulfilled, cancelled, expired and returned; and permissions."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

from tests.api.test_recipes import part, recipe
from tests.support.api import Desk, mutation
from tests.support.identity import Asking

ORDERS = """
query($state: OrderState, $channel: Channel) { orders(state: $state, channel: $channel) {
  nodes { id state contact placedBy { name } }
} }
"""
ORDER = """
query($id: UUID!, $proof: String) { order(id: $id, token: $proof) {
  id state contact lines { product { name } quantity } movements { kind } placedBy { name }
} }
"""
AVAILABLE = """
query($store: UUID!, $product: UUID!) { product(id: $product) {
  level(storeId: $store) { available reserved onHand }
  availability(storeId: $store) { label remaining }
} }
"""


async def stocked(desk: Desk, **goods: int) -> None:
    for name, quantity in goods.items():
        await desk.product(name, price="2.50")
        await desk.receive(name, quantity)


async def place(desk: Desk, *lines: tuple[Any, ...], **more: Any) -> Any:
    arguments = {
        "store": desk.chain.founded.store.code,
        "channel": "WECHAT",
        "contact": "13800138000",
        **more,
    }
    return await desk.do(
        "placeOrder", lines=[await desk.line(*line) for line in lines], **arguments
    )


async def seen(desk: Desk, name: str) -> tuple[str, str, str]:
    """The available, reserved and on-hand quantities."""
    arguments = {"store": desk.store, "product": await desk.product(name)}
    level = (await desk.ask(AVAILABLE, **arguments))["level"]
    return level["available"], level["reserved"], level["onHand"]


def soon(seconds: float = 1.0) -> str:
    return (datetime.now(UTC) + timedelta(seconds=seconds)).isoformat()


async def test_from_the_order_to_the_customer(fresh: Desk) -> None:
    await stocked(fresh, 米=10, 油=4)
    held = await place(fresh, ("米", 3), ("油", 1), note="放门口")
    assert (held["state"], held["total"], held["note"]) == ("HELD", "10.00", "放门口")
    assert held["contact"] == "138****8000"
    left = datetime.fromisoformat(held["expiresAt"]) - datetime.now(UTC)
    assert timedelta(minutes=14) < left < timedelta(minutes=15, seconds=5)
    assert [line["quantity"] for line in held["lines"]] == ["3", "1"]
    assert await seen(fresh, "米") == ("7", "3", "10")

    early = await fresh.do("fulfilOrder", orderId=held["id"])
    assert (early["code"], early["wrong"]) == ("WRONG_STATE", "HELD")
    paid = await fresh.do("payOrder", orderId=held["id"], reference="4200001")
    assert (paid["state"], paid["expiresAt"], paid["payment"]) == ("PAID", None, "4200001")
    done = await fresh.do("fulfilOrder", orderId=held["id"])
    assert done["state"] == "FULFILLED"
    assert [each["kind"] for each in done["movements"]] == ["ORDER_HOLD", "FULFILMENT"]
    assert await seen(fresh, "米") == ("7", "0", "7")
    again = await fresh.do("fulfilOrder", orderId=held["id"])
    assert (again["code"], again["wrong"]) == ("WRONG_STATE", "FULFILLED")


async def test_all_lines_or_none(fresh: Desk) -> None:
    await stocked(fresh, 米=10, 油=1)
    refused = await place(fresh, ("米", 3), ("油", 1), ("油", 1))
    assert refused["code"] == "OUT_OF_STOCK"
    assert [each["product"]["name"] for each in refused["shortages"]] == ["油"]
    assert (refused["shortages"][0]["requested"], refused["shortages"][0]["available"]) == (
        "2",
        "1",
    )
    assert await seen(fresh, "米") == ("10", "0", "10")


async def test_one_key_is_one_order(fresh: Desk) -> None:
    await stocked(fresh, 米=10)
    key = str(uuid4())
    same = [await place(fresh, ("米", 3), key=key) for _ in range(2)]
    at_once = await asyncio.gather(*(place(fresh, ("米", 3), key=key) for _ in range(5)))
    assert {(each["id"], each["token"]) for each in (*same, *at_once)} == {
        (same[0]["id"], same[0]["token"])
    }
    other = await place(fresh, ("米", 4), key=key)
    assert other["code"] == "KEY_REUSED"
    assert await seen(fresh, "米") == ("7", "3", "10")


async def test_cancelled(fresh: Desk) -> None:
    await stocked(fresh, 米=10)
    held = await place(fresh, ("米", 3))
    done = await fresh.do("cancelOrder", orderId=held["id"], reason="不要了")
    assert done["state"] == "CANCELLED"
    assert await seen(fresh, "米") == ("10", "0", "10")
    late = await fresh.do("payOrder", orderId=held["id"])
    assert (late["code"], late["wrong"]) == ("WRONG_STATE", "CANCELLED")


async def test_an_expired_hold_is_free_at_its_moment(fresh: Desk) -> None:
    """The order is not ended in between, but reads and sales treat its goods as available."""
    await stocked(fresh, 米=5)
    held = await place(fresh, ("米", 5), pickupAt=soon(1.2))
    assert await seen(fresh, "米") == ("0", "5", "5")
    refused = await fresh.post("sell", ("米", 1))
    assert refused["code"] == "OUT_OF_STOCK"
    await asyncio.sleep(1.3)
    assert await seen(fresh, "米") == ("5", "0", "5")
    assert (await fresh.ask(ORDER, id=held["id"]))["state"] == "EXPIRED"
    product = await fresh.product("米")
    shown = await fresh.ask(AVAILABLE, store=fresh.store, product=product)
    assert (shown["availability"]["label"], shown["availability"]["remaining"]) == ("FEW", 5)
    sold = await fresh.post("sell", ("米", 2))
    assert sold["kind"] == "SALE"
    assert await seen(fresh, "米") == ("3", "0", "3")


async def test_paid_too_late(fresh: Desk) -> None:
    await stocked(fresh, 米=5)
    orders = [await place(fresh, ("米", 2), pickupAt=soon(1)) for _ in range(2)]
    await asyncio.sleep(1.1)
    sold = await fresh.post("sell", ("米", 3))
    assert sold["kind"] == "SALE", "both were given up for it"
    paid = await fresh.do("payOrder", orderId=orders[0]["id"])
    assert paid["state"] == "PAID", paid
    refused = await fresh.do("payOrder", orderId=orders[1]["id"])
    assert (refused["code"], refused["shortages"][0]["available"]) == ("OUT_OF_STOCK", "0")
    assert (await fresh.ask(ORDER, id=orders[1]["id"]))["state"] == "EXPIRED"
    assert await seen(fresh, "米") == ("0", "2", "2")


async def test_extended_once(fresh: Desk) -> None:
    await stocked(fresh, 米=5)
    held = await place(fresh, ("米", 2))
    longer = await fresh.do("extendHold", orderId=held["id"])
    assert longer["extended"]
    more = [datetime.fromisoformat(each["expiresAt"]) for each in (held, longer)]
    assert more[1] - more[0] == timedelta(minutes=15)
    again = await fresh.do("extendHold", orderId=held["id"])
    assert (again["code"], again["wrong"]) == ("WRONG_STATE", "EXTENDED")


async def test_a_guest_has_the_token(fresh: Desk) -> None:
    await stocked(fresh, 米=5)
    lines = [await fresh.line("米", 2)]
    arguments = {
        "store": fresh.chain.founded.store.code,
        "channel": "DOUYIN",
        "contact": "13900139000",
    }
    input = {"key": str(uuid4()), "lines": lines, **arguments}
    held = await fresh.asking(mutation("placeOrder"), input=input)
    assert (held["contact"], held["movements"], held["placedBy"]) == ("13900139000", [], None)
    seen = await fresh.asking(ORDER, id=held["id"], proof=held["token"])
    assert (seen["state"], seen["contact"]) == ("HELD", "13900139000")
    # Without the token, or with another order's token, the order is not found.
    other = await place(fresh, ("米", 1))
    assert await fresh.asking(ORDER, id=other["id"], proof=held["token"]) is None
    assert await fresh.asking(ORDER, id=held["id"]) is None
    for token, code in ((other["token"], "UNKNOWN_ORDER"), ("x", "UNKNOWN_ORDER")):
        input = {"key": str(uuid4()), "orderId": held["id"], "token": token}
        assert (await fresh.asking(mutation("cancelOrder"), input=input))["code"] == code
    input = {"key": str(uuid4()), "orderId": held["id"], "token": held["token"]}
    assert (await fresh.asking(mutation("extendHold"), input=input))["extended"]
    await fresh.do("payOrder", orderId=held["id"])
    input["key"] = str(uuid4())
    refused = await fresh.asking(mutation("cancelOrder"), input=input)
    assert (refused["code"], refused["wrong"]) == ("WRONG_STATE", "PAID")
    assert (
        await fresh.asking.code(
            mutation("payOrder"), input={"key": str(uuid4()), "orderId": held["id"]}
        )
        == "UNAUTHENTICATED"
    )


async def test_returned_by_line(fresh: Desk) -> None:
    await stocked(fresh, 米=10)
    held = await place(fresh, ("米", 5))
    line = [await fresh.line("米", 2)]
    early = await fresh.do("returnOrder", orderId=held["id"], lines=line, disposition="SHELF")
    assert (early["code"], early["wrong"]) == ("WRONG_STATE", "HELD")
    await fresh.do("payOrder", orderId=held["id"])
    await fresh.do("fulfilOrder", orderId=held["id"])
    for disposition, shelf in (("SHELF", "7"), ("WASTE", "7")):
        back = await fresh.do(
            "returnOrder", orderId=held["id"], lines=line, disposition=disposition
        )
        assert back["lines"][0]["quantity"] == "2"
        assert (await seen(fresh, "米"))[0] == shelf
    more = await fresh.do("returnOrder", orderId=held["id"], lines=line, disposition="SHELF")
    assert (more["code"], more["sold"], more["returned"]) == ("RETURN_EXCEEDS_SALE", "5", "4")


async def test_dishes_hold_what_they_are_made_of(fresh: Desk) -> None:
    for name, more in (("番茄", {"unit": "个"}), ("蛋", {"unit": "个"})):
        await fresh.product(name, **more)
        await fresh.receive(name, 10)
    for dish in ("番茄炒蛋", "番茄汤"):
        await fresh.product(dish, kind="DISH", unit="份", price="18.00")
    await recipe(fresh, "番茄炒蛋", await part(fresh, "番茄", "2"), await part(fresh, "蛋", "3"))
    await recipe(fresh, "番茄汤", await part(fresh, "番茄", "2"))
    held = await place(fresh, ("番茄炒蛋", 2), ("番茄汤", 2), ("番茄", 1), channel="DOUYIN")
    assert held["total"] is None, "tomatoes have no price"
    assert await seen(fresh, "番茄") == ("1", "9", "10")
    assert await seen(fresh, "蛋") == ("4", "6", "10")
    refused = await place(fresh, ("番茄汤", 1))
    assert refused["shortages"][0]["product"]["name"] == "番茄"
    await fresh.do("payOrder", orderId=held["id"])
    done = await fresh.do("fulfilOrder", orderId=held["id"])
    moved = {
        (line["product"]["name"], line["from"]["bin"], line["to"]["bin"]): line["quantity"]
        for line in done["movements"][-1]["lines"]
    }
    assert moved == {
        ("番茄", "RESERVED", "CUSTOMER"): "1",
        ("番茄", "RESERVED", "KITCHEN"): "8",
        ("蛋", "RESERVED", "KITCHEN"): "6",
        ("番茄炒蛋", "KITCHEN", "CUSTOMER"): "2",
        ("番茄汤", "KITCHEN", "CUSTOMER"): "2",
    }
    line = [await fresh.line("番茄炒蛋", 1)]
    back = await fresh.do("returnOrder", orderId=held["id"], lines=line, disposition="SHELF")
    assert back["lines"][0]["to"]["bin"] == "WASTE"


async def test_paid_late_for_a_dish_that_is_made_otherwise_now(
    fresh: Desk, elsewhere: Asking
) -> None:
    """The recipe was changed in another process; this process detects the change."""
    await fresh.product("蛋", unit="个")
    await fresh.receive("蛋", 10)
    await fresh.product("蒸蛋", kind="DISH", unit="份")
    await recipe(fresh, "蒸蛋", await part(fresh, "蛋", "2"))
    held = await place(fresh, ("蒸蛋", 1), pickupAt=soon(0.5))
    there = replace(fresh, chain=replace(fresh.chain, asking=elsewhere))
    await recipe(there, "蒸蛋", await part(fresh, "蛋", "3"))
    await asyncio.sleep(0.6)
    assert (await fresh.post("sell", ("蛋", 10)))["kind"] == "SALE"
    await fresh.receive("蛋", 4)
    paid = await fresh.do("payOrder", orderId=held["id"])
    assert paid["state"] == "PAID", paid
    assert await seen(fresh, "蛋") == ("1", "3", "4")


async def test_a_dish_taken_off_cannot_be_ordered(fresh: Desk) -> None:
    await fresh.product("蛋", unit="个")
    await fresh.receive("蛋", 10)
    dish = await fresh.product("蒸蛋", kind="DISH", unit="份")
    await recipe(fresh, "蒸蛋", await part(fresh, "蛋", "2"))
    off = {"storeId": fresh.store, "productId": dish}
    await fresh.do("setSoldOut", soldOut=True, **off)
    refused = await place(fresh, ("蒸蛋", 1))
    assert refused["shortages"][0]["product"]["name"] == "蒸蛋", refused
    await fresh.do("setSoldOut", soldOut=False, **off)
    assert (await place(fresh, ("蒸蛋", 1)))["state"] == "HELD"


async def test_orders_are_listed(fresh: Desk) -> None:
    await stocked(fresh, 米=10)
    placed = [await place(fresh, ("米", 1)) for _ in range(3)]
    await fresh.do("cancelOrder", orderId=placed[0]["id"])
    nodes = (await fresh.ask(ORDERS))["nodes"]
    assert [row["id"] for row in nodes] == [each["id"] for each in reversed(placed)]
    held = (await fresh.ask(ORDERS, state="HELD", channel="WECHAT"))["nodes"]
    assert [row["id"] for row in held] == [placed[2]["id"], placed[1]["id"]]
    assert (await fresh.ask(ORDERS, by=fresh.cashier))["nodes"][0]["contact"] == "138****8000"


async def test_bad_orders(fresh: Desk) -> None:
    await stocked(fresh, 米=10)
    for more in (
        {"pickupAt": soon(-5)},
        {"pickupAt": soon(31 * 86400)},
        {"contact": " "},
        {"lines": []},
    ):
        arguments: dict[str, Any] = {"store": fresh.chain.founded.store.code, "contact": "张"}
        arguments |= {"channel": "WECHAT", "lines": [await fresh.line("米", 1)]}
        assert await fresh.code("placeOrder", **{**arguments, **more}) == "BAD_INPUT"
    unknown = await place(fresh, ("米", 1), store="nowhere")
    assert unknown["code"] == "UNKNOWN_STORE"
    nothing = await place(fresh, ("米", 0))
    assert nothing["code"] == "INVALID_QUANTITY"
