"""Offline tills: every sale is booked once, in any order, and shortages are reported."""

import asyncio
import random
from datetime import UTC, datetime, timedelta
from itertools import permutations
from typing import Any
from uuid import uuid4

import pytest

from tests.api.test_orders import place, seen, stocked
from tests.support.api import Desk

ALERTS = """
query($state: AlertState) { alerts(state: $state, rule: DISCREPANCY) { nodes {
  id rule state text quantity product { name } ordersAtRisk { id state } movement { id }
} } }
"""
MORNING = datetime.now(UTC) - timedelta(hours=2)


async def sold(desk: Desk, minute: int, *lines: tuple[Any, ...], **more: Any) -> dict[str, Any]:
    """One sale of a till, `minutes` after it went offline."""
    values = {"key": str(uuid4()), "storeId": desk.store, **more}
    values["occurredAt"] = (MORNING + timedelta(minutes=minute)).isoformat()
    return {**values, "lines": [await desk.line(*line) for line in lines]}


async def synced(desk: Desk, operations: list[Any]) -> list[Any]:
    by = desk.cashier
    answer = await desk.asking(SYNC, by, input={"operations": operations})
    assert [each["key"] for each in answer["results"]] == [each["key"] for each in operations]
    return [each["outcome"] for each in answer["results"]]


SYNC = """
mutation($input: SyncSalesInput!) { syncSales(input: $input) { results { key outcome {
  ... on Movement { id occurredAt document lines { quantity from { bin } to { bin } } }
  ... on Problem { __typename code message }
  ... on OutOfStock { shortages { available } }
} } } }
"""


async def test_each_has_its_own_result(fresh: Desk, outsider: Desk) -> None:
    await stocked(fresh, 米=10)
    good = await sold(fresh, 1, ("米", 2), receiptNo="0001")
    operations = [
        good,
        await sold(fresh, 2, ("米", 0)),
        {**await sold(fresh, 3, ("米", 1)), "storeId": outsider.store},
        {**await sold(fresh, 4, ("米", 1)), "lines": []},
        {**await sold(fresh, 5, ("米", 1)), "lines": [{"code": "nobody's"}]},
        await sold(fresh, 6, ("米", 3)),
        {**good, "lines": [await fresh.line("米", 3)]},
        good,
    ]
    outcomes = await synced(fresh, operations)
    codes = [each.get("code") for each in outcomes]
    assert codes[1:6] == [
        "INVALID_QUANTITY",
        "UNKNOWN_STORE",
        "UNREADABLE",
        "UNKNOWN_PRODUCT",
        None,
    ]
    # One key with two inputs: one is booked, the other gets KEY_REUSED.
    assert sorted(map(str, (codes[0], codes[6]))) == ["KEY_REUSED", "None"]
    assert outcomes[0] == outcomes[7]
    assert datetime.fromisoformat(outcomes[5]["occurredAt"]) == MORNING + timedelta(minutes=6)
    assert await synced(fresh, operations) == outcomes, "a repeat gets the same answer"


@pytest.mark.parametrize("bottles", [4, 9])
async def test_any_order_ends_the_same(fresh: Desk, bottles: int) -> None:
    ends = set()
    for number, order in enumerate(permutations(range(4))):
        name = f"奶{number}"
        await fresh.product(name, tracksBatches=True)
        for batch, quantity, days in (("A", 3, 5), ("B", bottles, 9)):
            line = await fresh.line(name, quantity, batchNo=batch)
            line["expiresOn"] = (datetime.now(UTC).date() + timedelta(days=days)).isoformat()
            await fresh.do("receive", storeId=fresh.store, lines=[line])
        operations = [
            await sold(fresh, 1, (name, 2)),
            await sold(fresh, 2, (name, 4)),
            {**await sold(fresh, 3), "lines": [await fresh.line(name, 2, batchNo="A")]},
            await sold(fresh, 4, (name, 3)),
        ]
        outcomes = await synced(fresh, [operations[place] for place in order])
        assert not [each for each in outcomes if "code" in each]
        answer = await fresh.ask(BATCHES, product=await fresh.product(name), store=fresh.store)
        ends.add(repr(answer["level"]))
    left = bottles - 8
    batches = [{"batch": {"number": "B"}, "shelf": str(left)}] if left > 0 else []
    assert ends == {repr({"onHand": str(max(0, left)), "batches": batches})}


BATCHES = """
query($product: UUID!, $store: UUID!) { product(id: $product) { level(storeId: $store) {
  onHand batches { batch { number } shelf }
} } }
"""


async def test_what_was_missing_names_the_orders_at_risk(fresh: Desk) -> None:
    await stocked(fresh, 米=5)
    first, second = await place(fresh, ("米", 2)), await place(fresh, ("米", 2))
    await fresh.do("payOrder", orderId=second["id"])
    refused = await fresh.post("sell", ("米", 2))
    assert refused["code"] == "OUT_OF_STOCK"
    done = await fresh.post("sell", ("米", 2), acceptShortage=True)
    bins = [(line["from"]["bin"], line["to"]["bin"], line["quantity"]) for line in done["lines"]]
    assert bins == [("VARIANCE", "SHELF", "1"), ("SHELF", "CUSTOMER", "2")]
    assert await seen(fresh, "米") == ("0", "4", "4")
    [alert] = (await fresh.ask(ALERTS, state="OPEN"))["nodes"]
    assert (alert["rule"], alert["quantity"], alert["movement"]["id"]) == (
        "DISCREPANCY",
        "1",
        done["id"],
    )
    assert alert["text"] == "米账面不足，已多卖 1 袋，1 个线上订单可能无货，请核对"
    assert [order["id"] for order in alert["ordersAtRisk"]] == [first["id"]], "it is not paid"
    # A second shortage is added to the open alert, and now both orders are at risk.
    await fresh.post("sell", ("米", 3), acceptShortage=True)
    [alert] = (await fresh.ask(ALERTS))["nodes"]
    assert alert["quantity"] == "4"
    assert [order["id"] for order in alert["ordersAtRisk"]] == [first["id"], second["id"]]
    by = fresh.manager
    closed = await fresh.do("acknowledgeAlert", by=by, alertId=alert["id"])
    assert (closed["state"], closed["acknowledgedBy"]["name"]) == ("ACKNOWLEDGED", "王店长")
    again = await fresh.do("acknowledgeAlert", alertId=alert["id"])
    assert again["acknowledgedBy"]["name"] == "王店长"
    await fresh.post("sell", ("米", 1), acceptShortage=True)
    assert len((await fresh.ask(ALERTS))["nodes"]) == 2


async def test_only_a_fact_of_the_counter_is_accepted(fresh: Desk) -> None:
    await stocked(fresh, 米=1)
    line = [await fresh.line("米", 2)]
    values = {"storeId": fresh.store, "lines": line, "acceptShortage": True}
    assert await fresh.code("sell", channel="WECHAT", **values) == "BAD_INPUT"


async def test_what_is_overdue_is_taken_before_anything_is_missing(fresh: Desk) -> None:
    await stocked(fresh, 米=2)
    soon = (datetime.now(UTC) + timedelta(seconds=0.8)).isoformat()
    await place(fresh, ("米", 2), pickupAt=soon)
    await asyncio.sleep(0.9)
    [done] = await synced(fresh, [await sold(fresh, 1, ("米", 2))])
    assert [line["from"]["bin"] for line in done["lines"]] == ["SHELF"]
    assert (await fresh.ask(ALERTS))["nodes"] == []


async def test_a_thousand_sales_of_two_hours(fresh: Desk) -> None:
    await stocked(fresh, 米=2000, 油=300)
    operations = [
        await sold(fresh, number // 9, (random.choice(("米", "油")), 1)) for number in range(1000)
    ]
    random.shuffle(operations)
    once, twice = await asyncio.gather(synced(fresh, operations), synced(fresh, operations))
    assert once == twice
    assert not [each for each in once if "code" in each]
    product = await fresh.product("油")
    oil = sum(operation["lines"][0]["productId"] == product for operation in operations)
    assert (await seen(fresh, "油"))[0] == str(max(0, 300 - oil))
    assert (await seen(fresh, "米"))[0] == str(2000 - 1000 + oil)


UNREADABLE: dict[str, tuple[dict[str, Any], list[str]]] = {
    "float": ({"lines": [{"productId": None, "quantity": 0.1 + 0.2}]}, ["lines", "0", "quantity"]),
    "exponent": ({"lines": [{"productId": None, "quantity": "1e3"}]}, ["lines", "0", "quantity"]),
    "no offset": ({"occurredAt": "2026-11-27T10:00:00"}, ["occurredAt"]),
    "store": ({"storeId": "01"}, ["storeId"]),
    "unknown field": ({"price": 3}, ["price"]),
    "unknown field of a line": ({"lines": [{"sku": "x", "quantity": "1"}]}, ["lines", "0", "sku"]),
    "no lines": ({"lines": None}, ["lines"]),
    "key": ({"key": "till 1"}, ["key"]),
    "no key": ({"key": None}, ["key"]),
}
NOBODY = "00000000-0000-0000-0000-000000000000"
PATHS = """results { key outcome {
  __typename ... on Problem { code message path } ... on Unreadable { reason }
} }"""


@pytest.mark.parametrize("name", UNREADABLE)
async def test_what_cannot_be_read_hinders_no_other(fresh: Desk, name: str) -> None:
    await stocked(fresh, 米=10)
    change, path = UNREADABLE[name]
    good, bad, last = [await sold(fresh, minute, ("米", 1)) for minute in (1, 2, 3)]
    bad = {**bad, **change}
    for line in bad["lines"] or ():
        line["productId"] = await fresh.product("米")
    answers = [
        await fresh.asking.raw(text, fresh.cashier, **variables)
        for text, variables in (
            (f"mutation($i: SyncSalesInput!) {{ syncSales(input: $i) {{ {PATHS} }} }}",
             {"i": {"operations": [good, bad, last]}}),
            (f"mutation($o: [OfflineSaleInput!]!) {{ syncSales(input: {{operations: $o}}) "
             f"{{ {PATHS} }} }}", {"o": [good, bad, last]}),
            ("mutation($a: OfflineSaleInput!, $b: OfflineSaleInput!, $c: OfflineSaleInput!) "
             f"{{ syncSales(input: {{operations: [$a, $b, $c]}}) {{ {PATHS} }} }}",
             {"a": good, "b": bad, "c": last}),
        )
    ]  # fmt: skip
    for answer in answers:
        results = answer["data"]["syncSales"]["results"]
        outcomes = [each["outcome"] for each in results]
        assert [each["__typename"] for each in outcomes] == ["Movement", "Unreadable", "Movement"]
        assert outcomes[1]["path"] == ["input", "operations", "1", *path], outcomes[1]
        assert outcomes[1]["reason"]
        key = NOBODY if "key" in change else bad["key"]
        assert [each["key"] for each in results] == [good["key"], key, last["key"]]
    assert (await seen(fresh, "米"))[0] == "8"


@pytest.mark.parametrize("value", [None, 3, "x", [], [[]]])
async def test_an_operation_may_be_of_any_json_type(fresh: Desk, value: Any) -> None:
    await stocked(fresh, 米=10)
    answer = await fresh.asking(
        SYNC, fresh.cashier, input={"operations": [value, await sold(fresh, 1, ("米", 1)), value]}
    )
    codes = [each["outcome"].get("code") for each in answer["results"]]
    assert codes == ["UNREADABLE", None, "UNREADABLE"]


async def test_nothing_else_is_read_leniently(fresh: Desk) -> None:
    await stocked(fresh, 米=10)
    good = await sold(fresh, 1, ("米", 1))
    code, by = fresh.asking.code, fresh.cashier
    assert await code(SYNC, by, input={"operations": []}) == "BAD_INPUT"
    assert await code(SYNC, by, input={"operations": [good], "more": 1}) == "BAD_INPUT"
    assert await code(SYNC, by, input={"operations": None}) == "BAD_INPUT"
    line = {"productId": await fresh.product("米"), "quantity": "1e3"}
    assert await fresh.code("sell", storeId=fresh.store, lines=[line]) == "BAD_INPUT"
    literal = f'mutation {{ syncSales(input: {{operations: [{{key: "x"}}]}}) {{ {PATHS} }} }}'
    errors = (await fresh.asking.raw(literal, by))["errors"]
    assert {error["extensions"]["code"] for error in errors} == {"BAD_INPUT"}
    assert (await seen(fresh, "米"))[0] == "10"
