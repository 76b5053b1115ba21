"""A product created with category, barcode, thresholds and opening stock: all or nothing."""

import asyncio
from typing import Any
from uuid import uuid4

from tests.support.api import Desk

TREE = "{ categories { path } }"
BY_SKU = """
query($sku: String!, $store: UUID!) { product(sku: $sku) {
  category { path } barcodes { code packQuantity } reorderPoint expiryWarningDays
  level(storeId: $store) {
    onHand status value unitCost reorderPoint batches { batch { number expiresOn } shelf }
  }
} }
"""


def whole(desk: Desk, **more: Any) -> dict[str, Any]:
    sku = f"S-{uuid4().hex[:10]}"
    opening = {"storeId": desk.store, "quantity": "5", "unitCost": "2.5", "batchNo": "B1"}
    return {
        "sku": sku,
        "name": "酸奶",
        "unit": "盒",
        "tracksBatches": True,
        "categoryPath": "食品 / 饮料",
        "barcode": {"code": f"C{sku}", "packQuantity": "12"},
        "reorderPoint": "6",
        "expiryWarningDays": 7,
        "openingStock": [{**opening, "expiresOn": "2099-01-01"}],
        **more,
    }


async def read(desk: Desk, input: dict[str, Any]) -> Any:
    return await desk.ask(BY_SKU, sku=input["sku"], store=desk.store)


async def test_all_in_one_go(fresh: Desk) -> None:
    input = whole(fresh)
    created = await fresh.do("createProduct", **input)
    assert created["category"]["path"] == "食品 / 饮料"
    assert await read(fresh, input) == {
        "category": {"path": "食品 / 饮料"},
        "barcodes": [{"code": input["barcode"]["code"], "packQuantity": "12"}],
        "reorderPoint": "6",
        "expiryWarningDays": 7,
        "level": {
            "onHand": "5",
            "status": "LOW",
            "value": "12.50",
            "unitCost": "2.50",
            "reorderPoint": "6",
            "batches": [{"batch": {"number": "B1", "expiresOn": "2099-01-01"}, "shelf": "5"}],
        },
    }


async def test_one_key_is_one_product_and_one_stock(fresh: Desk) -> None:
    input, key = whole(fresh), str(uuid4())
    answers = await asyncio.gather(*(fresh.do("createProduct", key=key, **input) for _ in range(4)))
    assert len({answer["id"] for answer in answers}) == 1
    assert (await read(fresh, input))["level"]["onHand"] == "5"
    again = await fresh.do("createProduct", key=key, **{**input, "reorderPoint": "7"})
    assert again["code"] == "KEY_REUSED"


async def test_a_refused_part_leaves_nothing(fresh: Desk) -> None:
    first = whole(fresh, categoryPath="洗护")
    await fresh.do("createProduct", **first)
    opening = {"storeId": fresh.store, "quantity": "1"}
    cases: list[tuple[dict[str, Any], str]] = [
        ({"barcode": first["barcode"]}, "ALREADY_TAKEN"),
        ({"openingStock": [{**opening, "storeId": str(uuid4())}]}, "UNKNOWN_STORE"),
        ({"kind": "DISH", "tracksBatches": False, "openingStock": [opening]}, "WRONG_STATE"),
    ]
    for more, code in cases:
        input = whole(fresh, **more)
        answer = await fresh.do("createProduct", **input)
        assert answer["code"] == code, more
        assert await read(fresh, input) is None
    half = whole(fresh, openingStock=[opening, {**opening, "quantity": "0.5"}])
    assert await fresh.code("createProduct", **half) == "BAD_INPUT"
    assert await read(fresh, half) is None
    assert await fresh.ask(TREE) == [{"path": "洗护"}]


async def test_what_is_no_input(fresh: Desk) -> None:
    category = (await fresh.do("createCategory", name="食品"))["id"]
    opening = {"storeId": fresh.store, "quantity": "1", "batchNo": "B1"}
    cases: list[dict[str, Any]] = [
        {"categoryPath": "食品 // 饮料"},
        {"categoryPath": ""},
        {"categoryPath": " / ".join("一二三四五六七八九十百")},
        {"categoryId": category},
        {"expiryWarningDays": 6},
        {"imageUrl": "http://a.example/x.png"},
        {"imageUrl": "javascript:alert(1)"},
        {"overstockPoint": "0.5"},
        {"reorderPoint": "0.5"},
        {"barcode": {"code": "X1", "packQuantity": "0"}},
        {"tracksBatches": False, "openingStock": [opening]},
    ]
    for more in cases:
        assert await fresh.code("createProduct", **whole(fresh, **more)) == "BAD_INPUT", more


async def test_one_path_for_many_products_at_once(fresh: Desk) -> None:
    await asyncio.gather(*(fresh.do("createProduct", **whole(fresh)) for _ in range(6)))
    rows = await fresh.ask(TREE)
    assert sorted(row["path"] for row in rows) == ["食品", "食品 / 饮料"]
