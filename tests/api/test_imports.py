"""Imports of spreadsheets: uploaded, previewed, and refused by what is wrong with them."""

import asyncio
import zipfile
from datetime import date, timedelta
from io import BytesIO
from typing import Any
from uuid import uuid4

import pytest
from openpyxl import Workbook
from sqlalchemy import update

from app.db.tables import Import
from app.domain.imports.commits import run_imports
from app.domain.movements.record import Books
from tests.support.api import Desk
from tests.support.identity import CREATE_STORE
from tests.support.live import dialled
from tests.support.sheets import (
    PREVIEW,
    PROGRESS,
    commit,
    counts,
    csv,
    finished,
    imported,
    preview,
    saved,
    upload,
    workbook,
)

HEADERS = ("品名", "货号", "条码", "规格", "单位", "分类", "零售价（元）", "最低库存")
RICE = ("东北大米", "0017", "6901234567892", "5kg", "袋", "食品/粮油", "39.9", "10")
OIL = ("菜籽油", "YOU-1", "", "", "瓶", "食品/粮油", "59", "")


async def test_a_file_is_previewed_by_its_own_headers(fresh: Desk) -> None:
    answer = await preview(fresh, workbook(("商品资料表",), HEADERS, RICE, OIL))
    assert (answer["rows"], answer["created"], answer["errors"]) == (2, 2, [])
    fields = [column["field"] for column in answer["columns"]]
    expected = "NAME SKU BARCODE SPEC UNIT CATEGORY PRICE REORDER_POINT"
    assert fields == expected.split()
    assert await fresh.ask("{ products { edges { node { id } } } }") == {"edges": []}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gbk", "utf-16", "utf-16-le"])
async def test_csv_in_the_encodings_of_shops(fresh: Desk, encoding: str) -> None:
    answer = await preview(fresh, csv(HEADERS, RICE, OIL, encoding=encoding))
    assert answer["columns"][0]["header"] == "品名", answer
    assert (answer["created"], answer["errors"]) == (2, [])


async def test_every_error_has_its_cell(fresh: Desk) -> None:
    rows = (
        ("米", "A1", "", "", "袋", "", "三元", ""),
        ("", "A2", "", "", "坨坨", "", "1.005", ""),
        ("油", "a1", "", "", "瓶", "", "", "1.5"),
        ("盐", "", "6.90123E+12", "", "", "", "", ""),
    )
    answer = await preview(fresh, workbook(HEADERS, *rows))
    assert (answer["faulty"], answer["created"]) == (4, 0)
    errors = [(each["row"], each["cell"], each["field"]) for each in answer["errors"]]
    assert errors == [
        (2, "G2", "PRICE"),
        (3, "G3", "PRICE"),
        (3, "A3", "NAME"),
        (3, "E3", "UNIT"),
        (4, "B4", "SKU"),
        (4, "H4", "REORDER_POINT"),
        (5, "C5", "BARCODE"),
    ]
    assert answer["errors"][0]["message"] == "“三元”不是数字"
    assert answer["errors"][0]["column"] == "零售价（元）"


async def test_codes_that_a_spreadsheet_made_numbers(fresh: Desk) -> None:
    await fresh.do("createProduct", sku="0017", name="米", unit="袋", barcodes=["012345678905"])
    rows = ((17, 12345678905, "米"), (6901234567892, 6901234567892, "油"))
    answer = await preview(fresh, workbook(("货号", "条码", "品名"), *rows))
    assert (answer["unchanged"], answer["faulty"]) == (1, 1)
    assert [each["field"] for each in answer["errors"]] == ["UNIT"]
    long = await preview(fresh, workbook(("货号", "品名"), (69012345678921234, "油")))
    assert long["errors"][0]["cell"] == "A2"


async def test_columns_that_the_shop_names_itself(fresh: Desk) -> None:
    sheet = workbook(("内部号", "叫法", "单位", "编号"), ("A1", "米", "袋", "行1"))
    columns = [{"header": "内部号", "field": "SKU"}, {"header": "叫法", "field": "NAME"}]
    answer = await preview(fresh, sheet, columns=columns)
    assert (answer["created"], answer["errors"]) == (1, [])
    assert [each["field"] for each in answer["columns"]] == ["SKU", "NAME", "UNIT", None]


async def test_opening_stock_with_dates_of_a_spreadsheet_and_in_text(fresh: Desk) -> None:
    for sku, tracks in (("MILK", True), ("RICE", False)):
        await fresh.do("createProduct", sku=sku, name=sku, unit="瓶", tracksBatches=tracks)
    rows: list[tuple[Any, ...]] = [
        ("MILK", 12, "3.5", "B1", date(2099, 1, 1)),
        ("MILK", "6", 3.5, "B2", "2099年2月3日"),
        ("MILK", "6", 3.5, "B2", "2099/2/3"),
        ("MILK", "6", 3.5, "B3", "明年"),
        ("RICE", 1.5, "", "", ""),
        ("RICE", 2, "", "B1", ""),
        ("NONE", 2, "", "", ""),
    ]
    sheet = workbook(("货号", "库存", "进价", "批号", "到期日"), *rows)
    answer = await preview(fresh, sheet, "OPENING_STOCK", store=fresh.store)
    errors = [(each["cell"], each["field"]) for each in answer["errors"]]
    assert errors == [
        ("A4", "SKU"),
        ("E5", "EXPIRES_ON"),
        ("B6", "QUANTITY"),
        ("D7", "BATCH_NO"),
        ("A8", "SKU"),
    ]
    assert (answer["created"], answer["faulty"]) == (2, 5)


def archive(**parts: bytes) -> bytes:
    buffer = BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in parts.items():
            file.writestr(name.replace("__", "/"), content)
    return buffer.getvalue()


def merged() -> bytes:
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    for row in (HEADERS, RICE, OIL):
        sheet.append(list(row))
    sheet.merge_cells("F2:F3")
    return saved(book)


def far_cell() -> bytes:
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    sheet["A1"], sheet["XFD1048576"] = "货号", "x"
    return saved(book)


def uncomputed(value: bytes) -> bytes:
    """A workbook whose formula has no value, in the spelling of one program or another."""
    plain = workbook(HEADERS, ("米", "A1", "", "", "袋", "", "=1+1", ""))
    with zipfile.ZipFile(BytesIO(plain)) as file:
        parts = {name: file.read(name) for name in file.namelist()}
    name = "xl/worksheets/sheet1.xml"
    head, _, rest = parts[name].partition(b"</f>")
    parts[name] = head + b"</f>" + value + rest[rest.index(b"</c>") :]
    return archive(**parts)


BOMB = {"xl/workbook.xml": b"<a/>", "xl/worksheets/sheet1.xml": b" " * 2_000_000}
"""It expands a thousandfold."""
LARGE = {"xl/workbook.xml": b"<a/>"} | {f"xl/p{i}.xml": bytes(1_000_000) for i in range(54)}
HOSTILE = {
    "FORMAT": [b"\x89PNG\r\n\x1a\n\0\0\0\0", b"PK\x03\x04 no archive", archive(a=b"x")],
    "OLD_FORMAT": [b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600)],
    "MACROS": [archive(**{"xl/workbook.xml": b"<a/>", "xl/vbaProject.bin": b"x"})],
    "TOO_LARGE": [
        archive(**BOMB),
        archive(**LARGE),
        archive(**{f"p{i}": b"" for i in range(1001)}),
    ],
    "MERGED": [merged()],
    "FORMULA": [uncomputed(value) for value in (b"", b"<v/>", b"<v />", b"<v></v>")],
    "NO_HEADERS": [workbook(("甲", "乙"), ("1", "2")), workbook()],
    "NO_ROWS": [workbook(HEADERS), workbook(HEADERS, *[("",)] * 5000)],
    "TOO_MANY_ROWS": [csv(HEADERS, *[RICE] * 20_011)],
    "TOO_MANY_COLUMNS": [workbook([f"c{i}" for i in range(101)])],
}


@pytest.mark.parametrize("reason", HOSTILE)
async def test_files_that_are_refused(fresh: Desk, reason: str) -> None:
    for content in HOSTILE[reason]:
        answer = await preview(fresh, content)
        assert (answer["code"], answer["reason"]) == ("IMPORT_REFUSED", reason)
    assert (await preview(fresh, far_cell()))["code"] == "IMPORT_REFUSED"


async def test_who_may_upload_and_preview(fresh: Desk, desk: Desk) -> None:
    sheet = workbook(HEADERS, RICE)
    assert (await upload(fresh, sheet, "no token")).status_code == 401
    assert (await upload(fresh, sheet, fresh.cashier)).status_code == 403
    assert (await upload(fresh, b"")).status_code == 400
    headers = {"authorization": f"Bearer {fresh.owner}"}
    raw = await fresh.asking.http.post("/imports", content=sheet, headers=headers)
    assert raw.json()["errors"][0]["extensions"]["code"] == "BAD_INPUT"
    assert (await upload(fresh, bytes(10 * 1024 * 1024 + 1))).status_code == 413
    first, again = [(await upload(fresh, sheet)).json()["fileId"] for _ in range(2)]
    assert first == again
    for file in (first, str(uuid4())):
        answer = await desk.ask(PREVIEW, file=file, kind="PRODUCTS")
        assert answer["code"] == "UNKNOWN_IMPORT" or desk.chain == fresh.chain
    stranger = await fresh.ask(PREVIEW, file=first, kind="OPENING_STOCK", store=str(uuid4()))
    assert stranger["code"] == "UNKNOWN_STORE"


STOCK = """
query($sku: String!, $store: UUID!) { product(sku: $sku) {
  name price reorderPoint category { path } barcodes { code }
  level(storeId: $store) { onHand unitCost reorderPoint batches { batch { number } shelf } }
} }
"""


async def stock(desk: Desk, sku: str) -> Any:
    return await desk.ask(STOCK, sku=sku, store=desk.store)


async def test_products_are_created_changed_and_left(books: Books, fresh: Desk) -> None:
    assert counts(await imported(books, fresh, workbook(HEADERS, RICE, OIL))) == (2, 0, 0, 0)
    rice = await stock(fresh, "0017")
    assert (rice["name"], rice["price"], rice["reorderPoint"]) == ("东北大米", "39.90", "10")
    assert rice["category"]["path"] == "食品 / 粮油"
    assert [each["code"] for each in rice["barcodes"]] == ["6901234567892"]
    assert counts(await imported(books, fresh, workbook(HEADERS, RICE, OIL))) == (0, 0, 2, 0)
    dearer = ("五常大米", "", RICE[2], "", "", "粮油", "45", "12")
    assert counts(await imported(books, fresh, csv(HEADERS, dearer, encoding="gbk"))) == (
        0,
        1,
        0,
        0,
    )
    rice = await stock(fresh, "0017")
    assert (rice["name"], rice["price"], rice["reorderPoint"]) == ("五常大米", "45.00", "12")
    assert rice["category"]["path"] == "粮油"


async def test_opening_stock_is_booked_once(books: Books, fresh: Desk) -> None:
    await imported(
        books, fresh, workbook((*HEADERS, "保质期"), (*RICE, ""), ("奶", "M", *OIL[2:], 30))
    )
    rows = (("M", 12, 3.5, "B1"), ("0017", 7, "20", ""), ("M", 6, 4, "B2"))
    sheet = workbook(("货号", "库存", "进价", "批号"), *rows)
    for expected in ((3, 0, 0, 0), (0, 0, 3, 0)):
        progress = await imported(books, fresh, sheet, "OPENING_STOCK", store=fresh.store)
        assert counts(progress) == expected
    milk, rice = await stock(fresh, "M"), await stock(fresh, "0017")
    assert (milk["level"]["onHand"], rice["level"]["onHand"]) == ("18", "7")
    assert rice["level"]["unitCost"] == "20.00"
    more = workbook(("货号", "库存"), ("0017", 8))
    answer = await preview(fresh, more, "OPENING_STOCK", store=fresh.store)
    assert [each["cell"] for each in answer["errors"]] == ["B2"]


REVERSE = """
mutation($input: ReverseImportInput!) { reverseImport(input: $input) {
  ... on Import { id reversedAt } ... on WrongState { code reason } ... on Problem { code }
} }
"""


async def test_opening_stock_is_reversed_on_its_day(books: Books, fresh: Desk) -> None:
    await imported(books, fresh, workbook(HEADERS, RICE, OIL))
    sheet = workbook(("货号", "库存"), ("0017", 7), ("YOU-1", 4))
    more = {"store": fresh.store}
    token = (await preview(fresh, sheet, "OPENING_STOCK", **more))["token"]
    id = (await commit(fresh, token))["id"]

    async def undo(**more: Any) -> Any:
        answer = await fresh.ask(REVERSE, input={"key": str(uuid4()), "importId": id, **more})
        return answer.get("reason") or answer.get("code") or answer["reversedAt"]

    assert await undo() == "IMPORT_RUNNING"
    await finished(books, fresh, token)
    product = (await fresh.ask('{ product(sku: "0017") { id } }'))["id"]
    sale = await fresh.do(
        "sell",
        storeId=fresh.store,
        channel="COUNTER",
        lines=[{"productId": product, "quantity": "1"}],
    )
    assert await undo() == "OUT_OF_STOCK"
    assert (await stock(fresh, "YOU-1"))["level"]["onHand"] == "4"
    await fresh.do("reverse", movementId=sale["id"])
    key = str(uuid4())
    undone = await asyncio.gather(*(undo(key=key) for _ in range(2)), undo())
    assert undone[0] == undone[1]
    assert sorted(undone[1:]) != undone
    assert await undo() == "REVERSED"
    assert {(await stock(fresh, sku))["level"]["onHand"] for sku in ("0017", "YOU-1")} == {"0"}
    # The same file may be imported again.
    assert counts(await imported(books, fresh, sheet, "OPENING_STOCK", **more)) == (2, 0, 0, 0)
    async with books.db.unit(fresh.chain.founded.tenant.tenant_id) as unit:
        early = unit.now - timedelta(days=1)
        await unit.session.execute(update(Import).values(finished_at=early, reversed_at=None))
    assert await undo() == "ANOTHER_DAY"
    products = (await preview(fresh, workbook(HEADERS, RICE)))["token"]
    id = (await commit(fresh, products))["id"]
    assert await undo() == "NOT_OPENING_STOCK"
    id = str(uuid4())
    assert await undo() == "UNKNOWN_IMPORT"


async def test_an_import_of_another_store_is_unknown(books: Books, fresh: Desk) -> None:
    await imported(books, fresh, workbook(HEADERS, RICE))
    other = (await fresh.chain.do(CREATE_STORE, code=uuid4().hex, name="西店"))["id"]
    for store, seen in ((fresh.store, True), (other, False)):
        sheet = workbook(("货号", "库存"), ("0017", 7))
        answer = await preview(fresh, sheet, "OPENING_STOCK", store=store)
        committed = await commit(fresh, answer["token"])
        shown = await fresh.ask(PROGRESS, by=fresh.manager, id=committed["id"])
        assert shown.get("code") == (None if seen else "UNKNOWN_IMPORT")


async def test_prices_and_reorder_points(books: Books, fresh: Desk) -> None:
    await imported(books, fresh, workbook(HEADERS, RICE, OIL))
    sheet = workbook(("条码", "售价"), (RICE[2], 41.5), ("404", 1))
    answer = await preview(fresh, sheet, "PRICES")
    assert (answer["changed"], answer["faulty"]) == (1, 1)
    refused = await commit(fresh, answer["token"], goodRowsOnly=False)
    assert (refused["code"], refused["reason"]) == ("IMPORT_REFUSED", "HAS_ERRORS")
    assert counts(await finished(books, fresh, answer["token"])) == (0, 1, 0, 0)
    points = workbook(("货号", "最低库存"), ("0017", 30))
    for expected in ((0, 1, 0, 0), (0, 0, 1, 0)):
        progress = await imported(books, fresh, points, "THRESHOLDS", store=fresh.store)
        assert counts(progress) == expected
    rice = await stock(fresh, "0017")
    assert (rice["price"], rice["reorderPoint"]) == ("41.50", "10")
    assert rice["level"]["reorderPoint"] == "30"


FEED = """
subscription($import: UUID!) { importFeed(importId: $import) {
  imports { rows done created finishedAt }
} }
"""


async def test_an_import_is_followed_live(books: Books, fresh: Desk) -> None:
    rows = [(f"S{i}", f"商品{i}", "个") for i in range(300)]
    token = (await preview(fresh, workbook(("货号", "品名", "单位"), *rows)))["token"]
    id = (await commit(fresh, token))["id"]
    assert await fresh.asking.code(FEED, fresh.owner, **{"import": str(uuid4())}) == "BAD_INPUT"
    async with dialled(str(fresh.asking.http.base_url), fresh.owner) as wire:
        await wire.subscribe(FEED, **{"import": id})
        [first] = (await wire.next())["imports"]
        assert (first["rows"], first["done"], first["finishedAt"]) == (300, 0, None)
        await run_imports(books, fresh.chain.founded.tenant.tenant_id)
        row = first
        while row["done"] < 300:
            [row] = (await wire.next())["imports"]
        assert row["created"] == 300
        assert row["finishedAt"]


async def test_a_token_is_committed_once(books: Books, fresh: Desk) -> None:
    token = (await preview(fresh, workbook(HEADERS, RICE, OIL)))["token"]
    commits = await asyncio.gather(*(commit(fresh, token) for _ in range(4)))
    assert len({each["id"] for each in commits}) == 1
    assert counts(await finished(books, fresh, token)) == (2, 0, 0, 0)
    key = str(uuid4())
    assert [(await commit(fresh, token, key=key))["id"] for _ in range(2)] == [commits[0]["id"]] * 2
    assert (await commit(fresh, token, key=key, goodRowsOnly=False))["code"] == "KEY_REUSED"
    for bad in (f"{token}x", "x", ""):
        assert (await commit(fresh, bad))["code"] == "UNKNOWN_IMPORT"
    assert (await fresh.ask(PROGRESS, id=str(uuid4())))["code"] == "UNKNOWN_IMPORT"


async def test_the_headers_of_a_shop_are_remembered(books: Books, fresh: Desk) -> None:
    columns = [{"header": "内部号", "field": "SKU"}, {"header": "叫法", "field": "NAME"}]
    sheet = workbook(("内部号", "叫法", "单位"), ("A1", "米", "袋"))
    assert (await preview(fresh, sheet))["errors"][0]["field"] == "SKU"
    await imported(books, fresh, sheet, columns=columns)
    again = await preview(fresh, workbook(("内部号", "叫法", "单位"), ("A2", "油", "瓶")))
    assert (again["created"], again["errors"]) == (1, [])


async def test_an_import_goes_on_after_its_worker_was_killed(books: Books, fresh: Desk) -> None:
    rows = [(f"S{i}", f"商品{i}", "个", i) for i in range(700)]
    token = (await preview(fresh, workbook(("货号", "品名", "单位", "售价"), *rows)))["token"]
    committed = await commit(fresh, token)
    tenant = fresh.chain.founded.tenant.tenant_id
    work = asyncio.create_task(run_imports(books, tenant))
    for _ in range(300):
        if (await fresh.ask(PROGRESS, id=committed["id"]))["done"]:
            break
        await asyncio.sleep(0.02)
    work.cancel()
    await asyncio.gather(work, return_exceptions=True)
    assert not (await fresh.ask(PROGRESS, id=committed["id"]))["finishedAt"]
    async with books.db.unit(tenant) as unit:
        await unit.session.execute(update(Import).values(leased_until=unit.now))
    await asyncio.gather(*(run_imports(books, tenant) for _ in range(2)))
    progress = await fresh.ask(PROGRESS, id=committed["id"])
    assert (progress["done"], progress["failures"]) == (700, [])
    again = await preview(fresh, workbook(("货号", "品名", "单位", "售价"), *rows))
    assert again["unchanged"] == 700
