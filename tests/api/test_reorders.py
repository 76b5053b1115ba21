"""The reorder plan: demand without sold-out days, what is coming, packs, and one tap to order."""

from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest

from app.domain.rules.reordering import Packing, packed
from tests.support.api import Desk

NOW = datetime.now(ZoneInfo("Asia/Shanghai"))
TODAY = NOW.date()
PLAN = """
query($cover: Int, $supplier: UUID, $stores: [UUID!]) {
  reorderPlan(coverDays: $cover, supplierId: $supplier, storeIds: $stores) {
    coverDays count
    rows { product { name } supplier { name } available incoming onOrder reorderPoint demand
      soldOutDays openDays dailyDemand leadDays daysOfCover needed packQuantity packs quantity
      unitCost cost explanation }
    orders { supplier { id } store { id } expectedOn cost
      lines { product { id } quantity unitCost } }
  }
}
"""


@pytest.fixture
def desk(fresh: Desk) -> Desk:
    return fresh


async def move(desk: Desk, name: str, kind: str, days: int, quantity: int) -> None:
    then = (NOW - timedelta(days=days)).isoformat()
    more = {"unitCost": "6.00"} if kind == "receive" else {}
    lines = [await desk.line(name, quantity, **more)]
    by = desk.owner if kind == "receive" else desk.manager
    posted = await desk.do(kind, by=by, storeId=desk.store, lines=lines, occurredAt=then)
    assert "code" not in posted, posted


async def ordered(desk: Desk, name: str, quantity: int, unit_cost: str) -> str:
    supplier = await desk.do("createSupplier", name=f"粮油 {uuid4().hex[:6]}", leadDays=3)
    line = {**await desk.line(name, quantity), "unitCost": unit_cost}
    order = {"supplierId": supplier["id"], "storeId": desk.store, "lines": [line]}
    await desk.do("createPurchaseOrder", **order)
    return supplier["id"]


async def test_sold_out_days_are_no_demand(desk: Desk) -> None:
    rice = await desk.product("大米")
    await desk.do("addBarcode", productId=rice, code=uuid4().hex, packQuantity="12")
    for kind, days, quantity in (("receive", 20, 30), ("sell", 18, 10), ("sell", 15, 20)):
        await move(desk, "大米", kind, days, quantity)
    supplier = await ordered(desk, "大米", 5, "6.50")
    # Enough is there of what hardly sells.
    await move(desk, "红酒", "receive", 20, 9)
    answer = await desk.ask(PLAN)
    [row] = answer["rows"]
    assert (row.pop("product"), row.pop("supplier")["name"][:2]) == ({"name": "大米"}, "粮油")
    explanation = row.pop("explanation")
    # 30 in the 6 days from the 20th to the 15th day before today; then it was sold out.
    assert row == {
        "available": "0",
        "incoming": "0",
        "onOrder": "5",
        "reorderPoint": "0",
        "demand": "30",
        "soldOutDays": 14,
        "openDays": 6,
        "dailyDemand": 5.0,
        "leadDays": 3,
        "daysOfCover": 1.0,
        "needed": "45",
        "packQuantity": "12",
        "packs": 4,
        "quantity": "48",
        "unitCost": "6.50",
        "cost": "312.00",
    }
    assert "其中缺货 14 天，按有货 6 天算日均 5 袋" in explanation
    [order] = answer["orders"]
    assert order["expectedOn"] == str(TODAY + timedelta(days=3))
    lines = [
        {"productId": x["product"]["id"], "quantity": x["quantity"], "unitCost": x["unitCost"]}
        for x in order["lines"]
    ]
    placed = await desk.do(
        "createPurchaseOrder",
        supplierId=order["supplier"]["id"],
        storeId=order["store"]["id"],
        expectedOn=order["expectedOn"],
        lines=lines,
    )
    assert placed["lines"][0]["ordered"] == "48"
    assert (await desk.ask(PLAN, supplier=supplier))["rows"] == []


async def test_the_plan_by_permission(desk: Desk, outsider: Desk) -> None:
    await desk.product("盐")
    await move(desk, "盐", "receive", 30, 60)
    await move(desk, "盐", "sell", 2, 56)
    [row] = (await desk.ask(PLAN, cover=14))["rows"]
    # 2 a day: 4 until the delivery in 2 days, and 14 days more.
    assert (row["openDays"], row["leadDays"], row["needed"]) == (28, 2, "28")
    assert (await desk.ask(PLAN, cover=14))["orders"] == []
    there: Any = await desk.ask(PLAN, outsider.owner, stores=[desk.store])
    assert (there["rows"], there["count"]) == ([], 0)
    assert await desk.asking.code(PLAN, desk.cashier) == "FORBIDDEN"
    assert await desk.asking.code(PLAN, desk.owner, cover=0) == "BAD_INPUT"


@pytest.mark.parametrize(
    ("needed", "packs", "scale", "expected"),
    [
        (45, {12, 24}, 1, Packing(24, 2)),
        (13, {12, 24}, 1, Packing(12, 2)),
        (5, {12, 24}, 1, Packing(12, 1)),
        (5, set(), 1, Packing(1, 5)),
        (1500, {1500, 1000}, 1000, Packing(1000, 2)),
    ],
)
def test_whole_packs(needed: int, packs: set[int], scale: int, expected: Packing) -> None:
    assert packed(needed, packs, scale) == expected
