"""Alerts of documents that wait for too long: which, from where, and for how long."""

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import update

from app.db.core.unit import Database
from app.db.tables import PurchaseOrder, Transfer, WriteOff
from app.domain.notices.watch import watch_stores
from tests.api.test_alerts import alerts
from tests.support.api import Desk
from tests.support.identity import CREATE_STORE
from tests.support.shop import day

ALERTS = """
query($state: AlertState!) { alerts(state: $state) { nodes { rule text documentId } } }
"""
SUGGESTED = "{ alerts(rule: EXPIRED) { nodes { suggestion { kind quantity } } } }"


async def in_english(desk: Desk) -> dict[str, str]:
    answer = await desk.asking.http.post(
        "/graphql",
        json={"query": ALERTS, "variables": {"state": "OPEN"}},
        headers={"authorization": f"Bearer {desk.owner}", "accept-language": "en"},
    )
    return {each["rule"]: each["text"] for each in answer.json()["data"]["alerts"]["nodes"]}


async def aged(db: Database, desk: Desk, table: Any, id: str, **changes: Any) -> None:
    """The document was written earlier, and its stores are judged."""
    tenant = desk.chain.founded.store.tenant_id
    async with db.unit(tenant) as unit:
        mine = (table.tenant_id == tenant, table.id == UUID(id))
        await unit.session.execute(update(table).where(*mine).values(changes))
        unit.document_changed(desk.chain.store, UUID(id))
    await watch_stores(db, tenant)


async def test_the_text_says_which_document_waits(fresh: Desk, db: Database) -> None:
    other = await fresh.chain.do(CREATE_STORE, code=uuid4().hex, name="总仓")
    lines = [await fresh.line("大米", 5)]
    await fresh.do("receive", storeId=other["id"], lines=lines)
    await fresh.receive("大米", 9)
    stores = {"fromStoreId": other["id"], "toStoreId": fresh.store}
    transfer = await fresh.do("createTransfer", **stores, lines=lines)
    spoiled = {"storeId": fresh.store, "reason": "受潮", "lines": [await fresh.line("大米", 1)]}
    write_off = await fresh.do("requestWriteOff", by=fresh.manager, **spoiled)
    late = timedelta(hours=80)
    moved = {"created_at": Transfer.created_at - late, "approved_at": Transfer.approved_at - late}
    await aged(db, fresh, Transfer, transfer["id"], **moved)
    hours = timedelta(hours=30)
    since = {"requested_at": WriteOff.requested_at - hours}
    await aged(db, fresh, WriteOff, write_off["id"], **since)
    rows = {each["rule"]: each["text"] for each in await alerts(fresh, state="OPEN")}
    assert rows == {
        "TRANSFER_WAITING": "从总仓调入的调拨单已等待 3 天，请尽快处理",
        "WRITE_OFF_WAITING": "王店长提交的报损单已等待 30 小时，请尽快审批",
    }
    assert await in_english(fresh) == {
        "TRANSFER_WAITING": "Transfer from 总仓 has waited 3 days. Deal with it.",
        "WRITE_OFF_WAITING": "Write-off by 王店长 has waited 30 hours. Decide on it.",
    }
    await fresh.do("approveWriteOff", writeOffId=write_off["id"])
    await fresh.do("cancelTransfer", transferId=transfer["id"])
    await watch_stores(db, fresh.chain.founded.store.tenant_id)
    assert await alerts(fresh, state="OPEN") == []


async def test_a_purchase_order_of_which_a_part_is_late(fresh: Desk, db: Database) -> None:
    supplier = await fresh.do("createSupplier", name="粮油批发")
    expected = {"supplierId": supplier["id"], "expectedOn": str(day(1))}
    lines = [await fresh.line("大米", 9)]
    order = await fresh.do("createPurchaseOrder", storeId=fresh.store, **expected, lines=lines)
    part = [await fresh.line("大米", 4)]
    await fresh.do("receivePurchaseOrder", purchaseOrderId=order["id"], lines=part)
    four = timedelta(days=4)
    dates = {"expected_on": day(-3), "ordered_at": PurchaseOrder.ordered_at - four}
    await aged(db, fresh, PurchaseOrder, order["id"], **dates)
    [alert] = await alerts(fresh, state="OPEN")
    assert alert["text"] == (f"部分到货的采购单 {order['number']} 已等待 4 天，请跟进其余货物")
    await fresh.do("closePurchaseOrder", purchaseOrderId=order["id"], reason="供应商缺货")
    await watch_stores(db, fresh.chain.founded.store.tenant_id)
    assert await alerts(fresh, state="OPEN") == []


async def test_a_write_off_that_waits_is_not_suggested_again(fresh: Desk, db: Database) -> None:
    await fresh.product("酸奶", tracksBatches=True)
    expired = {"batchNo": "X", "expiresOn": str(day(-1))}
    line = await fresh.line("酸奶", 5, **expired)
    await fresh.do("receive", storeId=fresh.store, lines=[line])
    await watch_stores(db, fresh.chain.founded.store.tenant_id)
    for quantity, left in ((2, "3"), (3, None)):
        lines = [await fresh.line("酸奶", quantity, **expired)]
        answer = await fresh.do("requestWriteOff", storeId=fresh.store, reason="过期", lines=lines)
        assert answer["state"] == "REQUESTED"
        [alert] = (await fresh.ask(SUGGESTED))["nodes"]
        assert (alert["suggestion"] or {"quantity": None})["quantity"] == left
