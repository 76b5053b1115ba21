"""Levels, movements and scans over HTTP: filtered, sorted, paged, and read in few queries."""

import asyncio
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any
from uuid import uuid4

import pytest

from tests.support.api import LEVELS, MOVEMENT, Desk
from tests.support.identity import CREATE_STORE
from tests.support.statements import read_statements

MOVEMENTS = f"""
query($store: UUID, $product: UUID, $kinds: [MovementKind!], $channel: Channel,
      $since: DateTime, $until: DateTime, $first: Int, $after: String) {{
  movements(storeId: $store, productId: $product, kinds: $kinds, channel: $channel,
            since: $since, until: $until, first: $first, after: $after) {{
    nodes {{ {MOVEMENT} }} pageInfo {{ hasNextPage endCursor }}
  }}
}}
"""
ONE = f"query($id: UUID!) {{ movement(id: $id) {{ {MOVEMENT} }} }}"
SCAN = """
query($store: UUID!, $code: String!) { scan(storeId: $store, code: $code) {
  code packQuantity product { id } level { onHand version } lastReceipt { id } can
} }
"""


async def rows(desk: Desk, **filters: Any) -> list[Any]:
    return (await desk.ask(LEVELS, filters.pop("by", None), **filters))["nodes"]


async def names(desk: Desk, **filters: Any) -> list[str]:
    return [level["product"]["name"] for level in await rows(desk, **filters)]


async def ids(desk: Desk, **filters: Any) -> list[str]:
    return [movement["id"] for movement in (await desk.ask(MOVEMENTS, **filters))["nodes"]]


async def all_pages(desk: Desk, text: str, between: Any, **filters: Any) -> list[Any]:
    """All nodes, page by page; `between` is awaited before each next page."""
    nodes: list[Any] = []
    after = None
    while True:
        page = await desk.ask(text, after=after, **filters)
        nodes += page["nodes"]
        if not page["pageInfo"]["hasNextPage"]:
            return nodes
        after = page["pageInfo"]["endCursor"]
        await between()


async def test_a_level_tells_where_everything_is(fresh: Desk) -> None:
    await fresh.product("苹果", unit="kg")
    receipt = await fresh.receive("苹果", "10.5")
    await fresh.post("adjust", ("苹果", "2.25"), kind="QUARANTINE")
    [level] = await rows(fresh)
    received = datetime.fromisoformat(level["lastReceivedAt"])
    recorded = datetime.fromisoformat(receipt["recordedAt"])
    assert abs(received - recorded) < timedelta(seconds=5)
    assert level == {
        "store": {"id": fresh.store},
        "product": {"id": fresh.products["苹果"], "name": "苹果"},
        "onHand": "10.5",
        "available": "8.25",
        "reserved": "0",
        "quarantined": "2.25",
        "incoming": "0",
        "reorderPoint": "0",
        "status": "NORMAL",
        "version": "2",
        "lastReceivedAt": level["lastReceivedAt"],
        "label": {"label": "PLENTY", "remaining": None, "text": "库存充足"},
    }


async def test_levels_are_filtered(fresh: Desk) -> None:
    category = (await fresh.do("createCategory", name="粮油"))["id"]
    await fresh.product("大米", categoryId=category, overstockPoint="5")
    for name, quantity in (("大米", 10), ("油", 3), ("盐", 2)):
        await fresh.receive(name, quantity)
    await fresh.post("sell", ("盐", 2))
    await fresh.do("setReorderPoint", productId=await fresh.product("油"), quantity="3")
    branch = (await fresh.chain.do(CREATE_STORE, code=f"b-{uuid4().hex[:9]}", name="分店"))["id"]
    await fresh.receive("油", 9, storeId=branch)
    for status, name in (("OVERSTOCKED", "大米"), ("LOW", "油"), ("OUT", "盐")):
        assert await names(fresh, status=status, stores=[fresh.store]) == [name]
    assert await names(fresh, category=category) == ["大米"]
    assert await names(fresh, search="dm") == ["大米"]
    assert await names(fresh, search="%") == []
    assert [level["onHand"] for level in await rows(fresh, search="油")] in (
        ["3", "9"],
        ["9", "3"],
    )
    assert await names(fresh, stores=[branch]) == ["油"]
    assert await names(fresh, stores=[str(uuid4())]) == []
    assert await names(fresh, stores=[]) == []
    assert await names(fresh, by=fresh.cashier, stores=[branch]) == []
    assert sorted(await names(fresh, by=fresh.cashier)) == ["大米", "油", "盐"]
    await fresh.do("archiveProduct", productId=await fresh.product("油"), withStock=True)
    assert sorted(await names(fresh)) == ["大米", "盐"]


async def test_levels_are_sorted(fresh: Desk) -> None:
    for name, quantity in (("丙", 1), ("阿", 30), ("乙", 2)):
        await fresh.receive(name, quantity)
    assert await names(fresh) == await names(fresh, sort="NAME") == ["阿", "丙", "乙"]
    assert await names(fresh, sort="AVAILABLE") == ["丙", "乙", "阿"]
    for name in ("丁", "戊", "己"):
        await fresh.receive(name, 1)
        await fresh.post("sell", (name, 1))
    # Pages of sold-out levels, of both, and of levels in stock.
    nodes = await all_pages(fresh, LEVELS, partial(asyncio.sleep, 0), sort="AVAILABLE", first=2)
    in_order = [level["product"]["name"] for level in nodes]
    assert (set(in_order[:3]), in_order[3:]) == ({"丁", "戊", "己"}, ["丙", "乙", "阿"])
    assert await names(fresh, sort="AVAILABLE", status="NORMAL") == ["丙", "乙", "阿"]


@pytest.mark.parametrize("sort", ["NAME", "AVAILABLE"])
async def test_pages_of_levels_neither_skip_nor_repeat(fresh: Desk, sort: str) -> None:
    everything = [f"货{number:02}" for number in range(11)]
    lines = [(name, 10) for name in everything]
    await fresh.post("receive", *lines)
    extra: list[str] = []

    async def meanwhile() -> None:
        extra.append(f"货00 新{len(extra)}")
        await fresh.receive(extra[-1], 1)
        await fresh.post("sell", ("货00", 1))

    nodes = await all_pages(fresh, LEVELS, meanwhile, sort=sort, first=3)
    seen = [level["product"]["name"] for level in nodes if level["product"]["name"] not in extra]
    assert sorted(seen) == everything


async def test_movements_are_filtered(fresh: Desk) -> None:
    early = "2026-01-01T00:00:00+08:00"
    receipt = (await fresh.post("receive", ("米", 10), ("油", 5), occurredAt=early))["id"]
    sale = (await fresh.post("sell", ("米", 1), channel="WECHAT"))["id"]
    counter = (await fresh.post("sell", ("油", 1)))["id"]
    branch = (await fresh.chain.do(CREATE_STORE, code=f"b-{uuid4().hex[:9]}", name="分店"))["id"]
    there = (await fresh.receive("米", 1, storeId=branch))["id"]
    assert await ids(fresh) == [there, counter, sale, receipt]
    assert await ids(fresh, product=await fresh.product("米")) == [there, sale, receipt]
    assert await ids(fresh, store=fresh.store) == [counter, sale, receipt]
    assert await ids(fresh, store=str(uuid4())) == []
    assert await ids(fresh, kinds=["SALE"]) == [counter, sale]
    assert await ids(fresh, kinds=["SALE", "RECEIPT"], store=branch) == [there]
    assert await ids(fresh, kinds=[]) == []
    assert await ids(fresh, channel="WECHAT") == [sale]
    assert await ids(fresh, until="2026-01-02T00:00:00Z") == [receipt]
    assert await ids(fresh, since=early, until="2026-01-02T00:00:00Z") == [receipt]
    assert await ids(fresh, until=early) == []
    later = (datetime.now(UTC) + timedelta(minutes=1)).isoformat()
    assert await ids(fresh, since=later) == []


async def test_pages_of_movements_neither_skip_nor_repeat(fresh: Desk) -> None:
    await fresh.receive("米", 100)
    sold = [(await fresh.post("sell", ("米", 1)))["id"] for _ in range(7)]

    async def meanwhile() -> None:
        await fresh.post("sell", ("米", 1))

    nodes = await all_pages(fresh, MOVEMENTS, meanwhile, first=3, kinds=["SALE"])
    assert [movement["id"] for movement in nodes] == sold[::-1]


async def test_one_movement_is_what_its_answer_was(desk: Desk, outsider: Desk) -> None:
    receipt = await desk.receive("米", 3)
    assert await desk.ask(ONE, id=receipt["id"]) == receipt
    assert await desk.ask(ONE, desk.cashier, id=receipt["id"]) == receipt
    assert await desk.ask(ONE, id=str(uuid4())) is None
    assert await outsider.ask(ONE, id=receipt["id"]) is None


async def test_a_scan_tells_all_about_a_code(desk: Desk) -> None:
    gtin = f"20{uuid4().int % 10**10:010}"
    gtin += str(-sum(int(d) * (1, 3)[i % 2] for i, d in enumerate(gtin)) % 10)
    product = await desk.product("水", barcodes=[gtin])
    values = {"store": desk.store}
    never = await desk.ask(SCAN, code=gtin, **values)
    assert (never["product"], never["level"], never["lastReceipt"]) == ({"id": product}, None, None)
    await desk.do("addBarcode", productId=product, code=f"BOX{gtin}", packQuantity="24")
    receipt = await desk.receive("水", 30)
    await desk.post("sell", ("水", 1))
    for code, packs in ((gtin, "1"), (f"0{gtin}", "1"), (f"BOX{gtin}", "24")):
        answer = await desk.ask(SCAN, desk.cashier, code=code, **values)
        assert answer == {
            "code": code,
            "packQuantity": packs,
            "product": {"id": product},
            "level": {"onHand": "29", "version": "2"},
            "lastReceipt": {"id": receipt["id"]},
            "can": answer["can"],
        }
        assert "SELL" in answer["can"]
        assert "ADJUST" not in answer["can"]
    number = (await desk.ask("query($id: UUID!) { product(id: $id) { sku } }", id=product))["sku"]
    assert (await desk.ask(SCAN, code=number, **values))["product"] == {"id": product}
    unknown = await desk.ask(SCAN, code="没有", **values)
    assert (unknown["code"], unknown["product"], unknown["packQuantity"]) == ("没有", None, None)


async def test_a_scan_elsewhere_tells_nothing(desk: Desk, outsider: Desk) -> None:
    for store in (outsider.store, str(uuid4())):
        assert await desk.ask(SCAN, store=store, code="x") is None


READ = ("levels", "movements", "entries", "products", "stores")


@pytest.mark.parametrize("text", [LEVELS, MOVEMENTS], ids=["levels", "movements"])
async def test_a_long_list_takes_as_many_queries_as_a_short_one(fresh: Desk, text: str) -> None:
    for _ in range(5):
        await fresh.post("receive", *((f"货{number}", 5) for number in range(30)))
    counts = []
    for first in (1, 30):
        with read_statements() as statements:
            await fresh.ask(text, first=first)
        counts.append(len(statements.about(*READ)))
        # One snapshot an operation, however many statements.
        assert statements.transactions == 1
    # A loader may split its batch in two, of either list, but never reads row by row.
    assert 1 < min(counts) <= max(counts) <= min(counts) + 2 < 12


SELL = """mutation($input: SellInput!) { sell(input: $input) { ... on Movement {
  id kind occurredAt lines { quantity onHandAfter seq from { bin } } } } }"""


async def test_what_a_sale_wrote_is_not_read_again(fresh: Desk) -> None:
    await fresh.receive("米", 5)
    lines = [await fresh.line("米", 2)]
    sale = {"key": str(uuid4()), "storeId": fresh.store, "channel": "COUNTER", "lines": lines}
    with read_statements() as statements:
        sold = await fresh.asking(SELL, fresh.cashier, input=sale)
    assert sold["lines"] == [
        {"quantity": "2", "onHandAfter": "3", "seq": "2", "from": {"bin": "SHELF"}}
    ]
    assert statements.about("movements", "entries") == []
    # The same request again has nothing in memory.
    assert await fresh.asking(SELL, fresh.cashier, input=sale) == sold


async def test_many_lists_at_once(fresh: Desk) -> None:
    await fresh.post("receive", *((f"货{number}", 5) for number in range(20)))
    answers = await asyncio.gather(*(rows(fresh) for _ in range(40)))
    assert all(each == answers[0] for each in answers)
