"""Dates are those of the fact: holds last until hand-over, late sales are judged at their time."""

from datetime import date, datetime, timedelta
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

from tests.api.test_orders import place, seen
from tests.api.test_sync import ALERTS, SYNC
from tests.support.api import Desk

SHANGHAI = ZoneInfo("Asia/Shanghai")
BATCHES = """
query($product: UUID!, $store: UUID!) { product(id: $product) { level(storeId: $store) {
  onHand quarantined batches { batch { number } shelf reserved quarantined }
} } }
"""
LINES = """
mutation($input: SyncSalesInput!) { syncSales(input: $input) { results { outcome {
  ... on Movement { businessDate timezone lines { batch { number } from { bin } } }
  ... on Problem { __typename code message path }
} } } }
"""


def today(days: int = 0, zone: ZoneInfo = SHANGHAI) -> date:
    return datetime.now(zone).date() + timedelta(days=days)


def at(days: int, hour: int = 20) -> str:
    """A moment of the store's day so many days from now."""
    noon = datetime.combine(today(days), datetime.min.time(), SHANGHAI)
    return (noon + timedelta(hours=hour)).isoformat()


async def deliver(desk: Desk, number: str, expires: date, quantity: int = 5, **more: Any) -> Any:
    line = await desk.line("奶", quantity, batchNo=number)
    line["expiresOn"] = expires.isoformat()
    received = await desk.do("receive", storeId=desk.store, lines=[line], **more)
    assert "id" in received, received
    return received


async def batches(desk: Desk, bin: str) -> dict[str, int]:
    """The quantity in a bin by batch number; empty ones are left out."""
    level = (await desk.ask(BATCHES, product=desk.products["奶"], store=desk.store))["level"]
    held = {each["batch"]["number"]: int(each[bin]) for each in level["batches"]}
    return {number: quantity for number, quantity in held.items() if quantity}


async def milk(desk: Desk) -> None:
    await desk.product("奶", tracksBatches=True, price="6")


async def test_a_hold_takes_what_lasts_until_the_pick_up(fresh: Desk) -> None:
    await milk(fresh)
    await deliver(fresh, "SHORT", today(2))
    await deliver(fresh, "LONG", today(30))
    far = {"pickupAt": at(5), "by": fresh.manager}
    order = await place(fresh, ("奶", 3), **far)
    assert (order["state"], await batches(fresh, "reserved")) == ("HELD", {"LONG": 3})
    refused = await place(fresh, ("奶", 4), **far)
    [shortage] = refused["shortages"]
    assert (refused["code"], shortage["available"]) == ("OUT_OF_STOCK", "2"), "what lasts"
    await place(fresh, ("奶", 5), pickupAt=at(2), by=fresh.manager)
    assert await batches(fresh, "reserved") == {"SHORT": 5, "LONG": 3}, "its last day is enough"


async def test_a_hold_takes_what_lasts_until_its_end(fresh: Desk) -> None:
    """Without a pick-up time the hold ends after the store's minutes, here on the next day."""
    await milk(fresh)
    await deliver(fresh, "TODAY", today())
    await deliver(fresh, "LONG", today(30))
    await fresh.do("updateStore", storeId=fresh.store, holdMinutes=1440)
    await place(fresh, ("奶", 2))
    assert await batches(fresh, "reserved") == {"LONG": 2}


async def test_an_extended_hold_exchanges_what_does_not_last(fresh: Desk) -> None:
    await milk(fresh)
    await deliver(fresh, "SHORT", today(1))
    await deliver(fresh, "LONG", today(30), 3)
    order = await place(fresh, ("奶", 2), pickupAt=at(1, 12), by=fresh.manager)
    other = await place(fresh, ("奶", 2), pickupAt=at(1, 12), by=fresh.manager)
    assert await batches(fresh, "reserved") == {"SHORT": 4}
    await fresh.do("updateStore", storeId=fresh.store, holdMinutes=1440)
    extended = await fresh.do("extendHold", orderId=order["id"])
    assert extended["extended"], extended
    assert await batches(fresh, "reserved") == {"SHORT": 2, "LONG": 2}
    refused = await fresh.do("extendHold", orderId=other["id"])
    assert (refused["code"], refused["shortages"][0]["available"]) == ("OUT_OF_STOCK", "1")


async def test_a_late_sale_takes_what_was_good_on_its_day(fresh: Desk) -> None:
    await milk(fresh)
    await deliver(fresh, "Y", today(-1), 10, occurredAt=at(-3))
    await deliver(fresh, "NEW", today(9), 10)
    line = {"productId": fresh.products["奶"], "quantity": "3"}
    back = await fresh.do("adjust", storeId=fresh.store, kind="RELEASE", reason="上架",
                          lines=[{**line, "quantity": "2", "batchNo": "Y"}])  # fmt: skip
    assert "id" in back, back
    operations = [
        {"key": str(uuid4()), "storeId": fresh.store, "occurredAt": at(-1), "lines": [sold]}
        for sold in (line, {**line, "batchNo": "Y"}, {**line, "quantity": "1"})
    ]
    results = (await fresh.asking(LINES, fresh.cashier, input={"operations": operations}))[
        "results"
    ]
    for result in results:
        outcome = result["outcome"]
        day = outcome["businessDate"], outcome["timezone"]
        assert day == (today(-1).isoformat(), "Asia/Shanghai")
        assert {each["batch"]["number"] for each in outcome["lines"]} == {"Y"}, outcome
        assert {each["from"]["bin"] for each in outcome["lines"]} <= {"SHELF", "QUARANTINE"}
    assert await batches(fresh, "quarantined") == {"Y": 3}
    assert await batches(fresh, "shelf") == {"NEW": 10}
    done = await fresh.post("sell", ("奶", 2), acceptShortage=True, occurredAt=at(-1))
    assert [each["from"]["bin"] for each in done["lines"]] == ["QUARANTINE"]
    now = await fresh.post("sell", ("奶", 2))
    assert [each["from"]["bin"] for each in now["lines"]] == ["SHELF"]
    assert await batches(fresh, "shelf") == {"NEW": 8}
    assert (await fresh.ask(ALERTS))["nodes"] == []
    back = await fresh.do("reverse", movementId=done["id"])
    assert [each["to"]["bin"] for each in back["lines"]] == ["QUARANTINE"]
    assert (await seen(fresh, "奶"))[2] == str(20 - 7 - 2)


async def test_a_late_sale_leaves_what_waits_for_a_write_off(fresh: Desk) -> None:
    await milk(fresh)
    await deliver(fresh, "Y", today(-1), 4, occurredAt=at(-3))
    line = {"productId": fresh.products["奶"], "quantity": "3", "batchNo": "Y"}
    back = await fresh.do("adjust", storeId=fresh.store, kind="RELEASE", reason="上架",
                          lines=[{**line, "quantity": "4"}])  # fmt: skip
    assert "id" in back, back
    assert "id" in await fresh.do(
        "requestWriteOff", storeId=fresh.store, reason="过期", lines=[line]
    )
    sold = [{"productId": fresh.products["奶"], "quantity": "2"}]
    sale = {"key": str(uuid4()), "storeId": fresh.store, "occurredAt": at(-1), "lines": sold}
    answer = await fresh.asking(SYNC, fresh.cashier, input={"operations": [sale]})
    bins = [each["from"]["bin"] for each in answer["results"][0]["outcome"]["lines"]]
    assert bins == ["SHELF", "VARIANCE", "SHELF"], "the rest was missing from the books"
    assert await batches(fresh, "quarantined") == {"Y": 3}


async def test_a_store_moves_to_another_zone(fresh: Desk) -> None:
    """What was judged in the old zone stays right: the audit runs after each test."""
    await milk(fresh)
    midway = ZoneInfo("Pacific/Midway")
    await fresh.do("updateStore", storeId=fresh.store, timezone="Pacific/Midway")
    await deliver(fresh, "LAST", today(0, midway))
    sold = await fresh.post("sell", ("奶", 1))
    await fresh.do("updateStore", storeId=fresh.store, timezone="Pacific/Kiritimati")
    assert (await fresh.post("sell", ("奶", 1)))["code"] == "OUT_OF_STOCK"
    query = "query($id: UUID!) { movement(id: $id) { businessDate timezone } }"
    kept = await fresh.ask(query, id=sold["id"])
    assert kept == {
        "businessDate": today(0, midway).isoformat(), "timezone": "Pacific/Midway"
    }  # fmt: skip


async def test_a_receipt_that_is_recorded_late_moves_nothing_back(fresh: Desk) -> None:
    await milk(fresh)
    query = """query($product: UUID!, $store: UUID!) { product(id: $product) {
      level(storeId: $store) { lastReceivedAt } } }"""
    for days, last in ((-2, -2), (-5, -2), (-1, -1)):
        await deliver(fresh, "A", today(9), occurredAt=at(days))
        level = (await fresh.ask(query, product=fresh.products["奶"], store=fresh.store))["level"]
        assert datetime.fromisoformat(level["lastReceivedAt"]) == datetime.fromisoformat(at(last))


async def test_a_reversed_receipt_is_not_the_last_one(fresh: Desk) -> None:
    await milk(fresh)
    query = """query($product: UUID!, $store: UUID!) { product(id: $product) {
      level(storeId: $store) { lastReceivedAt } } }"""

    async def last() -> str | None:
        place = {"product": fresh.products["奶"], "store": fresh.store}
        return (await fresh.ask(query, **place))["level"]["lastReceivedAt"]

    first = await deliver(fresh, "A", today(9), 3, occurredAt=at(-2))
    kept = await last()
    back = await fresh.post("returnToSupplier", ("奶", 1), by=fresh.manager)
    await fresh.do("reverse", movementId=back["id"])
    assert await last() == kept
    second = await deliver(fresh, "B", today(9), 3)
    assert await last() != kept
    for receipt, left in ((second, kept), (first, None)):
        assert "id" in await fresh.do("reverse", movementId=receipt["id"])
        assert await last() == left
