"""Analytics through the API: any metric by any dimension, for those who may see it."""

from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest

from tests.support.api import Desk
from tests.support.identity import CREATE_KEY

NOW = datetime.now(ZoneInfo("Asia/Shanghai"))
TODAY = NOW.date()
ASK = """
query($metrics: [AnalyticsMetric!]!, $dimensions: [AnalyticsDimension!], $period: AnalyticsPeriod!,
      $filters: AnalyticsFilter, $compare: Comparison, $order: AnalyticsOrder, $first: Int) {
  analytics(metrics: $metrics, dimensions: $dimensions, period: $period, filters: $filters,
      compare: $compare, order: $order, first: $first) {
    since comparedSince
    total { metric money quantity percent comparedMoney }
    rows { day hour weekday channel reason store { id } product { name } category { name }
      values { metric money quantity percent comparedMoney comparedQuantity comparedPercent } }
    series { name unit points { label value compared } }
  }
}
"""
DAYS = {"since": str(TODAY - timedelta(days=6)), "until": str(TODAY)}


@pytest.fixture
def desk(fresh: Desk) -> Desk:
    return fresh


async def sold(desk: Desk) -> None:
    for name, price, cost in (("大米", "10.00", "6.00"), ("可乐", "3.00", "1.00")):
        await desk.product(name, price=price)
        line = await desk.line(name, 90, unitCost=cost)
        await desk.do("receive", storeId=desk.store, lines=[line])
    for days, name, quantity in ((0, "大米", 4), (0, "可乐", 5), (8, "大米", 3)):
        then = (NOW - timedelta(days=days)).isoformat()
        lines = [await desk.line(name, quantity)]
        await desk.do("sell", by=desk.manager, storeId=desk.store, lines=lines, occurredAt=then)


async def ask(desk: Desk, by: str | None = None, **more: Any) -> Any:
    return await desk.ask(ASK, by, **{"period": DAYS, **more})


def values(row: Any, field: str = "money") -> list[Any]:
    return [value[field] for value in row["values"]]


async def test_what_sold_by_product_against_last_week(desk: Desk) -> None:
    await sold(desk)
    metrics = ["REVENUE", "MARGIN", "MARGIN_PERCENT", "QUANTITY_SOLD"]
    answer = await ask(desk, metrics=metrics, dimensions=["PRODUCT"], compare="PREVIOUS_PERIOD")
    rice, cola = answer["rows"]
    assert [row["product"]["name"] for row in (rice, cola)] == ["大米", "可乐"]
    assert values(rice) == ["40.00", "16.00", None, None]
    assert (values(rice, "percent")[2], values(rice, "quantity")[3]) == (40.0, "4")
    assert values(rice, "comparedMoney") == ["30.00", "12.00", None, None]
    assert values(cola, "comparedMoney") == ["0.00", "0.00", None, None]
    total = {each["metric"]: each for each in answer["total"]}
    assert (total["REVENUE"]["money"], total["REVENUE"]["comparedMoney"]) == ("55.00", "30.00")
    assert (total["MARGIN_PERCENT"]["percent"], total["QUANTITY_SOLD"]["quantity"]) == (47.3, None)
    assert answer["series"][0] == {
        "name": "销售额",
        "unit": "CNY",
        "points": [
            {"label": "大米", "value": 40.0, "compared": 30.0},
            {"label": "可乐", "value": 15.0, "compared": 0.0},
        ],
    }
    by_margin = {"metric": "MARGIN_PERCENT"}
    answer = await ask(
        desk, metrics=["MARGIN_PERCENT"], dimensions=["PRODUCT"], order=by_margin, first=1
    )
    assert [row["product"]["name"] for row in answer["rows"]] == ["可乐"]
    days = await ask(desk, metrics=["REVENUE"], dimensions=["DAY", "CHANNEL"])
    assert [(row["day"], row["channel"], values(row)) for row in days["rows"]] == [
        (str(TODAY), "COUNTER", ["55.00"])
    ]
    only = {"productIds": [await desk.product("可乐")], "weekdays": [TODAY.isoweekday()]}
    assert (await ask(desk, metrics=["REVENUE"], filters=only))["total"][0]["money"] == "15.00"
    assert (await ask(desk, metrics=["REVENUE"], filters=only))["rows"] == []


async def test_analytics_by_permission_and_within_limits(desk: Desk, outsider: Desk) -> None:
    await sold(desk)
    question = {"metrics": ["REVENUE", "COST"], "dimensions": ["STORE"], "period": DAYS}
    there = await ask(outsider, **question, filters={"storeIds": [desk.store]})
    assert (there["rows"], there["total"][0]["money"]) == ([], "0.00")
    input = {"key": str(uuid4()), "name": "ERP", "scopes": ["REPORT_READ"]}
    key = (await desk.asking(CREATE_KEY, desk.owner, input=input))["secret"]
    answer = await ask(desk, key, **question)
    assert values(answer["rows"][0]) == ["55.00", None]
    assert [each["name"] for each in answer["series"]] == ["销售额"]
    code = desk.asking.code
    by_cost = {"order": {"metric": "COST"}}
    assert await code(ASK, key, **question, **by_cost) == "FORBIDDEN"
    assert await code(ASK, desk.cashier, **question) == "FORBIDDEN"
    for bad in (
        {"metrics": []},
        {"metrics": ["COST", "COST"]},
        {"metrics": ["QUANTITY_SOLD"]},
        {"dimensions": ["DAY", "HOUR", "STORE", "PRODUCT"]},
        {"order": {"metric": "LOSS"}},
        {"order": {}},
        {"filters": {"weekdays": [8]}},
        {"period": {"since": "2024-01-01", "until": "2026-01-01"}},
        {"first": 0},
    ):
        assert await code(ASK, desk.owner, **{**question, **bad}) == "BAD_INPUT", bad
