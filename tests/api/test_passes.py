"""Passes over HTTP: sold online, redeemed at the counter of any store; and permissions."""

from typing import Any
from uuid import uuid4

from tests.api.test_recipes import available, part, recipe
from tests.support.api import Desk

PASSES = """
query($customer: String, $state: PassState) { passes(customer: $customer, state: $state) {
  nodes { id customer uses used state product { name } redemptions { uses } }
} }
"""


async def salon(desk: Desk, mode: str | None = None) -> str:
    """A pass for hair washes, each of which takes 50 ml of shampoo."""
    for name, more in (
        ("洗发水", {"unit": "ml"}),
        ("洗发", {"kind": "SERVICE", "unit": "次"}),
        ("洗发卡", {"kind": "PASS", "unit": "张"}),
    ):
        await desk.product(name, **more)
    more = {} if mode is None else {"consumeOn": mode}
    await recipe(desk, "洗发", await part(desk, "洗发水", "50"), **more)
    await recipe(desk, "洗发卡", await part(desk, "洗发", "1"), **more)
    await desk.receive("洗发水", 1000)
    return await desk.product("洗发卡")


async def sell(desk: Desk, product: str, uses: int = 5, **more: Any) -> Any:
    arguments = {"storeId": desk.store, "customer": "13800138000", "channel": "WECHAT", **more}
    return await desk.do("sellPass", productId=product, uses=uses, **arguments)


async def test_a_pass_sold_online_takes_its_first_use(fresh: Desk) -> None:
    sold = await sell(fresh, await salon(fresh))
    assert (sold["uses"], sold["used"], sold["state"]) == (5, 0, "ACTIVE")
    assert sold["consumeOn"] == "FIRST_USE_ON_SALE"
    assert await available(fresh, "洗发水") == ["950"]
    for left in ("950", "900"):
        done = await fresh.do("redeem", storeId=fresh.store, passId=sold["id"])
        assert done["movement"]["kind"] == "REDEMPTION", done
        assert await available(fresh, "洗发水") == [left]
    refused = await fresh.do("redeem", storeId=fresh.store, passId=sold["id"], uses=4)
    assert (refused["code"], refused["left"], refused["requested"]) == ("NOT_ENOUGH_USES", 3, 4)
    ended = await fresh.do("refundPass", passId=sold["id"], reason="搬家")
    assert (ended["state"], ended["used"]) == ("REFUNDED", 2)
    again = await fresh.do("redeem", storeId=fresh.store, passId=sold["id"])
    assert (again["code"], again["wrong"]) == ("WRONG_STATE", "REFUNDED")
    assert await available(fresh, "洗发水") == ["900"]


async def test_a_service_paid_at_the_counter(fresh: Desk) -> None:
    await salon(fresh, "REDEEM")
    service, key = await fresh.product("洗发"), str(uuid4())
    arguments = {"storeId": fresh.store, "serviceProductId": service, "uses": 2, "key": key}
    done = [await fresh.do("redeem", **arguments) for _ in range(2)]
    assert done[0]["id"] == done[1]["id"]
    assert done[0]["movement"]["kind"] == "SALE"
    assert await available(fresh, "洗发水") == ["900"]
    assert (await fresh.post("sell", ("洗发", 1)))["kind"] == "SALE"
    online = await fresh.post("sell", ("洗发", 1), channel="WECHAT")
    assert (online["code"], online["wrong"]) == ("WRONG_STATE", "REDEEMED_LATER")
    card = await fresh.post("sell", ("洗发卡", 1))
    assert (card["code"], card["wrong"]) == ("WRONG_STATE", "PASS")


async def test_what_is_held_is_not_sold(fresh: Desk) -> None:
    sold = await sell(fresh, await salon(fresh, "RESERVE_ON_SALE"), uses=20)
    assert sold["consumeOn"] == "RESERVE_ON_SALE"
    assert await available(fresh, "洗发水") == ["0"]
    assert (await fresh.post("sell", ("洗发水", 1)))["code"] == "OUT_OF_STOCK"
    assert (await sell(fresh, await fresh.product("洗发卡"), uses=1))["code"] == "OUT_OF_STOCK"
    movement = (await fresh.do("redeem", storeId=fresh.store, passId=sold["id"]))["movement"]
    undone = await fresh.do("reverse", movementId=movement["id"])
    assert undone["kind"] == "REVERSAL"
    assert await available(fresh, "洗发水") == ["0"]
    assert [each["used"] for each in (await fresh.ask(PASSES))["nodes"]] == [0]


async def test_who_sees_whose_pass(fresh: Desk, outsider: Desk) -> None:
    sold = await sell(fresh, await salon(fresh))
    for by in (fresh.owner, fresh.cashier):
        [row] = (await fresh.ask(PASSES, by, customer="13800138000", state="ACTIVE"))["nodes"]
        assert (row["id"], row["customer"]) == (sold["id"], "138****8000")
    assert (await outsider.ask(PASSES))["nodes"] == []
    refused = await outsider.do("redeem", storeId=outsider.store, passId=sold["id"])
    assert refused["code"] == "UNKNOWN_PASS"
    assert (await outsider.do("refundPass", passId=sold["id"]))["code"] == "UNKNOWN_PASS"
    by = {"by": fresh.cashier}
    assert await fresh.code("refundPass", passId=sold["id"], **by) == "FORBIDDEN"


async def test_arguments_that_cannot_be(fresh: Desk) -> None:
    card = await salon(fresh)
    rice = await fresh.product("米")
    assert (await sell(fresh, rice))["wrong"] == "NOT_A_SERVICE"
    arguments = {"storeId": fresh.store, "customer": "x", "productId": card}
    assert await fresh.code("sellPass", **arguments, uses=0) == "BAD_INPUT"
    assert await fresh.code("sellPass", **arguments, uses=1, expiresOn="2020-01-01") == "BAD_INPUT"
    assert await fresh.code("redeem", storeId=fresh.store) == "BAD_INPUT"
