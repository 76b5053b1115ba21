"""Prices of sales, orders and returns over HTTP: amounts, discounts, and who may change a price."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest

from tests.api.test_orders import place, stocked
from tests.api.test_recipes import part, recipe
from tests.support.api import Desk
from tests.support.examples import input_type
from tests.support.identity import CREATE_KEY, Asking

PAID = """
  __typename
  ... on Movement { id total lines {
    product { name } quantity price discount amount to { bin } batch { number }
  } }
  ... on Problem { code path }
"""
ORDERED = """
  __typename
  ... on Order { id total lines { price discount amount } }
  ... on Problem { code path }
"""


async def does(desk: Desk, name: str, by: str, answer: str = PAID, **input: Any) -> Any:
    values = {"key": str(uuid4()), **input}
    text = f"mutation($input: {input_type(name)}!) {{ {name}(input: $input) {{ {answer} }} }}"
    return await desk.asking.raw(text, by, input=values)


async def sell(desk: Desk, *lines: dict[str, Any], by: str | None = None, **more: Any) -> Any:
    input = {"storeId": desk.store, "lines": list(lines), **more}
    answer = await does(desk, "sell", by or desk.manager, **input)
    return answer["data"]["sell"] if "errors" not in answer else answer["errors"][0]["extensions"]


async def give_back(desk: Desk, sale: Any, name: str, quantity: object) -> Any:
    line = await desk.line(name, quantity)
    input = {"saleId": sale["id"], "lines": [line], "disposition": "SHELF"}
    return (await does(desk, "returnSale", desk.manager, **input))["data"]["returnSale"]


async def sync(desk: Desk, line: dict[str, Any], occurred_at: str) -> Any:
    """The outcome of an offline sale that the cashier sends."""
    sale = {"key": str(uuid4()), "storeId": desk.store, "lines": [line], "occurredAt": occurred_at}
    text = "mutation($input: SyncSalesInput!) { syncSales(input: $input) {"
    text += f" results {{ outcome {{ {PAID} }} }} }} }}"
    sent = await desk.ask(text, desk.cashier, input={"operations": [sale]})
    return sent["results"][0]["outcome"]


def moment() -> str:
    return datetime.now(UTC).isoformat()


def charges(movement: Any) -> list[tuple[str | None, ...]]:
    """Quantity, price, discount and amount of each line."""
    return [
        (line["quantity"], line["price"], line["discount"], line["amount"])
        for line in movement["lines"]
    ]


async def test_a_sale_carries_the_price_of_the_product(fresh: Desk) -> None:
    await stocked(fresh, 米=10)
    sale = await sell(fresh, await fresh.line("米", 3), by=fresh.cashier)
    assert charges(sale) == [("3", "2.50", "0.00", "7.50")]
    assert sale["total"] == "7.50"
    await fresh.do("updateProduct", productId=await fresh.product("米"), price="3.00")
    later = await sell(fresh, await fresh.line("米", 1), by=fresh.cashier)
    assert later["total"] == "3.00"
    query = "query($id: UUID!) { movement(id: $id) { total lines { price amount } } }"
    again = await fresh.ask(query, id=sale["id"])
    assert again == {"total": "7.50", "lines": [{"price": "2.50", "amount": "7.50"}]}


async def test_a_given_price_and_a_discount(fresh: Desk) -> None:
    await stocked(fresh, 米=10, 油=10)
    cheap = await fresh.line("米", 3, price="2.00", discount="0.5")
    sale = await sell(fresh, cheap, await fresh.line("油", 1, discount="2.50"))
    assert charges(sale) == [("3", "2.00", "0.50", "5.50"), ("1", "2.50", "2.50", "0.00")]
    assert sale["total"] == "5.50"


async def test_a_sale_without_a_price_is_booked(fresh: Desk) -> None:
    await fresh.receive("蛋", 5)
    sale = await sell(fresh, await fresh.line("蛋", 2), by=fresh.cashier)
    assert charges(sale) == [("2", None, None, None)]
    assert sale["total"] is None
    back = await give_back(fresh, sale, "蛋", 2)
    assert charges(back) == [("2", None, None, None)]
    # The product has no price, so a cashier may give one.
    open_price = await sell(fresh, await fresh.line("蛋", 2, price="1.20"), by=fresh.cashier)
    assert open_price["total"] == "2.40"
    refused = await sell(fresh, await fresh.line("蛋", 1, discount="1"))
    assert (refused["code"], refused["path"]) == ("BAD_INPUT", ["input", "lines", "0", "discount"])


@pytest.mark.parametrize(
    ("terms", "place"),
    [
        ({"price": "1.005"}, "price"),
        ({"discount": "0.001"}, "discount"),
        ({"discount": "2.51"}, "discount"),
        ({"price": "2.00", "discount": "2.01"}, "discount"),
    ],
)
async def test_impossible_amounts_are_refused(
    fresh: Desk, terms: dict[str, str], place: str
) -> None:
    await stocked(fresh, 米=10)
    refused = await sell(fresh, await fresh.line("米", 1, **terms))
    assert (refused["code"], refused["path"]) == ("BAD_INPUT", ["input", "lines", "0", place])


async def test_an_amount_too_large_is_refused(fresh: Desk) -> None:
    await stocked(fresh, 米=10)
    dear = await fresh.line("米", 999, price="99999999999")
    refused = await sell(fresh, dear, acceptShortage=True)
    assert refused["code"] == "INVALID_QUANTITY"
    much = await sell(fresh, await fresh.line("米", 10**14), acceptShortage=True)
    assert much["code"] == "INVALID_QUANTITY"


async def test_a_cashier_cannot_change_a_price(fresh: Desk) -> None:
    await stocked(fresh, 米=10)
    same = await sell(fresh, await fresh.line("米", 1, price="2.5"), by=fresh.cashier)
    assert same["total"] == "2.50"
    for terms in ({"price": "2.49"}, {"price": "2.51"}, {"discount": "0.01"}, {"price": "0"}):
        line = await fresh.line("米", 1, **terms)
        assert (await sell(fresh, line, by=fresh.cashier))["code"] == "FORBIDDEN"
        assert (await sync(fresh, line, moment()))["code"] == "UNREADABLE"
        input = {"store": fresh.chain.founded.store.code, "channel": "COUNTER", "contact": "张"}
        answer = await does(fresh, "placeOrder", fresh.cashier, ORDERED, lines=[line], **input)
        assert answer["errors"][0]["extensions"]["code"] == "FORBIDDEN"
    assert (await fresh.level("米"))["onHand"] == "9"


async def test_an_offline_sale_carries_the_price_of_its_time(fresh: Desk) -> None:
    await stocked(fresh, 米=10)
    before = moment()
    await fresh.do("updateProduct", productId=await fresh.product("米"), price="3.00")
    assert (await sync(fresh, await fresh.line("米", 2), before))["total"] == "5.00"
    assert (await sync(fresh, await fresh.line("米", 2), moment()))["total"] == "6.00"
    # A till that has not heard of the new price yet, and one that knew it early.
    for price, occurred_at in (("2.50", before), ("3.00", before), ("2.50", moment())):
        line = await fresh.line("米", 1, price=price)
        assert (await sync(fresh, line, occurred_at))["total"] == price
    line = await fresh.line("米", 1, price="2.75")
    assert (await sync(fresh, line, before))["code"] == "UNREADABLE"
    late = await sell(fresh, await fresh.line("米", 1), by=fresh.cashier, occurredAt=before)
    assert late["total"] == "2.50"


async def test_a_program_that_sells_may_give_prices(fresh: Desk) -> None:
    await stocked(fresh, 米=10)
    input = {"key": str(uuid4()), "name": "收银机", "scopes": ["SALE_WRITE", "STOCK_READ"]}
    answer = await fresh.ask(CREATE_KEY, input=input)
    sale = await sell(fresh, await fresh.line("米", 2, price="2.00"), by=answer["secret"])
    assert sale["total"] == "4.00"


async def test_the_parts_of_a_line_add_up(fresh: Desk) -> None:
    """A line that comes of several batches shares its amount to the fen."""
    await fresh.product("奶", price="3.33", tracksBatches=True)
    for number, day in (("A", "2030-01-01"), ("B", "2030-02-01"), ("C", "2030-03-01")):
        line = await fresh.line("奶", 1, batchNo=number, expiresOn=day)
        await fresh.do("receive", storeId=fresh.store, lines=[line])
    sale = await sell(fresh, await fresh.line("奶", 3, discount="0.02"))
    assert sale["total"] == "9.97"
    assert [line["amount"] for line in sale["lines"]] == ["3.32", "3.33", "3.32"]
    assert sum(Decimal(line["discount"]) for line in sale["lines"]) == Decimal("0.02")


async def test_returns_give_back_what_was_paid(fresh: Desk) -> None:
    await stocked(fresh, 米=10)
    await fresh.do("updateProduct", productId=await fresh.product("米"), price="3.33")
    sale = await sell(fresh, await fresh.line("米", 3, discount="0.02"))
    await fresh.do("updateProduct", productId=await fresh.product("米"), price="9.99")
    backs = [await give_back(fresh, sale, "米", 1) for _ in range(3)]
    assert [back["total"] for back in backs] == ["3.32", "3.33", "3.32"]
    assert [back["lines"][0]["price"] for back in backs] == ["3.33"] * 3
    assert (await give_back(fresh, sale, "米", 1))["code"] == "RETURN_EXCEEDS_SALE"


async def test_goods_sold_at_two_prices_come_back_at_their_average(fresh: Desk) -> None:
    await stocked(fresh, 米=10)
    sale = await sell(fresh, await fresh.line("米", 1), await fresh.line("米", 1, price="0"))
    backs = [await give_back(fresh, sale, "米", 1) for _ in range(2)]
    assert [charges(back) for back in backs] == [[("1", None, "0.00", "1.25")]] * 2


async def test_a_reversed_return_can_be_given_back_again(fresh: Desk) -> None:
    await stocked(fresh, 米=10)
    sale = await sell(fresh, await fresh.line("米", 4, discount="0.01"))
    first = await give_back(fresh, sale, "米", 1)
    undone = (await does(fresh, "reverse", fresh.owner, movementId=first["id"]))["data"]["reverse"]
    assert (undone["total"], first["total"]) == ("2.50", "2.50")
    assert (await give_back(fresh, sale, "米", 4))["total"] == "9.99"


async def test_a_dish_carries_the_price_and_its_ingredients_none(fresh: Desk) -> None:
    await fresh.receive("粉", 10)
    await fresh.product("面", kind="DISH", unit="份", price="18.00")
    await recipe(fresh, "面", await part(fresh, "粉", "1"))
    sale = await sell(fresh, await fresh.line("面", 2), by=fresh.cashier)
    assert charges(sale) == [("2", None, None, None), ("2", "18.00", "0.00", "36.00")]
    assert sale["total"] == "36.00"
    assert (await give_back(fresh, sale, "面", 1))["total"] == "18.00"


async def test_what_a_shortage_books_in_is_not_charged(fresh: Desk) -> None:
    await stocked(fresh, 米=1)
    sale = await sell(fresh, await fresh.line("米", 3), by=fresh.cashier, acceptShortage=True)
    assert sale["total"] == "7.50"
    assert [(line["to"]["bin"], line["amount"]) for line in sale["lines"]] == [
        ("SHELF", None),
        ("CUSTOMER", "7.50"),
    ]


async def test_an_order_keeps_its_price_until_it_is_returned(fresh: Desk) -> None:
    await stocked(fresh, 米=10)
    lines = [await fresh.line("米", 2), await fresh.line("米", 1, price="1.00", discount="0.25")]
    input = {"store": fresh.chain.founded.store.code, "channel": "WECHAT", "contact": "张"}
    placed = await does(fresh, "placeOrder", fresh.manager, ORDERED, lines=lines, **input)
    order = placed["data"]["placeOrder"]
    assert order["total"] == "5.75"
    assert [tuple(line.values()) for line in order["lines"]] == [
        ("2.50", "0.00", "5.00"),
        ("1.00", "0.25", "0.75"),
    ]
    await fresh.do("updateProduct", productId=await fresh.product("米"), price="9.00")
    await fresh.do("payOrder", orderId=order["id"])
    text = "... on Order { movements { kind total lines { quantity price discount amount } } }"
    done = await does(fresh, "fulfilOrder", fresh.manager, text, orderId=order["id"])
    held, handed = done["data"]["fulfilOrder"]["movements"]
    assert (held["kind"], held["total"]) == ("ORDER_HOLD", None)
    assert handed["total"] == "5.75"
    assert charges(handed) == [("2", "2.50", "0.00", "5.00"), ("1", "1.00", "0.25", "0.75")]
    back = {"orderId": order["id"], "disposition": "SHELF"}
    refunds = [
        (await does(fresh, "returnOrder", fresh.manager, lines=[line], **back))["data"]
        for line in [await fresh.line("米", 1)] * 3
    ]
    assert [each["returnOrder"]["total"] for each in refunds] == ["1.92", "1.92", "1.91"]


async def test_guests_pay_the_price_of_the_product(fresh: Desk, asking: Asking) -> None:
    await stocked(fresh, 米=10)
    for terms in ({"price": "0.01"}, {"price": "2.50"}, {"discount": "1"}):
        line = await fresh.line("米", 1, **terms)
        input = {"store": fresh.chain.founded.store.code, "channel": "WECHAT", "contact": "张"}
        text = f"mutation($input: PlaceOrderInput!) {{ placeOrder(input: $input) {{ {ORDERED} }} }}"
        values = {"key": str(uuid4()), "lines": [line], **input}
        answer = await asking.raw(text, None, input=values)
        assert answer["errors"][0]["extensions"]["code"] == "BAD_INPUT"


async def test_a_repeated_key_with_another_price_is_another_request(fresh: Desk) -> None:
    await stocked(fresh, 米=10)
    key = str(uuid4())
    first = await sell(fresh, await fresh.line("米", 1, price="2.00"), key=key)
    await fresh.do("updateProduct", productId=await fresh.product("米"), price="4.00")
    again = await sell(fresh, await fresh.line("米", 1, price="2.00"), key=key)
    assert again["id"] == first["id"]
    other = await sell(fresh, await fresh.line("米", 1, price="2.01"), key=key)
    assert other["code"] == "KEY_REUSED"


async def test_an_order_waits_with_its_price(fresh: Desk) -> None:
    await stocked(fresh, 米=10)
    order = await place(fresh, ("米", 4))
    assert order["total"] == "10.00"
