"""Counts over HTTP that arrive at the same time."""

import asyncio
from uuid import UUID, uuid4

from app.db.catalog import products_by_id
from app.db.core.unit import Database
from app.domain.access import Role, Scope, Viewer
from app.domain.documents.count_writes import CountDraft, CountedLine, write_counts
from tests.api.test_stocktakes import FIND, counted, line_of, opened
from tests.support.api import Desk


async def test_counts_that_arrive_together(desk: Desk) -> None:
    """They are written together; one that is refused does not refuse the others."""
    for name in ("米", "面"):
        await desk.receive(name, 5)
    row, other, key = await opened(desk, "米"), await opened(desk, "面"), str(uuid4())
    began = line_of(row, "米")["seq"]
    await desk.post("sell", ("米", 1))
    results = await asyncio.gather(
        *(counted(desk, row, ("米", 1)) for _ in range(5)),
        counted(desk, other, ("面", 2)),
        counted(desk, row, ("米", 2), key=key),
        counted(desk, row, ("米", 2), key=key, by=desk.manager),
        counted(desk, row, ("米", 3, {"startedAtSeq": began})),
        counted(desk, row, ("面", 1)),
        counted(desk, row, ("面", 4), by=desk.owner),
    )
    assert [each.get("wrong") for each in results[-2:]] == ["NOT_IN_STOCKTAKE"] * 2
    assert [each["state"] for each in results[:-2]] == ["OPEN"] * 9
    line = line_of(await desk.ask(FIND, id=row["id"]), "米")
    assert (line["counted"], line["interval"]) == ("10", {"low": "5", "high": "6"})
    answer = await desk.ask(FIND, id=other["id"])
    assert [each["quantity"] for each in line_of(answer, "面")["counts"]] == ["2"]


async def test_a_recount_replaces_what_arrived_before(desk: Desk, db: Database) -> None:
    """Also when counts before and after it are written together with it."""
    await desk.receive("米", 5)
    row, founded = await opened(desk, "米"), desk.chain.founded
    tenant = founded.store.tenant_id
    async with db.read(tenant) as session:
        [rice] = await products_by_id(session, tenant, [UUID(await desk.product("米"))])
    viewer = Viewer(Scope(tenant, Role.OWNER), founded.owner.id, "老板", frozenset())
    drafts = [
        CountDraft(viewer, uuid4(), UUID(row["id"]), "", [line], recount, b"")
        for line, recount in (
            (CountedLine(rice, 1, None, None, None), False),
            (CountedLine(rice, 2, None, None, None), True),
            (CountedLine(rice, 3, None, None, None), False),
        )
    ]
    outcomes = await write_counts(db, tenant, {*drafts})
    assert [each for each in outcomes.values() if isinstance(each, Exception)] == []
    assert line_of(await desk.ask(FIND, id=row["id"]), "米")["counted"] == "5"


async def test_a_delivery_that_was_short_again(desk: Desk) -> None:
    """The product came short before, and lacks something soon after the next delivery."""
    supplier = await desk.do("createSupplier", name=f"供应商 {uuid4().hex[:6]}")
    ordered = {"storeId": desk.store, "supplierId": supplier["id"]}
    order = await desk.do("createPurchaseOrder", **ordered, lines=[await desk.line("盐", 10)])
    at = {"purchaseOrderId": order["id"]}
    await desk.do("receivePurchaseOrder", **at, lines=[await desk.line("盐", 7)])
    assert (await desk.do("closePurchaseOrder", **at, reason="缺货"))["state"] == "CLOSED"
    await desk.receive("盐", 10)
    row = await counted(desk, await opened(desk, "盐"), ("盐", 15))
    line = line_of(row, "盐")
    assert (line["suggestedReason"], line["evidence"]) == ("SHORT_DELIVERY", "到货短少")
