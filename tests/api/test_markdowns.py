"""A markdown is a real price: at the counter, in orders, and in the storefront."""

from typing import Any
from uuid import uuid4

import pytest

from tests.api.test_alert_inputs import refused
from tests.support.api import Desk, mutation
from tests.support.shop import day

STOREFRONT = """
query($store: String!) { storefront(store: $store) { products { nodes {
  name price markdown { percent price text }
} } } }
"""
SALE = """
query($id: UUID!) { movement(id: $id) { lines { price discount amount batch { number } } } }
"""
BATCHES = """
query($store: UUID!, $product: UUID!) { product(id: $product) { level(storeId: $store) { batches {
  batch { id number } markdown { percent until setBy { name } }
} } } }
"""


@pytest.fixture
def desk(fresh: Desk) -> Desk:
    return fresh


async def milk(desk: Desk, first: int = 4, second: int = 10) -> str:
    """Milk at 10.00 in two batches: A expires in 3 days, B in 60. Returns the id of A."""
    product = await desk.product("鲜奶", tracksBatches=True, price="10.00")
    for quantity, number, days in ((first, "A", 3), (second, "B", 60)):
        line = await desk.line("鲜奶", quantity, batchNo=number, expiresOn=str(day(days)))
        await desk.do("receive", storeId=desk.store, lines=[line])
    held = await desk.ask(BATCHES, store=desk.store, product=product)
    return next(
        each["batch"]["id"] for each in held["level"]["batches"] if each["batch"]["number"] == "A"
    )


async def mark_down(desk: Desk, batch: str, percent: int | None, **more: Any) -> Any:
    return await desk.do("setMarkdown", storeId=desk.store, batchId=batch, percent=percent, **more)


async def lines_of(desk: Desk, sale: Any) -> list[tuple[str, str, str, str]]:
    lines = (await desk.ask(SALE, id=sale["id"]))["lines"]
    return [
        (line["batch"]["number"], line["price"], line["discount"], line["amount"]) for line in lines
    ]


async def shown(desk: Desk) -> Any:
    code = desk.chain.founded.store.code
    [product] = (await desk.asking(STOREFRONT, store=code))["products"]["nodes"]
    return product["markdown"]


async def test_the_counter_sells_the_batch_at_the_lower_price(desk: Desk) -> None:
    await mark_down(desk, await milk(desk), 20)
    sale = await desk.post("sell", ("鲜奶", 6))
    assert await lines_of(desk, sale) == [
        ("A", "10.00", "8.00", "32.00"),
        ("B", "10.00", "0.00", "20.00"),
    ]
    back = await desk.do(
        "returnSale",
        saleId=sale["id"],
        lines=[await desk.line("鲜奶", 6)],
        disposition="SHELF",
    )
    amounts = [float(line[3]) for line in await lines_of(desk, back)]
    assert sum(amounts) == 52, "a return gives back what was paid"


async def test_a_given_price_is_not_lowered(desk: Desk) -> None:
    await mark_down(desk, await milk(desk), 20)
    line = await desk.line("鲜奶", 1, price="9.00")
    sale = await desk.do("sell", by=desk.manager, storeId=desk.store, lines=[line])
    assert await lines_of(desk, sale) == [("A", "9.00", "0.00", "9.00")]


async def test_an_order_costs_what_the_storefront_shows(desk: Desk) -> None:
    await mark_down(desk, await milk(desk), 20)
    assert await shown(desk) == {"percent": 20, "price": "8.00", "text": "临期 8 折"}
    order = await desk.do(
        "placeOrder",
        store=desk.chain.founded.store.code,
        channel="WECHAT",
        contact="13800138000",
        lines=[await desk.line("鲜奶", 5)],
    )
    assert order["total"] == "42.00", "four at 8.00 and one at 10.00"
    for step in ("payOrder", "fulfilOrder"):
        order = await desk.do(step, orderId=order["id"])
    assert order["state"] == "FULFILLED"
    assert await shown(desk) is None, "the batch is sold out"


async def test_other_products_keep_their_price(desk: Desk) -> None:
    await mark_down(desk, await milk(desk), 20)
    await desk.product("大米", price="5.00")
    await desk.receive("大米", 3)
    sale = await desk.post("sell", ("大米", 2))
    [line] = (await desk.ask(SALE, id=sale["id"]))["lines"]
    assert (line["discount"], line["amount"]) == ("0.00", "10.00")


async def test_a_markdown_ends(desk: Desk) -> None:
    batch = await milk(desk)
    level = await mark_down(desk, batch, 30)
    assert level["markdown"]["until"] == str(day(3)), "by default the last day of sale"
    assert level["markdown"]["percent"] == 30
    assert (await mark_down(desk, batch, None))["markdown"] is None
    assert await shown(desk) is None
    sale = await desk.post("sell", ("鲜奶", 1))
    assert await lines_of(desk, sale) == [("A", "10.00", "0.00", "10.00")]


async def test_what_is_refused(desk: Desk) -> None:
    batch = await milk(desk)
    for percent in (0, 100, -5):
        assert await desk.code("setMarkdown", **named(desk, batch, percent)) == "BAD_INPUT"
    for until in (day(-1), day(4)):
        wrong = named(desk, batch, 20, until=str(until))
        assert await desk.code("setMarkdown", **wrong) == "BAD_INPUT"
    assert (await mark_down(desk, str(uuid4()), 20))["code"] == "BATCH_NOT_HELD"
    elsewhere = {**named(desk, batch, 20), "storeId": str(uuid4())}
    assert (await desk.do("setMarkdown", **elsewhere))["code"] == "UNKNOWN_STORE"
    assert await desk.code("setMarkdown", by=desk.cashier, **named(desk, batch, 20)) == "FORBIDDEN"


async def test_an_expired_batch_is_written_off_instead(desk: Desk) -> None:
    await desk.product("酸奶", tracksBatches=True, price="10.00")
    line = await desk.line("酸奶", 5, batchNo="X", expiresOn=str(day(-1)))
    await desk.do("receive", storeId=desk.store, lines=[line])
    held = await desk.ask(BATCHES, store=desk.store, product=await desk.product("酸奶"))
    [expired] = held["level"]["batches"]
    field, message = await refused(
        desk, mutation("setMarkdown"), **named(desk, expired["batch"]["id"], 20)
    )
    assert (field, message) == ("batchId", f"该批次已于 {day(-1)} 过期，不能打折，请报损")


def named(desk: Desk, batch: str, percent: int, **more: Any) -> dict[str, Any]:
    return {"storeId": desk.store, "batchId": batch, "percent": percent, **more}


async def test_a_key_is_used_once(desk: Desk) -> None:
    batch, key = await milk(desk), str(uuid4())
    first = await mark_down(desk, batch, 20, key=key)
    await mark_down(desk, batch, 50)
    again = await mark_down(desk, batch, 20, key=key)
    assert again["markdown"]["percent"] == 50, "the retry changes nothing"
    assert first["markdown"]["percent"] == 20
    assert (await mark_down(desk, batch, 30, key=key))["code"] == "KEY_REUSED"


async def test_a_percentage_that_is_forgotten_ends_nothing(desk: Desk) -> None:
    batch = await milk(desk)
    await mark_down(desk, batch, 20)
    assert await desk.code("setMarkdown", storeId=desk.store, batchId=batch) == "BAD_INPUT"
    assert (await shown(desk))["percent"] == 20
