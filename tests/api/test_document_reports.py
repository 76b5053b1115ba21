"""Reports of suppliers and stocktakes: late, short, and what counting found."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import update

from app.db.core.unit import Database
from app.db.tables import PurchaseOrder
from tests.api.test_stocktakes import closed, counted, opened
from tests.support.api import Desk

TODAY = datetime.now(ZoneInfo("Asia/Shanghai")).date()
SUPPLIERS = """
query($since: Date!, $until: Date!, $group: SupplierGroupBy, $stores: [UUID!]) {
  supplierReport(since: $since, until: $until, groupBy: $group, storeIds: $stores,
      compare: PREVIOUS_WEEK) {
    total { orders open late short latePercent averageDelayDays fillPercent orderedValue
      missingValue }
    comparedTotal { orders }
    rows { supplier { name } store { id } day figures { orders late short } }
    series { name points { label value } }
  }
}
"""
STOCKTAKES = """
query($id: UUID, $since: Date, $until: Date, $group: StocktakeGroupBy) {
  stocktakeReport(stocktakeId: $id, since: $since, until: $until, groupBy: $group) {
    total { counted matching accuracy missing surplus net }
    rows { product { name } stocktake { id } store { id } figures { counted net } }
    series { name points { label value } }
  }
}
"""
DAYS = {"since": str(TODAY - timedelta(days=6)), "until": str(TODAY)}


@pytest.fixture
def desk(fresh: Desk) -> Desk:
    return fresh


async def test_late_and_short_suppliers(desk: Desk, outsider: Desk, db: Database) -> None:
    await desk.product("米")
    ids: dict[str, str] = {}
    for name in ("守时", "迟到", "缺货"):
        supplier = await desk.do("createSupplier", name=f"{name} {uuid4().hex[:6]}")
        lines = [{**await desk.line("米", 10), "unitCost": "2.00"}]
        order = {"supplierId": supplier["id"], "storeId": desk.store, "lines": lines}
        ids[name] = (await desk.do("createPurchaseOrder", **order))["id"]
    async with db.unit(desk.chain.founded.store.tenant_id) as unit:
        late = update(PurchaseOrder).where(PurchaseOrder.id == UUID(ids["迟到"]))
        await unit.session.execute(late.values(expected_on=TODAY - timedelta(days=3)))
    for name, quantity in (("守时", 10), ("缺货", 4)):
        lines = [await desk.line("米", quantity)]
        await desk.do("receivePurchaseOrder", purchaseOrderId=ids[name], lines=lines)
    await desk.do("closePurchaseOrder", purchaseOrderId=ids["缺货"], reason="断供")
    answer = await desk.ask(SUPPLIERS, **DAYS)
    assert answer["total"] == {
        "orders": 3,
        "open": 1,
        "late": 1,
        "short": 1,
        "latePercent": 33.3,
        "averageDelayDays": 3.0,
        "fillPercent": 50.0,
        "orderedValue": "60.00",
        "missingValue": "12.00",
    }
    by_name = {row["supplier"]["name"][:2]: row["figures"] for row in answer["rows"]}
    assert by_name["迟到"] == {"orders": 1, "late": 1, "short": 0}
    assert by_name["缺货"] == {"orders": 1, "late": 0, "short": 1}
    assert len(answer["series"][0]["points"]) == 3
    for group in ("DAY", "WEEK", "MONTH", "CATEGORY", "PRODUCT"):
        grouped = await desk.ask(SUPPLIERS, **DAYS, group=group)
        assert sum(row["figures"]["orders"] for row in grouped["rows"]) == 3, group
        assert grouped["total"] == answer["total"]
    there = await desk.ask(SUPPLIERS, outsider.owner, **DAYS, stores=[desk.store])
    assert there["rows"] == []
    assert await desk.asking.code(SUPPLIERS, desk.cashier, **DAYS) == "FORBIDDEN"


async def test_what_stocktakes_found(desk: Desk) -> None:
    for name, cost in (("米", "6.00"), ("盐", "2.00"), ("醋", "1.00")):
        line = await desk.line(name, 10, unitCost=cost)
        await desk.do("receive", storeId=desk.store, lines=[line])
    row = await opened(desk, "米", "盐", "醋")
    await counted(desk, row, ("米", 7), ("盐", 11), ("醋", 10))
    first = await closed(desk, row)
    answer: Any = await desk.ask(STOCKTAKES, id=first["id"])
    assert answer["total"] == {
        "counted": 3,
        "matching": 1,
        "accuracy": 33.3,
        "missing": "18.00",
        "surplus": "2.00",
        "net": "-16.00",
    }
    assert [(row["product"]["name"], row["figures"]["net"]) for row in answer["rows"]] == [
        ("米", "-18.00"),
        ("盐", "2.00"),
        ("醋", "0.00"),
    ]
    row = await counted(desk, await opened(desk, "米"), ("米", 6))
    second = await closed(desk, row)
    for group in ("DAY", "WEEK", "MONTH"):
        [row] = (await desk.ask(STOCKTAKES, **DAYS, group=group))["rows"]
        assert row["figures"] == {"counted": 4, "net": "-22.00"}
    answer = await desk.ask(STOCKTAKES, **DAYS, group="STOCKTAKE")
    assert {row["stocktake"]["id"]: row["figures"]["net"] for row in answer["rows"]} == {
        first["id"]: "-16.00",
        second["id"]: "-6.00",
    }
    assert await desk.asking.code(STOCKTAKES, desk.owner) == "BAD_INPUT"
    assert await desk.asking.code(STOCKTAKES, desk.owner, since=str(TODAY)) == "BAD_INPUT"
