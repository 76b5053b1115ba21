"""Goods that have expired when they come in go to quarantine, with a warning."""

from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

from tests.api.test_purchases import came, ordered
from tests.support.api import Desk, verify_change

WARNINGS = """
query($id: UUID!) { movement(id: $id) {
  lines { quantity to { bin } }
  warnings { code quantity expiredOn message product { name } batch { number } }
} }
"""
ALERTS = "query { alerts { nodes { rule } } }"
BINS = """
query($product: UUID!, $store: UUID!) { product(id: $product) { level(storeId: $store) {
  onHand available quarantined lastReceivedAt value
} } }
"""


def day(days: int) -> str:
    return str(datetime.now(ZoneInfo("Asia/Shanghai")).date() + timedelta(days=days))


async def milk(desk: Desk, number: str, days: int, quantity: int = 5, **more: Any) -> Any:
    await desk.product("奶", tracksBatches=True)
    return await desk.line("奶", quantity, batchNo=number, expiresOn=day(days), **more)


async def receive(desk: Desk, *lines: Any, **more: Any) -> Any:
    return await desk.do("receive", storeId=desk.store, lines=list(lines), **more)


async def bins(desk: Desk) -> tuple[str, str, str]:
    """On hand, available and quarantined."""
    level = (await desk.ask(BINS, product=desk.products["奶"], store=desk.store))["level"]
    return level["onHand"], level["available"], level["quarantined"]


async def places(desk: Desk, movement: Any) -> list[tuple[str, str]]:
    """Quantity and bin of each line."""
    answer = await desk.ask(WARNINGS, id=movement["id"])
    return [(line["quantity"], line["to"]["bin"]) for line in answer["lines"]]


async def codes(desk: Desk, movement: Any) -> list[tuple[str, str]]:
    """Quantity and code of each warning."""
    answer = await desk.ask(WARNINGS, id=movement["id"])
    return [(each["quantity"], each["code"]) for each in answer["warnings"]]


async def test_an_expired_receipt_goes_to_quarantine(fresh: Desk) -> None:
    lines = await milk(fresh, "OLD", -1, unitCost="3"), await milk(fresh, "NEW", 9, 2)
    received = await verify_change(fresh, receive(fresh, *lines))
    assert await places(fresh, received) == [("5", "QUARANTINE"), ("2", "SHELF")]
    assert await bins(fresh) == ("7", "2", "5")
    [warning] = (await fresh.ask(WARNINGS, id=received["id"]))["warnings"]
    assert warning == {
        "code": "EXPIRED",
        "quantity": "5",
        "expiredOn": day(-1),
        "message": f"奶（批号 OLD）已于 {day(-1)} 到期，5 袋已转入待检，请退回供应商或报损",
        "product": {"name": "奶"},
        "batch": {"number": "OLD"},
    }
    headers = {"accept-language": "en", "authorization": f"Bearer {fresh.owner}"}
    body = {"query": WARNINGS, "variables": {"id": received["id"]}}
    answer = await fresh.asking.http.post("/graphql", json=body, headers=headers)
    [english] = answer.json()["data"]["movement"]["warnings"]
    assert english["message"].startswith("奶 (batch OLD) has expired")
    refused = await fresh.post("sell", ("奶", 3))
    assert (refused["code"], refused["shortages"][0]["available"]) == ("OUT_OF_STOCK", "2")


async def test_the_last_day_of_sale_is_not_expired(fresh: Desk) -> None:
    received = await receive(fresh, await milk(fresh, "LAST", 0))
    assert await places(fresh, received) == [("5", "SHELF")]
    assert await codes(fresh, received) == []


async def test_a_receipt_recorded_after_the_expiry_is_not_for_sale(fresh: Desk) -> None:
    then = (datetime.now(ZoneInfo("Asia/Shanghai")) - timedelta(days=3)).isoformat()
    received = await receive(fresh, await milk(fresh, "OLD", -1), occurredAt=then)
    assert await codes(fresh, received) == [("5", "EXPIRED")]
    assert await bins(fresh) == ("5", "0", "5")


async def test_expired_goods_that_come_in_raise_no_shortage(fresh: Desk) -> None:
    await fresh.do("setReorderPoint", productId=await fresh.product("奶", tracksBatches=True),
                   storeId=fresh.store, quantity="4")  # fmt: skip
    await receive(fresh, await milk(fresh, "OLD", -1))
    assert (await fresh.ask(ALERTS))["nodes"] == []


async def test_the_same_key_brings_expired_goods_once(fresh: Desk) -> None:
    line, key = await milk(fresh, "OLD", -1), str(uuid4())
    first, again = [await receive(fresh, line, key=key) for _ in range(2)]
    assert first["id"] == again["id"]
    assert await bins(fresh) == ("5", "0", "5")


async def test_a_reversed_expired_receipt_leaves_quarantine(fresh: Desk) -> None:
    received = await receive(fresh, await milk(fresh, "OLD", -1))
    await verify_change(fresh, fresh.do("reverse", movementId=received["id"]))
    assert await bins(fresh) == ("0", "0", "0")


async def test_opening_stock_and_production(fresh: Desk) -> None:
    line = await milk(fresh, "OLD", -2)
    for number, name in enumerate(("openStock", "produce"), 1):
        moved = await fresh.do(name, storeId=fresh.store, lines=[line])
        assert await codes(fresh, moved) == [("5", "EXPIRED")], name
        assert await bins(fresh) == (str(5 * number), "0", str(5 * number))


async def test_a_purchase_receipt_is_complete_and_put_aside(fresh: Desk) -> None:
    await milk(fresh, "OLD", -1)
    order = await ordered(fresh, ("奶", 5, "2"))
    line = {**await milk(fresh, "OLD", -1)}
    received = await fresh.do("receivePurchaseOrder", purchaseOrderId=order["id"], lines=[line])
    assert received["state"] == "RECEIVED", received
    [receipt] = received["receipts"]
    assert await codes(fresh, receipt) == [("5", "EXPIRED")]
    await fresh.do("reversePurchaseReceipt", movementId=receipt["id"])
    assert await bins(fresh) == ("0", "0", "0")
    assert "id" in await came(fresh, order, ("奶", 5))


async def test_a_return_that_expired_meanwhile(fresh: Desk) -> None:
    then = (datetime.now(ZoneInfo("Asia/Shanghai")) - timedelta(days=2)).isoformat()
    await receive(fresh, await milk(fresh, "OLD", -1), occurredAt=then)
    sale = await fresh.post("sell", ("奶", 3), occurredAt=then)
    back = await fresh.post("returnSale", ("奶", 2), saleId=sale["id"], disposition="SHELF")
    assert await places(fresh, back) == [("2", "QUARANTINE")]
    assert await codes(fresh, back) == [("2", "EXPIRED")]
    rest = await fresh.post("returnSale", ("奶", 1), saleId=sale["id"], disposition="SHELF")
    assert await codes(fresh, rest) == [("1", "EXPIRED")]
    assert await bins(fresh) == ("5", "0", "5")


async def test_expired_goods_are_written_off_from_where_they_lie(fresh: Desk) -> None:
    await receive(fresh, await milk(fresh, "OLD", -1))
    line = await fresh.line("奶", 2, batchNo="OLD")
    row = await fresh.do("requestWriteOff", storeId=fresh.store, reason="过期", lines=[line])
    assert [(each["from"], each["quantity"]) for each in row["lines"]] == [("QUARANTINE", "2")]
