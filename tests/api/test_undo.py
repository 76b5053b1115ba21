"""Undoing what was booked wrong: costs, goods in quarantine, receipts and redemptions."""

from typing import Any
from uuid import uuid4

import pytest

from tests.api.test_passes import salon, sell
from tests.api.test_purchases import came, ordered
from tests.api.test_recipes import available
from tests.api.test_stocktakes import closed, counted, opened
from tests.support.api import Desk

MOVEMENTS = "query($kinds: [MovementKind!]) { movements(kinds: $kinds) { nodes { id } } }"

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
    line = {**await desk.line("奶", 4), "batchNo": "OLD"}
    release = {**line, "quantity": "3"}
    await desk.do("adjust", storeId=desk.store, kind="RELEASE", reason="退货", lines=[release])
    back = await desk.do("returnToSupplier", storeId=desk.store, lines=[line])
    assert [(each["from"]["bin"], each["quantity"]) for each in back["lines"]] == [
        ("SHELF", "3"),
        ("QUARANTINE", "1"),
    ]


async def test_a_purchase_receipt_booked_wrong(fresh: Desk) -> None:
    order = await ordered(fresh, ("碗", 100, "2"))
    [wrong] = (await came(fresh, order, ("碗", 100)))["receipts"]
    key = str(uuid4())
    undone = await fresh.do("reverse", movementId=wrong["id"], reason="多录", key=key)
    assert (undone["kind"], undone["reverses"]) == ("REVERSAL", {"id": wrong["id"]})
    again = await fresh.do("reverse", movementId=wrong["id"], reason="多录", key=key)
    assert again["id"] == undone["id"]
    late = await fresh.do("reverse", movementId=wrong["id"])
    assert (late["code"], late["wrong"]) == ("WRONG_STATE", "REVERSED")
    right = await came(fresh, order, ("碗", 10))
    assert (right["state"], right["lines"][0]["missing"]) == ("PARTIAL", "90")
    assert [each["reversedBy"] for each in right["receipts"]] == [{"id": undone["id"]}, None]
    assert (await came(fresh, order, ("碗", 90)))["state"] == "RECEIVED"


async def test_a_reversed_receipt_answers_with_its_order(fresh: Desk) -> None:
    order = await ordered(fresh, ("碗", 5, "2"))
    more = [await fresh.line("碗", 5), await fresh.line("碟", 3)]
    came_over = await came(fresh, order, *more, acceptOver=True, reason="多送")
    [receipt] = came_over["receipts"]
    forbidden = {"movementId": receipt["id"], "by": fresh.cashier}
    assert await fresh.code("reversePurchaseReceipt", **forbidden) == "FORBIDDEN"
    open_again = await fresh.do(
        "reversePurchaseReceipt", movementId=receipt["id"], by=fresh.manager
    )
    assert (open_again["state"], open_again["endedAt"]) == ("OPEN", None)
    assert [(line["product"]["name"], line["received"]) for line in open_again["lines"]] == [
        ("碗", "0")
    ]
    plain = await fresh.receive("碗", 1)
    other = await fresh.do("reversePurchaseReceipt", movementId=plain["id"])
    assert (other["code"], other["wrong"]) == ("WRONG_STATE", "USE_REVERSE")
    nothing = await fresh.do("reversePurchaseReceipt", movementId=str(uuid4()))
    assert nothing["code"] == "UNKNOWN_MOVEMENT"


async def test_the_wrong_card_was_redeemed(fresh: Desk) -> None:
    sold = await sell(fresh, await salon(fresh, "REDEEM"))
    done = await fresh.do("redeem", storeId=fresh.store, passId=sold["id"], uses=2)
    undone = await fresh.do("reverse", movementId=done["movement"]["id"], by=fresh.manager)
    assert undone["kind"] == "REVERSAL", undone
    assert await available(fresh, "洗发水") == ["1000"]
    again = await fresh.do("redeem", storeId=fresh.store, passId=sold["id"])
    answer = await fresh.do("reverseRedemption", movementId=again["movement"]["id"])
    assert (answer["id"], answer["ofPass"]) == (again["id"], {**answer["ofPass"], "used": 0})
    last = await fresh.do("redeem", storeId=fresh.store, passId=sold["id"])
    refunded = await fresh.do("refundPass", passId=sold["id"])
    assert (refunded["state"], refunded["used"]) == ("REFUNDED", 1)
    late = await fresh.do("reverseRedemption", movementId=last["movement"]["id"])
    assert (late["code"], late["wrong"]) == ("WRONG_STATE", "REFUNDED")


async def test_a_paid_service_is_undone_with_its_redemption(fresh: Desk) -> None:
    await salon(fresh, "REDEEM")
    service = await fresh.product("洗发")
    done = await fresh.do("redeem", storeId=fresh.store, serviceProductId=service)
    undone = await fresh.do("reverse", movementId=done["movement"]["id"], by=fresh.manager)
    assert undone["kind"] == "REVERSAL"
    late = await fresh.do("reverseRedemption", movementId=done["movement"]["id"])
    assert (late["code"], late["wrong"]) == ("WRONG_STATE", "REVERSED")
    assert await available(fresh, "洗发水") == ["1000"]


@pytest.mark.parametrize(
    ("mode", "kind", "reason"),
    [
        ("FIRST_USE_ON_SALE", "PASS_SALE", "USE_REFUND_PASS"),
        ("RESERVE_ON_SALE", "PASS_HOLD", "USE_REFUND_PASS"),
    ],
)
async def test_a_sold_pass_is_refunded_not_reversed(
    fresh: Desk, mode: str, kind: str, reason: str
) -> None:
    await sell(fresh, await salon(fresh, mode))
    [movement] = (await fresh.ask(MOVEMENTS, kinds=[kind]))["nodes"]
    refused = await fresh.do("reverse", movementId=movement["id"])
    assert (refused["code"], refused["wrong"]) == ("WRONG_STATE", reason)
    assert refused["message"] == "该变动由售卡产生，请办理退卡"


async def test_an_order_that_waits_is_cancelled_not_reversed(fresh: Desk) -> None:
    await fresh.receive("米", 5)
    order = await fresh.do(
        "placeOrder",
        store=fresh.chain.founded.store.code,
        channel="COUNTER",
        contact="小王",
        lines=[await fresh.line("米", 1)],
    )
    refused = await fresh.do("reverse", movementId=order["movements"][0]["id"])
    assert (refused["code"], refused["wrong"]) == ("WRONG_STATE", "USE_CANCEL_ORDER")


async def test_losses_and_counts_name_what_undoes_them(fresh: Desk) -> None:
    await fresh.receive("米", 5)
    lines = [await fresh.line("米", 2)]
    row = await fresh.do("requestWriteOff", storeId=fresh.store, reason="破", lines=lines)
    await fresh.do("approveWriteOff", writeOffId=row["id"], by=fresh.manager)
    for quantity in (4, 1):
        row = await counted(fresh, await opened(fresh, "米"), ("米", quantity))
        await closed(fresh, row)
    expected = {
        "WRITE_OFF": "USE_ADJUST",
        "COUNT_GAIN": "USE_REVERSE_STOCKTAKE",
        "COUNT_LOSS": "USE_REVERSE_STOCKTAKE",
    }
    for kind, reason in expected.items():
        [movement] = (await fresh.ask(MOVEMENTS, kinds=[kind]))["nodes"]
        refused = await fresh.do("reverse", movementId=movement["id"])
        assert (refused["code"], refused["wrong"]) == ("WRONG_STATE", reason)
