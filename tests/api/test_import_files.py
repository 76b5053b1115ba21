"""Files of imports: annotated copies with red cells, and templates."""

from io import BytesIO
from typing import Any

import openpyxl
import pytest

from tests.support.api import Desk
from tests.support.identity import REMOVE
from tests.support.sheets import csv, preview, saved, upload, workbook

ANNOTATED = """query($file: UUID!, $kind: ImportKind!) {
  previewImport(fileId: $file, kind: $kind) { ... on ImportPreview { annotatedUrl faulty } }
}"""
TEMPLATES = "{ importTemplates { kind fileName url fields requiredFields } }"
HEADERS = ("货号", "品名", "单位", "售价（元）")
ROWS = (
    ("0017", "东北大米", "袋", 39.9),
    ("A2", "", "袋", "三元"),
    ("@A3", "油", "瓶", 5),
    ("合计", "", "", 44.9),
)


async def annotated(desk: Desk, content: bytes) -> Any:
    file = (await upload(desk, content)).json()["fileId"]
    url = (await desk.ask(ANNOTATED, file=file, kind="PRODUCTS"))["annotatedUrl"]
    if url is None:
        return None
    assert url.startswith(str(desk.asking.http.base_url).rstrip("/"))
    response = await desk.asking.http.get(url)
    assert response.status_code == 200, response.text
    return openpyxl.load_workbook(BytesIO(response.content)).active


@pytest.mark.parametrize("write", [workbook, csv])
async def test_an_annotated_file_shows_the_errors(fresh: Desk, write: Any) -> None:
    page = await annotated(fresh, write(("商品表",), HEADERS, *ROWS))
    red = {
        c.coordinate for row in page.iter_rows() for c in row if c.fill.fgColor.rgb == "00FF9999"
    }
    assert red == {"B4", "D4"}
    assert page["E2"].value == "错误说明"
    assert page["E4"].value.splitlines() == ["D4: “三元”不是数字", "B4: 新商品须填写商品名称"]
    assert [page[f"E{row}"].value for row in (3, 5, 6)] == [None] * 3
    assert (page["A3"].value, page["A3"].number_format) == ("0017", "@")
    assert [cell.data_type for cell in page[5][:1]] == ["s"]
    # It is corrected and imported as it is.
    page["B4"], page["D4"] = "盐", 3
    answer = await preview(fresh, saved(page.parent))
    assert (answer["errors"], answer["created"]) == ([], 3)
    assert await annotated(fresh, write(HEADERS, ROWS[0])) is None


async def test_other_links_lead_nowhere(fresh: Desk) -> None:
    file = (await upload(fresh, workbook(HEADERS, ROWS[1]))).json()["fileId"]
    url = (await fresh.ask(ANNOTATED, file=file, kind="PRODUCTS"))["annotatedUrl"]
    address, _, token = url.partition("?token=")
    preview_token = (await preview(fresh, workbook(HEADERS, ROWS[1])))["token"]
    for bad in ("", token[:-3], preview_token, fresh.owner, "x" * 20_000):
        answer = await fresh.asking.http.get(f"{address}?token={bad}")
        assert answer.status_code == 403


async def test_a_removed_person_may_not_read_the_file(fresh: Desk) -> None:
    person, signed = await fresh.chain.hired(role="MANAGER", name="李店长")
    token = signed["accessToken"]
    file = (await upload(fresh, workbook(HEADERS, ROWS[1]), token)).json()["fileId"]
    url = (await fresh.ask(ANNOTATED, token, file=file, kind="PRODUCTS"))["annotatedUrl"]
    assert (await fresh.asking.http.get(url)).status_code == 200
    await fresh.chain.do(REMOVE, staffId=person["id"])
    assert (await fresh.asking.http.get(url)).status_code == 403


async def test_templates_are_read_by_their_import(fresh: Desk) -> None:
    listed = await fresh.ask(TEMPLATES)
    assert len(listed) == 6
    store = {"OPENING_STOCK": fresh.store, "THRESHOLDS": fresh.store}
    for each in listed:
        kind = each["kind"]
        content = (await fresh.asking.http.get(each["url"])).content
        empty = await preview(fresh, content, kind, store=store.get(kind))
        assert empty["reason"] == "NO_ROWS", empty
        book = openpyxl.load_workbook(BytesIO(content))
        page, example = book.worksheets
        headers = [cell.value for cell in page[1]]
        assert len(headers) == len(each["fields"])
        assert all(cell.comment for cell in page[1])
        for cell in example[2]:
            page[cell.coordinate].value = cell.value
        filled = await preview(fresh, saved(book), kind, store=store.get(kind))
        assert [column["field"] for column in filled["columns"]] == each["fields"]
        # The catalog is empty: nothing else is wrong.
        wrong = {error["field"] for error in filled["errors"]}
        assert wrong <= {"SKU", "DISH", "INGREDIENT", "INGREDIENT_SKU"}, filled["errors"]
        english = each["url"].replace("/zh/", "/en/")
        content = (await fresh.asking.http.get(english)).content
        book = openpyxl.load_workbook(BytesIO(content))
        book.worksheets[0].append(["x"] * len(headers))
        answer = await preview(fresh, saved(book), kind, store=store.get(kind))
        assert [column["field"] for column in answer["columns"]] == each["fields"]
    for path in ("zh/NOTHING", "fr/PRODUCTS"):
        answer = await fresh.asking.http.get(f"/imports/templates/{path}.xlsx")
        assert answer.status_code == 404
