"""Scan sessions: several phones, one receipt or opening stock, posted once."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from app.db.core.unit import Database
from app.jobs.retention import trim_scans
from tests.support.api import Desk
from tests.support.exports import tenant_of
from tests.support.live import dialled

SESSION = """
  id state purpose note openedBy { name } endedBy { name } endedAt
  lines { product { name } batchNo expiresOn quantity }
  unknown { id code quantity }
  scans(first: 200) { nodes {
    id code product { name } quantity removedAt scannedBy { name } correctedBy { name }
  } }
  movements { kind document note lines { product { name } quantity batch { number expiresOn } } }
"""
ON_SESSION = f"""
  ... on ScanSession {{ {SESSION} }} ... on Problem {{ code message path }}
  ... on WrongState {{ reason }} ... on UnknownProduct {{ products: asked }}
"""
INPUTS = {
    "openScanSession": "OpenScanSessionInput",
    "addScans": "AddScansInput",
    "correctScan": "CorrectScanInput",
    "removeScan": "RemoveScanInput",
    "commitScanSession": "CommitScanSessionInput",
    "cancelScanSession": "CancelScanSessionInput",
}
READ = f"query($id: UUID!) {{ scanSession(id: $id) {{ {SESSION} }} }}"
LIST = "query($s: ScanSessionState) { scanSessions(state: $s) { nodes { id } totalCount } }"
FEED = """subscription($session: UUID!) { scanSessionFeed(scanSessionId: $session) {
  scanSessions { id state lines { product { name } quantity } unknown { code } }
} }"""
BARCODE, PACK = "6901234567892", "16901234567899"


async def do(desk: Desk, name: str, by: str | None = None, **input: Any) -> Any:
    document = f"mutation($input: {INPUTS[name]}!) {{ {name}(input: $input) {{ {ON_SESSION} }} }}"
    values = {"key": str(uuid4()), **input}
    return await desk.asking(document, by or desk.owner, input=values)


async def scan(desk: Desk, id: str, *scans: Any, by: str | None = None, **more: Any) -> Any:
    return await do(desk, "addScans", by, scanSessionId=id, scans=list(scans), **more)


@pytest.fixture
async def shop(fresh: Desk) -> Desk:
    """A desk with rice that has a barcode for a pack of 12, and milk in batches."""
    rice = await fresh.product("米", unit="袋", sku="0017", barcodes=[BARCODE])
    await fresh.do("addBarcode", productId=rice, code=PACK, packQuantity="12")
    await fresh.product("奶", unit="瓶", sku="MILK", tracksBatches=True)
    return fresh


async def opened(desk: Desk, purpose: str = "RECEIPT", **more: Any) -> str:
    session = await do(desk, "openScanSession", storeId=desk.store, purpose=purpose, **more)
    assert session["state"] == "OPEN", session
    return session["id"]


async def on_hand(desk: Desk, name: str) -> str | None:
    query = (
        "query($sku: String!, $s: UUID!) { product(sku: $sku) { level(storeId: $s) { onHand } } }"
    )
    sku = {"米": "0017", "奶": "MILK"}[name]
    level = (await desk.ask(query, sku=sku, s=desk.store))["level"]
    return level and level["onHand"]


def lines_of(session: Any) -> dict[tuple[str, str | None], str]:
    return {
        (each["product"]["name"], each["batchNo"]): each["quantity"] for each in session["lines"]
    }


async def test_several_phones_make_one_receipt(shop: Desk) -> None:
    id = await opened(shop, note="周一到货")
    async with dialled(str(shop.asking.http.base_url), shop.cashier) as wire:
        await wire.subscribe(FEED, session=id)
        [first] = (await wire.next())["scanSessions"]
        assert (first["state"], first["lines"]) == ("OPEN", [])
        batch = {"batchNo": "B1", "expiresOn": "2099-01-31", "unitCost": "3.5"}
        phones = await asyncio.gather(
            scan(shop, id, {"code": BARCODE}, {"code": PACK, "packs": "2"}, by=shop.cashier),
            scan(shop, id, {"code": "0017", "quantity": "3"}, {"code": "404", "quantity": "5"}),
            scan(shop, id, {"code": "MILK", "quantity": "4", **batch}, by=shop.manager),
        )
        assert {each["state"] for each in phones} == {"OPEN"}
        row = first
        while len(row["lines"]) < 2 or not row["unknown"]:
            [row] = (await wire.next())["scanSessions"]
    session = await shop.ask(READ, id=id)
    assert lines_of(session) == {("米", None): "28", ("奶", "B1"): "4"}
    assert [(each["code"], each["quantity"]) for each in session["unknown"]] == [("404", "5")]
    refused = await do(shop, "commitScanSession", scanSessionId=id)
    assert (refused["code"], refused["products"]) == ("UNKNOWN_PRODUCT", ["404"])
    assert refused["path"] == ["input", "scanSessionId"]
    # The code gets a product, and the same session is committed with it.
    rice = shop.products["米"]
    await shop.do("addBarcode", productId=rice, code="404", packQuantity="1")
    done = await do(shop, "commitScanSession", scanSessionId=id, document="SH-001")
    assert (done["state"], done["endedBy"]["name"]) == ("COMMITTED", done["openedBy"]["name"])
    [movement] = done["movements"]
    assert (movement["kind"], movement["document"]) == ("RECEIPT", "SH-001")
    assert movement["note"] == "周一到货"
    batches = [line["batch"] for line in movement["lines"] if line["batch"]]
    assert batches == [{"number": "B1", "expiresOn": "2099-01-31"}]
    assert (await on_hand(shop, "米"), await on_hand(shop, "奶")) == ("33", "4")
    assert (await shop.ask(LIST, s="OPEN"))["nodes"] == []
    assert (await shop.ask(LIST))["nodes"] == [{"id": id}]


async def test_scans_are_deleted_90_days_after_the_end(shop: Desk, db: Database) -> None:
    ended, still_open = await opened(shop), await opened(shop)
    for id in (ended, still_open):
        await scan(shop, id, {"code": BARCODE})
    cancelled = await opened(shop)
    for _ in range(4):
        await scan(shop, cancelled, *[{"code": BARCODE}] * 200)
    await do(shop, "cancelScanSession", scanSessionId=cancelled)
    done = await do(shop, "commitScanSession", scanSessionId=ended)
    for days, scans in ((89, 1), (91, 0)):
        await trim_scans(db, tenant_of(shop), datetime.now(UTC) + timedelta(days))
        session = await shop.ask(READ, id=ended)
        assert (len(session["scans"]["nodes"]), session["movements"]) == (scans, done["movements"])
        assert len((await shop.ask(READ, id=still_open))["scans"]["nodes"]) == 1
        rest = (await shop.ask(READ, id=cancelled))["scans"]["nodes"]
        assert len(rest) == 200 * scans


async def test_retries_add_nothing(shop: Desk) -> None:
    id = await opened(shop)
    key = str(uuid4())
    answers = await asyncio.gather(
        *(scan(shop, id, {"code": BARCODE}, key=key, by=by) for by in (shop.owner, shop.cashier)),
        scan(shop, id, {"code": BARCODE}, key=key),
    )
    assert {len(each["scans"]["nodes"]) for each in answers} == {1}
    assert (await scan(shop, id, {"code": PACK}, key=key))["code"] == "KEY_REUSED"
    assert lines_of(await shop.ask(READ, id=id)) == {("米", None): "1"}


async def test_scans_are_corrected_and_removed(shop: Desk) -> None:
    id = await opened(shop, "OPENING_STOCK")
    session = await scan(shop, id, {"code": BARCODE}, {"code": PACK}, {"code": "404"})
    first, second, third = (each["id"] for each in session["scans"]["nodes"])
    await do(shop, "correctScan", shop.cashier, scanId=first, quantity="7")
    session = await do(shop, "removeScan", scanId=third)
    assert (lines_of(session), session["unknown"]) == ({("米", None): "19"}, [])
    assert (await do(shop, "correctScan", scanId=first, quantity="0.5"))["code"] == (
        "INVALID_QUANTITY"
    )
    await do(shop, "removeScan", scanId=second)
    done = await do(shop, "commitScanSession", scanSessionId=id)
    assert [each["kind"] for each in done["movements"]] == ["OPENING"]
    assert await on_hand(shop, "米") == "7"
    assert done["scans"]["nodes"][0]["correctedBy"]
    for name, input in (
        ("correctScan", {"scanId": first, "quantity": "1"}),
        ("removeScan", {"scanId": first}),
        ("addScans", {"scanSessionId": id, "scans": [{"code": BARCODE}]}),
        ("commitScanSession", {"scanSessionId": id}),
        ("cancelScanSession", {"scanSessionId": id}),
    ):
        assert (await do(shop, name, **input))["reason"] == "COMMITTED", name


async def test_two_commits_at_once_post_once(shop: Desk) -> None:
    for _ in range(3):
        before = int(await on_hand(shop, "米") or 0)
        id, key = await opened(shop), str(uuid4())
        await scan(shop, id, {"code": PACK})
        answers = await asyncio.gather(
            do(shop, "commitScanSession", scanSessionId=id, key=key),
            do(shop, "commitScanSession", shop.manager, scanSessionId=id, key=key),
            do(shop, "commitScanSession", shop.manager, scanSessionId=id),
            scan(shop, id, {"code": BARCODE}, by=shop.cashier),
        )
        session = await shop.ask(READ, id=id)
        expected = sum(int(each["quantity"]) for each in session["lines"])
        assert session["state"] == "COMMITTED"
        assert int(await on_hand(shop, "米") or 0) - before == expected
        assert len(session["movements"]) == 1
        assert sum(each.get("reason") == "COMMITTED" for each in answers[:3]) in (1, 2)
        again = await do(shop, "commitScanSession", scanSessionId=id, key=key)
        assert again.get("state", again.get("reason")) == "COMMITTED"


async def test_what_is_refused(shop: Desk, outsider: Desk) -> None:
    id = await opened(shop)
    empty = await do(shop, "commitScanSession", scanSessionId=id)
    assert empty["reason"] == "NOTHING_SCANNED"
    dish = await shop.product("饭", kind="DISH", unit="份")
    wrong = await scan(shop, id, {"code": BARCODE}, {"productId": dish, "quantity": "1"})
    assert (wrong["reason"], wrong["path"]) == ("NOT_STOCKED", ["input", "scans", "1"])
    half = await scan(shop, id, {"code": BARCODE, "quantity": "0.5"})
    assert (half["code"], half["path"][:3]) == ("INVALID_QUANTITY", ["input", "scans", "0"])
    add = INPUTS["addScans"]
    document = f"mutation($input: {add}!) {{ addScans(input: $input) {{ __typename }} }}"
    for negative in ({"quantity": "-1"}, {"packs": "0"}):
        given = {"key": str(uuid4()), "scanSessionId": id, "scans": [{"code": "404", **negative}]}
        assert await shop.asking.code(document, shop.owner, input=given) == "BAD_INPUT"
    assert (await shop.ask(READ, id=id))["scans"]["nodes"] == []
    await scan(shop, id, {"code": "404"})
    nothing = await do(shop, "commitScanSession", scanSessionId=id, knownOnly=True)
    assert nothing["reason"] == "NOTHING_SCANNED"
    await scan(shop, id, {"code": BARCODE})
    assert (await scan(outsider, id, {"code": "x"}))["code"] == "UNKNOWN_SCAN_SESSION"
    assert await outsider.ask(READ, id=id) is None
    assert await outsider.asking.code(FEED, outsider.owner, session=id) == "BAD_INPUT"
    done = await do(shop, "commitScanSession", scanSessionId=id, knownOnly=True)
    assert await on_hand(shop, "米") == done["lines"][0]["quantity"] == "1"
    other = await opened(shop)
    cancelled = await do(shop, "cancelScanSession", scanSessionId=other)
    assert (cancelled["state"], cancelled["movements"]) == ("CANCELLED", [])
    assert (await scan(shop, other, {"code": BARCODE}))["reason"] == "CANCELLED"


async def test_more_lines_than_one_movement_holds(shop: Desk) -> None:
    id = await opened(shop)
    for part in range(3):
        numbers = range(part * 200, part * 200 + 200)
        scans = [{"code": "MILK", "quantity": "1", "batchNo": f"B{n}"} for n in numbers]
        await scan(shop, id, *scans)
    done = await do(shop, "commitScanSession", scanSessionId=id)
    assert [len(each["lines"]) for each in done["movements"]] == [500, 100]
    assert await on_hand(shop, "奶") == "600"


PAGES = """query($first: Int, $after: String, $last: Int, $before: String) { scanSessions { nodes {
  id
  scans(first: $first, after: $after, last: $last, before: $before) {
    nodes { code } totalCount
    pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
  }
} } }"""


async def test_scans_have_pages(shop: Desk) -> None:
    codes: dict[str, list[str]] = {}
    for session in range(2):
        id = await opened(shop)
        codes[id] = [f"{session}-{number}" for number in range(5)]
        await scan(shop, id, *({"code": code} for code in codes[id]))

    async def read(**page: Any) -> dict[str, Any]:
        return {each["id"]: each["scans"] for each in (await shop.ask(PAGES, **page))["nodes"]}

    def codes_of(page: Any) -> list[str]:
        return [each["code"] for each in page["nodes"]]

    for id, page in (await read(first=2)).items():
        assert (codes_of(page), page["totalCount"]) == (codes[id][:2], 5)
        assert page["pageInfo"]["hasNextPage"]
    for id, page in (await read(last=2)).items():
        assert codes_of(page) == codes[id][-2:]
        earlier = await read(last=10, before=page["pageInfo"]["startCursor"])
        assert codes_of(earlier[id]) == codes[id][:-2]
    for id in codes:
        seen, after = list[str](), None
        for number in range(1, 4):
            page = (await read(first=2, after=after))[id]
            seen, after = seen + codes_of(page), page["pageInfo"]["endCursor"]
            assert page["pageInfo"]["hasNextPage"] == (number < 3)
        assert seen == codes[id]
