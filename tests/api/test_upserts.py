"""`upsertProducts`: many products at once, by the rules of an imported file."""

import asyncio
from typing import Any
from uuid import uuid4

from tests.support.api import Desk

UPSERT = """
mutation($input: [UpsertProductInput!]!, $key: UUID) { upsertProducts(input: $input, key: $key) {
  ... on UpsertedProducts { results {
    ... on UpsertedProduct { action product { id sku name price reorderPoint category { path } } }
    ... on ProductRefused { code path message errors { field message } }
  } }
  ... on Problem { code }
} }
"""
NAMES = "{ products(first: 200) { nodes { sku name barcodes { code } } } }"


async def upsert(desk: Desk, *products: dict[str, Any], **more: Any) -> Any:
    answer = await desk.ask(UPSERT, input=list(products), **more)
    return answer.get("results") or answer["code"]


def actions(results: Any) -> list[str]:
    return [each.get("action") or each["code"] for each in results]


RICE = {"sku": "0017", "name": "大米", "unit": "袋", "price": "39.9", "categoryPath": "食品/粮油"}
OIL = {"barcode": "6901234567892", "name": "菜籽油", "unit": "瓶", "reorderPoint": "4"}


async def test_products_are_created_changed_left_and_refused(fresh: Desk) -> None:
    first = await upsert(fresh, RICE, OIL, {"sku": "X", "name": "盐"}, {"name": "糖"})
    assert actions(first) == ["CREATED", "CREATED", "PRODUCT_REFUSED", "PRODUCT_REFUSED"]
    assert first[0]["product"]["category"]["path"] == "食品 / 粮油"
    assert first[1]["product"]["sku"] == "6901234567892"
    assert [each["path"] for each in first[2:]] == [["input", "2", "unit"], ["input", "3", "sku"]]
    assert [error["field"] for error in first[2]["errors"]] == ["UNIT"]
    dearer = {"sku": " 0017", "price": "45.00", "barcode": "012345678905"}
    again = await upsert(fresh, dearer, OIL, {**RICE, "sku": "X", "price": "1.005", "name": "\0"})
    assert actions(again) == ["CHANGED", "UNCHANGED", "PRODUCT_REFUSED"]
    assert again[0]["product"]["price"] == "45.00"
    assert {error["field"] for error in again[2]["errors"]} == {"PRICE", "NAME"}
    twice = await upsert(fresh, {"sku": "0017"}, {"barcode": "012345678905"}, {"sku": "０017"})
    assert actions(twice) == ["UNCHANGED", "UNCHANGED", "PRODUCT_REFUSED"]
    assert "第 1 行" in twice[2]["message"]


async def test_a_retry_returns_the_first_answer(fresh: Desk) -> None:
    key = str(uuid4())
    first = await upsert(fresh, RICE, {"sku": "X"}, key=key)
    product = first[0]["product"]["id"]
    await fresh.do("updateProduct", productId=product, name="五常大米")
    again = await upsert(fresh, RICE, {"sku": "X"}, key=key)
    assert actions(again) == actions(first) == ["CREATED", "PRODUCT_REFUSED"]
    assert again[0]["product"]["name"] == "五常大米"
    assert again[1] == first[1]
    assert await upsert(fresh, OIL, key=key) == "KEY_REUSED"
    for input in ([], [OIL] * 501):
        assert await fresh.asking.code(UPSERT, fresh.owner, input=input) == "BAD_INPUT"
    assert await fresh.asking.code(UPSERT, fresh.cashier, input=[OIL]) == "FORBIDDEN"


async def test_each_code_names_one_product_under_races(fresh: Desk) -> None:
    products = [
        {"sku": f"S{number}", "barcode": f"B{number}", "name": f"商品{number}", "unit": "个"}
        for number in range(60)
    ]
    key = str(uuid4())
    singles = [
        fresh.do("createProduct", sku=f"s{number}", name="单个", unit="个")
        for number in range(0, 60, 10)
    ]
    answers = await asyncio.gather(
        upsert(fresh, *products, key=key),
        upsert(fresh, *products, key=key),
        upsert(fresh, *reversed(products)),
        *singles,
    )
    assert actions(answers[0]) == actions(answers[1])
    created = [answer.get("id") for answer in answers[3:]]
    counts = [actions(results).count("CREATED") for results in (answers[0], answers[2])]
    assert sum(counts) + sum(map(bool, created)) == 60, (counts, created)
    rows = (await fresh.ask(NAMES))["nodes"]
    assert sorted(row["sku"].upper() for row in rows) == sorted(each["sku"] for each in products)


async def test_terminals_see_what_was_changed(fresh: Desk) -> None:
    await fresh.receive("大米", 5)
    product = await fresh.product("大米")
    levels = "query($id: UUID!, $store: UUID!) { product(id: $id) { sku level(storeId: $store) {"
    levels += " status reorderPoint } } }"
    sku = (await fresh.ask(levels, id=product, store=fresh.store))["sku"]
    assert actions(await upsert(fresh, {"sku": sku, "reorderPoint": "9"})) == ["CHANGED"]
    level = (await fresh.ask(levels, id=product, store=fresh.store))["level"]
    assert level == {"status": "LOW", "reorderPoint": "9"}
    alerts = await fresh.ask("{ alerts { nodes { rule product { name } } } }")
    assert [each["rule"] for each in alerts["nodes"]] == ["LOW_STOCK"]
