"""Stock as of any moment, explained levels, and what to count next, over HTTP."""

from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from tests.api.test_stocktakes import closed, counted, moment, offline, opened
from tests.support.api import Desk

AS_OF = """
query($at: DateTime!, $knownAt: DateTime, $products: [UUID!], $first: Int, $after: String) {
  stockAsOf(at: $at, knownAt: $knownAt, productIds: $products, first: $first, after: $after) {
    nodes { product { name } onHand available reserved quarantined incoming value
      batches { batch { number } onHand } }
    pageInfo { hasNextPage endCursor }
  }
}
"""
EXPLAIN = """
query($store: UUID!, $product: UUID!, $since: DateTime) {
  explainLevel(storeId: $store, productId: $product, since: $since) {
    before now text changes { kind movements quantity } } }
"""
SUGGESTED = """
query($store: UUID!, $first: Int) { suggestedCounts(storeId: $store, first: $first) {
  level { product { name } } hasDiscrepancy lastCountedAt } }
"""


def now() -> str:
    return datetime.now(UTC).isoformat()


async def as_of(desk: Desk, name: str, at: str, known_at: str | None = None) -> Any:
    products = [await desk.product(name)]
    answer = await desk.ask(AS_OF, at=at, knownAt=known_at, products=products)
    return answer["nodes"][0]


async def test_stock_on_two_axes(desk: Desk) -> None:
    before = now()
    line = {**await desk.line("米", 10), "unitCost": "3"}
    await desk.do("receive", storeId=desk.store, lines=[line], occurredAt=moment(hours=3))
    received = now()
    await desk.post("adjust", ("米", 2), kind="QUARANTINE")
    await offline(desk, "米", 4, moment(hours=1))
    # The sale was not known yet, but it had happened.
    known = await as_of(desk, "米", moment(minutes=1), received)
    assert (known["onHand"], known["value"]) == ("10", "30.00")
    true = await as_of(desk, "米", moment(minutes=1))
    assert (true["onHand"], true["value"]) == ("6", "18.00")
    assert (await as_of(desk, "米", moment(hours=2)))["onHand"] == "10"
    assert (await as_of(desk, "米", moment(hours=4)))["onHand"] == "0"
    assert (await as_of(desk, "米", now(), before))["onHand"] == "0"
    present = await as_of(desk, "米", now())
    assert (present["onHand"], present["available"], present["quarantined"]) == ("6", "4", "2")


async def test_stock_by_batch_and_page(fresh: Desk) -> None:
    await fresh.product("奶", tracksBatches=True)
    line = {**await fresh.line("奶", 5), "batchNo": "A", "expiresOn": "2998-01-01"}
    await fresh.do("receive", storeId=fresh.store, lines=[line])
    await fresh.receive("米", 1)
    milk = await as_of(fresh, "奶", now())
    assert milk["batches"] == [{"batch": {"number": "A"}, "onHand": "5"}]
    first = await fresh.ask(AS_OF, at=now(), first=1)
    after = first["pageInfo"]["endCursor"]
    rest = await fresh.ask(AS_OF, at=now(), first=1, after=after)
    names = {each["nodes"][0]["product"]["name"] for each in (first, rest)}
    assert (names, rest["pageInfo"]["hasNextPage"]) == ({"奶", "米"}, False)


async def test_an_explained_level(desk: Desk) -> None:
    await desk.receive("米", 10)
    since = now()
    await desk.post("sell", ("米", 3))
    await desk.post("sell", ("米", 1))
    await desk.receive("米", 5)
    where = {"store": desk.store, "product": await desk.product("米")}
    answer = await desk.ask(EXPLAIN, **where, since=since)
    assert (answer["before"], answer["now"]) == ("10", "11")
    assert answer["changes"] == [
        {"kind": "RECEIPT", "movements": 1, "quantity": "5"},
        {"kind": "SALE", "movements": 2, "quantity": "-4"},
    ]
    assert answer["text"] == "米：期初 10 袋；入库 +5，销售 -4；现有 11 袋"
    assert (await desk.ask(EXPLAIN, **where))["before"] == "0"
    lost = {**where, "store": str(uuid4())}
    assert await desk.asking.code(EXPLAIN, desk.owner, **lost) == "BAD_INPUT"


async def test_what_to_count_next(fresh: Desk) -> None:
    for name, cost in (("米", "3"), ("油", "9")):
        line = {**await fresh.line(name, 10), "unitCost": cost}
        await fresh.do("receive", storeId=fresh.store, lines=[line])
    await fresh.post("sell", ("糖", 1), acceptShortage=True)

    async def names() -> list[str]:
        answer = await fresh.ask(SUGGESTED, store=fresh.store)
        return [each["level"]["product"]["name"] for each in answer]

    assert await names() == ["糖", "油", "米"]
    row = await counted(fresh, await opened(fresh, "糖", "油"), ("糖", 0), ("油", 10))
    assert await names() == ["米"]
    assert (await closed(fresh, row))["state"] == "CLOSED"
    # What was just counted comes last, and its discrepancy is resolved.
    assert await names() == ["米", "油"]


async def test_a_list_a_day(fresh: Desk) -> None:
    """Products that are counted today are part of today's 30; more are listed when asked for."""
    names = [f"{place:02}" for place in range(34)]
    lines = [{**await fresh.line(name, 1), "unitCost": "1"} for name in names]
    await fresh.do("receive", storeId=fresh.store, lines=lines)
    store = {"store": fresh.store}
    first = await fresh.ask(SUGGESTED, **store)
    assert len(first) == 30
    chosen = [each["level"]["product"]["name"] for each in first]
    row = await opened(fresh, *chosen[:28])
    assert len(await fresh.ask(SUGGESTED, **store)) == 2
    other = await opened(fresh, *chosen[28:])
    assert await fresh.ask(SUGGESTED, **store) == []
    assert len(await fresh.ask(SUGGESTED, **store, first=3)) == 3
    for each in (row, other):
        await fresh.do("cancelStocktake", stocktakeId=each["id"])
    assert len(await fresh.ask(SUGGESTED, **store)) == 30
