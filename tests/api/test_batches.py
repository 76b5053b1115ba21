"""Batches over HTTP: received, sold by FEFO, and listed in the order of expiry."""

from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest

from tests.support.api import Desk, verify_change
from tests.support.identity import CREATE_STORE

HELD = """
query($product: UUID!, $store: UUID!) {
  product(id: $product) {
    tracksBatches shelfLifeDays expiryWarningDays
    level(storeId: $store) {
      available quarantined
      batches {
        shelf reserved quarantined daysLeft valueAtRisk
        batch { number expiresOn producedOn supplier unitCost }
      }
    }
  }
}
"""
BATCHES = """
query($stores: [UUID!], $product: UUID, $within: Int, $first: Int, $after: String) {
  batches(storeIds: $stores, productId: $product, expiringWithinDays: $within, sort: DAYS_LEFT,
          first: $first, after: $after) {
    nodes { daysLeft shelf batch { number } store { id } product { name } }
    pageInfo { hasNextPage endCursor }
  }
}
"""


def day(days: int) -> str:
    return str(datetime.now(ZoneInfo("Asia/Shanghai")).date() + timedelta(days=days))


async def milk(desk: Desk, **more: Any) -> str:
    return await desk.product("奶", tracksBatches=True, **more)


async def held(desk: Desk, by: str | None = None) -> Any:
    return await desk.ask(HELD, by, product=await milk(desk), store=desk.store)


async def shelves(desk: Desk) -> dict[str, str]:
    level = (await held(desk))["level"]
    return {each["batch"]["number"]: each["shelf"] for each in level["batches"]}


async def test_a_batch_from_receipt_to_sale(fresh: Desk) -> None:
    await milk(fresh, shelfLifeDays=10)
    line = {
        "batchNo": "L1",
        "producedOn": day(-3),
        "supplier": "光明",
        "unitCost": "4.50",
    }
    receipt_line = await fresh.line("奶", 6, **line)
    await verify_change(fresh, fresh.do("receive", storeId=fresh.store, lines=[receipt_line]))
    product = await held(fresh)
    assert (product["tracksBatches"], product["shelfLifeDays"]) == (True, 10)
    assert product["level"]["batches"] == [
        {
            "shelf": "6",
            "reserved": "0",
            "quarantined": "0",
            "daysLeft": 7,
            "valueAtRisk": "27.00",
            "batch": {
                "number": "L1",
                "expiresOn": day(7),
                "producedOn": day(-3),
                "supplier": "光明",
                "unitCost": "4.50",
            },
        }
    ]
    # A cashier does not see costs.
    [batch] = (await held(fresh, fresh.cashier))["level"]["batches"]
    assert (batch["valueAtRisk"], batch["batch"]["unitCost"]) == (None, None)
    early = await fresh.line("奶", 2, batchNo="L0", expiresOn=day(1))
    await fresh.do("receive", storeId=fresh.store, lines=[early])
    await verify_change(fresh, fresh.post("sell", ("奶", 3)))
    assert await shelves(fresh) == {"L1": "5"}


async def test_a_named_batch_and_one_nobody_knows(fresh: Desk) -> None:
    await milk(fresh)
    for number, days in (("A", 1), ("B", 2), ("old", -1)):
        line = await fresh.line("奶", 2, batchNo=number, expiresOn=day(days))
        await fresh.do("receive", storeId=fresh.store, lines=[line])

    async def sell(number: str, quantity: int = 1) -> Any:
        line = await fresh.line("奶", quantity, batchNo=number)
        return await fresh.do("sell", storeId=fresh.store, lines=[line])

    sale = await sell("B")
    assert "id" in sale, sale
    assert await shelves(fresh) == {"old": "0", "A": "2", "B": "1"}
    assert (await sell("nobody"))["code"] == "UNKNOWN_BATCH"
    assert (await sell("old"))["code"] == "BATCH_EXPIRED"
    assert (await sell("B", 2))["code"] == "OUT_OF_STOCK"
    back = [await fresh.line("奶", 1)]
    returned = await fresh.do("returnSale", saleId=sale["id"], lines=back, disposition="SHELF")
    assert "id" in returned, returned
    assert await shelves(fresh) == {"old": "0", "A": "2", "B": "2"}


async def test_a_retry_is_the_same_receipt(fresh: Desk) -> None:
    await milk(fresh, shelfLifeDays=5)
    line = await fresh.line("奶", 2, batchNo="A")
    key = "0198f3a0-0000-7000-8000-00000000abcd"
    lines = {"storeId": fresh.store, "lines": [line], "key": key}
    first = await fresh.do("receive", **lines)
    assert (await fresh.do("receive", **lines))["id"] == first["id"]
    changed = [{**line, "expiresOn": day(9)}]
    assert (await fresh.do("receive", **{**lines, "lines": changed}))["code"] == "KEY_REUSED"
    assert await shelves(fresh) == {"A": "2"}


@pytest.mark.parametrize(
    "more",
    [
        {"producedOn": day(9)},
        {"producedOn": day(-1), "expiresOn": day(-2)},
        {"expiresOn": "2026-02-30"},
        {"batchNo": "x" * 51},
        {"batchNo": "a\0b"},
    ],
    ids=["future", "before it was made", "no such day", "long", "NUL"],
)
async def test_what_cannot_be(fresh: Desk, more: dict[str, Any]) -> None:
    await milk(fresh)
    line = await fresh.line("奶", 1, **more)
    assert await fresh.code("receive", storeId=fresh.store, lines=[line]) == "BAD_INPUT"
    assert (await held(fresh))["level"] is None


async def test_a_product_without_batches_has_no_number(fresh: Desk) -> None:
    line = await fresh.line("米", 1, batchNo="A")
    for name in ("receive", "sell"):
        assert await fresh.code(name, storeId=fresh.store, lines=[line]) == "BAD_INPUT"
    created = await fresh.code("createProduct", sku="x", name="x", unit="袋", shelfLifeDays=3)
    assert created == "BAD_INPUT"


async def test_the_list_by_days_left(fresh: Desk) -> None:
    await milk(fresh)
    for number, days in (("C", 40), ("A", -1), ("B", 3)):
        line = await fresh.line("奶", 1, batchNo=number, expiresOn=day(days))
        await fresh.do("receive", storeId=fresh.store, lines=[line])
    line = await fresh.line("奶", 1, batchNo="D")
    await fresh.do("receive", storeId=fresh.store, lines=[line])

    async def listed(**more: Any) -> list[tuple[str, int | None]]:
        rows = (await fresh.ask(BATCHES, stores=[fresh.store], **more))["nodes"]
        return [(each["batch"]["number"], each["daysLeft"]) for each in rows]

    everything = [("A", -1), ("B", 3), ("C", 40), ("D", None)]
    assert await listed() == everything
    assert await listed(within=3) == everything[:2]
    assert await listed(within=2) == everything[:1]
    pages, after = [], None
    page: dict[str, Any] = {}
    for _ in everything:
        page = await fresh.ask(BATCHES, first=1, after=after)
        pages += [each["batch"]["number"] for each in page["nodes"]]
        after = page["pageInfo"]["endCursor"]
    assert pages == ["A", "B", "C", "D"]
    assert not page["pageInfo"]["hasNextPage"]


async def test_another_tenant_sees_none_of_it(fresh: Desk, outsider: Desk) -> None:
    await milk(fresh)
    line = await fresh.line("奶", 1, batchNo="A")
    await fresh.do("receive", storeId=fresh.store, lines=[line])
    answer = await outsider.ask(BATCHES, stores=[fresh.store])
    assert answer["nodes"] == []


async def test_when_to_warn(fresh: Desk) -> None:
    product = await milk(fresh)
    answer = await fresh.do("setExpiryWarning", productId=product, days=20)
    assert answer["id"] == product
    assert (await held(fresh))["expiryWarningDays"] == 20
    for days in (6, 31, -1):
        assert await fresh.code("setExpiryWarning", productId=product, days=days) == "BAD_INPUT"


OWN_WARNING = """query($product: UUID!, $store: UUID!) {
  product(id: $product) { expiryWarningDays level(storeId: $store) { expiryWarningDays } }
}"""


async def test_managers_set_warnings_of_their_own_stores(fresh: Desk) -> None:
    product = await milk(fresh)
    second = await fresh.chain.do(CREATE_STORE, code=uuid4().hex, name="福田店")
    own = {"productId": product, "days": 10, "storeId": fresh.store}
    key = str(uuid4())
    for _ in range(2):
        answer = await fresh.do("setExpiryWarning", by=fresh.manager, **{**own, "key": key})
        assert answer["id"] == product
    shown = await fresh.ask(OWN_WARNING, product=product, store=fresh.store)
    assert shown == {"expiryWarningDays": 15, "level": {"expiryWarningDays": 10}}
    everywhere = {"productId": product, "days": 10}
    code = await fresh.code("setExpiryWarning", by=fresh.manager, **everywhere)
    assert code == "BAD_INPUT"
    for store in (second["id"], str(uuid4())):
        refused = await fresh.do("setExpiryWarning", by=fresh.manager, **{**own, "storeId": store})
        assert refused["code"] == "UNKNOWN_STORE"
    # The product's own number leaves a store's own in place.
    await fresh.do("setExpiryWarning", productId=product, days=20)
    shown = await fresh.ask(OWN_WARNING, product=product, store=fresh.store)
    assert shown == {"expiryWarningDays": 20, "level": {"expiryWarningDays": 10}}
