"""Reports of sales and losses: what they add up, beside which period, and for whom."""

from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from tests.support.api import Desk

FIGURES = "revenue discount cost margin marginPercent sold returned"
SALES = f"""
query($since: Date!, $until: Date!, $group: SalesGroupBy!, $compare: Comparison, $category: UUID,
      $channel: Channel, $first: Int) {{
  salesReport(since: $since, until: $until, groupBy: $group, compare: $compare,
      categoryId: $category, channel: $channel, first: $first) {{
    since until comparedSince comparedUntil
    total {{ {FIGURES} }} comparedTotal {{ {FIGURES} }}
    rows {{ day hour channel store {{ id }} product {{ name }} category {{ name }}
      figures {{ {FIGURES} }} compared {{ {FIGURES} }} }}
  }}
}}
"""
LOSSES = """
query($since: Date!, $until: Date!, $group: LossGroupBy!) {
  lossReport(since: $since, until: $until, groupBy: $group) {
    percentOfSales total { wasted missing surplus loss }
    rows { reason product { name } figures { wasted missing surplus loss } }
  }
}
"""
SHANGHAI = ZoneInfo("Asia/Shanghai")
NOW = datetime.now(SHANGHAI)
TODAY = NOW.date()


@pytest.fixture
def desk(fresh: Desk) -> Desk:
    return fresh


async def stocked(desk: Desk, name: str, price: str, cost: str, quantity: int = 50) -> str:
    product = await desk.product(name, price=price)
    line = await desk.line(name, quantity, unitCost=cost)
    await desk.do("receive", storeId=desk.store, lines=[line])
    return product


async def report(desk: Desk, group: str, query: str = SALES, **more: Any) -> Any:
    days = {"since": str(TODAY), "until": str(TODAY)}
    return await desk.ask(query, **{**days, "group": group, **more})


async def test_sales_of_a_day(desk: Desk) -> None:
    began = datetime.now(SHANGHAI).hour
    await stocked(desk, "大米", "10.00", "6.00")
    await stocked(desk, "可乐", "3.00", "2.00")
    sale = await desk.post("sell", ("大米", 5), ("可乐", 10))
    back = [await desk.line("大米", 1)]
    await desk.do("returnSale", saleId=sale["id"], lines=back, disposition="SHELF")
    answer = await report(desk, "PRODUCT")
    assert answer["total"] == {
        "revenue": "70.00",
        "discount": "0.00",
        "cost": "44.00",
        "margin": "26.00",
        "marginPercent": 37.1,
        "sold": None,
        "returned": None,
    }
    rows = [
        (
            row["product"]["name"],
            *(row["figures"][name] for name in ("revenue", "sold", "returned")),
        )
        for row in answer["rows"]
    ]
    assert rows == [("大米", "40.00", "5", "1"), ("可乐", "30.00", "10", "0")]
    [row] = (await report(desk, "HOUR"))["rows"]
    assert row["hour"] in (began, datetime.now(SHANGHAI).hour)


async def test_a_reversed_sale_was_none(desk: Desk) -> None:
    await stocked(desk, "大米", "10.00", "6.00")
    sale = await desk.post("sell", ("大米", 5))
    await desk.do("reverse", movementId=sale["id"])
    [row] = (await report(desk, "PRODUCT"))["rows"]
    assert (row["figures"]["revenue"], row["figures"]["sold"]) == ("0.00", "0")


async def test_beside_the_week_before(desk: Desk) -> None:
    await stocked(desk, "大米", "10.00", "6.00")
    for days, quantity in ((7, 2), (0, 5)):
        then = (NOW - timedelta(days=days)).isoformat()
        line = await desk.line("大米", quantity)
        await desk.do("sell", by=desk.manager, storeId=desk.store, lines=[line], occurredAt=then)
    answer = await report(desk, "DAY", compare="PREVIOUS_WEEK")
    [row] = answer["rows"]
    assert (row["day"], row["figures"]["revenue"]) == (str(TODAY), "50.00")
    assert row["compared"]["revenue"] == "20.00"
    assert answer["comparedTotal"]["revenue"] == "20.00"
    assert answer["comparedSince"] == str(TODAY - timedelta(days=7))
    weeks = await report(desk, "WEEK", since=str(TODAY - timedelta(days=7)))
    assert [row["figures"]["revenue"] for row in weeks["rows"]] == ["20.00", "50.00"]
    # A day of the earlier period counts as the day that it is compared with.
    for group in ("WEEK", "MONTH"):
        [row] = (await report(desk, group, compare="PREVIOUS_WEEK"))["rows"]
        assert row["compared"]["revenue"] == "20.00"


async def test_a_category_counts_those_below(desk: Desk) -> None:
    food = (await desk.do("createCategory", name="食品"))["id"]
    drinks = (await desk.do("createCategory", name="饮料", parentId=food))["id"]
    await desk.product("可乐", price="3.00", categoryId=drinks)
    await desk.product("大米", price="10.00")
    for name in ("可乐", "大米"):
        await desk.receive(name, 9)
    await desk.post("sell", ("可乐", 2), ("大米", 1))
    answer = await report(desk, "CATEGORY", category=food)
    assert [(row["category"]["name"], row["figures"]["revenue"]) for row in answer["rows"]] == [
        ("饮料", "6.00")
    ]
    names = [row["category"] for row in (await report(desk, "CATEGORY"))["rows"]]
    assert names == [None, {"name": "饮料"}]


async def test_losses_by_reason(desk: Desk) -> None:
    await stocked(desk, "大米", "10.00", "6.00")
    lines = [await desk.line("大米", 2)]
    waste = await desk.do("requestWriteOff", storeId=desk.store, lines=lines, reason="破损")
    await desk.do("approveWriteOff", by=desk.manager, writeOffId=waste["id"])
    await desk.do("adjust", storeId=desk.store, kind="LOSS", lines=lines, reason="盘点")
    await desk.post("sell", ("大米", 10))
    answer = await report(desk, "REASON", LOSSES)
    assert answer["total"] == {
        "wasted": "12.00",
        "missing": "12.00",
        "surplus": "0.00",
        "loss": "24.00",
    }
    assert sorted(row["reason"] for row in answer["rows"]) == ["盘点", "破损"]
    assert answer["percentOfSales"] == 40.0


PEOPLE = """
query($since: Date!, $until: Date!, $group: LossGroupBy!) {
  lossReport(since: $since, until: $until, groupBy: $group) {
    total { loss } rows { person { name } figures { wasted missing loss } }
    series { points { label value } }
  }
}
"""


async def test_losses_by_person(desk: Desk) -> None:
    await stocked(desk, "大米", "10.00", "6.00")
    lines = [await desk.line("大米", 2)]
    loss = {"storeId": desk.store, "kind": "LOSS", "lines": lines, "reason": "盘点"}
    await desk.do("adjust", by=desk.manager, **loss)
    mistake = await desk.do("adjust", by=desk.manager, **loss)
    await desk.do("adjust", by=desk.owner, **loss)
    # The owner undoes what the manager booked: it is the manager's loss no longer.
    await desk.do("reverse", by=desk.owner, movementId=mistake["id"])
    answer = await report(desk, "PERSON", PEOPLE)
    rows = {row["person"]["name"]: row["figures"]["loss"] for row in answer["rows"]}
    assert sorted(rows.values()) == ["12.00", "12.00"]
    assert answer["total"] == {"loss": "24.00"}
    assert {point["label"] for point in answer["series"][0]["points"]} == set(rows)
    days = {"since": str(TODAY), "until": str(TODAY), "group": "PERSON"}
    assert await desk.asking.code(PEOPLE, desk.cashier, **days) == "FORBIDDEN"


async def test_only_stores_in_reach_are_added_up(desk: Desk, outsider: Desk) -> None:
    await stocked(desk, "大米", "10.00", "6.00")
    await desk.post("sell", ("大米", 1))
    assert (await report(outsider, "STORE"))["rows"] == []
    day = {"since": str(TODAY), "until": str(TODAY), "group": "DAY"}
    assert await desk.asking.code(SALES, desk.cashier, **day) == "FORBIDDEN"
    late = {"since": str(TODAY), "until": str(TODAY - timedelta(days=1)), "group": "DAY"}
    assert await desk.asking.code(SALES, desk.owner, **late) == "BAD_INPUT"


OVERVIEW = """
{ overview { stockValue revenueToday
    stores { store { id } products low out stockValue valueAtRisk usualRevenue percentOfUsual
      salesToday { revenue } waiting { alerts writeOffs transfers purchaseOrders orders } }
    categories { category { name } products stockValue }
} }
"""


async def test_the_overview_of_a_morning(desk: Desk) -> None:
    await stocked(desk, "大米", "10.00", "6.00")
    milk = await desk.product("鲜奶", price="5.00", tracksBatches=True)
    line = {"productId": milk, "quantity": "4", "batchNo": "A", "unitCost": "3.00"}
    line["expiresOn"] = str(TODAY + timedelta(days=9))
    await desk.do("receive", storeId=desk.store, lines=[line])
    await desk.do("setReorderPoint", productId=milk, quantity="5")
    for weeks, quantity in ((2, 2), (1, 4), (0, 6)):
        then = (NOW - timedelta(weeks=weeks)).isoformat()
        rice = [await desk.line("大米", quantity)]
        await desk.do("sell", by=desk.manager, storeId=desk.store, lines=rice, occurredAt=then)
    waste = [await desk.line("大米", 1)]
    await desk.do("requestWriteOff", storeId=desk.store, lines=waste, reason="破损")
    answer = await desk.ask(OVERVIEW)
    [store] = answer["stores"]
    assert (answer["stockValue"], answer["revenueToday"]) == ("240.00", "60.00")
    assert (store["products"], store["low"], store["out"]) == (2, 1, 0)
    assert (store["valueAtRisk"], store["salesToday"]["revenue"]) == ("12.00", "60.00")
    assert (store["usualRevenue"], store["percentOfUsual"]) == ("30.00", 200.0)
    assert (store["waiting"]["writeOffs"], store["waiting"]["alerts"]) == (1, 1)
    assert answer["categories"] == [{"category": None, "products": 2, "stockValue": "240.00"}]
    assert await desk.asking.code(OVERVIEW, desk.cashier) == "FORBIDDEN"
    lasting = "daysOfStock stores { daysOfStock } categories { daysOfStock }"
    days = await desk.ask(f"{{ overview {{ {lasting} }} }}")
    month = {"since": str(TODAY - timedelta(days=29)), "until": str(TODAY)}
    turned = "turnoverReport(since: $since, until: $until) { total { daysOfStock } }"
    report = await desk.ask(f"query($since: Date!, $until: Date!) {{ {turned} }}", **month)
    assert report["total"]["daysOfStock"] > 0
    one = report["total"]
    assert days == {**one, "stores": [one], "categories": [one]}


async def test_the_overview_of_a_past_moment(desk: Desk) -> None:
    await stocked(desk, "大米", "10.00", "6.00")
    for days, quantity in ((8, 2), (1, 3), (0, 6)):
        then = (NOW - timedelta(days=days)).isoformat()
        rice = [await desk.line("大米", quantity)]
        await desk.do("sell", by=desk.manager, storeId=desk.store, lines=rice, occurredAt=then)
    query = "query($at: DateTime)" + OVERVIEW.replace("overview", "overview(at: $at)", 1)
    then = (NOW - timedelta(days=1)).isoformat()
    answer = await desk.ask(query, at=then)
    [store] = answer["stores"]
    value = "query($at: DateTime!) { stockValue(at: $at) { total { value levels } } }"
    worth = (await desk.ask(value, at=then))["total"]
    assert (answer["stockValue"], store["products"]) == (worth["value"], worth["levels"])
    assert answer["categories"] == [
        {"category": None, "products": worth["levels"], "stockValue": worth["value"]}
    ]
    assert (answer["revenueToday"], store["usualRevenue"]) == ("30.00", "20.00")
    assert (store["low"], store["out"], store["waiting"]) == (None, None, None)
    [empty] = (await desk.ask(query, at=(NOW - timedelta(days=300)).isoformat()))["stores"]
    assert (empty["products"], empty["low"], empty["out"]) == (0, None, None)
    soon = (NOW + timedelta(days=1)).isoformat()
    assert await desk.ask(query, at=soon) == await desk.ask(query), "the latest moment is now"
