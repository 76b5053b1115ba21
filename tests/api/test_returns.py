"""What came back: the states of orders, lines that say it, and sales found by receipt number."""

from typing import Any

import pytest
from sqlalchemy import select

from app.db.core.unit import Database
from app.db.tables import Change
from tests.api.test_bundles import BOX, box
from tests.support.api import Desk

ORDER = """
query($id: UUID!) { order(id: $id) {
  state lines { quantity returned } movements { kind }
} }
"""
ORDER_MOVEMENTS = "query($id: UUID!) { order(id: $id) { movements { id } } }"
ORDERS = "query($state: OrderState) { orders(state: $state) { nodes { id } } }"
LINES = """
query($id: UUID!) { movement(id: $id) {
  lines { product { name } to { bin } quantity returned }
} }
"""
SALE = """
query($store: UUID!, $no: String!, $day: Date) {
  sale(storeId: $store, receiptNo: $no, day: $day) { id }
}
"""
STATES = ("FULFILLED", "PARTLY_RETURNED", "RETURNED")


async def handed_over(desk: Desk, *lines: tuple[str, int]) -> Any:
    order = await desk.do(
        "placeOrder",
        store=desk.chain.founded.store.code,
        channel="COUNTER",
        contact="小王",
        lines=[await desk.line(*line) for line in lines],
    )
    for step in ("payOrder", "fulfilOrder"):
        assert (await desk.do(step, orderId=order["id"]))["id"] == order["id"]
    return order


async def bring_back(desk: Desk, order: Any, *lines: tuple[str, int]) -> Any:
    goods = [await desk.line(*line) for line in lines]
    values = {"orderId": order["id"], "lines": goods, "disposition": "SHELF"}
    movement = await desk.do("returnOrder", **values)
    assert "id" in movement, movement
    return movement


async def seen(desk: Desk, order: Any) -> tuple[str, list[str]]:
    answer = await desk.ask(ORDER, id=order["id"])
    listed = [
        state
        for state in STATES
        if order["id"] in {each["id"] for each in (await desk.ask(ORDERS, state=state))["nodes"]}
    ]
    assert listed == [answer["state"]]
    return answer["state"], [line["returned"] for line in answer["lines"]]


async def test_an_order_comes_back_in_parts_and_whole(fresh: Desk) -> None:
    for name in ("米", "油"):
        await fresh.receive(name, 20)
    order = await handed_over(fresh, ("米", 3), ("油", 1), ("米", 2))
    assert await seen(fresh, order) == ("FULFILLED", ["0", "0", "0"])
    await bring_back(fresh, order, ("米", 4))
    assert await seen(fresh, order) == ("PARTLY_RETURNED", ["3", "0", "1"])
    last = await bring_back(fresh, order, ("米", 1), ("油", 1))
    assert await seen(fresh, order) == ("RETURNED", ["3", "1", "2"])
    kinds = [each["kind"] for each in (await fresh.ask(ORDER, id=order["id"]))["movements"]]
    assert kinds == ["ORDER_HOLD", "FULFILMENT", "RETURN", "RETURN"]
    undone = await fresh.do("reverse", movementId=last["id"])
    assert undone["kind"] == "REVERSAL", undone
    assert await seen(fresh, order) == ("PARTLY_RETURNED", ["3", "0", "1"])


async def test_returns_of_the_handover_are_returns_of_the_order(fresh: Desk) -> None:
    await fresh.receive("米", 20)
    order = await handed_over(fresh, ("米", 3))
    handed = (await fresh.ask(ORDER_MOVEMENTS, id=order["id"]))["movements"][-1]
    back = {"saleId": handed["id"], "disposition": "WASTE"}
    assert (await fresh.post("returnSale", ("米", 3), **back))["kind"] == "RETURN_WASTED"
    assert await seen(fresh, order) == ("RETURNED", ["3"])


async def test_terminals_hear_of_a_returned_order(fresh: Desk, db: Database) -> None:
    await fresh.receive("米", 20)
    order = await handed_over(fresh, ("米", 3))
    await bring_back(fresh, order, ("米", 1))
    async with db.read(fresh.chain.founded.store.tenant_id) as session:
        query = select(Change).where(Change.store_id == fresh.chain.store)
        changes = (await session.scalars(query.order_by(Change.revision.desc()))).all()
    assert [str(id) for id in changes[0].document_ids] == [order["id"]]


async def test_sold_lines_say_what_came_back(fresh: Desk) -> None:
    await box(fresh)
    sale = await fresh.post("sell", (BOX, 2), ("茶叶罐", 1))
    back = {"saleId": sale["id"], "disposition": "SHELF"}
    await fresh.post("returnSale", ("茶叶罐", 2), **back)
    await fresh.post("returnSale", (BOX, 1), **back)
    lines = (await fresh.ask(LINES, id=sale["id"]))["lines"]
    assert {(each["product"]["name"], each["to"]["bin"]): each["returned"] for each in lines} == {
        ("杯子", "KITCHEN"): "4",
        ("茶叶罐", "KITCHEN"): "2",
        ("茶叶罐", "CUSTOMER"): "1",
        (BOX, "CUSTOMER"): "1",
    }
    received = await fresh.receive("米", 1)
    assert [each["returned"] for each in (await fresh.ask(LINES, id=received["id"]))["lines"]] == [
        None
    ]


async def test_a_sale_is_found_by_its_receipt_number(fresh: Desk, outsider: Desk) -> None:
    await fresh.receive("米", 20)
    sales = [
        await fresh.post("sell", ("米", 1), receiptNo="0017", occurredAt=f"2026-11-{day}T23:30:00Z")
        for day in ("20", "21")
    ]
    assert "id" in sales[0], sales
    values = {"store": fresh.store, "no": " 0017 "}
    assert (await fresh.ask(SALE, fresh.cashier, **values))["id"] == sales[1]["id"]
    # 23:30 in London is the next day in Shanghai.
    first = await fresh.ask(SALE, **values, day="2026-11-21")
    assert first["id"] == sales[0]["id"]
    assert await fresh.ask(SALE, **values, day="2026-11-20") is None
    assert await fresh.ask(SALE, store=fresh.store, no="0018") is None
    assert await outsider.ask(SALE, **values) is None


@pytest.mark.parametrize("number", ["", " "])
async def test_an_empty_receipt_number_finds_nothing(fresh: Desk, number: str) -> None:
    await fresh.receive("米", 20)
    await fresh.post("sell", ("米", 1))
    assert await fresh.ask(SALE, store=fresh.store, no=number) is None
