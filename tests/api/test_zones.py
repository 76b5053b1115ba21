"""Zones of a store over HTTP: products in several of them are counted while the store sells."""

from typing import Any
from uuid import uuid4

from tests.api.test_stocktakes import (
    FIND,
    closed,
    counted,
    line_of,
    moment,
    offline,
    on_hand,
    opened,
)
from tests.support.api import Desk
from tests.support.identity import CREATE_STORE


async def test_two_zones_and_a_sale_between(desk: Desk) -> None:
    await desk.receive("米", 10)
    row = await counted(desk, await opened(desk, "米"), ("米", 4), zone="前场")
    await desk.post("sell", ("米", 1))
    row = await counted(desk, row, ("米", 5), zone="仓库")
    line = line_of(row, "米")
    assert (line["state"], line["interval"]) == ("AMBIGUOUS", {"low": "-1", "high": "0"})
    assert line["narrowedBy"] == ["RECOUNT", "CONFIRM", "NAME_ZONES"]


async def test_zones_on_movements_make_the_count_exact(fresh: Desk) -> None:
    """Each movement is compared with the count of its own zone."""
    unset = await fresh.code("sell", storeId=fresh.store, lines=[await zoned(fresh, 1, "前场")])
    store = await fresh.do(
        "setZones", by=fresh.manager, storeId=fresh.store, zones=["前场", "仓库"]
    )
    assert (unset, store["zones"]) == ("BAD_INPUT", ["前场", "仓库"])
    await fresh.receive("米", 20)
    row = await opened(fresh, "米")
    assert [each["name"] for each in row["zones"]] == ["前场", "仓库"]
    row = await counted(fresh, row, ("米", 8), zone="前场")
    for mutation, zone, quantity in (
        ("sell", "前场", 3),
        ("sell", "仓库", 2),
        ("receive", "仓库", 5),
    ):
        line = await zoned(fresh, quantity, zone)
        await fresh.do(mutation, storeId=fresh.store, lines=[line])
    row = await counted(fresh, row, ("米", 14), zone="仓库")
    line = line_of(row, "米")
    assert (line["state"], line["variance"], line["interval"]) == ("DIFFERS", "-1", None)
    assert line["narrowedBy"] == []
    assert (await closed(fresh, row))["state"] == "CLOSED"
    assert await on_hand(fresh, "米") == "19"
    assert await fresh.code("sell", storeId=fresh.store, lines=[await zoned(fresh, 1, "阁楼")]) == (
        "BAD_INPUT"
    )


async def zoned(desk: Desk, quantity: int, zone: str) -> dict[str, Any]:
    return await desk.line("米", quantity, zone=zone)


async def test_every_movement_of_a_shelf_names_its_zone(fresh: Desk) -> None:
    """Transfers, orders, write-offs, bundles, passes, redemptions: counted exactly in two zones."""
    desk = fresh
    await desk.do("setZones", storeId=desk.store, zones=["前场", "仓库"])
    other = (await desk.chain.do(CREATE_STORE, code=uuid4().hex, name="总仓"))["id"]
    await desk.receive("米", 40)
    await desk.product("礼盒", kind="BUNDLE")
    await desk.product("保养", kind="SERVICE")
    for product in ("礼盒", "保养"):
        parts = [{"productId": await desk.product("米"), "quantity": "2"}]
        await desk.do("setRecipe", productId=await desk.product(product), components=parts)
    row = await counted(desk, await opened(desk, "米"), ("米", 30), zone="前场")
    # From here on everything happens in the front zone, after its count.
    sent = await desk.do(
        "createTransfer",
        fromStoreId=desk.store,
        toStoreId=other,
        lines=[await desk.line("米", 3)],
    )
    shipped = {"transferId": sent["id"], "lines": [await zoned(desk, 3, "前场")]}
    assert (await desk.do("shipTransfer", **shipped))["state"] == "SHIPPED"
    recalled = await desk.do("cancelTransfer", transferId=sent["id"], zone="前场")
    assert recalled["state"] == "CANCELLED"
    await desk.post("receive", ("米", 4), storeId=other)
    got = await desk.do(
        "createTransfer",
        fromStoreId=other,
        toStoreId=desk.store,
        lines=[await desk.line("米", 4)],
    )
    await desk.do("shipTransfer", transferId=got["id"])
    part = {"productId": await desk.product("米"), "received": "1", "zone": "前场"}
    arrived = await desk.do("receiveTransfer", transferId=got["id"], lines=[part])
    assert arrived["state"] == "PARTIAL"
    arrived = await desk.do("receiveTransfer", transferId=got["id"], zone="前场")
    assert arrived["state"] == "RECEIVED"
    store = desk.chain.founded.store.code
    order = {"store": store, "channel": "WECHAT", "contact": "13800000000"}
    placed = await desk.do("placeOrder", **order, lines=[await desk.line("米", 2)])
    await desk.do("payOrder", orderId=placed["id"])
    zones = [{"productId": await desk.product("米"), "zone": "前场"}]
    handed = await desk.do("fulfilOrder", orderId=placed["id"], zone="仓库", zones=zones)
    assert handed["state"] == "FULFILLED"
    back = {"orderId": placed["id"], "disposition": "SHELF"}
    await desk.do("returnOrder", **back, lines=[await zoned(desk, 1, "前场")])
    bundle = await desk.line("礼盒", 1, zone="前场")
    sold = await desk.do("sell", storeId=desk.store, lines=[bundle])
    back = {"saleId": sold["id"], "disposition": "SHELF", "lines": [bundle]}
    await desk.do("returnSale", **back)
    used = {"serviceProductId": await desk.product("保养"), "storeId": desk.store}
    await desk.do("redeem", **used, zone="前场")
    await passes_in_zones(desk, used["serviceProductId"])
    wasted = {"storeId": desk.store, "reason": "破损", "lines": [await zoned(desk, 1, "前场")]}
    request = await desk.do("requestWriteOff", by=desk.cashier, **wasted)
    await desk.do("approveWriteOff", writeOffId=request["id"])
    assert await on_hand(desk, "米") == "40"
    # The first use of a pass was put back in the storage room.
    row = await counted(desk, row, ("米", 11), zone="仓库")
    line = line_of(row, "米")
    assert (line["movedDuring"], line["state"], line["variance"]) == ([], "DIFFERS", "-1")
    refusals = [
        await desk.code("fulfilOrder", orderId=placed["id"], zone="阁楼"),
        await desk.code("receiveTransfer", transferId=got["id"], zone="阁楼"),
        await desk.code("cancelTransfer", transferId=sent["id"], zone="阁楼"),
        await desk.code("redeem", **used, zone="阁楼"),
    ]
    assert refusals == ["BAD_INPUT"] * 4


async def passes_in_zones(desk: Desk, service: str) -> None:
    """Two passes sold in the front zone: the goods of one go back there, of the other elsewhere."""
    card = {"productId": service, "storeId": desk.store, "customer": "M1", "uses": 2}
    assert await desk.code("sellPass", **card, zone="阁楼") == "BAD_INPUT"
    for into in ({}, {"zone": "仓库"}):
        bought = await desk.do("sellPass", **card, zone="前场")
        assert await desk.code("refundPass", passId=bought["id"], zone="阁楼") == "BAD_INPUT"
        refunded = await desk.do("refundPass", passId=bought["id"], **into)
        assert (bought["consumeOn"], refunded["state"]) == ("FIRST_USE_ON_SALE", "REFUNDED")


REGISTER = """mutation($input: RegisterTillInput!) {
  registerTill(input: $input) { ... on Till { id } } }"""
DISCREPANCIES = "{ alerts(rule: DISCREPANCY, state: OPEN) { nodes { text product { name } } } }"


async def test_late_sales_between_the_counts_of_two_zones(fresh: Desk) -> None:
    """Of the zone that was counted before the sale it is deducted, of the other it was already.
    Without a zone that is unknown: the sheet says so before, and an alert afterwards."""
    await fresh.do("setZones", storeId=fresh.store, zones=["前场", "仓库"])
    device = {"key": str(uuid4()), "storeId": fresh.store, "deviceId": "T", "name": "一号机"}
    till = (await fresh.ask(REGISTER, input=device))["id"]
    await fresh.receive("米", 20)
    row = await opened(fresh, "米")
    row = await counted(fresh, row, ("米", 10), zone="前场")
    between = moment()
    row = await counted(fresh, row, ("米", 8), zone="仓库")
    # Its till may have sold meanwhile.
    assert [each["name"] for each in row["unsyncedTills"]] == ["一号机"]
    assert line_of(row, "米")["narrowedBy"] == ["SYNC_TILLS"]
    await offline(fresh, "米", 1, between, zone="仓库", till=till)
    row = await fresh.ask(FIND, id=row["id"])
    line = line_of(row, "米")
    assert (line["variance"], line["narrowedBy"], row["unsyncedTills"]) == ("-1", [], [])
    assert (await closed(fresh, row))["state"] == "CLOSED"
    assert await on_hand(fresh, "米") == "18"
    for zone, left in (("仓库", "18"), ("前场", "17")):
        await offline(fresh, "米", 1, between, zone=zone)
        assert await on_hand(fresh, "米") == left
    assert (await fresh.ask(DISCREPANCIES))["nodes"] == []
    await offline(fresh, "米", 1, between)
    [alert] = (await fresh.ask(DISCREPANCIES))["nodes"]
    assert "盘点期间" in alert["text"] or "stocktake" in alert["text"]
    # Only another count can tell.
    row = await counted(fresh, await opened(fresh, "米"), ("米", 17), zone="前场")
    await closed(fresh, row)
    assert (await fresh.ask(DISCREPANCIES))["nodes"] == []
