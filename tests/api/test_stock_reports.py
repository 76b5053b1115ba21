"""Reports of stock through the API: value, turnover, slow movers, and goods that expire."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest

from tests.support.api import Desk
from tests.support.identity import CREATE_KEY

NOW = datetime.now(ZoneInfo("Asia/Shanghai"))
TODAY = NOW.date()
STOCK = """
query($at: DateTime, $then: DateTime, $since: Date!, $until: Date!, $group: StockGroupBy!,
    $turns: TurnoverGroupBy!) {
  stockValue(at: $at, comparedAt: $then, groupBy: $group) {
    at comparedAt total { value levels } comparedTotal { value }
    rows { product { name } store { id } onHand figures { value } compared { value } }
    series { name unit points { label value compared } }
  }
  turnoverReport(since: $since, until: $until, groupBy: $turns, compare: PREVIOUS_WEEK) {
    comparedSince total { openingValue closingValue averageValue consumed turns daysOfStock }
    rows { product { name } figures { consumed turns daysOfStock } compared { consumed } }
    series { name points { label value } }
  }
  slowMovers(coverDays: 60) { days coverDays count value
    rows { product { name } onHand sold soldBefore value } }
  expiryReport(withinDays: 15) { withinDays percentExpired
    total { batches value expired within7Days within15Days }
    rows { day figures { value } } series { points { label value } } }
}
"""


@pytest.fixture
def desk(fresh: Desk) -> Desk:
    return fresh


async def receive(desk: Desk, name: str, quantity: int, cost: str, days: int, **more: Any) -> None:
    line = await desk.line(name, quantity, unitCost=cost, **more)
    then = (NOW - timedelta(days=days)).isoformat()
    post = await desk.do("receive", storeId=desk.store, lines=[line], occurredAt=then)
    assert "code" not in post, post


async def ask(desk: Desk, group: str = "PRODUCT", by: str | None = None, **more: Any) -> Any:
    days = {"since": str(TODAY - timedelta(days=6)), "until": str(TODAY)}
    groups = {"group": group, "turns": group}
    answer = await desk.asking.raw(STOCK, by or desk.owner, **{**days, **groups, **more})
    assert "errors" not in answer, answer
    return answer["data"]


async def test_what_the_stock_is_worth_and_what_moves(desk: Desk) -> None:
    await receive(desk, "大米", 50, "6.00", 40)
    await receive(desk, "红酒", 10, "99.00", 40)
    await receive(desk, "新品", 7, "5.00", 0)
    for days, quantity in ((10, 5), (3, 20)):
        then = (NOW - timedelta(days=days)).isoformat()
        lines = [await desk.line("大米", quantity)]
        await desk.do("sell", by=desk.manager, storeId=desk.store, lines=lines, occurredAt=then)
    then = (NOW - timedelta(days=7)).isoformat()
    answer = await ask(desk, then=then)
    value = answer["stockValue"]
    assert (value["total"], value["comparedTotal"]) == (
        {"value": "1175.00", "levels": 3},
        {"value": "1260.00"},
    )
    assert [
        (row["product"]["name"], row["onHand"], row["figures"]["value"], row["compared"])
        for row in value["rows"]
    ] == [
        ("红酒", "10", "990.00", {"value": "990.00"}),
        ("大米", "25", "150.00", {"value": "270.00"}),
        ("新品", "7", "35.00", None),
    ]
    assert value["series"] == [
        {
            "name": "库存金额",
            "unit": "CNY",
            "points": [
                {"label": "红酒", "value": 990.0, "compared": 990.0},
                {"label": "大米", "value": 150.0, "compared": 270.0},
                {"label": "新品", "value": 35.0, "compared": None},
            ],
        }
    ]
    assert (await ask(desk, at=then))["stockValue"]["total"]["value"] == "1260.00"
    turnover = answer["turnoverReport"]
    assert turnover["total"] == {
        "openingValue": "1260.00",
        "closingValue": "1175.00",
        "averageValue": "1217.50",
        "consumed": "120.00",
        "turns": 0.1,
        "daysOfStock": 71.0,
    }
    rice = next(row for row in turnover["rows"] if row["product"]["name"] == "大米")
    assert rice["figures"] == {"consumed": "120.00", "turns": 0.57, "daysOfStock": 12.2}
    assert rice["compared"] == {"consumed": "30.00"}
    assert turnover["series"][0]["points"][0] == {"label": "红酒", "value": 0.0}
    groups = "{ slowMovers(coverDays: 60) { groups(by: STORE) { count value store { id } } } }"
    assert (await desk.ask(groups))["groups"] == [
        {"count": 1, "value": "990.00", "store": {"id": desk.store}}
    ]
    # The new product has just arrived, and the rice lasts 30 days.
    assert answer["slowMovers"] == {
        "days": 30,
        "coverDays": 60,
        "count": 1,
        "value": "990.00",
        "rows": [
            {
                "product": {"name": "红酒"},
                "onHand": "10",
                "sold": "0",
                "soldBefore": "0",
                "value": "990.00",
            }
        ],
    }


EXPIRED = """
query($at: DateTime) {
  expiryReport(withinDays: 90, groupBy: PRODUCT, comparedAt: $at) {
    comparedAt comparedTotal { value }
    rows { product { name } figures { batches value } compared { batches value } }
  }
}
"""


async def test_what_expires_and_what_it_costs(desk: Desk) -> None:
    await desk.product("鲜奶", tracksBatches=True)
    for number, days in (("A", 3), ("B", 12), ("C", 40)):
        expires = {"batchNo": number, "expiresOn": str(TODAY + timedelta(days=days))}
        await receive(desk, "鲜奶", 4, "3.00", 0, **expires)
    [milk] = [await desk.line("鲜奶", 3)]
    before = datetime.now(UTC).isoformat()
    await desk.do("sell", by=desk.manager, storeId=desk.store, lines=[milk])
    [row] = (await desk.ask(EXPIRED, at=before))["rows"]
    assert row["figures"] == {"batches": 3, "value": "27.00"}
    assert row["compared"] == {"batches": 3, "value": "36.00"}
    for days in (1, -93):
        then = (NOW + timedelta(days=days)).isoformat()
        assert await desk.asking.code(EXPIRED, desk.owner, at=then) == "BAD_INPUT", days
    earliest = (NOW - timedelta(days=91)).isoformat()
    assert (await desk.ask(EXPIRED, at=earliest))["comparedTotal"] == {"value": "0.00"}
    back = await desk.line("鲜奶", 3, batchNo="A", expiresOn=str(TODAY + timedelta(days=3)))
    await desk.do("receive", storeId=desk.store, lines=[{**back, "unitCost": "3.00"}])
    report = (await ask(desk))["expiryReport"]
    assert report["total"] == {
        "batches": 2,
        "value": "24.00",
        "expired": "0.00",
        "within7Days": "12.00",
        "within15Days": "24.00",
    }
    assert [row["day"] for row in report["rows"]] == [
        str(TODAY + timedelta(days=days)) for days in (3, 12)
    ]
    assert report["percentExpired"] == 0.0
    assert len(report["series"][0]["points"]) == 2


TIMES = """
query($since: Date!, $until: Date!, $group: TurnoverGroupBy!) {
  turnoverReport(since: $since, until: $until, groupBy: $group, compare: PREVIOUS_WEEK, first: 1) {
    total { openingValue closingValue consumed } comparedTotal { consumed }
    rows { day figures { openingValue closingValue consumed } compared { consumed } }
    series { unit points { label } }
  }
}
"""


async def test_turnover_by_time(desk: Desk) -> None:
    await receive(desk, "大米", 50, "6.00", 20)
    for days, quantity in ((8, 5), (1, 20)):
        then = (NOW - timedelta(days=days)).isoformat()
        lines = [await desk.line("大米", quantity)]
        await desk.do("sell", by=desk.manager, storeId=desk.store, lines=lines, occurredAt=then)
    days = {"since": str(TODAY - timedelta(days=2)), "until": str(TODAY)}
    answer = await desk.ask(TIMES, **days, group="DAY")
    assert answer["total"] == {
        "openingValue": "270.00",
        "closingValue": "150.00",
        "consumed": "120.00",
    }
    assert answer["comparedTotal"] == {"consumed": "30.00"}
    assert [(row["day"], *row["figures"].values()) for row in answer["rows"]] == [
        (str(TODAY - timedelta(days=2)), "270.00", "270.00", "0.00"),
        (str(TODAY - timedelta(days=1)), "270.00", "150.00", "120.00"),
        (str(TODAY), "150.00", "150.00", "0.00"),
    ]
    assert [row["compared"]["consumed"] for row in answer["rows"]] == ["0.00", "30.00", "0.00"]
    assert len(answer["series"][0]["points"]) == 3
    ahead = {"since": str(TODAY), "until": str(TODAY + timedelta(days=40))}
    [month] = (await desk.ask(TIMES, **ahead, group="MONTH"))["rows"]
    assert month["day"] == str(TODAY.replace(day=1))


async def test_reports_of_stock_by_permission(desk: Desk, outsider: Desk) -> None:
    await receive(desk, "大米", 50, "6.00", 0)
    there = await ask(outsider)
    for report in ("stockValue", "turnoverReport"):
        assert "大米" not in {row["product"]["name"] for row in there[report]["rows"]}
    input = {"key": str(uuid4()), "name": "ERP", "scopes": ["REPORT_READ"]}
    key = await desk.asking(CREATE_KEY, desk.owner, input=input)
    answer = await ask(desk, by=key["secret"])
    assert answer["stockValue"]["total"] == {"value": None, "levels": 1}
    assert answer["stockValue"]["series"] == []
    assert answer["turnoverReport"]["total"]["consumed"] is None
    bad = "query($d: Int!) { slowMovers(days: $d) { count } }"
    assert await desk.asking.code(bad, desk.owner, d=0) == "BAD_INPUT"
    assert await desk.asking.code(bad, desk.cashier, d=9) == "FORBIDDEN"
    ahead = "query($then: DateTime!) { stockValue(comparedAt: $then) { at } }"
    then = (NOW + timedelta(days=1)).isoformat()
    assert await desk.asking.code(ahead, desk.owner, then=then) == "BAD_INPUT"
