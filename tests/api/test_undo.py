"""Undoing what was booked wrong: costs, goods in quarantine, receipts and redemptions."""

from typing import Any

from tests.support.api import Desk

COSTS = "query($id: UUID!) { movement(id: $id) { lines { cost costBasis } } }"


async def costs(desk: Desk, movement: Any, by: str | None = None) -> list[Any]:
    answer = await desk.ask(COSTS, by, id=movement["id"])
    return [(line["cost"], line["costBasis"]) for line in answer["lines"]]


async def test_a_reversed_receipt_says_at_which_cost_it_went(desk: Desk) -> None:
    await desk.receive("米", 10)
    slip = {**await desk.line("米", 10), "unitCost": "2800"}
    wrong = await desk.do("receive", storeId=desk.store, lines=[slip])
    undone = await desk.do("reverse", movementId=wrong["id"])
    assert await costs(desk, undone) == [("28000.00", "OWN")]
    assert await costs(desk, undone, desk.cashier) == [(None, None)]
    assert await costs(desk, wrong) == [("28000.00", None)]
    again = await desk.do("receive", storeId=desk.store, lines=[slip])
    await desk.post("sell", ("米", 10))
    late = await desk.do("reverse", movementId=again["id"])
    assert await costs(desk, late) == [("14000.00", "AVERAGE")]


async def test_goods_in_quarantine_go_back_to_the_supplier(desk: Desk) -> None:
    await desk.receive("锅", 5)
    sale = await desk.post("sell", ("锅", 2))
    await desk.post("returnSale", ("锅", 2), saleId=sale["id"], disposition="QUARANTINE")
    back = await desk.post("returnToSupplier", ("锅", 4), by=desk.manager)
    assert [(line["from"]["bin"], line["quantity"]) for line in back["lines"]] == [
        ("SHELF", "3"),
        ("QUARANTINE", "1"),
    ]
    short = await desk.post("returnToSupplier", ("锅", 2), by=desk.manager)
    assert short["shortages"] == [{"product": {"name": "锅"}, "requested": "2", "available": "1"}]


async def test_what_waits_for_a_write_off_does_not_go_back(desk: Desk) -> None:
    await desk.receive("锅", 5)
    lines = [await desk.line("锅", 3)]
    await desk.do("requestWriteOff", storeId=desk.store, lines=lines, reason="DAMAGED")
    short = await desk.post("returnToSupplier", ("锅", 3))
    assert short["shortages"] == [{"product": {"name": "锅"}, "requested": "3", "available": "2"}]


async def test_a_named_expired_batch_goes_back_from_where_it_lies(desk: Desk) -> None:
    await desk.product("奶", tracksBatches=True)
    old = {**await desk.line("奶", 4), "batchNo": "OLD", "expiresOn": "2026-01-02"}
    await desk.do("receive", storeId=desk.store, lines=[old])
    await desk.post("adjust", ("奶", 1), kind="QUARANTINE")
    line = {**await desk.line("奶", 4), "batchNo": "OLD"}
    back = await desk.do("returnToSupplier", storeId=desk.store, lines=[line])
    assert [(each["from"]["bin"], each["quantity"]) for each in back["lines"]] == [
        ("SHELF", "3"),
        ("QUARANTINE", "1"),
    ]
