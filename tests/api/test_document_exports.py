"""Exports of the reorder plan, of suppliers and of stocktakes, equal to their queries."""

from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest

from app.db.core.unit import Database
from tests.api.test_stocktakes import closed, counted, opened
from tests.support.api import Desk
from tests.support.exports import REQUEST, exported, rows_of, workbook_of

NOW = datetime.now(ZoneInfo("Asia/Shanghai"))
DAYS = {"since": str(NOW.date() - timedelta(days=6)), "until": str(NOW.date())}


@pytest.fixture
async def sheet(office: Any, db: Database) -> Any:
    """The rows of an export and its totals."""
    desk, files = office

    async def read(**input: Any) -> tuple[list[Any], Any]:
        export = await exported(desk, db, files, **input)
        assert export["state"] == "READY", export
        *rows, total = rows_of((await workbook_of(desk, export))["明细"])
        return rows, total

    return read


async def test_what_to_order_of_whom(office: Any, sheet: Any) -> None:
    desk: Desk = office[0]
    rice = await desk.product("大米", sku="0017")
    await desk.do("addBarcode", productId=rice, code=uuid4().hex, packQuantity="12")
    for kind, days, quantity in (("receive", 20, 30), ("sell", 2, 28)):
        more = {"unitCost": "6.00"} if kind == "receive" else {}
        lines = [await desk.line("大米", quantity, **more)]
        then = (NOW - timedelta(days=days)).isoformat()
        by = desk.owner if kind == "receive" else desk.manager
        await desk.do(kind, by=by, storeId=desk.store, lines=lines, occurredAt=then)
    supplier = await desk.do("createSupplier", name="粮油", leadDays=3)
    line = {**await desk.line("大米", 1), "unitCost": "6.50"}
    order = {"supplierId": supplier["id"], "storeId": desk.store, "lines": [line]}
    await desk.do("createPurchaseOrder", **order)
    plan = await desk.ask("{ reorderPlan { rows { quantity cost soldOutDays } } }")
    [expected], ([row], total) = plan["rows"], await sheet(report="REORDER_PLAN")
    assert (row["货号"], row["供应商"], row["包装规格"]) == ("0017", "粮油", 12)
    assert row["建议数量"] == float(expected["quantity"])
    assert (row["金额"], row["缺货天数"]) == (float(expected["cost"]), expected["soldOutDays"])
    assert total["金额"].startswith("=SUBTOTAL(")
    soon = {**DAYS, "until": str(NOW.date() + timedelta(days=9))}
    [late], _ = await sheet(report="SUPPLIERS", **soon)
    assert (late["供应商"], late["采购单数"], late["采购金额"]) == ("粮油", 1, 6.5)
    values = {"key": str(uuid4()), "report": "SUPPLIERS", **DAYS}
    assert await desk.asking.code(REQUEST, desk.cashier, input=values) == "FORBIDDEN"


async def test_the_sheet_of_a_stocktake(office: Any, sheet: Any, db: Database) -> None:
    desk: Desk = office[0]
    for name, cost in (("米", "6.00"), ("盐", "2.00")):
        line = await desk.line(name, 10, unitCost=cost)
        await desk.do("receive", storeId=desk.store, lines=[line])
    row = await counted(desk, await opened(desk, "米", "盐"), ("米", 7), ("盐", 11))
    first = await closed(desk, row)
    rows, total = await sheet(report="STOCKTAKES", groupBy="PRODUCT", stocktakeId=first["id"])
    shown = [(row["商品名称"], row["账面"], row["实盘"], row["差异"]) for row in rows]
    assert shown == [("米", 10, 7, -3), ("盐", 10, 11, 1)]
    assert [row["净差异"] for row in rows] == [-18, 2]
    assert total["准确率"].startswith("=IF(")
    for report in ("SALES", "SUPPLIERS"):
        values = {"key": str(uuid4()), "report": report, "stocktakeId": first["id"]}
        assert await desk.asking.code(REQUEST, desk.owner, input=values) == "BAD_INPUT"
    [row], _ = await sheet(report="STOCKTAKES", **DAYS)
    assert (row["盘点商品数"], row["相符商品数"], row["盘亏"]) == (2, 0, 18)
    assert isinstance(row["关闭时间"], datetime)
    book = await workbook_of(desk, await exported(desk, db, office[1], report="STOCKTAKES", **DAYS))
    labels = [cell.value for cell in book["汇总"]["A"]]
    assert f"{row['关闭时间']:%Y-%m-%d %H:%M} {row['门店']}" in labels
