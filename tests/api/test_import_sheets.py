"""Imports of spreadsheets as shops keep them: titles, merged headers, totals, notes, texts."""

import pytest
from openpyxl import Workbook

from app.domain.movements.record import Books
from tests.support.api import Desk
from tests.support.sheets import finished, preview, saved, workbook

TITLES = (("幸福便利店商品资料表",), ("制表日期：2026年11月3日", "", "", "", "制表人：王芳"))
FOOTERS = (
    ("合计：", "", "", "", "", "", "", "74"),
    ("本页小计", "", "", "", "", "", "", "74"),
    ("备注：价格含税",),
    ("制表人：王芳", "", "", "审核人：李强"),
)
HEADERS = ("序号", "商品\n名称", "商品条码", "规格", "单位", "进价", "零售价（元/袋）", "库存")
MORE = ("最低库存", "保质期", "分类")
GOODS = (
    (1, "大米", "6901234567892", "5kg", "袋", "¥31.50", "¥39.90", "12", "5", "12个月", "粮油"),
    (2, "冰箱", "6901234567885", "台", "台", "1,000", "￥1,299.00元", "2", "-", "/", "家电"),
    (3, "苹果", "无", "散称", "kg", "8元", "9.9元", "30", "无", "", "水果"),
)
PRODUCTS = "{ products { nodes { name spec price reorderPoint shelfLifeDays } } }"
LEVELS = """
query($store: UUID!) { levels(storeIds: [$store]) { nodes {
  product { name } onHand value batches { batch { number expiresOn producedOn } }
} } }
"""


async def test_a_product_list_with_titles_and_totals(fresh: Desk, books: Books) -> None:
    content = workbook(*TITLES, (*HEADERS, *MORE), *GOODS, (4,), *FOOTERS)
    answer = await preview(fresh, content)
    [error] = answer["errors"]
    assert (error["row"], error["message"]) == (6, "请填写货号或条码")
    assert (answer["rows"], answer["created"], answer["faulty"]) == (3, 2, 1)
    assert answer["unusedColumns"] == [
        {"header": "序号", "letter": "A", "kinds": []},
        {"header": "进价", "letter": "F", "kinds": ["OPENING_STOCK"]},
        {"header": "库存", "letter": "H", "kinds": ["OPENING_STOCK"]},
    ]
    await finished(books, fresh, answer["token"])
    rows = {each["name"]: each for each in (await fresh.ask(PRODUCTS))["nodes"]}
    assert rows == {
        "大米": {
            "name": "大米",
            "spec": "5kg",
            "price": "39.90",
            "reorderPoint": "5",
            "shelfLifeDays": 360,
        },
        "冰箱": {
            "name": "冰箱",
            "spec": "台",
            "price": "1299.00",
            "reorderPoint": "0",
            "shelfLifeDays": None,
        },
    }


def two_rows(*top: str) -> bytes:
    """A sheet whose prices have a group of two columns above them, and a group of stock."""
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.append(["幸福便利店"])
    sheet.merge_cells("A1:H1")
    sheet.append(top)
    sheet.append(["", "", "", "", "进价", "售价", "数量", "金额"])
    for letter in "ABCD":
        sheet.merge_cells(f"{letter}2:{letter}3")
    for cells in ("E2:F2", "G2:H2"):
        sheet.merge_cells(cells)
    sheet.append(["米", "6901234567892", "5kg", "袋", "¥31.50", "¥39.90", "12", "378"])
    sheet.append(["合计", "", "", "", "", "", "12", "378"])
    return saved(book)


GROUPS = (
    ("品名", "条码", "规格", "单位", "价格", "", "库存", ""),
    ("品名", "条码", "规格", "单位", "价格信息", "", "期初", ""),
)


@pytest.mark.parametrize("top", GROUPS)
async def test_headers_in_two_rows(fresh: Desk, books: Books, top: tuple[str, ...]) -> None:
    products = await preview(fresh, two_rows(*top))
    assert (products["created"], products["errors"]) == (1, [])
    unused = [(each["letter"], each["kinds"]) for each in products["unusedColumns"]]
    assert unused == [("E", ["OPENING_STOCK"]), ("G", ["OPENING_STOCK"]), ("H", [])]
    await finished(books, fresh, products["token"])
    [rice] = (await fresh.ask(PRODUCTS))["nodes"]
    assert (rice["name"], rice["price"]) == ("米", "39.90")
    stock = await preview(fresh, two_rows(*top), "OPENING_STOCK", store=fresh.store)
    assert (stock["created"], stock["errors"]) == (1, [])
    await finished(books, fresh, stock["token"])
    [level] = (await fresh.ask(LEVELS, store=fresh.store))["nodes"]
    assert (level["onHand"], level["value"]) == ("12", "378.00")


async def test_opening_stock_with_dates_as_texts(fresh: Desk, books: Books) -> None:
    await fresh.product("米", unit="袋", sku="0017")
    await fresh.product("奶", unit="瓶", sku="MILK", tracksBatches=True)
    sheet = workbook(
        ("期初库存表",),
        ("商品编码", "商品名称", "库存(箱)", "库存", "进价", "生产日期", "有效期至", "批号"),
        ("0017", "米", "1", "12袋", "¥31.50", "-", "/", "无"),
        ("MILK", "奶", "1", "1,200", 4, "2026年11月3日", "2099/11/3", "B1"),
        ("MILK", "奶", "1", "3", 4, "2026.11.4", "2099年11月", "B2"),
        ("", "总计", "", "1,215"),
    )
    answer = await preview(fresh, sheet, "OPENING_STOCK", store=fresh.store)
    [error] = answer["errors"]
    assert (error["cell"], error["message"]) == (
        "G5",
        "“2099年11月”不是日期，请按 2026-11-23 填写",
    )
    unused = [(each["header"], each["kinds"]) for each in answer["unusedColumns"]]
    assert unused == [("商品名称", ["PRODUCTS"]), ("库存(箱)", [])]
    await finished(books, fresh, answer["token"])
    levels = (await fresh.ask(LEVELS, store=fresh.store))["nodes"]
    by_name = {each["product"]["name"]: each for each in levels}
    assert (by_name["米"]["onHand"], by_name["米"]["value"]) == ("12", "378.00")
    [batch] = by_name["奶"]["batches"]
    assert batch["batch"] == {
        "number": "B1",
        "expiresOn": "2099-11-03",
        "producedOn": "2026-11-03",
    }


async def test_a_name_that_begins_like_a_total_is_a_product(fresh: Desk) -> None:
    headers = ("品名", "条码", "单位", "售价")
    rows = (("小计算器", "6901234567892", "个", 12), ("本月合计 3 件", "", "", 36), ("总计：",))
    answer = await preview(fresh, workbook(headers, *rows))
    assert (answer["rows"], answer["created"], answer["errors"]) == (1, 1, [])


async def test_rows_of_words_only_are_no_headers(fresh: Desk) -> None:
    sheet = workbook(
        ("供应商", "联系人", "备注"),
        ("粮油公司", "王芳", "备注"),
        ("无", "-", "-"),
    )
    answer = await preview(fresh, sheet, "SUPPLIERS")
    assert (answer["rows"], answer["created"], answer["errors"]) == (2, 2, [])
    assert answer["unusedColumns"] == []
