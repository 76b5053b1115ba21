"""Exports of the overview and of the channels equal their queries."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from app.db.core.unit import Database
from tests.support.api import Desk
from tests.support.exports import REQUEST, exported, rows_of, workbook_of

TODAY = datetime.now(UTC).date()
PERIOD = {"since": str(TODAY - timedelta(days=1)), "until": str(TODAY + timedelta(days=1))}
OVERVIEW = """{ overview { stores { store { name } products low out stockValue
  salesToday { revenue } usualRevenue waiting { alerts } } } }"""
CHANNELS = """query($since: Date!, $until: Date!, $groupBy: ChannelGroupBy) {
  channelReport(since: $since, until: $until, groupBy: $groupBy) {
    channel revenue cost margin } }"""


@pytest.fixture(scope="module")
async def trading(office: Any) -> Any:
    """The desk after sales at the counter, and the files of its exports."""
    desk: Desk = office[0]
    await desk.product("牛肉", sku="0017", price="30", reorderPoint="5")
    lines = [await desk.line("牛肉", 10, unitCost="12.5")]
    await desk.do("receive", storeId=desk.store, lines=lines)
    await desk.do("sell", storeId=desk.store, lines=[await desk.line("牛肉", 6)])
    return office


async def test_the_overview_equals_its_query(trading: Any, db: Database) -> None:
    desk, files = trading
    [store] = (await desk.ask(OVERVIEW))["stores"]
    export = await exported(desk, db, files, report="OVERVIEW")
    book = await workbook_of(desk, export)
    row, total = rows_of(book["明细"])
    assert row == {
        "门店编码": row["门店编码"],
        "门店": store["store"]["name"],
        "今日销售额": float(store["salesToday"]["revenue"]),
        "同期平均销售额": store["usualRevenue"],
        "库存金额": float(store["stockValue"]),
        "临期金额": 0,
        "在库商品数": store["products"],
        "低库存数": store["low"],
        "断货数": store["out"],
        "未处理预警": store["waiting"]["alerts"],
        "待审批报损": 0,
        "待收货调拨": 0,
        "待收货采购单": 0,
        "待处理订单": 0,
    }
    assert (row["今日销售额"], row["低库存数"], row["未处理预警"]) == (180, 1, 1)
    assert total["今日销售额"].startswith("=SUBTOTAL(109,")
    [chart] = book["汇总"]._charts
    assert type(chart).__name__ == "BarChart"


@pytest.mark.parametrize("group", ["STORE", "CHANNEL", "DAY"])
async def test_channels_equal_their_query(trading: Any, db: Database, group: str) -> None:
    desk, files = trading
    queried = await desk.ask(CHANNELS, **PERIOD, groupBy=group)
    export = await exported(desk, db, files, report="CHANNELS", groupBy=group, **PERIOD)
    *rows, _ = rows_of((await workbook_of(desk, export))["明细"])
    assert [(row["渠道"], row["销售额"], row["成本"], row["毛利"]) for row in rows] == [
        ("门店", float(each["revenue"]), float(each["cost"]), float(each["margin"]))
        for each in queried
    ]
    assert [row["销售额"] for row in rows] == [180]
    first = {"STORE": "门店", "CHANNEL": "渠道", "DAY": "日期"}[group]
    assert rows[0][first], "each row says what it stands for"


async def test_they_need_the_permission_of_reports(trading: Any) -> None:
    desk: Desk = trading[0]
    for input in ({"report": "OVERVIEW"}, {"report": "CHANNELS", **PERIOD}):
        request = {"key": str(uuid4()), **input}
        assert await desk.asking.code(REQUEST, desk.cashier, input=request) == "FORBIDDEN"
