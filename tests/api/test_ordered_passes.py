"""Passes and services in orders: issued when they are paid, and each use is deducted once."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Any
from uuid import uuid4

import pytest
from pytest_httpserver import HTTPServer

from tests.api.test_customers import Club, club, mini
from tests.api.test_passes import salon
from tests.api.test_recipes import available
from tests.support.api import Desk, mutation

__all__ = ["AsyncIterator", "HTTPServer", "Iterator", "club", "mini"]

PASSES = "query($id: UUID!) { order(id: $id) { state passes { id uses used state consumeOn } } }"
MINE = "{ myPasses { nodes { id uses used state } } }"


async def card(desk: Desk, mode: str | None = None, **more: Any) -> str:
    """A pass at 30 yuan a use, of which each takes 50 ml of 1000 ml of shampoo."""
    product = await salon(desk, mode)
    await desk.do("updateProduct", productId=product, price="30")
    return product


async def order(desk: Desk, by: str | None, *lines: Any, **more: Any) -> Any:
    where = {"store": desk.chain.founded.store.code, "channel": "WECHAT"}
    sent = [{"productId": product, "quantity": str(uses)} for product, uses in lines]
    input = {"key": str(uuid4()), **where, "contact": "13800138000", "lines": sent, **more}
    return await desk.asking(mutation("placeOrder"), by, input=input)


async def passes(desk: Desk, id: str) -> list[Any]:
    return (await desk.ask(PASSES, id=id))["passes"]


async def state(desk: Desk, id: str) -> tuple[str, list[str]]:
    """The state of an order, and what came back of each line; lists show the same state."""
    order = await desk.ask(
        "query($id: UUID!) { order(id: $id) { state lines { returned } } }", id=id
    )
    listed = await desk.ask(
        "query($state: OrderState!) { orders(state: $state) { nodes { id } } }",
        state=order["state"],
    )
    assert id in [each["id"] for each in listed["nodes"]]
    return order["state"], [each["returned"] for each in order["lines"]]


async def handed_over(desk: Desk, *lines: Any) -> str:
    """An order that is paid and handed over."""
    placed = await order(desk, desk.owner, *lines)
    await desk.do("payOrder", orderId=placed["id"])
    await desk.do("fulfilOrder", orderId=placed["id"])
    return placed["id"]


async def shampoo(desk: Desk) -> str:
    return (await available(desk, "洗发水"))[0]


async def test_a_member_buys_a_pass(club: Club) -> None:
    """The first use is reserved with the order, deducted at payment, and redeemed for nothing."""
    desk, by = club.desk, await club.member()
    placed = await order(desk, by, (await card(desk), 5))
    assert (placed["state"], placed["total"]) == ("HELD", "150.00"), placed
    assert await passes(desk, placed["id"]) == []
    assert await shampoo(desk) == "950"
    paid = await desk.do("payOrder", orderId=placed["id"])
    assert paid["state"] == "PAID", paid
    [bought] = await passes(desk, placed["id"])
    assert (bought["uses"], bought["used"], bought["state"]) == (5, 0, "ACTIVE")
    assert bought["consumeOn"] == "FIRST_USE_ON_SALE"
    [mine] = (await desk.ask(MINE, by))["nodes"]
    assert mine["id"] == bought["id"]
    assert await shampoo(desk) == "950"
    for left in ("950", "900"):
        done = await desk.do("redeem", storeId=desk.store, passId=bought["id"])
        assert done["movement"]["kind"] == "REDEMPTION", done
        assert await shampoo(desk) == left
    handed = await desk.do("fulfilOrder", orderId=placed["id"])
    assert (handed["state"], await shampoo(desk)) == ("FULFILLED", "900")
    back = await desk.do(
        "returnOrder",
        orderId=placed["id"],
        lines=[{"productId": await desk.product("洗发卡"), "quantity": "1"}],
        disposition="SHELF",
    )
    assert back["wrong"] == "WHOLE_PASS"
    ended = await desk.do("refundPass", passId=bought["id"])
    assert (ended["state"], ended["used"]) == ("REFUNDED", 2)
    assert await state(desk, placed["id"]) == ("PARTLY_RETURNED", ["3"])


@pytest.mark.parametrize(
    ("mode", "held", "paid"),
    [
        ("FIRST_USE_ON_SALE", "950", "950"),
        ("RESERVE_ON_SALE", "800", "800"),
        ("REDEEM", "1000", "1000"),
    ],
)
async def test_each_way_to_consume(fresh: Desk, mode: str, held: str, paid: str) -> None:
    """An order of staff: held, paid, redeemed once, and cancelled: what was not used is back."""
    placed = await order(fresh, fresh.owner, (await card(fresh, mode), 4))
    assert (placed["state"], await shampoo(fresh)) == ("HELD", held), placed
    await fresh.do("payOrder", orderId=placed["id"])
    [sold] = await passes(fresh, placed["id"])
    assert (sold["consumeOn"], await shampoo(fresh)) == (mode, paid)
    await fresh.do("redeem", storeId=fresh.store, passId=sold["id"])
    ended = await fresh.do("cancelOrder", orderId=placed["id"])
    assert ended["state"] == "CANCELLED", ended
    assert [each["state"] for each in await passes(fresh, placed["id"])] == ["REFUNDED"]
    assert await shampoo(fresh) == "950"
    refused = await fresh.do("redeem", storeId=fresh.store, passId=sold["id"])
    assert refused["wrong"] == "REFUNDED"


async def test_an_order_that_is_not_paid_gives_all_back(fresh: Desk) -> None:
    placed = await order(fresh, fresh.owner, (await card(fresh), 3))
    assert await shampoo(fresh) == "950"
    assert (await fresh.do("cancelOrder", orderId=placed["id"]))["state"] == "CANCELLED"
    assert (await shampoo(fresh), await passes(fresh, placed["id"])) == ("1000", [])


async def test_goods_beside_a_pass(fresh: Desk) -> None:
    """The bottle that is ordered too is the customer's; the pass takes only its own goods."""
    lines = (await card(fresh), 2), (await fresh.product("洗发水"), 100)
    placed = await order(fresh, fresh.owner, *lines)
    assert await shampoo(fresh) == "850"
    await fresh.do("payOrder", orderId=placed["id"])
    handed = await fresh.do("fulfilOrder", orderId=placed["id"])
    sold = [each for each in handed["movements"] if each["kind"] == "FULFILMENT"]
    assert [each["quantity"] for each in sold[0]["lines"]] == ["100"]
    assert (await fresh.level("洗发水"))["onHand"] == "850"


async def test_services(fresh: Desk) -> None:
    """A service that is used at once reserves its goods; one for later is sold as a pass."""
    await card(fresh)
    service = await fresh.product("洗发")
    placed = await order(fresh, fresh.owner, (service, 2))
    assert (placed["state"], await shampoo(fresh)) == ("HELD", "900"), placed
    await fresh.do("payOrder", orderId=placed["id"])
    await fresh.do("fulfilOrder", orderId=placed["id"])
    assert (await shampoo(fresh), await passes(fresh, placed["id"])) == ("900", [])
    await card(fresh, "REDEEM")
    later = await order(fresh, fresh.owner, (service, 2))
    assert (later["state"], await shampoo(fresh)) == ("HELD", "1900"), later
    await fresh.do("payOrder", orderId=later["id"])
    [sold] = await passes(fresh, later["id"])
    assert (sold["uses"], sold["consumeOn"]) == (2, "REDEEM")


async def test_guests_sign_in_first(fresh: Desk) -> None:
    product = await card(fresh)
    refused = await order(fresh, None, (product, 1))
    assert (refused["code"], refused["wrong"]) == ("WRONG_STATE", "SIGN_IN_FIRST")
    where = {"store": fresh.chain.founded.store.code, "channel": "WECHAT", "contact": "x"}
    many = [{"productId": product, "quantity": "1001"}]
    assert await fresh.code("placeOrder", by=fresh.owner, **where, lines=many) == "BAD_INPUT"


async def test_a_used_pass_keeps_its_order(fresh: Desk) -> None:
    placed = await order(fresh, fresh.owner, (await card(fresh), 1))
    await fresh.do("payOrder", orderId=placed["id"])
    [sold] = await passes(fresh, placed["id"])
    done = await fresh.do("redeem", storeId=fresh.store, passId=sold["id"])
    refused = await fresh.do("cancelOrder", orderId=placed["id"])
    assert refused["wrong"] == "USED"
    await fresh.do("reverse", movementId=done["movement"]["id"])
    assert (await fresh.do("cancelOrder", orderId=placed["id"]))["state"] == "CANCELLED"
    assert await shampoo(fresh) == "1000"


async def test_payments_and_cancellations_at_the_same_time(fresh: Desk) -> None:
    """Paid twice, cancelled, redeemed and refunded at once: each use is deducted at most once."""
    product = await card(fresh)
    for _ in range(4):
        before = int(await shampoo(fresh))
        placed = await order(fresh, fresh.owner, (product, 3))
        at = {"orderId": placed["id"]}
        await asyncio.gather(*(fresh.do("payOrder", **at) for _ in range(2)))
        [sold] = await passes(fresh, placed["id"])
        await asyncio.gather(
            fresh.do("cancelOrder", **at),
            fresh.do("redeem", storeId=fresh.store, passId=sold["id"]),
            fresh.do("refundPass", passId=sold["id"]),
        )
        [one] = await passes(fresh, placed["id"])
        taken = before - int(await shampoo(fresh))
        assert (one["state"], taken) == ("REFUNDED", 50 * one["used"])


async def test_passes_come_back_with_the_goods(fresh: Desk) -> None:
    """All lines or none, once a key; the pass takes its goods back to the shelf."""
    product, bottle = await card(fresh), await fresh.product("洗发水")
    id = await handed_over(fresh, (product, 3), (bottle, 100))
    assert (await shampoo(fresh), await state(fresh, id)) == ("850", ("FULFILLED", ["0", "0"]))

    async def back(uses: str, more: str, by: str | None = None, **input: Any) -> Any:
        lines = [
            {"productId": product, "quantity": uses},
            {"productId": bottle, "quantity": more},
        ]
        return await fresh.do(
            "returnOrder", by=by, orderId=id, lines=lines, disposition="SHELF", **input
        )

    assert (await back("4", "100"))["code"] == "RETURN_EXCEEDS_SALE"
    assert (await back("2", "100"))["wrong"] == "WHOLE_PASS"
    assert (await back("0", "100"))["code"] == "INVALID_QUANTITY"
    assert (await back("3", "101"))["code"] == "RETURN_EXCEEDS_SALE"
    assert [each["state"] for each in await passes(fresh, id)] == ["ACTIVE"]
    lines = [{"productId": product, "quantity": "3"}]
    by = {"by": fresh.cashier, "disposition": "SHELF"}
    assert await fresh.code("returnOrder", orderId=id, lines=lines, **by) == "FORBIDDEN"
    key = str(uuid4())
    first, *others = await asyncio.gather(*(back("3", "40", key=key) for _ in range(3)))
    assert (first["kind"], [each["quantity"] for each in first["lines"]]) == ("RETURN", ["40"])
    assert [first] * 2 == others
    assert (await back("3", "41", key=key))["code"] == "KEY_REUSED"
    assert (await back("3", "10"))["wrong"] == "REFUNDED"
    assert (await shampoo(fresh), await state(fresh, id)) == (
        "940",
        ("PARTLY_RETURNED", ["3", "40"]),
    )
    rest = [{"productId": bottle, "quantity": "60"}]
    await fresh.do("returnOrder", orderId=id, lines=rest, disposition="SHELF")
    assert (await shampoo(fresh), await state(fresh, id)) == ("1000", ("RETURNED", ["3", "100"]))


async def test_returns_beside_redemptions_and_refunds(fresh: Desk) -> None:
    """A pass that is returned, redeemed and refunded at once ends once, and no use is lost."""
    product = await card(fresh)
    for _ in range(4):
        before = int(await shampoo(fresh))
        id = await handed_over(fresh, (product, 2))
        [sold] = await passes(fresh, id)
        back = {"lines": [{"productId": product, "quantity": "2"}], "disposition": "SHELF"}
        await asyncio.gather(
            *(fresh.do("returnOrder", orderId=id, **back) for _ in range(2)),
            fresh.do("redeem", storeId=fresh.store, passId=sold["id"]),
            fresh.do("refundPass", passId=sold["id"]),
        )
        [one] = await passes(fresh, id)
        taken = before - int(await shampoo(fresh))
        assert (one["state"], taken) == ("REFUNDED", 50 * one["used"])


async def test_a_pass_that_took_nothing_comes_back(fresh: Desk) -> None:
    """The answer is a movement without lines: no goods moved."""
    product = await card(fresh, "REDEEM")
    id = await handed_over(fresh, (product, 3))
    lines = [{"productId": product, "quantity": "3"}]
    key = str(uuid4())
    first, again = [
        await fresh.do("returnOrder", orderId=id, lines=lines, disposition="SHELF", key=key)
        for _ in range(2)
    ]
    assert (first["kind"], first["lines"]) == ("RETURN", [])
    assert first == again
    assert await state(fresh, id) == ("RETURNED", ["3"])
    refused = await fresh.do("reverse", movementId=first["id"])
    assert refused["wrong"] == "DOCUMENT"
