"""Imports of suppliers and recipes, and files as shops in China really have them."""

import asyncio
import zipfile
from io import BytesIO
from uuid import uuid4

import pytest
from openpyxl import Workbook

from app.domain.imports.commits import run_imports
from app.domain.movements.record import Books
from tests.support.api import Desk
from tests.support.sheets import commit, counts, csv, imported, preview, saved, workbook

SUPPLIERS = """{ suppliers { nodes { name contact phone leadDays note } } }"""
RECIPE = """query($sku: String!) { product(sku: $sku) { recipe {
  version yields components { product { sku } quantity loss optional }
} } }"""


async def test_suppliers_are_created_changed_and_left(books: Books, fresh: Desk) -> None:
    sheet = workbook(
        ("供应商档案表",),
        ("供应商名称", "联系人", "联系电话", "交货期", "备注"),
        ("粮油批发部", "王五", 13812345678, "3天", "货到付款"),
        ("鲜奶公司", "", "０２１－５５５５", 1, ""),
        ("合计", "", "", "", ""),
    )
    for expected in ((2, 0, 0, 0), (0, 0, 2, 0)):
        assert counts(await imported(books, fresh, sheet, "SUPPLIERS")) == expected
    rows = (await fresh.ask(SUPPLIERS))["nodes"]
    assert [(row["name"], row["phone"], row["leadDays"]) for row in rows] == [
        ("粮油批发部", "13812345678", 3),
        ("鲜奶公司", "021-5555", 1),
    ]
    later = csv(("供货商", "交期（天）"), ("鲜奶公司", 2), ("水果行", ""), encoding="gbk")
    assert counts(await imported(books, fresh, later, "SUPPLIERS")) == (1, 1, 0, 0)
    rows = (await fresh.ask(SUPPLIERS))["nodes"]
    assert {row["name"]: row["leadDays"] for row in rows}["鲜奶公司"] == 2
    wrong = workbook(("名称", "交期"), ("水果行", "三天"), ("", 2), ("菜行", 366), ("菜行", 2))
    answer = await preview(fresh, wrong, "SUPPLIERS")
    cells = [each["cell"] for each in answer["errors"]]
    assert cells == ["B2", "A3", "B4", "A5"]
    denied = await fresh.asking.code(PREVIEW_KIND, fresh.manager, file=str(uuid4()))
    assert denied == "FORBIDDEN"


PREVIEW_KIND = """query($file: UUID!) {
  previewImport(fileId: $file, kind: SUPPLIERS) { ... on Problem { code } }
}"""


async def test_two_imports_of_the_same_suppliers(books: Books, fresh: Desk) -> None:
    files = [workbook(("供应商", "交期"), *((f"S{i}", d) for i in range(40))) for d in (1, 2)]
    tokens = [(await preview(fresh, file, "SUPPLIERS"))["token"] for file in files]
    ids = [(await commit(fresh, token))["id"] for token in tokens]
    assert len(set(ids)) == 2
    tenant = fresh.chain.founded.tenant.tenant_id
    await asyncio.gather(*(run_imports(books, tenant) for _ in range(3)))
    await run_imports(books, tenant)
    rows = (await fresh.ask("{ suppliers(first: 100) { nodes { leadDays } } }"))["nodes"]
    assert len(rows) == 40
    assert len({row["leadDays"] for row in rows}) == 1


async def dishes(desk: Desk) -> None:
    for sku, name, unit, kind in (
        ("D1", "宫保鸡丁", "份", "DISH"),
        ("D2", "蛋炒饭", "份", "DISH"),
        ("G1", "鸡胸肉", "kg", "GOODS"),
        ("G2", "花生米", "kg", "GOODS"),
        ("G3", "鸡蛋", "个", "GOODS"),
        ("G4", "大米", "kg", "GOODS"),
        ("G5", "大米", "袋", "GOODS"),
    ):
        await desk.do("createProduct", sku=sku, name=name, unit=unit, kind=kind)


def recipes() -> bytes:
    """A recipe table with the dish merged over its rows, and units in other cells."""
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    for row in (
        ("菜品配方成本卡", "", "", "", ""),
        ("菜品名称", "原料", "用量", "单位", "损耗率"),
        ("宫保鸡丁", "鸡胸肉", 200, "克", 0.05),
        (None, "花生米", "50g", "", ""),
        ("蛋炒饭", "鸡蛋", "2个", "", "0%"),
        ("", "G4", "3两", "", ""),
    ):
        sheet.append(list(row))
    sheet.merge_cells("A1:E1")
    sheet.merge_cells("A3:A4")
    return saved(book)


async def test_recipes_of_a_shop(books: Books, fresh: Desk) -> None:
    await dishes(fresh)
    for expected in ((4, 0, 0, 0), (0, 0, 4, 0)):
        assert counts(await imported(books, fresh, recipes(), "RECIPES")) == expected
    chicken = (await fresh.ask(RECIPE, sku="D1"))["recipe"]
    parts = {p["product"]["sku"]: (p["quantity"], p["loss"]) for p in chicken["components"]}
    assert parts == {"G1": ("0.2", "5"), "G2": ("0.05", "0")}
    rice = (await fresh.ask(RECIPE, sku="D2"))["recipe"]
    parts = {p["product"]["sku"]: p["quantity"] for p in rice["components"]}
    assert parts == {"G3": "2", "G4": "0.15"}
    more = workbook(("菜品编码", "产出", "食材", "用量"), ("D1", 10, "鸡胸肉", "2kg"))
    assert counts(await imported(books, fresh, more, "RECIPES")) == (0, 1, 0, 0)
    chicken = (await fresh.ask(RECIPE, sku="D1"))["recipe"]
    assert (chicken["version"], chicken["yields"], len(chicken["components"])) == (2, "10", 1)


async def test_recipes_with_errors_are_left_out_whole(books: Books, fresh: Desk) -> None:
    await dishes(fresh)
    sheet = workbook(
        ("菜品", "原料", "用量", "损耗"),
        ("宫保鸡丁", "鸡胸肉", "200g", ""),
        ("宫保鸡丁", "大米", "100g", ""),
        ("蛋炒饭", "鸡蛋", "2箱", ""),
        ("蛋炒饭", "G4", "100g", "120%"),
        ("蛋炒饭", "G4", "", ""),
        ("没有的菜", "鸡蛋", 1, ""),
        ("D1", "D1", 1, ""),
    )
    answer = await preview(fresh, sheet, "RECIPES")
    assert (answer["faulty"], answer["created"]) == (7, 0)
    errors = [(each["cell"], each["row"]) for each in answer["errors"]]
    assert errors == [
        *((None, 2), ("B3", 3), ("C4", 4), ("D5", 5), ("C6", 6)),
        *(("A7", 7), ("B8", 8)),
    ]
    assert "G4、G5" in answer["errors"][1]["message"]
    assert "没有单位“箱”" in answer["errors"][2]["message"]


async def test_a_stock_list_of_a_shop(books: Books, fresh: Desk) -> None:
    """Two rows of titles, a header of two rows, full-width digits, units in cells, a total."""
    for sku, unit, tracks in (("0017", "袋", False), ("MILK", "瓶", True), ("EGG", "个", False)):
        barcodes = ["6901234567892"] if sku == "MILK" else []
        values = {"sku": sku, "name": sku, "unit": unit, "barcodes": barcodes}
        await fresh.do("createProduct", **values, tracksBatches=tracks)
    egg = (await fresh.ask('{ product(sku: "EGG") { id } }'))["id"]
    await fresh.do("setUnits", productId=egg, units=[{"name": "箱", "quantity": "360"}])
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    for row in (
        ("东店期初库存盘点表", "", "", "", ""),
        ("", "", "", "", "制表日期：2026年1月5日"),
        ("商品编码", "库存数量", "进货价（元）", "生产批号", "有效期至"),
        ("'0017", "１２袋", "￥39.90", "", ""),
        (6901234567892.0, "6", "¥3.5元", "B1", "2099年1月5日"),
        ("MILK", 7, 3.5, "B2", "2099/1/5"),
        ("ＭＩＬＫ", 8, 3.5, "B3", 72686),
        ("EGG", "3箱", 0.8, "", ""),
        ("合 计", 999, "", "", ""),
    ):
        sheet.append(list(row))
    sheet.merge_cells("A1:E2")
    answer = await preview(fresh, saved(book), "OPENING_STOCK", store=fresh.store)
    assert (answer["errors"], answer["created"], answer["rows"]) == ([], 5, 5)
    for expected in ((5, 0, 0, 0), (0, 0, 5, 0)):
        progress = await imported(books, fresh, saved(book), "OPENING_STOCK", store=fresh.store)
        assert counts(progress) == expected
    query = """query($sku: String!, $store: UUID!) { product(sku: $sku) { level(storeId: $store) {
      onHand unitCost batches { batch { number expiresOn } } } } }"""
    levels = {
        sku: (await fresh.ask(query, sku=sku, store=fresh.store))["level"]
        for sku in ("0017", "MILK", "EGG")
    }
    assert {sku: level["onHand"] for sku, level in levels.items()} == {
        "0017": "12",
        "MILK": "21",
        "EGG": "1080",
    }
    days = {each["batch"]["expiresOn"] for each in levels["MILK"]["batches"]}
    assert days == {"2099-01-05", "2099-01-01"}
    assert levels["0017"]["unitCost"] == "39.90"


def with_page(page: str, **parts: bytes) -> bytes:
    """A workbook whose sheet has this XML, and further parts."""
    source, target = BytesIO(workbook(("x",))), BytesIO()
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            content = page.encode() if name == "xl/worksheets/sheet1.xml" else old.read(name)
            new.writestr(name, content)
        for name, part in parts.items():
            new.writestr(name, part)
    return target.getvalue()


def of_rows(count: int) -> bytes:
    """A workbook with formats on so many rows, of which two have values."""
    header = '<c r="A1" t="inlineStr"><is><t>货号</t></is></c>'
    header += '<c r="B1" t="inlineStr"><is><t>售价</t></is></c>'
    data = '<row r="2"><c r="A2" t="inlineStr"><is><t>X</t></is></c><c r="B2"><v>1</v></c></row>'
    empty = "".join(f'<row r="{n}"><c r="A{n}" s="1"/></row>' for n in range(3, count))
    page = (
        '<?xml version="1.0" encoding="UTF-8"?>'
        '<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">'
        f'<dimension ref="A1:XFD{count}"/><sheetData><row r="1">{header}</row>{data}{empty}'
        "</sheetData></worksheet>"
    )
    return with_page(page)


@pytest.mark.parametrize("rows", [300_000, 1_048_576])
async def test_empty_rows_without_end(fresh: Desk, rows: int) -> None:
    answer = await preview(fresh, of_rows(rows), "PRICES")
    assert answer.get("rows") == 1, answer


def of_entities(entities: str, text: str) -> str:
    return (
        f'<?xml version="1.0"?><!DOCTYPE w [{entities}]>'
        '<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>'
        f'<row r="1"><c r="A1" t="inlineStr"><is><t>{text}</t></is></c></row></sheetData>'
        "</worksheet>"
    )


async def test_entities_are_not_expanded(fresh: Desk) -> None:
    grown = (f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
    laughs = of_entities(f'<!ENTITY l0 "lol">{"".join(grown)}', "货号&l9;")
    outside = of_entities('<!ENTITY x SYSTEM "file:///etc/passwd">', "货号&x;")
    for page in (laughs, outside):
        answer = await preview(fresh, with_page(page), "PRICES")
        assert (answer["code"], answer["reason"]) == ("IMPORT_REFUSED", "FORMAT")
    # Links to other workbooks are not followed.
    linked = with_page(of_entities("", "货号"), **{"xl/externalLinks/externalLink1.xml": b"<a/>"})
    assert (await preview(fresh, linked, "PRICES"))["reason"] == "NO_ROWS"
