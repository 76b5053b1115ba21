"""The life of alerts through the API: raised once, acknowledged, resolved, and raised anew."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from tests.support.api import Desk
from tests.support.identity import CREATE_STORE, Chain
from tests.support.shop import day

ALERTS = """
query($rule: AlertRule, $state: AlertState, $sort: AlertSort, $first: Int, $after: String) {
  alerts(rule: $rule, state: $state, sort: $sort, first: $first, after: $after) {
    nodes { id rule state quantity text daysLeft valueAtRisk product { name } batch { number }
      store { id } acknowledgedBy { name } resolvedAt resolvedBy { name } movement { id } }
    pageInfo { hasNextPage endCursor }
  }
}
"""
LEVEL = """
query($product: UUID!, $store: UUID!) { product(id: $product) { level(storeId: $store) {
  status alerts { rule state } batches { alerts { rule state } }
} } }
"""


async def alerts(desk: Desk, **chosen: Any) -> list[Any]:
    return (await desk.ask(ALERTS, **chosen))["nodes"]


async def stocked(desk: Desk, quantity: int = 10, point: int = 4, name: str = "大米") -> None:
    """So many on the shelf, with a reorder point."""
    product = await desk.product(name)
    await desk.do("setReorderPoint", productId=product, quantity=str(point))
    await desk.receive(name, quantity)


async def sell(desk: Desk, quantity: int, name: str = "大米") -> Any:
    return await desk.post("sell", (name, quantity))


@pytest.fixture
def desk(fresh: Desk) -> Desk:
    """A new tenant: these tests read all its alerts."""
    return fresh


async def test_low_stock_is_raised_at_the_crossing(desk: Desk) -> None:
    await stocked(desk)
    await sell(desk, 5)
    assert await alerts(desk) == [], "5 is above the reorder point of 4"
    sale = await sell(desk, 1)
    [alert] = await alerts(desk, rule="LOW_STOCK")
    assert alert["state"] == "OPEN"
    assert alert["quantity"] == "4"
    assert alert["movement"]["id"] == sale["id"]
    assert alert["text"] == "大米库存仅剩 4 袋，需尽快补货"
    assert alert["daysLeft"] == 4 * 30 // 6
    await sell(desk, 1)
    [alert] = await alerts(desk)
    assert alert["text"] == "大米库存仅剩 3 袋，需尽快补货", "the text tells the present quantity"
    level = await desk.ask(LEVEL, product=await desk.product("大米"), store=desk.store)
    assert level["level"]["alerts"] == [{"rule": "LOW_STOCK", "state": "OPEN"}]


async def test_an_alert_ends_at_the_recovery_and_is_raised_anew(desk: Desk) -> None:
    await stocked(desk)
    await sell(desk, 6)
    [first] = await alerts(desk)
    done = await desk.do("acknowledgeAlert", by=desk.manager, alertId=first["id"])
    assert (done["state"], done["acknowledgedBy"]["name"]) == ("ACKNOWLEDGED", "王店长")
    await sell(desk, 1)
    [same] = await alerts(desk)
    assert (same["id"], same["state"]) == (first["id"], "ACKNOWLEDGED")
    await desk.receive("大米", 20)
    [ended] = await alerts(desk)
    assert (ended["state"], ended["resolvedBy"]) == ("RESOLVED", None)
    assert ended["resolvedAt"]
    await sell(desk, 20)
    both = await alerts(desk, rule="LOW_STOCK")
    assert [each["state"] for each in both] == ["OPEN", "RESOLVED"]
    assert both[0]["id"] != first["id"]


async def test_an_alert_never_flaps(desk: Desk) -> None:
    """Between the threshold and the recovery the same alert ends and is open again."""
    await stocked(desk)
    await sell(desk, 5)
    for _ in range(3):
        sale = await sell(desk, 1)
        [alert] = await alerts(desk)
        assert alert["state"] == "OPEN"
        lines = [await desk.line("大米", 1)]
        await desk.do("returnSale", saleId=sale["id"], lines=lines, disposition="SHELF")
        [alert] = await alerts(desk)
        assert alert["state"] == "RESOLVED"


async def test_out_of_stock(desk: Desk) -> None:
    await stocked(desk, 3, 0)
    await sell(desk, 3)
    [alert] = await alerts(desk)
    assert (alert["rule"], alert["text"]) == ("OUT_OF_STOCK", "大米已断货，请立即补货")
    await desk.receive("大米", 5)
    [alert] = await alerts(desk)
    assert alert["state"] == "RESOLVED"
    await sell(desk, 5)
    assert [each["state"] for each in await alerts(desk)] == ["OPEN", "RESOLVED"]


async def test_a_fall_over_both_thresholds_raises_both(desk: Desk) -> None:
    await stocked(desk)
    await sell(desk, 10)
    rows = await alerts(desk, sort="URGENCY")
    assert [each["rule"] for each in rows] == ["OUT_OF_STOCK", "LOW_STOCK"]


async def test_a_new_threshold_is_judged_at_once(desk: Desk) -> None:
    await stocked(desk, 10, 0)
    product = await desk.product("大米")
    await desk.do("setReorderPoint", productId=product, quantity="10")
    [alert] = await alerts(desk)
    assert alert["state"] == "OPEN"
    await desk.do("setReorderPoint", productId=product, quantity="9")
    [alert] = await alerts(desk)
    assert alert["state"] == "RESOLVED"
    await desk.do("setReorderPoint", productId=product, storeId=desk.store, quantity="12")
    [alert] = await alerts(desk)
    assert alert["state"] == "OPEN", "it had not recovered: the same alert is open again"
    await desk.do("setReorderPoint", productId=product, storeId=desk.store, quantity="0")
    await desk.do("setReorderPoint", productId=product, storeId=desk.store, quantity="12")
    assert [each["state"] for each in await alerts(desk)] == ["OPEN", "RESOLVED"]


async def test_archived_products_raise_nothing(desk: Desk) -> None:
    await stocked(desk)
    await desk.do("archiveProduct", productId=await desk.product("大米"), withStock=True)
    await desk.post("adjust", ("大米", 10), kind="LOSS")
    assert await alerts(desk) == []


async def test_a_resolved_alert_waits_for_the_recovery(desk: Desk) -> None:
    await stocked(desk)
    await sell(desk, 6)
    [alert] = await alerts(desk)
    done = await desk.do("resolveAlert", by=desk.manager, alertId=alert["id"])
    assert (done["state"], done["resolvedBy"]["name"]) == ("RESOLVED", "王店长")
    await sell(desk, 2)
    assert [each["state"] for each in await alerts(desk, rule="LOW_STOCK")] == ["RESOLVED"]
    assert (await desk.do("resolveAlert", alertId=alert["id"]))["state"] == "RESOLVED"


async def test_snoozing(desk: Desk) -> None:
    await stocked(desk)
    await sell(desk, 6)
    [alert] = await alerts(desk)
    until = (datetime.now(UTC) + timedelta(days=2)).isoformat()
    done = await desk.do("snoozeAlert", alertId=alert["id"], until=until)
    assert datetime.fromisoformat(done["snoozedUntil"]) == datetime.fromisoformat(until)
    assert (await desk.do("snoozeAlert", alertId=alert["id"]))["snoozedUntil"] is None
    for days in (-1, 31):
        until = (datetime.now(UTC) + timedelta(days=days)).isoformat()
        assert await desk.code("snoozeAlert", alertId=alert["id"], until=until) == "BAD_INPUT"


async def test_one_alert_however_many_sell_at_once(desk: Desk) -> None:
    await stocked(desk, 20, 10)
    await asyncio.gather(*(sell(desk, 1) for _ in range(20)))
    rows = await alerts(desk, sort="URGENCY")
    assert [each["rule"] for each in rows] == ["OUT_OF_STOCK", "LOW_STOCK"]


COUNTS = "query { alertCounts { rule open acknowledged } }"


async def test_counts_and_pages_by_urgency(desk: Desk) -> None:
    for name in ("甲", "乙", "丙"):
        await stocked(desk, 5, 4, name)
        await sell(desk, 5, name)
    [out, *_] = await alerts(desk, sort="URGENCY")
    await desk.do("acknowledgeAlert", alertId=out["id"])
    counts = {each["rule"]: each for each in await desk.ask(COUNTS)}
    assert (counts["LOW_STOCK"]["open"], counts["LOW_STOCK"]["acknowledged"]) == (3, 0)
    assert (counts["OUT_OF_STOCK"]["open"], counts["OUT_OF_STOCK"]["acknowledged"]) == (2, 1)
    assert counts["EXPIRED"]["open"] == 0
    rules, after = [], None
    for _ in range(3):
        page = await desk.ask(ALERTS, sort="URGENCY", first=2, after=after)
        rules += [each["rule"] for each in page["nodes"]]
        after = page["pageInfo"]["endCursor"]
    assert rules == ["OUT_OF_STOCK"] * 3 + ["LOW_STOCK"] * 3


async def test_goods_on_their_way_count(desk: Desk, chain: Chain) -> None:
    """A shipment from the warehouse ends the alert before it arrives."""
    other = (await chain.do(CREATE_STORE, code=uuid4().hex, name="总仓"))["id"]
    line = [await desk.line("大米", 20)]
    await desk.do("setReorderPoint", productId=await desk.product("大米"), quantity="4")
    await desk.do("receive", storeId=other, lines=line)
    await desk.receive("大米", 5)
    await sell(desk, 2)
    [alert] = await alerts(desk)
    assert alert["state"] == "OPEN"
    moved = [await desk.line("大米", 10)]
    transfer = await desk.do("createTransfer", fromStoreId=other, toStoreId=desk.store, lines=moved)
    await desk.do("shipTransfer", transferId=transfer["id"], lines=moved)
    [alert] = await alerts(desk)
    assert alert["state"] == "RESOLVED"


PREVIEW = """
query($input: AlertSettingInput!) { alertRulePreview(input: $input) {
  ... on AlertRulePreview { count } ... on Problem { code }
} }
"""
SETTINGS = "query { alertSettings { rule days product { name } store { id } setBy { name } } }"


async def test_setting_a_rule(desk: Desk) -> None:
    product = await desk.product("奶", tracksBatches=True)
    line = await desk.line("奶", 5, batchNo="A", expiresOn=str(day(20)))
    await desk.do("receive", storeId=desk.store, lines=[line])
    setting = {"rule": "NEAR_EXPIRY", "productId": product}
    assert (await desk.ask(PREVIEW, input=setting))["count"] == 1
    assert (await desk.ask(PREVIEW, input={**setting, "days": [10, 5]}))["count"] == 0
    done = await desk.do("setAlertRule", **setting, days=[5, 10, 10])
    assert done["days"] == [10, 5]
    [row] = await desk.ask(SETTINGS)
    assert (row["product"]["name"], row["store"]) == ("奶", None)
    again = await desk.do("setAlertRule", **setting, enabled=False)
    assert (again["enabled"], again["days"]) == (False, None)
    assert len(await desk.ask(SETTINGS)) == 1, "one setting for each subject"


async def test_a_setting_is_removed(desk: Desk) -> None:
    """Then the less specific one applies again."""
    product = await desk.product("奶", tracksBatches=True)
    line = await desk.line("奶", 5, batchNo="A", expiresOn=str(day(20)))
    await desk.do("receive", storeId=desk.store, lines=[line])
    rule = {"rule": "NEAR_EXPIRY"}
    await desk.do("setAlertRule", **rule, days=[10])
    await desk.do("setAlertRule", **rule, productId=product, days=[25])
    assert (await desk.ask(PREVIEW, input={**rule, "storeId": desk.store}))["count"] == 1
    assert await desk.code("removeAlertRule", by=desk.manager, **rule) == "BAD_INPUT"
    key = str(uuid4())
    for _ in range(2):
        left = await desk.do("removeAlertRule", key=key, **rule, productId=product)
        assert [(each["days"], each["product"]) for each in left["settings"]] == [([10], None)]
    elsewhere = {**rule, "storeId": desk.store}
    assert (await desk.ask(PREVIEW, input={**elsewhere, "days": [10]}))["count"] == 0
    own = await desk.do("removeAlertRule", by=desk.manager, **elsewhere)
    assert len(own["settings"]) == 1, "what is not set stays as it is"
    unknown = {**rule, "storeId": str(uuid4())}
    assert (await desk.do("removeAlertRule", **unknown))["code"] == "UNKNOWN_STORE"


async def test_who_may_set_a_rule(desk: Desk) -> None:
    own = {"rule": "SLOW_MOVING", "storeId": desk.store, "days": [60], "fewerThan": 3}
    assert (await desk.do("setAlertRule", by=desk.manager, **own))["days"] == [60]
    chain = {"rule": "SLOW_MOVING"}
    assert await desk.code("setAlertRule", by=desk.manager, **chain) == "BAD_INPUT"
    assert await desk.code("setAlertRule", by=desk.cashier, **own) == "FORBIDDEN"
    elsewhere = {**own, "storeId": str(uuid4())}
    assert (await desk.do("setAlertRule", **elsewhere))["code"] == "UNKNOWN_STORE"
    unknown = {"rule": "EXPIRED", "productId": str(uuid4())}
    assert (await desk.do("setAlertRule", **unknown))["code"] == "UNKNOWN_PRODUCT"
    refused: list[dict[str, Any]] = [{"days": [0]}, {"days": [30, 60]}, {"hours": 9999}]
    for wrong in refused:
        assert await desk.code("setAlertRule", **chain, **wrong) == "BAD_INPUT"
    of_goods = {"rule": "TRANSFER_WAITING", "productId": await desk.product("米")}
    assert await desk.code("setAlertRule", **of_goods) == "BAD_INPUT"


async def test_a_rule_that_is_off_raises_nothing(desk: Desk) -> None:
    await stocked(desk)
    own = {"productId": await desk.product("大米"), "storeId": desk.store}
    await desk.do("setAlertRule", rule="LOW_STOCK", enabled=False, **own)
    await sell(desk, 10)
    assert [each["rule"] for each in await alerts(desk)] == ["OUT_OF_STOCK"]


async def test_a_shortage_raises_nothing_where_its_rule_is_off(desk: Desk) -> None:
    rule = {"rule": "DISCREPANCY"}
    for name in ("米", "面"):
        await desk.post("sell", (name, 1), acceptShortage=True)
        if name == "米":
            assert (await desk.ask(PREVIEW, input=rule))["count"] == 1
            await desk.do("setAlertRule", **rule, storeId=desk.store, enabled=False)
    assert [each["product"]["name"] for each in await alerts(desk, **rule)] == ["米"]
    off = {**rule, "storeId": desk.store, "enabled": False}
    assert (await desk.ask(PREVIEW, input=off))["count"] == 0


async def test_a_setting_of_a_category_holds_for_those_below(desk: Desk) -> None:
    food = (await desk.do("createCategory", name="食品"))["id"]
    drinks = (await desk.do("createCategory", name="饮料", parentId=food))["id"]
    tea = (await desk.do("createCategory", name="茶", parentId=drinks))["id"]
    for name, category in (("可乐", drinks), ("绿茶", tea)):
        product = await desk.product(name, categoryId=category)
        await desk.do("setReorderPoint", productId=product, quantity="4")
        await desk.receive(name, 9)
    await desk.do("setAlertRule", rule="LOW_STOCK", categoryId=food, enabled=False)
    await sell(desk, 6, "可乐")
    await sell(desk, 6, "绿茶")
    assert await alerts(desk) == []
    await desk.do("setAlertRule", rule="LOW_STOCK", categoryId=tea, enabled=True)
    await sell(desk, 1, "可乐")
    await desk.receive("绿茶", 9)
    await sell(desk, 9, "绿茶")
    assert [each["product"]["name"] for each in await alerts(desk)] == ["绿茶"], "the nearest binds"


POINTS = """
query($id: UUID!, $store: UUID!) { product(id: $id) { reorderPoint expiryWarningDays
  level(storeId: $store) { reorderPoint } } }
"""


async def test_null_gives_a_store_the_reorder_point_of_the_product(desk: Desk) -> None:
    await stocked(desk)
    product = await desk.product("大米")
    own = {"productId": product, "storeId": desk.store}

    async def points() -> tuple[str, str]:
        read = await desk.ask(POINTS, id=product, store=desk.store)
        return read["reorderPoint"], read["level"]["reorderPoint"]

    await desk.do("setReorderPoint", **own, quantity="9")
    assert await points() == ("4", "9")
    await desk.do("setReorderPoint", **own, quantity=None)
    assert await points() == ("4", "4")
    await desk.do("setReorderPoint", productId=product, quantity="6")
    assert await points() == ("6", "6"), "it follows the product again"
    await desk.do("setReorderPoint", productId=product, quantity=None)
    assert await points() == ("0", "0")
    assert await desk.code("setReorderPoint", **own) == "BAD_INPUT", "nothing was said"


async def test_null_gives_a_product_the_usual_expiry_warning(desk: Desk) -> None:
    product = await desk.product("大米")
    for days, shown in ((20, 20), (None, 15)):
        await desk.do("setExpiryWarning", productId=product, days=days)
        read = await desk.ask(POINTS, id=product, store=desk.store)
        assert read["expiryWarningDays"] == shown
    assert await desk.code("setExpiryWarning", productId=product) == "BAD_INPUT"


SUGGESTIONS = """
query($rule: AlertRule) { alerts(rule: $rule, state: OPEN) { nodes { product { name } suggestion {
  kind text quantity discountPercent product { name } store { id } supplier { name }
  beside { name }
} } } }
"""


async def suggestion(desk: Desk, rule: str, by: str | None = None) -> Any:
    [alert] = (await desk.ask(SUGGESTIONS, by=by, rule=rule))["nodes"]
    return alert["suggestion"]


async def test_a_low_product_is_ordered_of_its_supplier(desk: Desk) -> None:
    await stocked(desk)
    rice = await desk.product("大米")
    supplier = await desk.do("createSupplier", name="粮油批发")
    order = await desk.do(
        "createPurchaseOrder",
        storeId=desk.store,
        supplierId=supplier["id"],
        lines=[{"productId": rice, "quantity": "1"}],
    )
    await desk.do("cancelPurchaseOrder", purchaseOrderId=order["id"])
    await sell(desk, 6)
    shown = await suggestion(desk, "LOW_STOCK")
    assert (shown["kind"], shown["quantity"]) == ("REORDER", "2")
    assert shown["text"] == "建议补货 2 袋"
    assert (shown["product"]["name"], shown["supplier"]["name"]) == ("大米", "粮油批发")


async def test_only_stores_in_reach_are_suggested(desk: Desk, chain: Chain) -> None:
    other = (await chain.do(CREATE_STORE, code=uuid4().hex, name="总仓"))["id"]
    await stocked(desk)
    await desk.do("receive", storeId=other, lines=[await desk.line("大米", 50)])
    await sell(desk, 6)
    shown = await suggestion(desk, "LOW_STOCK")
    assert (shown["kind"], shown["quantity"]) == ("TRANSFER", "2")
    assert shown["store"]["id"] == other
    mine = await suggestion(desk, "LOW_STOCK", by=desk.manager)
    assert (mine["kind"], mine["store"]) == ("REORDER", None), "it says nothing of other stores"
