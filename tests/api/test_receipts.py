"""Receipt numbers: one sale per store, till and business day, from any sender."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

from sqlalchemy import select

from app.db.core.unit import Database
from app.db.tables import Request
from app.jobs.retention import trim_before
from tests.api.test_assortment import another_store
from tests.api.test_orders import seen, stocked
from tests.support.api import Desk

SALE = """... on Movement { id document } ... on Problem { __typename code message }
  ... on ReceiptTaken { receiptNo movement { id } }"""
SELL = f"mutation($input: SellInput!) {{ sell(input: $input) {{ {SALE} }} }}"
BY_NUMBER = """query($store: UUID!, $number: String!) {
  sale(storeId: $store, receiptNo: $number) { id } }"""
SYNC = f"""mutation($input: SyncSalesInput!) {{ syncSales(input: $input) {{
  results {{ outcome {{ {SALE} }} }} }} }}"""


async def sale(desk: Desk, number: str | None, quantity: int = 1, **more: Any) -> dict[str, Any]:
    lines = [await desk.line("米", quantity)]
    return {"key": str(uuid4()), "storeId": desk.store, "receiptNo": number, "lines": lines, **more}


async def sell(desk: Desk, by: str, input: dict[str, Any]) -> Any:
    return await desk.asking(SELL, by, input=input)


async def sync(desk: Desk, by: str, *operations: dict[str, Any]) -> list[Any]:
    moment = (now() - timedelta(seconds=1)).isoformat()
    dated = [{"occurredAt": moment, **each} for each in operations]
    answer = await desk.asking(SYNC, by, input={"operations": dated})
    return [each["outcome"] for each in answer["results"]]


def now() -> datetime:
    return datetime.now(UTC)


def columns(row: Any) -> dict[str, Any]:
    return {each.name: getattr(row, each.name) for each in row.__table__.columns}


def again(operation: dict[str, Any]) -> dict[str, Any]:
    return {**operation, "key": str(uuid4())}


async def test_the_next_shift_sends_the_queue_under_new_keys(fresh: Desk) -> None:
    await stocked(fresh, 米=50)
    queue = [await sale(fresh, f"{number:04}", 1 + number % 3) for number in range(9)]
    first = await sync(fresh, fresh.cashier, *queue)
    second = await sync(fresh, fresh.manager, *reversed([again(each) for each in queue]))
    assert second == first[::-1]
    assert len({each["id"] for each in first}) == 9
    assert await seen(fresh, "米") == ("32", "0", "32")
    # A key that was answered with the sale of another key is not used up.
    spare = {**await sale(fresh, "0100"), "key": again(queue[0])["key"]}
    assert (await sync(fresh, fresh.cashier, spare))[0]["document"] == "0100"


async def test_a_hundred_at_once_book_one(fresh: Desk) -> None:
    await stocked(fresh, 米=500)
    one = await sale(fresh, "A-1", 2)
    people = (fresh.cashier, fresh.manager)
    calls = [sell(fresh, people[place % 2], again(one)) for place in range(50)]
    calls += [sync(fresh, people[place % 2], again(one), again(one)) for place in range(25)]
    answers = await asyncio.gather(*calls)
    flat = [
        each for answer in answers for each in (answer if isinstance(answer, list) else [answer])
    ]
    assert len({each["id"] for each in flat}) == 1
    assert await seen(fresh, "米") == ("498", "0", "498")


async def test_two_sales_race_for_one_number(fresh: Desk) -> None:
    await stocked(fresh, 米=500)
    pair = [await sale(fresh, "A-2", 1), await sale(fresh, "A-2", 3)]
    answers = await asyncio.gather(
        *(sell(fresh, fresh.cashier, again(pair[place % 2])) for place in range(60))
    )
    booked = {each["id"] for each in answers if "id" in each}
    taken = [each for each in answers if "id" not in each]
    assert len(booked) == 1
    assert len(taken) == 30
    assert {each["__typename"] for each in taken} == {"ReceiptTaken"}
    assert {each["movement"]["id"] for each in taken} == booked
    assert taken[0]["receiptNo"] == "A-2"
    assert "小票号 A-2 当天已用于另一笔销售" in taken[0]["message"]


async def test_one_upload_with_a_number_twice(fresh: Desk) -> None:
    await stocked(fresh, 米=50)
    one = await sale(fresh, "B-1", 2)
    later = await sale(fresh, "B-1", 3, occurredAt=now().isoformat())
    outcomes = await sync(fresh, fresh.cashier, later, one, again(one), one)
    outcomes = [*outcomes[1:], outcomes[0]]
    assert outcomes[0] == outcomes[1] == outcomes[2]
    assert outcomes[3]["__typename"] == "ReceiptTaken"
    assert await seen(fresh, "米") == ("48", "0", "48")


async def test_a_refused_sale_leaves_its_number(fresh: Desk) -> None:
    await stocked(fresh, 米=5)
    refused = await sell(fresh, fresh.cashier, await sale(fresh, "C-1", 9))
    assert refused["code"] == "OUT_OF_STOCK"
    sales = [await sale(fresh, "C-1", each) for each in (9, 2, 9, 8)]
    answers = await asyncio.gather(*(sell(fresh, fresh.cashier, each) for each in sales))
    assert ["id" in each for each in answers].count(True) == 1
    assert answers[1]["document"] == "C-1"


async def test_every_spelling_of_a_number_is_one_number(fresh: Desk) -> None:
    await stocked(fresh, 米=50)
    one = await sale(fresh, "Ａb-１", 2)
    first = await sell(fresh, fresh.cashier, one)
    assert first["document"] == "Ab-1"
    for spelled in ("ab-1", "AB-1", " Ａｂ-1\u200b"):
        assert await sell(fresh, fresh.cashier, {**again(one), "receiptNo": spelled}) == first
        assert (await fresh.ask(BY_NUMBER, store=fresh.store, number=spelled))["id"] == first["id"]
    other = await sell(fresh, fresh.cashier, await sale(fresh, "aB-1", 3))
    assert other["code"] == "RECEIPT_TAKEN"
    assert await seen(fresh, "米") == ("48", "0", "48")


async def test_the_number_of_a_reversed_sale_stays_taken(fresh: Desk) -> None:
    await stocked(fresh, 米=5)
    one = await sale(fresh, "D-1", 2)
    first = await sell(fresh, fresh.cashier, one)
    await fresh.do("reverse", movementId=first["id"], reason="录错")
    assert await sell(fresh, fresh.manager, again(one)) == first
    assert (await sell(fresh, fresh.cashier, await sale(fresh, "D-1", 1)))[
        "code"
    ] == "RECEIPT_TAKEN"
    assert await seen(fresh, "米") == ("5", "0", "5")


async def test_numbers_begin_again_each_day_and_in_each_store(fresh: Desk) -> None:
    await stocked(fresh, 米=50)
    yesterday = (now() - timedelta(days=1)).isoformat()
    other = (await another_store(fresh))["id"]
    operations = [
        await sale(fresh, "0001"),
        await sale(fresh, "0001", occurredAt=yesterday),
        {**await sale(fresh, "0001"), "storeId": other},
        await sale(fresh, None),
        await sale(fresh, None),
        await sale(fresh, "  "),
    ]
    outcomes = await sync(fresh, fresh.owner, *operations)
    assert len({each["id"] for each in outcomes}) == 6
    assert [each["id"] for each in await sync(fresh, fresh.owner, *map(again, operations[:3]))] == [
        each["id"] for each in outcomes[:3]
    ]


async def test_movements_older_than_the_horizon_need_the_permission(fresh: Desk) -> None:
    await stocked(fresh, 米=50)
    query = "{ viewer { tenant { backdateDays } } }"
    assert (await fresh.ask(query))["tenant"] == {"backdateDays": 30}
    recent, old = ((now() - timedelta(days=each)).isoformat() for each in (29, 31))
    queue = [await sale(fresh, f"F-{each}", occurredAt=each) for each in (recent, old)]
    outcomes = await sync(fresh, fresh.cashier, *queue)
    assert ["id" in each for each in outcomes] == [True, False]
    assert outcomes[1]["code"] == "WRONG_STATE"
    assert "补录期限" in outcomes[1]["message"]
    line = [await fresh.line("米", 1)]
    returned = {"saleId": outcomes[0]["id"], "lines": line, "disposition": "SHELF"}
    received = {"storeId": fresh.store, "lines": line}
    by = fresh.cashier
    for name, input in (("returnSale", returned), ("receive", received), ("sell", received)):
        refused = await fresh.do(name, by=by, occurredAt=old, **input)
        assert refused["wrong"] == "TOO_LONG_AGO", name
    assert await seen(fresh, "米") == ("49", "0", "49")
    # A manager may correct stock by hand; the owner sets another horizon.
    [late] = await sync(fresh, fresh.manager, queue[1])
    assert late["document"] == f"F-{old}"
    assert (await fresh.asking(HORIZON, fresh.owner, input=horizon(20)))["backdateDays"] == 20
    assert (await fresh.do("receive", by=by, occurredAt=recent, **received))[
        "code"
    ] == "WRONG_STATE"
    # What is booked already is answered with its movement, however late it is sent again.
    assert await sync(fresh, fresh.cashier, *queue) == [outcomes[0], late]
    assert await fresh.asking.code(HORIZON, fresh.manager, input=horizon(9)) == "FORBIDDEN"
    for days in (0, 3651):
        assert await fresh.asking.code(HORIZON, fresh.owner, input=horizon(days)) == "BAD_INPUT"


HORIZON = """mutation($input: SetBackdateDaysInput!) { setBackdateDays(input: $input) {
  ... on Tenant { backdateDays } ... on Problem { code } } }"""


def horizon(days: int) -> dict[str, Any]:
    return {"key": str(uuid4()), "days": days}


async def test_a_sale_after_its_claim_was_deleted(fresh: Desk, db: Database) -> None:
    """Keys are kept for 90 days, sales for ever."""
    await stocked(fresh, 米=50)
    old = await sale(fresh, "E-1", occurredAt=(now() - timedelta(days=100)).isoformat())
    [first] = await sync(fresh, fresh.owner, old)
    tenant = fresh.chain.founded.tenant.tenant_id
    async with db.unit(tenant) as unit:
        claims = (await unit.session.scalars(select(Request))).all()
    await trim_before(db, tenant, now() + timedelta(days=91))
    [second] = await sync(fresh, fresh.owner, again(old))
    async with db.unit(tenant) as unit:
        # The audit knows only claims that are 90 days old to be deleted.
        unit.session.add_all([Request(**columns(claim)) for claim in claims])
    assert second["__typename"] == "ReceiptTaken"
    assert second["movement"]["id"] == first["id"]
    assert await seen(fresh, "米") == ("49", "0", "49")


REGISTER = """mutation($input: RegisterTillInput!) { registerTill(input: $input) {
  ... on Till { id deviceId name retiredAt store { id } } ... on Problem { code } } }"""
RETIRE = """mutation($input: RetireTillInput!) { retireTill(input: $input) {
  ... on Till { id retiredAt } ... on Problem { code } } }"""
TILLS = "query($stores: [UUID!]) { tills(storeIds: $stores) { id deviceId name retiredAt } }"


async def register(desk: Desk, by: str, device: str, name: str = "前台", **more: Any) -> Any:
    input = {"key": str(uuid4()), "storeId": desk.store, "deviceId": device, "name": name, **more}
    return await desk.asking(REGISTER, by, input=input)


async def test_each_till_counts_its_own_receipts(fresh: Desk) -> None:
    await stocked(fresh, 米=50)
    one, two = [await register(fresh, fresh.manager, device) for device in ("POS-1", "POS-2")]
    ids = [one["id"], two["id"], None]
    queue = [await sale(fresh, "0001", tillId=each) for each in ids]
    first = await sync(fresh, fresh.cashier, *queue)
    assert len({each["id"] for each in first}) == 3
    assert await sync(fresh, fresh.manager, *map(again, queue)) == first
    assert await sell(fresh, fresh.cashier, again(queue[0])) == first[0]
    movement = "query($id: UUID!) { movement(id: $id) { till { deviceId } } }"
    answer = await fresh.ask(movement, id=first[1]["id"])
    assert answer == {"till": {"deviceId": "POS-2"}}
    # The key knows the till: the same key for another till is another request.
    other = {**queue[0], "tillId": two["id"], "receiptNo": "0002"}
    assert (await sync(fresh, fresh.cashier, other))[0]["code"] == "KEY_REUSED"


async def test_a_hundred_register_one_device(fresh: Desk) -> None:
    people = (fresh.manager, fresh.owner)
    answers = await asyncio.gather(
        *(register(fresh, people[place % 2], "POS-9", f"收银{place}") for place in range(40))
    )
    assert len({each["id"] for each in answers}) == 1
    assert len(await fresh.ask(TILLS, by=fresh.cashier)) == 1
    assert await fresh.asking.code(REGISTER, fresh.cashier, input=registering(fresh)) == "FORBIDDEN"


def registering(desk: Desk) -> dict[str, Any]:
    return {"key": str(uuid4()), "storeId": desk.store, "deviceId": "x", "name": "x"}


async def test_a_retired_till_uploads_what_it_sold_before(fresh: Desk) -> None:
    await stocked(fresh, 米=50)
    till = (await register(fresh, fresh.owner, "POS-1"))["id"]
    before = await sale(fresh, "0001", tillId=till, occurredAt=now().isoformat())
    input = {"key": str(uuid4()), "tillId": till}
    retired = await fresh.asking(RETIRE, fresh.manager, input=input)
    assert retired["retiredAt"]
    assert await fresh.asking(RETIRE, fresh.owner, input=input) == retired
    [booked] = await sync(fresh, fresh.cashier, before)
    assert booked["document"] == "0001"
    refused = await sell(fresh, fresh.cashier, await sale(fresh, "0002", tillId=till))
    assert "收银机" in refused["message"]
    assert refused["code"] == "WRONG_STATE"
    back = await register(fresh, fresh.manager, "POS-1", "新前台")
    assert (back["id"], back["name"], back["retiredAt"]) == (till, "新前台", None)
    assert "id" in await sell(fresh, fresh.cashier, await sale(fresh, "0002", tillId=till))


async def test_a_till_belongs_to_its_store(fresh: Desk, outsider: Desk) -> None:
    await stocked(fresh, 米=50)
    west = (await another_store(fresh))["id"]
    elsewhere = await register(fresh, fresh.owner, "POS-1", storeId=west)
    foreign = await register(outsider, outsider.owner, "POS-1")
    for till in (elsewhere["id"], foreign["id"], str(uuid4())):
        refused = await sell(fresh, fresh.cashier, await sale(fresh, "0001", tillId=till))
        assert refused["code"] == "UNKNOWN_TILL"
        input = {"key": str(uuid4()), "tillId": till}
        assert (await fresh.asking(RETIRE, fresh.manager, input=input))["code"] == "UNKNOWN_TILL"
