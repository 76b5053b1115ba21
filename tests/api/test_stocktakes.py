"""Stocktakes over HTTP: counted while the store sells, closed once, seen by the right people."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from tests.support.api import Desk, verify_change
from tests.support.stocktake_answers import STOCKTAKE

FIND = f"query($id: UUID!) {{ stocktake(id: $id) {{ {STOCKTAKE} }} }}"


async def opened(desk: Desk, *names: str, **more: Any) -> Any:
    """A stocktake of these products."""
    products = [await desk.product(name) for name in names]
    given = {"storeId": desk.store, "productIds": products, **more}
    return await desk.do("openStocktake", by=desk.manager, **given)


async def counted(desk: Desk, row: Any, *lines: tuple[Any, ...], **more: Any) -> Any:
    """The stocktake after the cashier counted: `("米", 8)`, or `("奶", 3, {"batchNo": "A"})`."""
    given = [
        {**await desk.line(name, quantity), **(extra[0] if extra else {})}
        for name, quantity, *extra in lines
    ]
    name, by = more.pop("name", "count"), more.pop("by", desk.cashier)
    return await desk.do(name, by=by, stocktakeId=row["id"], lines=given, **more)


async def closed(desk: Desk, row: Any, by: str | None = None, **more: Any) -> Any:
    return await desk.do("closeStocktake", by=by or desk.manager, stocktakeId=row["id"], **more)


async def on_hand(desk: Desk, name: str) -> str:
    return (await desk.level(name))["onHand"]


def line_of(row: Any, name: str) -> Any:
    [line] = [each for each in row["lines"] if each["product"]["name"] == name]
    return line


async def test_counted_while_selling(desk: Desk) -> None:
    await desk.receive("米", 10)
    row = await verify_change(desk, opened(desk, "米"))
    assert (row["state"], row["progress"]["uncounted"]) == ("OPEN", 1)
    await desk.post("sell", ("米", 1))
    row = await verify_change(desk, counted(desk, row, ("米", 7), zone="前场"))
    line = line_of(row, "米")
    assert (line["expected"], line["counted"], line["variance"]) == ("9", "7", "-2")
    await desk.post("sell", ("米", 3))
    await desk.receive("米", 5)
    # What moves after the count does not matter.
    row = await desk.ask(FIND, id=row["id"])
    assert line_of(row, "米")["variance"] == "-2"
    row = await verify_change(desk, closed(desk, row))
    assert (row["state"], row["closedBy"]["name"]) == ("CLOSED", "王店长")
    assert [each["kind"] for each in row["movements"]] == ["COUNT_LOSS"]
    assert await on_hand(desk, "米") == "9"
    line = line_of(row, "米")
    assert (line["expected"], line["counted"], line["variance"]) == ("9", "7", "-2")


async def test_closing_twice_is_harmless(desk: Desk) -> None:
    await desk.receive("米", 10)
    row = await counted(desk, await opened(desk, "米"), ("米", 12))
    rows = await asyncio.gather(*(closed(desk, row, by=by) for by in (desk.owner, desk.manager)))
    assert [each["state"] for each in rows] == ["CLOSED", "CLOSED"]
    key = str(uuid4())
    again = [await closed(desk, row, key=key) for _ in range(2)]
    assert [len(each["movements"]) for each in again] == [1, 1]
    assert await on_hand(desk, "米") == "12"


async def test_several_people_and_zones_add_up(desk: Desk) -> None:
    await desk.receive("米", 10)
    row = await opened(desk, "米", zones=["前场", "仓库"])
    await asyncio.gather(
        counted(desk, row, ("米", 3), zone="前场"),
        counted(desk, row, ("米", 4), zone="仓库", by=desk.manager),
        counted(desk, row, ("米", 2), zone="仓库", by=desk.owner),
    )
    row = await counted(desk, row, ("米", -1), zone="前场")
    assert line_of(row, "米")["counted"] == "8"
    zones = {each["name"]: len(each["people"]) for each in row["zones"]}
    assert zones == {"前场": 1, "仓库": 2}
    # A recount replaces one's own counts in the zone.
    row = await counted(desk, row, ("米", 5), zone="仓库", by=desk.owner, name="recount")
    assert line_of(row, "米")["counted"] == "11"
    code = await desk.code(
        "count",
        by=desk.cashier,
        stocktakeId=row["id"],
        zone="阁楼",
        lines=[await desk.line("米", 1)],
    )
    assert code == "BAD_INPUT"


async def test_counted_zero_is_not_uncounted(desk: Desk) -> None:
    await desk.receive("米", 4)
    await desk.receive("面", 4)
    row = await counted(desk, await opened(desk, "米", "面"), ("米", 0))
    assert (line_of(row, "米")["state"], line_of(row, "面")["state"]) == ("DIFFERS", "UNCOUNTED")
    row = await closed(desk, row)
    assert row["summary"]["accuracy"] == "0"
    assert (await on_hand(desk, "米"), await on_hand(desk, "面")) == ("0", "4")


async def test_stocktakes_do_not_overlap(desk: Desk) -> None:
    await desk.receive("米", 4)
    await desk.receive("面", 4)
    first = await opened(desk, "米")
    assert (await opened(desk, "面"))["state"] == "OPEN"
    other = await opened(desk, "面", "米")
    assert (other["wrong"], other["code"]) == ("OVERLAPS", "WRONG_STATE")
    cancelled = await desk.do("cancelStocktake", stocktakeId=first["id"])
    assert cancelled["state"] == "CANCELLED"
    again = await opened(desk, "米")
    assert again["state"] == "OPEN"
    refused = await opened(desk, "米")
    assert refused["documentId"] == again["id"]
    await desk.product("油")
    results = await asyncio.gather(*(opened(desk, "油") for _ in range(4)))
    assert sum("code" not in each for each in results) == 1


async def test_movements_during_the_count(desk: Desk) -> None:
    await desk.receive("米", 10)
    row = await opened(desk, "米")
    began = line_of(row, "米")["seq"]
    await desk.post("sell", ("米", 2))
    row = await counted(desk, row, ("米", 8, {"startedAtSeq": began}))
    line = line_of(row, "米")
    assert (line["state"], line["ambiguous"]) == ("AMBIGUOUS", True)
    assert line["interval"] == {"low": "-2", "high": "0"}
    assert [each["quantity"] for each in line["movedDuring"]] == ["-2"]
    refused = await closed(desk, row)
    assert refused["code"] == "STOCKTAKE_BLOCKED"
    assert [each["blocker"] for each in refused["blocked"]] == ["AMBIGUOUS"]
    confirmed = await desk.do("confirmCount", lineId=line["id"], seq=began)
    assert line_of(confirmed, "米")["variance"] == "-2"
    confirmed = await desk.do("confirmCount", lineId=line["id"])
    assert line_of(confirmed, "米")["variance"] == "0"
    # A recount is a count at its own position, and what was confirmed no longer holds.
    row = await counted(desk, row, ("米", 7), name="recount")
    line = line_of(row, "米")
    assert (line["state"], line["variance"]) == ("DIFFERS", "-1")
    assert (await closed(desk, row))["state"] == "CLOSED"
    assert await on_hand(desk, "米") == "7"


def moment(**ago: float) -> str:
    return (datetime.now(UTC) - timedelta(**ago)).isoformat()


async def offline(
    desk: Desk, name: str, quantity: int, occurred_at: str, till: str | None = None, **line: str
) -> Any:
    sale = {"key": str(uuid4()), "storeId": desk.store, "occurredAt": occurred_at, "tillId": till}
    lines = [await desk.line(name, quantity, **line)]
    values = {"operations": [{**sale, "lines": lines}]}
    answer = await desk.ask(
        """mutation($input: SyncSalesInput!) { syncSales(input: $input) { results {
          outcome { __typename ... on Problem { code } } } } }""",
        by=desk.cashier,
        input=values,
    )
    [result] = answer["results"]
    assert result["outcome"]["__typename"] == "Movement", result


async def test_a_late_sale_is_deducted_once(desk: Desk) -> None:
    """Sold before the count by a till that was offline, and synchronized after it."""
    await desk.receive("米", 10)
    row = await counted(desk, await opened(desk, "米"), ("米", 7))
    assert line_of(row, "米")["variance"] == "-3"
    await offline(desk, "米", 2, moment(minutes=5))
    row = await desk.ask(FIND, id=row["id"])
    line = line_of(row, "米")
    assert (line["variance"], line["expected"]) == ("-1", "8")
    assert [each["quantity"] for each in line["lateMovements"]] == ["-2"]
    row = await closed(desk, row)
    assert await on_hand(desk, "米") == "7"
    # Afterwards the variance has taken it out already.
    await offline(desk, "米", 1, moment(minutes=4))
    assert await on_hand(desk, "米") == "7"
    await offline(desk, "米", 1, moment())
    assert await on_hand(desk, "米") == "6"
    line = line_of(await desk.ask(FIND, id=row["id"]), "米")
    assert [each["quantity"] for each in line["lateMovements"]] == ["-2", "-1"]


async def test_batches(desk: Desk) -> None:
    await desk.product("奶", tracksBatches=True)
    for number, day in (("B", "2998-02-01"), ("A", "2998-01-01")):
        line = {**await desk.line("奶", 5), "batchNo": number, "expiresOn": day}
        await desk.do("receive", storeId=desk.store, lines=[line])
    row = await counted(
        desk, await opened(desk, "奶"), ("奶", 4, {"batchNo": "A"}), ("奶", 6, {"batchNo": "B"})
    )
    line = line_of(row, "奶")
    assert [(each["batch"]["number"], each["variance"]) for each in line["batches"]] in (
        [("A", "-1"), ("B", "1")],
        [("B", "1"), ("A", "-1")],
    )
    assert (line["variance"], line["state"]) == ("0", "DIFFERS")
    row = await closed(desk, row)
    assert sorted(each["kind"] for each in row["movements"]) == ["COUNT_GAIN", "COUNT_LOSS"]
    # Without a batch a loss is taken from what expires first.
    row = await counted(desk, await opened(desk, "奶"), ("奶", 7))
    assert "最早到期" in line_of(row, "奶")["batchNote"]
    assert (await closed(desk, row))["state"] == "CLOSED"
    assert await batches(desk, "奶") == {"A": "1", "B": "6"}
    # A gain joins the batch received last.
    await closed(desk, await counted(desk, await opened(desk, "奶"), ("奶", 9)))
    assert await batches(desk, "奶") == {"A": "3", "B": "6"}
    # A batch that was never received is created by its count.
    new = {"batchNo": "C", "expiresOn": "2998-03-01"}
    await closed(desk, await counted(desk, await opened(desk, "奶"), ("奶", 2, new)))
    assert await batches(desk, "奶") == {"A": "3", "B": "6", "C": "2"}
    row = await counted(desk, await opened(desk, "奶"), ("奶", 2, {"batchNo": "D"}))
    assert row["code"] == "UNKNOWN_BATCH"


async def batches(desk: Desk, name: str) -> dict[str, str]:
    query = """query($product: UUID!, $store: UUID!) { product(id: $product) {
      level(storeId: $store) { batches { batch { number } shelf } } } }"""
    product = await desk.product(name)
    answer = await desk.ask(query, product=product, store=desk.store)
    return {each["batch"]["number"]: each["shelf"] for each in answer["level"]["batches"]}


async def test_reserved_goods_are_not_taken(desk: Desk) -> None:
    await desk.receive("米", 5)
    store = desk.chain.founded.store.code
    order = {"store": store, "channel": "WECHAT", "contact": "13800000000"}
    placed = await desk.do("placeOrder", **order, lines=[await desk.line("米", 4)])
    assert "code" not in placed, placed
    row = await counted(desk, await opened(desk, "米"), ("米", 3))
    assert (line_of(row, "米")["expected"], line_of(row, "米")["reserved"]) == ("5", "4")
    short = await closed(desk, row)
    assert [(s["requested"], s["available"]) for s in short["shortages"]] == [("2", "1")]
    await desk.do("cancelOrder", orderId=placed["id"])
    assert (await closed(desk, row))["state"] == "CLOSED"
    assert await on_hand(desk, "米") == "3"


async def test_goods_in_quarantine_are_counted(desk: Desk) -> None:
    await desk.receive("米", 5)
    await desk.post("adjust", ("米", 4), kind="QUARANTINE")
    await closed(desk, await counted(desk, await opened(desk, "米"), ("米", 3)))
    level = await desk.level("米")
    assert (level["available"], level["quarantined"]) == ("0", "3")


async def test_recount_and_reasons_above_a_threshold(fresh: Desk) -> None:
    desk = fresh
    rules = await desk.do("setStocktakeRules", recountPercent=10, reasonValue="5")
    assert (rules["recountPercent"], rules["reasonValue"]) == (10, "5.00")
    line = {**await desk.line("米", 10), "unitCost": "3"}
    await desk.do("receive", storeId=desk.store, lines=[line])
    row = await counted(desk, await opened(desk, "米"), ("米", 7))
    refused = await closed(desk, row)
    assert [each["blocker"] for each in refused["blocked"]] == ["NEEDS_RECOUNT"]
    row = await counted(desk, row, ("米", 7), name="recount")
    assert line_of(row, "米")["blocker"] == "NEEDS_RECOUNT"
    row = await counted(desk, row, ("米", 8), name="recount", by=desk.manager)
    assert line_of(row, "米")["blocker"] == "NEEDS_REASON"
    assert line_of(row, "米")["value"] == "-6.00"
    lines = {"lineId": line_of(row, "米")["id"], "reason": "破损未登记"}
    row = await desk.do("explainVariance", by=desk.manager, **lines)
    assert line_of(row, "米")["reason"] == "破损未登记"
    row = await closed(desk, row)
    assert [each["reason"] for each in row["movements"]] == ["破损未登记"]
    assert row["summary"]["lossValue"] == "-6.00"


async def test_a_blind_count_hides_the_book(desk: Desk) -> None:
    await desk.receive("米", 5)
    row = await opened(desk, "米", blind=True)
    row = await counted(desk, row, ("米", 3))
    line = line_of(row, "米")
    assert (line["expected"], line["variance"], line["state"]) == (None, None, "COUNTED")
    assert (line["counted"], row["summary"]) == ("3", None)
    seen = await desk.ask(FIND, by=desk.manager, id=row["id"])
    assert line_of(seen, "米")["expected"] == "5"
    row = await desk.do("reviewStocktake", by=desk.manager, stocktakeId=row["id"])
    late = await counted(desk, row, ("米", 1))
    assert late["wrong"] == "REVIEW"
    await closed(desk, row)
    assert line_of(await desk.ask(FIND, by=desk.cashier, id=row["id"]), "米")["expected"] == "5"


async def test_reversed(desk: Desk) -> None:
    await desk.receive("米", 5)
    await desk.receive("面", 5)
    row = await counted(desk, await opened(desk, "米", "面"), ("米", 3), ("面", 6))
    key = str(uuid4())
    row = await closed(desk, row, key=key)
    query = "query($id: UUID!) { stocktake(id: $id) { movements { id } } }"
    [movement, _] = (await desk.ask(query, id=row["id"]))["movements"]
    refused = await desk.do("reverse", movementId=movement["id"])
    assert refused["wrong"] == "USE_REVERSE_STOCKTAKE"
    row = await verify_change(desk, desk.do("reverseStocktake", stocktakeId=row["id"]))
    assert row["state"] == "REVERSED"
    assert (await on_hand(desk, "米"), await on_hand(desk, "面")) == ("5", "5")
    assert (await closed(desk, row))["wrong"] == "REVERSED"
    assert (await closed(desk, row, key=key))["state"] == "REVERSED"
    again = await desk.do("reverseStocktake", stocktakeId=row["id"])
    assert again["wrong"] == "REVERSED"


async def test_permissions(desk: Desk, outsider: Desk) -> None:
    await desk.receive("米", 5)
    given = {"storeId": desk.store, "productIds": [await desk.product("米")]}
    assert await desk.code("openStocktake", by=desk.cashier, **given) == "FORBIDDEN"
    row = await opened(desk, "米")
    at = {"stocktakeId": row["id"]}
    for name in ("closeStocktake", "cancelStocktake", "reviewStocktake"):
        assert await desk.code(name, by=desk.cashier, **at) == "FORBIDDEN"
    assert await outsider.ask(FIND, id=row["id"]) is None
    lines = [await outsider.line("米", 1)]
    foreign = await outsider.do("count", **at, lines=lines)
    assert foreign["code"] == "UNKNOWN_STOCKTAKE"


async def test_products_outside_the_scope(desk: Desk) -> None:
    await desk.receive("米", 5)
    row = await opened(desk, "米")
    refused = await counted(desk, row, ("面", 1))
    assert refused["wrong"] == "NOT_IN_STOCKTAKE"


async def test_everything_covers_products_found_later(fresh: Desk) -> None:
    await fresh.receive("米", 5)
    await fresh.product("面")
    row = await fresh.do("openStocktake", storeId=fresh.store)
    assert [each["product"]["name"] for each in row["lines"]] == ["米"]
    row = await counted(fresh, row, ("面", 2), ("米", 5))
    row = await closed(fresh, row)
    assert row["progress"]["counted"] == 2
    assert await on_hand(fresh, "面") == "2"


@pytest.mark.parametrize("name", ["count", "recount"])
async def test_one_key_counts_once(desk: Desk, name: str) -> None:
    await desk.receive("米", 5)
    row, key = await opened(desk, "米"), str(uuid4())
    counts = await asyncio.gather(
        *(counted(desk, row, ("米", 4), key=key, name=name) for _ in range(3))
    )
    assert {line_of(each, "米")["counted"] for each in counts} == {"4"}
    reused = await counted(desk, row, ("米", 3), key=key, name=name)
    assert reused["code"] == "KEY_REUSED"


async def test_suggested_reasons(desk: Desk) -> None:
    await desk.receive("东北大米", 40)
    await desk.receive("东北小米", 40)
    await desk.receive("油", 7)
    await desk.receive("油", 7)
    await desk.receive("糖", 9)
    await desk.post("adjust", ("糖", 3), kind="QUARANTINE")
    await desk.receive("水", 48)
    await desk.do(
        "setUnits", productId=await desk.product("水"), units=[{"name": "箱", "quantity": 12}]
    )
    row = await opened(desk, "东北大米", "东北小米", "油", "糖", "水")
    row = await counted(
        desk, row, ("东北大米", 35), ("东北小米", 45), ("油", 7), ("糖", 6), ("水", 60)
    )
    row = await desk.ask(FIND, id=row["id"])
    reasons = {each["product"]["name"]: each["suggestedReason"] for each in row["lines"]}
    assert reasons == {
        "东北大米": "LOOK_ALIKE",
        "东北小米": "LOOK_ALIKE",
        "油": "DOUBLE_RECEIPT",
        "糖": "OPEN_HOLD",
        "水": "UNIT_MIX_UP",
    }
    assert line_of(row, "东北大米")["evidence"] == "相似商品混淆：东北小米"
    assert line_of(row, "糖")["evidence"].endswith("：待检 3")


async def test_a_category_covers_those_below_it(desk: Desk) -> None:
    top = await desk.do("createCategory", name=uuid4().hex)
    below = await desk.do("createCategory", name=uuid4().hex, parentId=top["id"])
    for name in ("可乐", "雪碧"):
        await desk.product(name, categoryId=below["id"])
    await desk.receive("可乐", 5)
    row = await desk.do("openStocktake", storeId=desk.store, categoryIds=[top["id"]])
    assert [each["product"]["name"] for each in row["lines"]] == ["可乐"]
    row = await counted(desk, row, ("雪碧", 2))
    assert row["progress"]["counted"] == 1
