"""Scanned goods: the expiry that a code shows is judged, its batch and expiry choose the batch,
and weighed goods need a weight."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from app.domain.rules.codes import check_digit
from tests.api.test_batches import day
from tests.api.test_sync import synced
from tests.support.api import Desk

GTIN = "06901234567892"
BY_EXPIRY = """
query($product: UUID!, $store: UUID!) { product(id: $product) { level(storeId: $store) {
  batches { shelf quarantined batch { number expiresOn } }
} } }
"""
LINES = "lines { quantity batch { number expiresOn } }"


def code(days: int, batch: str | None = "B1") -> str:
    return f"(01){GTIN}(17){day(days)[2:].replace('-', '')}" + (f"(10){batch}" if batch else "")


async def milk(desk: Desk, **more: Any) -> str:
    values = {"tracksBatches": True, "barcodes": [GTIN], "price": "8", **more}
    return await desk.product("奶", **values)


async def shelf(desk: Desk) -> dict[str, str]:
    answer = await desk.ask(BY_EXPIRY, product=await milk(desk), store=desk.store)
    return {each["batch"]["expiresOn"]: each["shelf"] for each in answer["level"]["batches"]}


async def two_dates(desk: Desk) -> None:
    """Five pieces of batch B1 until the 20th day, and five until the 60th."""
    await milk(desk)
    for days in (20, 60):
        lines = [{"code": code(days), "quantity": "5"}]
        assert "id" in await desk.do("receive", storeId=desk.store, lines=lines)


SELLING = ("sell", "consume")
LEAVING = ("sell", "consume", "returnToSupplier", "adjust", "requestWriteOff")
OF_LOT = {"code": code(60)}, {"batchNo": "B1", "expiresOn": day(60)}, {"expiresOn": day(60)}


def more_of(name: str) -> dict[str, str]:
    return {"adjust": {"kind": "QUARANTINE"}, "requestWriteOff": {"reason": "破损"}}.get(name, {})


@pytest.mark.parametrize("line", OF_LOT, ids=["code", "number and expiry", "expiry"])
@pytest.mark.parametrize("name", LEAVING)
async def test_number_and_expiry_choose_the_batch(
    fresh: Desk, name: str, line: dict[str, str]
) -> None:
    await two_dates(fresh)
    named = line if "code" in line else {"productId": await milk(fresh), **line}
    lines = [{**named, "quantity": "2"}]
    answer = await fresh.do(name, storeId=fresh.store, lines=lines, **more_of(name))
    assert "id" in answer, answer
    assert await shelf(fresh) == {day(20): "5", day(60): "3"}


async def test_an_order_holds_the_batch_of_its_code(fresh: Desk) -> None:
    await two_dates(fresh)
    store = fresh.chain.founded.store.code
    values = {"store": store, "channel": "WECHAT", "contact": "13900000000"}
    lines = [{"code": code(60), "quantity": "2"}]
    order = await fresh.do("placeOrder", **values, lines=lines)
    assert await shelf(fresh) == {day(20): "5", day(60): "3"}
    assert order["state"] == "HELD"


async def test_an_order_is_not_picked_up_after_the_expiry_of_its_code(fresh: Desk) -> None:
    await two_dates(fresh)
    values = {"store": fresh.chain.founded.store.code, "channel": "WECHAT"}
    lines = [{"code": code(2, "NEW"), "quantity": "1"}]
    later = (datetime.now(UTC) + timedelta(days=4)).isoformat()
    refused = await fresh.do(
        "placeOrder", **values, contact="13900000000", lines=lines, pickupAt=later
    )
    assert refused["code"] == "BATCH_EXPIRED"


async def test_batches_that_were_never_received_are_unknown(fresh: Desk) -> None:
    await two_dates(fresh)
    product = await milk(fresh)
    for line in ({"batchNo": "B1", "expiresOn": day(21)}, {"expiresOn": day(21)}):
        lines = [{"productId": product, "quantity": "1", **line}]
        refused = await fresh.do("sell", storeId=fresh.store, lines=lines)
        assert refused["code"] == "UNKNOWN_BATCH"
        assert day(21) in refused["message"]
    plain = await fresh.product("盐")
    lines = [{"productId": plain, "quantity": "1", "expiresOn": day(3)}]
    assert await fresh.code("sell", storeId=fresh.store, lines=lines) == "BAD_INPUT"


EXPIRED = {
    "number known": code(-3),
    "number unknown": code(-3, "OLD7"),
    "no number": code(-3, None),
    "link": f"https://id.gs1.org/01/{GTIN}/10/B1?17={day(-3)[2:].replace('-', '')}",
    "best before": f"(01){GTIN}(15){day(-1)[2:].replace('-', '')}",
}


@pytest.mark.parametrize("tracked", [True, False], ids=["batches", "no batches"])
@pytest.mark.parametrize("scanned", EXPIRED.values(), ids=EXPIRED.keys())
async def test_expired_goods_are_not_sold_held_or_used(
    fresh: Desk, scanned: str, tracked: bool
) -> None:
    product = await milk(fresh, tracksBatches=tracked)
    line = {"productId": product, "quantity": "5"}
    lines = [{**line, "batchNo": "B1", "expiresOn": day(20)} if tracked else line]
    assert "id" in await fresh.do("receive", storeId=fresh.store, lines=lines)
    lines = [{"code": scanned, "quantity": "1"}]
    for name in SELLING:
        values: dict[str, Any] = {"storeId": fresh.store, "lines": lines}
        facts: list[dict[str, Any]] = [{}, {"acceptShortage": True}] if name == "sell" else [{}]
        for more in facts:
            refused = await fresh.do(name, **values, **more)
            assert refused["code"] == "BATCH_EXPIRED", (name, refused)
            assert refused["expiredOn"] in (day(-3), day(-1))
    values = {"store": fresh.chain.founded.store.code, "channel": "WECHAT"}
    refused = await fresh.do("placeOrder", **values, contact="13900000000", lines=lines)
    assert refused["code"] == "BATCH_EXPIRED"
    # It may leave for the supplier, or for quarantine.
    lines = [{"code": scanned, "quantity": "1"}]
    gone = await fresh.do("returnToSupplier", storeId=fresh.store, lines=lines)
    assert "id" in gone, gone


async def test_goods_are_sold_on_their_last_day(fresh: Desk) -> None:
    await milk(fresh)
    lines = [{"code": code(0), "quantity": "1"}]
    for name in ("receive", "sell"):
        assert "id" in await fresh.do(name, storeId=fresh.store, lines=lines)


async def test_an_offline_sale_is_judged_by_its_own_day(fresh: Desk) -> None:
    product = await milk(fresh)
    lines = [{"productId": product, "quantity": "9", "batchNo": "B1", "expiresOn": day(20)}]
    await fresh.do("receive", storeId=fresh.store, lines=lines)
    sales = [
        {
            "key": str(uuid4()),
            "storeId": fresh.store,
            "occurredAt": (datetime.now(UTC) - timedelta(days=ago)).isoformat(),
            "lines": [{"code": code(-2), "quantity": "1"}],
        }
        for ago in (3, 2, 0)
    ]
    outcomes = await synced(fresh, sales)
    assert [each.get("code") for each in outcomes] == [None, None, "BATCH_EXPIRED"]


def label(layout: str, plu: int, value: int) -> str:
    body = f"{layout}{plu:05d}{value:05d}"
    return body + check_digit(body)


@pytest.fixture
async def scale(fresh: Desk) -> Desk:
    layouts = ["21PPPPPAAAAAC", "22PPPPPWWWWWC"]
    await fresh.do("updateStore", storeId=fresh.store, scaleLabels=layouts)
    return fresh


async def received(desk: Desk, **line: str) -> str:
    """What a line received, or why it was refused."""
    values = {"key": str(uuid4()), "storeId": desk.store, "lines": [line]}
    text = (
        "mutation($input: ReceiveInput!) { receive(input: $input) "
        "{ ... on Movement { lines { quantity } } ... on Problem { code } } }"
    )
    answer = await desk.asking.raw(text, desk.owner, input=values)
    if answer.get("errors"):
        [error] = answer["errors"]
        assert error["extensions"]["path"] == ["input", "lines", "0", "code"]
        return error["message"]
    outcome = answer["data"]["receive"]
    return outcome["code"] if "code" in outcome else outcome["lines"][0]["quantity"]


async def test_weighed_goods_are_of_the_weight_of_their_label(scale: Desk) -> None:
    await scale.product("牛腩", unit="kg", sku="00786", price="50", barcodes=[GTIN])
    assert await received(scale, code=label("22", 786, 350)) == "0.35"
    assert await received(scale, code=label("22", 786, 350), packs="2") == "0.7"
    assert await received(scale, code=label("21", 786, 535)) == "0.107"
    assert await received(scale, code=label("21", 786, 535), packs="3") == "0.321"
    assert await received(scale, code=f"(01){GTIN}(3103)000350", packs="2") == "0.7"
    assert await received(scale, code=f"(01){GTIN}(3922)0535") == "0.107"
    assert await received(scale, code=f"(01){GTIN}(3200)000100", quantity="1") == "1"
    assert await received(scale, code=label("22", 786, 350), packs="0") == "INVALID_QUANTITY"


async def test_weighed_goods_without_a_weight_are_refused(scale: Desk) -> None:
    await scale.product("散糖", unit="kg", sku="99", barcodes=[GTIN])
    assert "没有售价" in await received(scale, code=label("21", 99, 532))
    assert "没有售价" in await received(scale, code=label("21", 99, 532), packs="2")
    for plain in (GTIN, "99", f"(01){GTIN}(17)301231", label("22", 99, 0)):
        assert "没有重量" in await received(scale, code=plain)
        assert "没有重量" in await received(scale, code=plain, packs="2")
    assert "毛重" in await received(scale, code=f"(01){GTIN}(3303)000350")
    assert "磅" in await received(scale, code=f"(01){GTIN}(3203)000350")
    assert "人民币" in await received(scale, code=f"(01){GTIN}(3932)9780532")
    await scale.do("updateProduct", productId=scale.products["散糖"], price="50")
    assert "不符" in await received(scale, code=label("21", 99, 532))
    assert await received(scale, code=label("21", 99, 535)) == "0.107"


async def test_a_pack_of_a_given_weight_needs_no_label(scale: Desk) -> None:
    sugar = await scale.product("散糖", unit="kg", sku="99")
    for pack, quantity in (("5", "10"), ("1", "2")):
        number = f"SACK-{pack}"
        await scale.do("addBarcode", productId=sugar, code=number, packQuantity=pack)
        assert await received(scale, code=number) == pack
        assert await received(scale, code=number, packs="2") == quantity


async def test_a_counted_product_needs_a_price_for_an_amount(scale: Desk) -> None:
    await scale.product("礼盒", sku="55")
    assert "没有售价" in await received(scale, code=label("21", 55, 600))
    await scale.do("updateProduct", productId=scale.products["礼盒"], price="3")
    assert await received(scale, code=label("21", 55, 600)) == "2"
    assert await received(scale, code=label("21", 55, 700)) == "INVALID_QUANTITY"
