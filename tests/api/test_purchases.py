"""Purchase orders over HTTP: created, received short and over, cancelled; and permissions."""

import asyncio
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import update

from app.db.core.unit import Database
from app.db.tables import PurchaseOrder
from tests.support.api import PURCHASE, Desk, mutation, unnamed, verify_change
from tests.support.identity import CREATE_KEY, CREATE_STORE
from tests.support.shop import day

SUPPLIER = "query($id: UUID!) { supplier(id: $id) { name phone } }"
ORDER = f"query($id: UUID!) {{ purchaseOrder(id: $id) {{ {PURCHASE} }} }}"
ORDERS = """
query($stores: [UUID!], $states: [PurchaseOrderState!], $supplier: UUID, $until: Date,
      $first: Int, $after: String) {
  purchaseOrders(storeIds: $stores, states: $states, supplierId: $supplier, expectedUntil: $until,
                 first: $first, after: $after) {
    nodes { id number state expectedOn } pageInfo { hasNextPage endCursor }
  }
}
"""
LEVEL = """
query($store: UUID!, $product: UUID!) { product(id: $product) { level(storeId: $store) {
  onHand onOrder value unitCost
  batches { shelf batch { number supplier expiresOn unitCost } }
} } }
"""


async def supplier(desk: Desk, name: str = "", **more: Any) -> str:
    created = await desk.do("createSupplier", name=name or f"供应商{uuid4().hex}", **more)
    assert "id" in created, created
    return created["id"]


async def ordered(desk: Desk, *lines: tuple[Any, ...], by: str | None = None, **more: Any) -> Any:
    """A purchase order; each line is a name, a quantity and a unit cost."""
    priced = [
        await desk.line(name, quantity, **({"unitCost": cost[0]} if cost else {}))
        for name, quantity, *cost in lines
    ]
    whose = more.pop("supplierId", None) or await supplier(desk)
    order = {"storeId": desk.store, "supplierId": whose, "lines": priced, **more}
    return await desk.do("createPurchaseOrder", by=by, **order)


async def came(desk: Desk, order: Any, *lines: Any, **more: Any) -> Any:
    goods = [each if isinstance(each, dict) else await desk.line(*each) for each in lines]
    return await desk.do("receivePurchaseOrder", purchaseOrderId=order["id"], lines=goods, **more)


async def level(desk: Desk, name: str) -> Any:
    values = {"store": desk.store, "product": await desk.product(name)}
    return (await desk.ask(LEVEL, **values))["level"]


def booked(order: Any) -> dict[str, tuple[str, ...]]:
    """The ordered, received, missing and surplus quantities of each product."""
    names = ("ordered", "received", "missing", "over")
    return {line["product"]["name"]: tuple(line[name] for name in names) for line in order["lines"]}


async def test_from_the_order_to_the_shelf(fresh: Desk) -> None:
    whose = await supplier(fresh, leadDays=3)
    lines = ("米", 10, "2.50"), ("油", 4, "30")
    order = await verify_change(fresh, ordered(fresh, *lines, supplierId=whose, note="早上送"))
    assert order["number"] == f"PO-{day(0):%Y%m%d}-0001"
    assert (order["state"], order["expectedOn"]) == ("OPEN", str(day(3)))
    assert (order["overdue"], order["receipts"], order["endedAt"]) == (False, [], None)
    assert [line["unitCost"] for line in order["lines"]] == ["2.50", "30.00"]
    assert (await level(fresh, "米"))["onOrder"] == "10"
    part = await verify_change(fresh, came(fresh, order, ("米", 6), ("油", 4), document="S-1"))
    assert part["state"] == "PARTIAL"
    assert booked(part) == {"米": ("10", "6", "4", "0"), "油": ("4", "4", "0", "0")}
    there = await level(fresh, "米")
    assert (there["onHand"], there["onOrder"], there["value"]) == ("6", "4", "15.00")
    whole = await came(fresh, order, {**await fresh.line("米", 4), "unitCost": "3.00"})
    assert (whole["state"], whole["endedAt"] is None) == ("RECEIVED", False)
    there = await level(fresh, "米")
    assert (there["onOrder"], there["value"], there["unitCost"]) == ("0", "27.00", "2.70")
    receipts = whole["receipts"]
    assert [(each["kind"], each["document"]) for each in receipts] == [
        ("RECEIPT", "S-1"),
        ("RECEIPT", None),
    ]
    back = await fresh.post("returnToSupplier", ("米", 1))
    assert back["kind"] == "SUPPLIER_RETURN"


async def test_what_was_not_ordered_is_refused_and_named(fresh: Desk) -> None:
    order = await ordered(fresh, ("米", 10), ("油", 4))
    await fresh.product("盐")
    lines = ("米", 6), ("盐", 2), ("油", 4), ("米", 5)
    refused = await verify_change(fresh, came(fresh, order, *lines), announced=False)
    assert refused["code"] == "DELIVERY_EXCEEDS_ORDER"
    excesses = [tuple(each.values()) for each in refused["deliveries"]]
    assert excesses == [({"name": "米"}, "10", "0", "11"), ({"name": "盐"}, "0", "0", "2")]
    assert booked(await fresh.ask(ORDER, id=order["id"])) == booked(order)
    assert await fresh.code(
        "receivePurchaseOrder",
        purchaseOrderId=order["id"],
        lines=[await fresh.line("米", 11)],
        acceptOver=True,
    ) == "BAD_INPUT"  # fmt: skip
    taken = await came(fresh, order, *lines, acceptOver=True, reason="赠品")
    assert taken["state"] == "RECEIVED"
    assert booked(taken) == {
        "米": ("10", "11", "0", "1"),
        "油": ("4", "4", "0", "0"),
        "盐": ("0", "2", "0", "2"),
    }
    assert taken["receipts"][0]["reason"] == "赠品"
    late = await came(fresh, order, ("米", 1))
    assert late["deliveries"][0]["received"] == "11"
    late = await came(fresh, order, ("米", 1), acceptOver=True, reason="补送")
    assert (late["state"], booked(late)["米"]) == ("RECEIVED", ("10", "12", "0", "2"))
    assert late["endedAt"] == taken["endedAt"]


async def test_short_and_closed(fresh: Desk) -> None:
    order = await ordered(fresh, ("米", 10))
    early = await fresh.do("closePurchaseOrder", purchaseOrderId=order["id"], reason="缺货")
    assert (early["code"], early["wrong"]) == ("WRONG_STATE", "OPEN")
    await came(fresh, order, ("米", 6))
    late = await fresh.do("cancelPurchaseOrder", purchaseOrderId=order["id"])
    assert (late["code"], late["wrong"]) == ("WRONG_STATE", "PARTIAL")
    close = fresh.do("closePurchaseOrder", purchaseOrderId=order["id"], reason="厂家缺货")
    closed = await verify_change(fresh, close)
    assert (closed["state"], closed["reason"]) == ("CLOSED", "厂家缺货")
    assert booked(closed) == {"米": ("10", "6", "4", "0")}
    assert (await level(fresh, "米"))["onOrder"] == "0"
    for more in ({}, {"acceptOver": True, "reason": "x"}):
        refused = await came(fresh, order, ("米", 1), **more)
        assert (refused["code"], refused["wrong"]) == ("WRONG_STATE", "CLOSED")
    refused = await fresh.do("updatePurchaseOrder", purchaseOrderId=order["id"], note="x")
    assert (refused["code"], refused["wrong"]) == ("WRONG_STATE", "CLOSED")
    blank = {"purchaseOrderId": order["id"], "reason": " "}
    assert await fresh.code("closePurchaseOrder", **blank) == "BAD_INPUT"


async def test_cancelled_before_anything_came(fresh: Desk) -> None:
    order = await ordered(fresh, ("米", 10))
    cancel = fresh.do("cancelPurchaseOrder", purchaseOrderId=order["id"], reason="订错")
    gone = await verify_change(fresh, cancel)
    assert (gone["state"], gone["reason"]) == ("CANCELLED", "订错")
    assert (await level(fresh, "米"))["onOrder"] == "0"
    refused = await came(fresh, order, ("米", 1))
    assert (refused["code"], refused["wrong"]) == ("WRONG_STATE", "CANCELLED")


async def test_batches_come_with_their_supplier_and_cost(fresh: Desk) -> None:
    product = await fresh.product("奶", tracksBatches=True, shelfLifeDays=30)
    gtin = "06901234567892"
    await fresh.do("addBarcode", productId=product, code=gtin, packQuantity="12")
    order = await ordered(fresh, ("奶", 48, "2"), supplierId=await supplier(fresh, "北山乳业"))
    until = day(20)
    scanned = {"code": f"(01){gtin}(17){until:%y%m%d}(10)A1", "packs": "2"}
    typed = {"productId": product, "quantity": "3", "batchNo": "B", "supplier": "南山乳业"}
    part = await came(fresh, order, scanned, typed)
    assert booked(part) == {"奶": ("48", "27", "21", "0")}
    [first, second] = (await level(fresh, "奶"))["batches"]
    assert (first["shelf"], first["batch"]) == (
        "24",
        {"number": "A1", "supplier": "北山乳业", "expiresOn": str(until), "unitCost": "2.00"},
    )
    assert second["batch"]["supplier"] == "南山乳业"
    assert len(part["receipts"]) == 1


async def test_ordered_in_packs_and_units_and_summed(fresh: Desk) -> None:
    product = await fresh.product("可乐", unit="瓶")
    await fresh.do("setUnits", productId=product, units=[{"name": "箱", "quantity": "24"}])
    await fresh.do("addBarcode", productId=product, code="6900000000011", packQuantity="6")
    lines = [
        {"productId": product, "quantity": "2", "unit": "箱"},
        {"code": "6900000000011", "packs": "3"},
        {"productId": product, "quantity": "1"},
    ]
    values = {"supplierId": await supplier(fresh), "storeId": fresh.store}
    order = await fresh.do("createPurchaseOrder", **values, lines=lines)
    assert booked(order) == {"可乐": ("67", "0", "67", "0")}
    two = [{**line, "unitCost": str(cost)} for cost, line in enumerate(lines)]
    assert await fresh.code("createPurchaseOrder", **values, lines=two) == "BAD_INPUT"


async def test_what_cannot_be_ordered(fresh: Desk) -> None:
    values = {"supplierId": await supplier(fresh), "storeId": fresh.store}
    await fresh.product("面", kind="DISH", unit="份")
    old = await fresh.product("旧")
    await fresh.do("archiveProduct", productId=old)

    async def refused(name: str, quantity: str = "1", **more: Any) -> Any:
        lines = [await fresh.line(name, quantity)]
        return await fresh.do("createPurchaseOrder", **{**values, "lines": lines, **more})

    dish = await refused("面")
    assert (dish["code"], dish["wrong"]) == ("WRONG_STATE", "NOT_STOCKED")
    assert (await refused("旧"))["code"] == "UNKNOWN_PRODUCT"
    for quantity in ("0", "-1", "0.5"):
        assert (await refused("米", quantity))["code"] == "INVALID_QUANTITY"
    most = [await fresh.line("米", 9 * 10**14)] * 2
    assert (await refused("米", lines=most))["code"] == "INVALID_QUANTITY"
    taken = [await refused("米", number="A-1") for _ in range(2)]
    assert (taken[0]["number"], taken[1]["code"]) == ("A-1", "ALREADY_TAKEN")
    lines = [await fresh.line("米", 1)]
    for wrong in (
        {"expectedOn": str(day(-1))},
        {"expectedOn": str(day(731))},
        {"lines": []},
        {"lines": [{"quantity": "1"}]},
        {"number": "x" * 51},
    ):
        bad = {**values, "lines": lines, **wrong}
        assert await fresh.code("createPurchaseOrder", **bad) == "BAD_INPUT", wrong


async def test_expected_arrivals_are_listed_by_their_day(fresh: Desk, db: Database) -> None:
    mine = await supplier(fresh)
    ids = [
        (await ordered(fresh, ("米", 5), supplierId=mine, expectedOn=str(day(days))))["id"]
        for days in (9, 2, 5, 7)
    ]
    other = (await ordered(fresh, ("米", 1), expectedOn=str(day(30))))["id"]
    for ended in (ids[0], ids[3]):
        await fresh.do("cancelPurchaseOrder", purchaseOrderId=ended)
    ids_in_pages, after = [], None
    while True:
        page = await fresh.ask(ORDERS, first=2, after=after)
        ids_in_pages += [row["id"] for row in page["nodes"]]
        if not page["pageInfo"]["hasNextPage"]:
            break
        after = page["pageInfo"]["endCursor"]
    assert ids_in_pages == [ids[1], ids[2], other, ids[3], ids[0]]

    async def listed(**more: Any) -> list[str]:
        return [row["id"] for row in (await fresh.ask(ORDERS, **more))["nodes"]]

    assert await listed(supplier=mine, states=["OPEN", "PARTIAL"]) == [ids[1], ids[2]]
    assert await listed(until=str(day(5))) == [ids[1], ids[2]]
    assert await listed(stores=[str(uuid4())]) == []
    assert await listed(states=[]) == []
    moved = {"purchaseOrderId": ids[1], "expectedOn": str(day(6)), "note": "改期"}
    changed = await fresh.do("updatePurchaseOrder", **moved)
    assert (changed["expectedOn"], changed["note"]) == (str(day(6)), "改期")
    assert await listed(states=["OPEN"]) == [ids[2], ids[1], other]
    moved["expectedOn"] = str(day(-1))
    assert await fresh.code("updatePurchaseOrder", **moved) == "BAD_INPUT"
    tenant = fresh.chain.founded.store.tenant_id
    assert not (await fresh.ask(ORDER, id=ids[2]))["overdue"]
    async with db.unit(tenant) as unit:
        late = update(PurchaseOrder).where(PurchaseOrder.id == UUID(ids[2]))
        await unit.session.execute(late.values(expected_on=day(-1)))
    assert (await fresh.ask(ORDER, id=ids[2]))["overdue"]


async def test_lost_replies(fresh: Desk) -> None:
    """A client may disconnect at any moment: with the same key, the retry has one effect."""
    order = await ordered(fresh, ("米", 1000))
    lines, sent = [await fresh.line("米", 1)], 0
    values: dict[str, Any] = {}
    for moment in range(0, 30, 2):
        values = {"key": str(uuid4()), "purchaseOrderId": order["id"], "lines": lines}
        first = asyncio.create_task(fresh.do("receivePurchaseOrder", **values))
        await asyncio.sleep(moment / 1000)
        first.cancel()
        await asyncio.gather(first, return_exceptions=True)
        again = await fresh.do("receivePurchaseOrder", **values)
        sent += 1
        assert booked(again) == {"米": ("1000", str(sent), str(1000 - sent), "0")}
    other = {**values, "lines": [await fresh.line("米", 2)]}
    assert (await fresh.do("receivePurchaseOrder", **other))["code"] == "KEY_REUSED"
    # A key that was used for another mutation is refused.
    gone = {"key": values["key"], "purchaseOrderId": order["id"], "reason": "x"}
    assert (await fresh.do("closePurchaseOrder", **gone))["code"] == "KEY_REUSED"
    assert (await level(fresh, "米"))["onHand"] == str(sent)


async def test_who_buys_and_who_receives_where(fresh: Desk) -> None:
    chain = fresh.chain
    other = (await chain.do(CREATE_STORE, code=f"z{uuid4().hex[:20]}", name="福田店"))["id"]
    _, buyer = await chain.hired(role="PURCHASER", storeIds=[])
    buyer = buyer["accessToken"]
    whose = await supplier(fresh, phone="13800138000", note="月结")
    here = await ordered(fresh, ("米", 10, "2"), supplierId=whose, by=fresh.manager)
    there = await ordered(fresh, ("米", 10), supplierId=whose, storeId=other, by=buyer)
    assert (here["state"], there["state"]) == ("OPEN", "OPEN")
    foreign = await ordered(fresh, ("米", 1), supplierId=whose, storeId=other, by=fresh.manager)
    assert foreign["code"] == "UNKNOWN_STORE"
    lines = [await fresh.line("米", 1)]
    values = {"supplierId": whose, "storeId": fresh.store, "lines": lines}
    assert await fresh.code("createPurchaseOrder", by=fresh.cashier, **values) == "FORBIDDEN"
    for by in (fresh.cashier, fresh.manager):
        assert await fresh.code("createSupplier", by=by, name="x") == "FORBIDDEN"
        assert (await came(fresh, here, ("米", 1), by=by))["state"] == "PARTIAL"
        assert (await came(fresh, there, ("米", 1), by=by))["code"] == "UNKNOWN_PURCHASE_ORDER"
        assert await fresh.ask(ORDER, by=by, id=there["id"]) is None
        assert [row["id"] for row in (await fresh.ask(ORDERS, by=by))["nodes"]] == [here["id"]]
    # A cashier receives the goods and sees neither costs nor the supplier.
    seen = await fresh.ask(ORDER, by=fresh.cashier, id=here["id"])
    assert seen["lines"][0]["unitCost"] is None
    assert seen["supplier"] is None
    assert await fresh.asking.code(SUPPLIER, fresh.cashier, id=whose) == "FORBIDDEN"
    assert (await fresh.ask(SUPPLIER, by=buyer, id=whose))["phone"] == "13800138000"
    mine = {"purchaseOrderId": there["id"]}
    hers = await fresh.do("cancelPurchaseOrder", by=fresh.manager, **mine)
    assert hers["code"] == "UNKNOWN_PURCHASE_ORDER"
    assert (await fresh.do("cancelPurchaseOrder", by=buyer, **mine))["state"] == "CANCELLED"
    key = await chain.do(CREATE_KEY, name="ERP", scopes=["PURCHASE_READ"])
    answer = await fresh.ask(
        "query($id: UUID!) { purchaseOrder(id: $id) "
        "{ number receipts { id } lines { unitCost } supplier { phone } } }",
        by=key["secret"],
        id=here["id"],
    )
    assert (answer["receipts"], answer["lines"][0]["unitCost"]) == ([], None)
    assert answer["supplier"]["phone"] == "138****8000"
    assert await fresh.code("cancelPurchaseOrder", by=key["secret"], **mine) == "FORBIDDEN"


async def test_a_foreign_id_and_an_absent_one_look_the_same(fresh: Desk, outsider: Desk) -> None:
    theirs = await ordered(outsider, ("米", 1))
    whose = await supplier(outsider)
    order = await ordered(fresh, ("米", 10))
    mine = {
        "supplierId": await supplier(fresh),
        "storeId": fresh.store,
        "lines": [await fresh.line("米", 1)],
    }
    foreign = {
        "purchaseOrderId": theirs["id"],
        "supplierId": whose,
        "storeId": outsider.store,
        "lines": [await outsider.line("米", 1)],
    }
    absent: dict[str, Any] = {name: str(uuid4()) for name in foreign}
    absent["lines"] = [{"productId": str(uuid4()), "quantity": "1"}]
    cases = [
        ("createPurchaseOrder", mine, "supplierId"),
        ("createPurchaseOrder", mine, "storeId"),
        ("createPurchaseOrder", mine, "lines"),
        ("updateSupplier", {"note": "x"}, "supplierId"),
        ("archiveSupplier", {}, "supplierId"),
        ("updatePurchaseOrder", {"note": "x"}, "purchaseOrderId"),
        ("cancelPurchaseOrder", {}, "purchaseOrderId"),
        ("closePurchaseOrder", {"reason": "x"}, "purchaseOrderId"),
        ("receivePurchaseOrder", {"lines": mine["lines"]}, "purchaseOrderId"),
        ("receivePurchaseOrder", {"purchaseOrderId": order["id"]}, "lines"),
    ]
    for name, good, field in cases:
        answers = []
        for wrong in (foreign, absent):
            answer = await fresh.do(name, **{**good, field: wrong[field]})
            id = wrong["lines"][0]["productId"] if field == "lines" else wrong[field]
            answers.append(unnamed(answer, id))
        assert answers[0] == answers[1], (name, field)
        assert "UNKNOWN_" in answers[0]
    for query, id in ((ORDER, theirs["id"]), (SUPPLIER, whose)):
        assert await fresh.ask(query, id=id) is None
    assert (await fresh.ask(ORDERS, supplier=whose, stores=[outsider.store]))["nodes"] == []


async def test_a_repeated_order_is_answered_as_it_is_now(fresh: Desk) -> None:
    key = str(uuid4())
    values = {
        "key": key,
        "supplierId": await supplier(fresh),
        "storeId": fresh.store,
        "lines": [await fresh.line("米", 2)],
    }
    order = await fresh.asking(mutation("createPurchaseOrder"), fresh.owner, input=values)
    at = datetime.fromisoformat("2026-01-02T08:00:00+08:00")
    done = await came(fresh, order, ("米", 2), occurredAt=at.isoformat())
    assert datetime.fromisoformat(done["receipts"][0]["occurredAt"]) == at
    again = await fresh.asking(mutation("createPurchaseOrder"), fresh.owner, input=values)
    assert (again["id"], again["state"]) == (order["id"], "RECEIVED")


async def test_null_removes_the_note_and_keeps_the_day(fresh: Desk) -> None:
    values = {"supplierId": await supplier(fresh), "storeId": fresh.store, "note": "加急"}
    order = await fresh.do("createPurchaseOrder", **values, lines=[await fresh.line("可乐", 3)])
    assert order["note"] == "加急"
    changed = await fresh.do(
        "updatePurchaseOrder", purchaseOrderId=order["id"], note=None, expectedOn=None
    )
    assert (changed["note"], changed["expectedOn"]) == (None, order["expectedOn"])
