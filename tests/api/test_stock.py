"""Movements over HTTP: answers, problems, and the events that terminals receive."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest

from tests.support.api import ON_STOCK_ROOTS, Desk, mutation, unnamed, verify_change
from tests.support.identity import CREATE_STORE

SHANGHAI = ZoneInfo("Asia/Shanghai")
DAY = timedelta(days=1)
ROUTES = {
    "openStock": ("OPENING", "OPENING", "SHELF", "14"),
    "receive": ("RECEIPT", "SUPPLIER", "SHELF", "14"),
    "sell": ("SALE", "SHELF", "CUSTOMER", "6"),
    "consume": ("CONSUMPTION", "SHELF", "KITCHEN", "6"),
    "produce": ("PRODUCTION", "KITCHEN", "SHELF", "14"),
    "returnToSupplier": ("SUPPLIER_RETURN", "SHELF", "SUPPLIER", "6"),
}
ADJUSTMENTS = {
    "GAIN": ("VARIANCE", "SHELF", "20"),
    "LOSS": ("SHELF", "VARIANCE", "12"),
    "QUARANTINE": ("SHELF", "QUARANTINE", "16"),
    "RELEASE": ("QUARANTINE", "SHELF", "16"),
}


def line_of(answer: Any) -> Any:
    [line] = answer["lines"]
    return line


@pytest.mark.parametrize("name", ROUTES)
async def test_a_movement_answers_with_all_it_did(desk: Desk, name: str) -> None:
    kind, source, target, after = ROUTES[name]
    await desk.receive("米", 10)
    eight = datetime.now(SHANGHAI).replace(hour=8, minute=0, second=0, microsecond=0) - DAY
    papers = {"reason": "  早班 ", "note": "a\nb", "occurredAt": eight.isoformat()}
    posted = desk.post(name, ("米", 4), **papers)
    answer = await verify_change(desk, posted)
    assert answer["kind"] == kind
    assert (answer["reason"], answer["note"]) == ("早班", "a\nb")
    assert answer["occurredAt"] == eight.astimezone(UTC).isoformat()
    assert answer["recordedAt"] > answer["occurredAt"]
    assert answer["store"] == {"id": desk.store}
    assert answer["actor"]["name"] == ("小李" if name == "sell" else desk.chain.founded.owner.name)
    assert answer["channel"] == ("COUNTER" if name == "sell" else None)
    assert answer["reverses"] is answer["reversedBy"] is answer["sale"] is None
    assert line_of(answer) == {
        "product": {"name": "米"},
        "quantity": "4",
        "from": {"store": {"id": desk.store}, "bin": source},
        "to": {"store": {"id": desk.store}, "bin": target},
        "onHandAfter": after,
        "seq": "2",
        "unitCost": None,
    }
    level = await desk.level("米")
    assert (level["onHand"], level["version"]) == (after, "2")


@pytest.mark.parametrize("kind", ADJUSTMENTS)
async def test_a_correction_by_hand(desk: Desk, kind: str) -> None:
    source, target, after = ADJUSTMENTS[kind]
    await desk.receive("米", 16)
    await desk.post("adjust", ("米", 6), kind="QUARANTINE")
    line = await desk.line("米", 4, expectedVersion="2")
    posted = desk.do("adjust", storeId=desk.store, kind=kind, lines=[line])
    answer = await verify_change(desk, posted)
    moved = line_of(answer)
    assert (moved["from"]["bin"], moved["to"]["bin"]) == (source, target)
    assert (moved["onHandAfter"], moved["seq"]) == (after, "3")
    assert answer["kind"] == kind


async def test_costs_are_for_those_who_may_see_them(desk: Desk) -> None:
    line = {**await desk.line("米", 2), "unitCost": "3.2501"}
    values = {"storeId": desk.store, "lines": [line], "document": "送货单 7"}
    for by, cost in ((desk.owner, "3.2501"), (desk.manager, "3.2501"), (desk.cashier, None)):
        answer = await desk.do("receive", by=by, **values)
        assert line_of(answer)["unitCost"] == cost
        assert answer["document"] == "送货单 7"


async def test_a_sale_keeps_its_channel_and_receipt(desk: Desk) -> None:
    await desk.receive("米", 10)
    answer = await desk.post("sell", ("米", 1), channel="WECHAT", receiptNo="A-17")
    assert (answer["channel"], answer["document"]) == ("WECHAT", "A-17")


@pytest.mark.parametrize(
    ("disposition", "kind", "bin", "available", "on_hand"),
    [
        ("SHELF", "RETURN", "SHELF", "8", "8"),
        ("QUARANTINE", "RETURN_HELD", "QUARANTINE", "6", "8"),
        ("WASTE", "RETURN_WASTED", "WASTE", "6", "6"),
    ],
)
async def test_what_was_sold_comes_back(
    desk: Desk, disposition: str, kind: str, bin: str, available: str, on_hand: str
) -> None:
    await desk.receive("米", 10)
    sale = await desk.post("sell", ("米", 4), channel="DOUYIN")
    back = desk.post("returnSale", ("米", 2), saleId=sale["id"], disposition=disposition)
    answer = await verify_change(desk, back, announced=disposition != "WASTE")
    assert (answer["kind"], answer["channel"]) == (kind, "DOUYIN")
    assert answer["sale"] == {"id": sale["id"]}
    assert line_of(answer)["to"]["bin"] == bin
    assert line_of(answer)["from"]["bin"] == "CUSTOMER"
    level = await desk.level("米")
    assert (level["available"], level["onHand"]) == (available, on_hand)


async def test_returns_do_not_exceed_the_sale(desk: Desk) -> None:
    await desk.receive("米", 10)
    sale = await desk.post("sell", ("米", 4))
    values = {"saleId": sale["id"], "disposition": "SHELF"}
    await desk.post("returnSale", ("米", 3), **values)
    too_many = desk.post("returnSale", ("米", 1), ("米", 1), **values)
    refused = await verify_change(desk, too_many, announced=False)
    assert refused["code"] == "RETURN_EXCEEDS_SALE"
    assert (refused["sold"], refused["returned"], refused["requested"]) == ("4", "3", "2")
    assert refused["product"] == {"name": "米"}
    never_sold = await desk.post("returnSale", ("油", 1), **values)
    assert (never_sold["code"], never_sold["sold"]) == ("RETURN_EXCEEDS_SALE", "0")


async def test_only_a_sale_that_stands_is_taken_back(desk: Desk) -> None:
    receipt = await desk.receive("米", 10)
    values = {"disposition": "SHELF"}
    refused = await desk.post("returnSale", ("米", 1), saleId=receipt["id"], **values)
    assert (refused["code"], refused["wrong"]) == ("WRONG_STATE", "NOT_A_SALE")
    sale = await desk.post("sell", ("米", 1))
    await desk.do("reverse", movementId=sale["id"])
    refused = await desk.post("returnSale", ("米", 1), saleId=sale["id"], **values)
    assert (refused["code"], refused["wrong"]) == ("WRONG_STATE", "REVERSED")


async def test_a_movement_is_undone_once(desk: Desk) -> None:
    receipt = await desk.receive("米", 10)
    undo = desk.do("reverse", movementId=receipt["id"], reason="录错", by=desk.manager)
    answer = await verify_change(desk, undo)
    assert (answer["kind"], answer["reason"]) == ("REVERSAL", "录错")
    assert answer["reverses"] == {"id": receipt["id"]}
    moved = line_of(answer)
    assert (moved["from"]["bin"], moved["to"]["bin"]) == ("SHELF", "SUPPLIER")
    assert (moved["onHandAfter"], moved["seq"]) == ("0", "2")
    movement = await desk.ask(
        "query($id: UUID!) { movement(id: $id) { reversedBy { id } } }", id=receipt["id"]
    )
    assert movement == {"reversedBy": {"id": answer["id"]}}
    again = await verify_change(desk, desk.do("reverse", movementId=receipt["id"]), announced=False)
    assert (again["code"], again["wrong"]) == ("WRONG_STATE", "REVERSED")
    undone = await desk.do("reverse", movementId=answer["id"])
    assert (undone["code"], undone["wrong"]) == ("WRONG_STATE", "REVERSAL")


async def test_what_was_sold_on_cannot_be_undone(desk: Desk) -> None:
    receipt = await desk.receive("米", 10)
    sale = await desk.post("sell", ("米", 4))
    short = await desk.do("reverse", movementId=receipt["id"])
    assert short["code"] == "OUT_OF_STOCK"
    await desk.post("returnSale", ("米", 1), saleId=sale["id"], disposition="SHELF")
    returned = await desk.do("reverse", movementId=sale["id"])
    assert (returned["code"], returned["wrong"]) == ("WRONG_STATE", "RETURNED")


@pytest.mark.parametrize("name", ["sell", "consume", "returnToSupplier"])
async def test_never_more_than_is_there(desk: Desk, name: str) -> None:
    await desk.receive("米", 5)
    await desk.receive("油", 1)
    expected = desk.post(name, ("米", 3), ("米", 3), ("油", 1))
    refused = await verify_change(desk, expected, announced=False)
    assert refused["code"] == "OUT_OF_STOCK"
    assert refused["message"] == "库存不足：米需要 6 袋，现有 5 袋"
    assert refused["shortages"] == [{"product": {"name": "米"}, "requested": "6", "available": "5"}]
    assert (await desk.level("油"))["onHand"] == "1"


async def test_an_empty_quarantine_releases_nothing(desk: Desk) -> None:
    await desk.receive("米", 5)
    refused = await desk.post("adjust", ("米", 1), kind="RELEASE")
    assert refused["shortages"] == [{"product": {"name": "米"}, "requested": "1", "available": "0"}]


async def test_a_correction_is_judged_against_what_was_seen(desk: Desk) -> None:
    await desk.receive("米", 5)
    await desk.post("sell", ("米", 1))
    line = await desk.line("米", 1, expectedVersion="1")
    adjust = desk.do("adjust", storeId=desk.store, kind="LOSS", lines=[line])
    refused = await verify_change(desk, adjust, announced=False)
    assert refused["code"] == "VERSION_CONFLICT"
    assert (refused["expected"], refused["version"], refused["available"]) == ("1", "2", "4")


@pytest.mark.parametrize("quantity", ["0", "-1", "0.5", "0.000001"])
@pytest.mark.parametrize("name", ROUTES)
async def test_a_quantity_no_unit_has(desk: Desk, name: str, quantity: str) -> None:
    refused = await desk.post(name, ("米", quantity))
    assert (refused["code"], refused["quantity"]) == ("INVALID_QUANTITY", quantity)
    assert refused["product"] == {"name": "米"}


async def test_weights_are_exact(desk: Desk) -> None:
    await desk.product("苹果", unit="斤")
    await desk.receive("苹果", "10.002")
    answer = await desk.post("sell", ("苹果", "0.1"), ("苹果", "0.2"))
    assert [line["onHandAfter"] for line in answer["lines"]] == ["9.902", "9.702"]
    refused = await desk.post("sell", ("苹果", "0.001"))
    assert refused["code"] == "INVALID_QUANTITY"


async def test_a_shelf_has_an_end(desk: Desk) -> None:
    await desk.receive("米", 10**15 - 1)
    refused = await desk.receive("米", 2)
    assert refused["code"] == "INVALID_QUANTITY"
    assert (await desk.receive("米", 1))["lines"][0]["onHandAfter"] == str(10**15)


async def test_codes_and_packs(desk: Desk) -> None:
    product = await desk.product("水", barcodes=["6901028075763"])
    await desk.do("addBarcode", productId=product, code="BOX-24", packQuantity="24")
    boxes = [{"code": "BOX-24", "packs": "2"}, {"code": "06901028075763"}]
    answer = await desk.do("receive", storeId=desk.store, lines=boxes)
    assert [line["quantity"] for line in answer["lines"]] == ["48", "1"]
    half = await desk.do("sell", storeId=desk.store, lines=[{"code": "BOX-24", "packs": "0.5"}])
    assert line_of(half)["quantity"] == "12"
    third = await desk.do("sell", storeId=desk.store, lines=[{"code": "BOX-24", "packs": "0.33"}])
    assert third["code"] == "INVALID_QUANTITY"
    unknown = [{"code": "没有"}, {"code": "BOX-24"}, {"code": "nor this"}]
    refused = await desk.do("sell", storeId=desk.store, lines=unknown)
    assert (refused["code"], refused["products"]) == ("UNKNOWN_PRODUCT", ["没有", "nor this"])


@pytest.mark.parametrize(
    "line",
    [
        {},
        {"quantity": "1"},
        {"productId": str(uuid4())},
        {"productId": str(uuid4()), "code": "x", "quantity": "1"},
        {"productId": str(uuid4()), "packs": "1"},
        {"code": "x", "packs": "1", "quantity": "1"},
    ],
    ids=["nothing", "nameless", "how-much", "two-names", "packs-of-id", "both"],
)
async def test_a_line_says_what_and_how_much(desk: Desk, line: dict[str, str]) -> None:
    assert await desk.code("sell", storeId=desk.store, lines=[line]) == "BAD_INPUT"


async def test_lines_are_between_1_and_500(desk: Desk) -> None:
    line = await desk.line("米", 1)
    assert await desk.code("receive", storeId=desk.store, lines=[]) == "BAD_INPUT"
    assert await desk.code("receive", storeId=desk.store, lines=[line] * 501) == "BAD_INPUT"
    answer = await desk.do("receive", storeId=desk.store, lines=[line] * 500)
    assert answer["lines"][-1]["seq"] == answer["lines"][-1]["onHandAfter"] == "500"


async def test_nothing_happens_in_the_future(desk: Desk) -> None:
    line = await desk.line("米", 1)
    values = {"storeId": desk.store, "lines": [line], "occurredAt": "2199-01-01T00:00:00Z"}
    assert await desk.code("receive", **values) == "BAD_INPUT"


@pytest.mark.parametrize("name", ROUTES)
async def test_one_key_has_one_effect(desk: Desk, name: str) -> None:
    await desk.receive("米", 10)
    key = str(uuid4())
    yesterday = (datetime.now(SHANGHAI) - DAY).replace(microsecond=0)
    eight, midnight = yesterday.isoformat(), yesterday.astimezone(UTC).isoformat()
    first = await desk.post(name, ("米", 2), key=key, occurredAt=eight)
    repeated = desk.post(name, ("米", 2), key=key, occurredAt=midnight)
    again = await verify_change(desk, repeated, announced=False)
    assert again == first
    other = await verify_change(desk, desk.post(name, ("米", 3), key=key), announced=False)
    assert (other["code"], other["key"]) == ("KEY_REUSED", key)


async def test_a_key_belongs_to_the_tenant(desk: Desk) -> None:
    """A retry may come from a colleague: it is answered with the first sale."""
    await desk.receive("米", 10)
    key = str(uuid4())
    one = await desk.post("sell", ("米", 2), key=key, by=desk.cashier)
    two = await desk.post("sell", ("米", 2), key=key, by=desk.manager)
    assert one["id"] == two["id"]
    assert (await desk.level("米"))["onHand"] == "8"


@pytest.mark.parametrize("name", [*ROUTES, "adjust"])
async def test_foreign_things_look_absent(desk: Desk, outsider: Desk, name: str) -> None:
    await desk.receive("米", 10)
    foreign = await outsider.product("别家的米")
    more = {"kind": "GAIN"} if name == "adjust" else {}
    absent = str(uuid4())
    answers = []
    for product in (foreign, absent):
        line = {"productId": product, "quantity": "1"}
        answer = await desk.do(name, storeId=desk.store, lines=[line], **more)
        assert answer["code"] == "UNKNOWN_PRODUCT"
        answers.append(unnamed(answer, product))
    assert answers[0] == answers[1]
    answers = []
    for store in (outsider.store, absent):
        answer = await desk.post(name, ("米", 1), storeId=store, **more)
        assert answer["code"] == "UNKNOWN_STORE"
        answers.append(unnamed(answer, store))
    assert answers[0] == answers[1]


async def test_foreign_movements_look_absent(desk: Desk, outsider: Desk) -> None:
    receipt = await outsider.receive("米", 1)
    await desk.receive("米", 1)
    answers = []
    for movement in (receipt["id"], str(uuid4())):
        undone = await desk.do("reverse", movementId=movement)
        back = await desk.post("returnSale", ("米", 1), saleId=movement, disposition="SHELF")
        assert undone["code"] == back["code"] == "UNKNOWN_MOVEMENT"
        answers.append(unnamed((undone, back), movement))
    assert answers[0] == answers[1]


async def test_another_store_of_the_chain_is_out_of_reach(desk: Desk) -> None:
    branch = (await desk.chain.do(CREATE_STORE, code=f"b-{uuid4().hex[:20]}", name="分店"))["id"]
    there = await desk.receive("米", 5, storeId=branch)
    assert there["store"] == {"id": branch}
    for name, by in (("sell", desk.cashier), ("receive", desk.cashier), ("consume", desk.manager)):
        refused = await desk.post(name, ("米", 1), storeId=branch, by=by)
        assert (refused["code"], refused["asked"]) == ("UNKNOWN_STORE", branch)
    undone = await desk.do("reverse", movementId=there["id"], by=desk.manager)
    assert undone["code"] == "UNKNOWN_MOVEMENT"


FORBIDDEN = [
    ("adjust", "cashier"),
    ("returnToSupplier", "cashier"),
    ("reverse", "cashier"),
]


@pytest.mark.parametrize(("name", "role"), FORBIDDEN)
async def test_forbidden(desk: Desk, name: str, role: str) -> None:
    await desk.receive("米", 5)
    values: dict[str, Any] = {"storeId": desk.store, "lines": [await desk.line("米", 1)]}
    if name == "adjust":
        values["kind"] = "GAIN"
    if name == "reverse":
        values = {"movementId": str(uuid4())}
    assert await desk.code(name, by=getattr(desk, role), **values) == "FORBIDDEN"


@pytest.mark.parametrize("name", ON_STOCK_ROOTS)
async def test_writing_needs_a_token(desk: Desk, name: str) -> None:
    values: dict[str, Any] = {"key": str(uuid4()), "storeId": desk.store, "lines": []}
    if name == "adjust":
        values["kind"] = "GAIN"
    if name == "reverse":
        values = {"key": str(uuid4()), "movementId": str(uuid4())}
    if name == "returnSale":
        values = {"key": str(uuid4()), "saleId": str(uuid4()), "lines": [], "disposition": "SHELF"}
    assert await desk.asking.code(mutation(name), None, input=values) == "UNAUTHENTICATED"


async def test_a_key_that_made_a_product_makes_no_movement(desk: Desk) -> None:
    key = str(uuid4())
    created = await desk.do("createProduct", key=key, sku=key, name="米", unit="袋")
    line = {"productId": created["id"], "quantity": "1"}
    refused = await desk.do("receive", key=key, storeId=desk.store, lines=[line])
    assert (refused["code"], refused["key"]) == ("KEY_REUSED", key)
    other = str(uuid4())
    await desk.do("receive", key=other, storeId=desk.store, lines=[line])
    refused = await desk.do("createProduct", key=other, sku=other, name="米", unit="袋")
    assert (refused["code"], refused["key"]) == ("KEY_REUSED", other)
