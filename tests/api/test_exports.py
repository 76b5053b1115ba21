"""Exports: requested, made by a worker, fetched by a signed link, and equal to the report."""

import asyncio
import csv
import io
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import uuid4
from xml.etree.ElementTree import fromstring as xml
from zoneinfo import ZoneInfo

import jwt
import pytest

from app.db.core.unit import Database
from app.domain.reports.export_run import run_exports
from app.jobs.exports import serve_exports
from tests.conftest import SECRET
from tests.support.api import Desk
from tests.support.exports import (
    REQUEST,
    content_of,
    exported,
    read_export,
    request_export,
    rows_of,
    tenant_of,
    workbook_of,
)
from tests.support.identity import SET_ROLE, eventually
from tests.support.sheets import preview

HOSTILE = [
    '=HYPERLINK("http://x","y")',
    "+86 米",
    "-1+2",
    "@SUM(A1)",
    "＝1+1",
    "0017",
    "6901234567892",
    "90.750",
    "#N/A",
    "TRUE",
    "2026-01-02",
    "x" * 99,
]


async def test_levels_as_a_workbook(office: Any, db: Database) -> None:
    desk, files = office
    desk.products.clear()
    for number, name in enumerate(HOSTILE):
        await desk.product(name, sku=f"00{number}", unit="kg", barcodes=[f"69012345{number:05d}"])
        lines = [await desk.line(name, "90.750", unitCost="1.25")]
        await desk.do("receive", storeId=desk.store, lines=lines)
    export = await exported(desk, db, files, report="LEVELS")
    assert export["state"] == "READY", export
    assert (export["progress"], export["rows"]) == (100, len(HOSTILE))
    assert export["fileName"].startswith("库存报表 ")
    book = await workbook_of(desk, export)
    assert book.sheetnames == ["明细", "汇总"]
    page = book["明细"]
    *rows, total = rows_of(page)
    assert {row["商品名称"] for row in rows} == set(HOSTILE)
    assert {row["货号"] for row in rows} == {f"00{number}" for number in range(len(HOSTILE))}
    assert [row["条码"] for row in rows if len(row["条码"]) != 13] == []
    assert {row["现有"] for row in rows} == {90.75}
    assert {row["库存金额"] for row in rows} == {113.4375}
    assert isinstance(rows[0]["最近入库"], datetime)
    titles = [cell.value for cell in page[1]]
    letter = page.cell(1, titles.index("库存金额") + 1).column_letter
    assert total["库存金额"] == f"=SUBTOTAL(109,{letter}2:{letter}{len(rows) + 1})"
    formulas = [c for line in page.iter_rows() for c in line if c.data_type == "f"]
    assert [cell.row for cell in formulas] == [len(rows) + 2]
    assert (page.freeze_panes, page.print_title_rows) == ("A2", "$1:$1")
    assert page.auto_filter.ref.endswith(str(len(rows) + 1))
    assert (page.page_setup.paperSize, page.page_setup.fitToHeight) == (9, 0)
    summary = book["汇总"]
    values = {line[0].value: line[1].value for line in summary.iter_rows(max_col=2)}
    assert values["库存金额"] == f"=SUM('明细'!{letter}2:{letter}{len(rows) + 1})"
    assert values["未分类"] == sum(row["库存金额"] for row in rows)
    shapes = [type(chart).__name__ for chart in summary._charts]
    assert (shapes, summary.page_setup.paperSize) == (["BarChart", "PieChart"], 9)


async def test_levels_as_csv_in_english(office: Any, db: Database) -> None:
    desk, files = office
    desk.asking.http.headers["accept-language"] = "en"
    try:
        export = await exported(desk, db, files, report="LEVELS", format="CSV")
    finally:
        del desk.asking.http.headers["accept-language"]
    content = await content_of(desk, export)
    assert content.startswith(b"\xef\xbb\xbf")
    rows = list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"))))
    names = {row["Product"] for row in rows}
    assert names == {f"'{name}" if name[0] in "=+-@＝" else name for name in HOSTILE}
    assert {row["On hand"] for row in rows} == {"90.75"}


async def test_sales_equal_the_report(office: Any, db: Database) -> None:
    desk, files = office
    sold = await desk.product("苹果", sku="A-1", unit="个", price="3.50")
    bought = [await desk.line("苹果", 100, unitCost="1.1111")]
    await desk.do("receive", storeId=desk.store, lines=bought)
    lines = [{"productId": sold, "quantity": "7"}]
    await desk.do("sell", storeId=desk.store, lines=lines)
    today = datetime.now(UTC).date()
    period = {"since": str(today - timedelta(days=1)), "until": str(today + timedelta(days=1))}
    query = """query($since: Date!, $until: Date!) {
      salesReport(since: $since, until: $until, groupBy: PRODUCT) {
        total { revenue cost margin } rows { product { sku } figures { revenue cost sold } }
      }
    }"""
    report = await desk.ask(query, **period)
    book = await workbook_of(
        desk, await exported(desk, db, files, report="SALES", groupBy="PRODUCT", **period)
    )
    *rows, total = rows_of(book["明细"])
    assert [row["货号"] for row in rows] == [each["product"]["sku"] for each in report["rows"]]
    assert rows[0]["销售额"] == float(report["total"]["revenue"]) == 24.5
    assert rows[0]["成本"] == float(report["total"]["cost"])
    assert rows[0]["毛利率"] == pytest.approx((24.5 - rows[0]["成本"]) / 24.5)
    assert total["毛利率"].startswith("=IF(")
    by_day = await workbook_of(desk, await exported(desk, db, files, report="SALES", **period))
    *rows, _ = rows_of(by_day["明细"])
    assert [type(row["日期"]) for row in rows] == [datetime]
    assert sum(row["销售额"] for row in rows) == 24.5
    losses = await exported(desk, db, files, report="LOSSES", **period)
    assert (losses["state"], losses["rows"]) == ("READY", 0)
    assert rows_of((await workbook_of(desk, losses))["明细"]) == []


async def test_movements_line_by_line(office: Any, db: Database) -> None:
    desk, files = office
    batch = {"batchNo": "00123", "expiresOn": "2099-01-31", "unitCost": "2"}
    await desk.product("酸奶", sku="0042", tracksBatches=True, price="5")
    lines = [await desk.line("酸奶", 4, **batch)]
    note = {"note": "=1+1", "document": "0001"}
    await desk.do("receive", storeId=desk.store, lines=lines, **note)
    await desk.do("sell", storeId=desk.store, lines=[await desk.line("酸奶", 1)])
    today = datetime.now(UTC).date()
    period = {"since": str(today - timedelta(days=1)), "until": str(today + timedelta(days=1))}
    export = await exported(desk, db, files, report="MOVEMENTS", **period)
    rows = rows_of((await workbook_of(desk, export))["明细"])
    query = "{ movements(first: 200) { nodes { id lines { quantity } } } }"
    moved = (await desk.ask(query))["nodes"]
    written = [(m["id"], float(line["quantity"])) for m in moved for line in m["lines"]]
    assert sorted((row["单据编号"], row["数量"]) for row in rows if row["单据编号"]) == sorted(
        written
    )
    bought, sold = [row for row in rows if row["货号"] == "0042"]
    assert (bought["批号"], bought["备注"], bought["单号"]) == ("00123", "=1+1", "0001")
    assert (bought["从"], bought["到"]) == ("供应商", "货架")
    assert bought["到期日"].date() == date(2099, 1, 31)
    assert (sold["单据类型"], sold["渠道"], sold["金额"], sold["成本"]) == ("销售", "门店", 5, 2)
    earlier = {"since": "2026-01-01", "until": "2026-01-02"}
    none = await exported(desk, db, files, report="MOVEMENTS", **earlier)
    assert none["rows"] == 0


async def test_batches_by_days_left(office: Any, db: Database) -> None:
    desk, files = office
    today = datetime.now(ZoneInfo("Asia/Shanghai")).date()
    await desk.product("鲜奶", sku="0043", tracksBatches=True)
    for days in (-1, 3, 40):
        expires = {"expiresOn": str(today + timedelta(days=days)), "unitCost": "1.5"}
        lines = [await desk.line("鲜奶", 10, batchNo=f"B{days}", **expires)]
        await desk.do("receive", storeId=desk.store, lines=lines)
    export = await exported(desk, db, files, report="EXPIRY")
    *rows, total = rows_of((await workbook_of(desk, export))["明细"])
    assert [(row["批号"], row["剩余天数"], row["临期金额"]) for row in rows] == [
        ("B-1", -1, 15),
        ("B3", 3, 15),
    ]
    assert total["临期金额"].startswith("=SUBTOTAL(109,")
    wider = await exported(desk, db, files, report="EXPIRY", withinDays=60, format="CSV")
    assert wider["rows"] == 3


async def test_reports_of_stock_equal_their_queries(office: Any, db: Database) -> None:
    desk, files = office
    today = datetime.now(UTC).date()
    period = {"since": str(today - timedelta(days=1)), "until": str(today + timedelta(days=1))}
    query = """query($since: Date!, $until: Date!) {
      turnoverReport(since: $since, until: $until, groupBy: PRODUCT, first: 200) {
        total { openingValue closingValue consumed turns } } }"""
    turned = (await desk.ask(query, **period))["total"]
    export = await exported(desk, db, files, report="TURNOVER", groupBy="PRODUCT", **period)
    *rows, total = rows_of((await workbook_of(desk, export))["明细"])
    sums = {name: sum(row[name] for row in rows) for name in ("期初金额", "期末金额", "消耗成本")}
    assert sums == pytest.approx(
        {
            "期初金额": float(turned["openingValue"]),
            "期末金额": float(turned["closingValue"]),
            "消耗成本": float(turned["consumed"]),
        }
    )
    assert total["周转次数"].startswith("=IF(")
    worth = (await desk.ask("{ stockValue { total { value levels } } }"))["total"]
    export = await exported(desk, db, files, report="STOCK_VALUE", groupBy="CATEGORY")
    book = await workbook_of(desk, export)
    *rows, _ = rows_of(book["明细"])
    assert sum(row["库存金额"] for row in rows) == pytest.approx(float(worth["value"]))
    assert sum(row["在库数"] for row in rows) == worth["levels"]
    slow = await exported(desk, db, files, report="SLOW_MOVERS")
    assert (slow["state"], slow["rows"]) == ("READY", 0), "all of it has just arrived"
    chart = await desk.ask(CHART, report="STOCK_VALUE")
    assert chart["title"] == "库存金额（元）"


CHART = """query($report: ExportReport!, $since: Date, $until: Date, $groupBy: ExportGroupBy,
    $stores: [UUID!]) {
  chart(report: $report, since: $since, until: $until, groupBy: $groupBy, storeIds: $stores) {
    title svg } }"""


async def test_charts_need_no_font(office: Any, outsider: Desk) -> None:
    desk, _ = office
    today = datetime.now(UTC).date()
    period = {"since": str(today - timedelta(days=1)), "until": str(today + timedelta(days=1))}
    await desk.product("汽水$1$", sku="0044", price="3")
    await desk.do(
        "receive", storeId=desk.store, lines=[await desk.line("汽水$1$", 9, unitCost="1")]
    )
    await desk.do("sell", storeId=desk.store, lines=[await desk.line("汽水$1$", 2)])
    charts = {
        report: await desk.ask(CHART, report=report, **more)
        for report, more in {
            "SALES": {**period, "groupBy": "PRODUCT"},
            "LOSSES": period,
            "LEVELS": {},
            "EXPIRY": {},
        }.items()
    }
    assert [chart["title"] for chart in charts.values()] == [
        "销售额（元）",
        "损耗（元）",
        "各分类库存金额（元）",
        "临期金额（元）",
    ]
    for chart in charts.values():
        assert xml(chart["svg"]).tag == "{http://www.w3.org/2000/svg}svg"
        assert "<text" not in chart["svg"]
    # matplotlib notes beside the outlines what they say.
    assert "<!-- 汽水$1$ -->" in charts["SALES"]["svg"]
    assert "<!-- 没有数据 -->" in charts["LOSSES"]["svg"]
    seen = await desk.asking(CHART, desk.cashier, report="LEVELS")
    assert seen["title"] == "各状态商品数"
    assert await desk.asking.code(CHART, desk.cashier, report="SALES", **period) == "FORBIDDEN"
    assert await outsider.ask(CHART, report="LEVELS", stores=[desk.store]) is None
    assert await desk.asking.code(CHART, desk.owner, report="MOVEMENTS", **period) == "BAD_INPUT"


async def test_the_job_makes_what_is_requested(office: Any, db: Database) -> None:
    desk, files = office
    export = await request_export(desk, report="LEVELS")

    async def is_ready() -> bool:
        return (await read_export(desk, export["id"]))["state"] == "READY"

    job = asyncio.create_task(serve_exports(db, files))
    try:
        await eventually(is_ready, 30)
    finally:
        job.cancel()
        await asyncio.gather(job, return_exceptions=True)


async def test_only_the_requester_sees_it(office: Any, db: Database, outsider: Desk) -> None:
    desk, files = office
    export = await exported(desk, db, files, by=desk.cashier, report="LEVELS")
    titles = [cell.value for cell in (await workbook_of(desk, export))["明细"][1]]
    assert not {"平均成本", "库存金额"} & set(titles)
    assert await read_export(desk, export["id"]) is None
    assert await read_export(desk, export["id"], outsider.owner) is None
    feed = "subscription($id: UUID!) { exportFeed(exportId: $id) { exports { state } } }"
    assert await desk.asking.code(feed, desk.owner, id=export["id"]) == "BAD_INPUT"
    for report in ("SALES", "LOSSES"):
        day = {"since": "2026-01-01", "until": "2026-01-02"}
        input = {"key": str(uuid4()), "report": report, **day}
        assert await desk.asking.code(REQUEST, desk.cashier, input=input) == "FORBIDDEN"


async def test_one_key_is_one_export(office: Any, db: Database) -> None:
    desk, files = office
    input = {"key": str(uuid4()), "report": "LEVELS"}
    first, again = [await request_export(desk, **input) for _ in range(2)]
    assert first["id"] == again["id"]
    # The owner's file has costs: the same request of a cashier is another one.
    assert (await request_export(desk, by=desk.cashier, **input))["code"] == "KEY_REUSED"
    assert (await request_export(desk, **{**input, "format": "CSV"}))["code"] == "KEY_REUSED"
    await run_exports(db, files, tenant_of(desk))


async def test_other_links_lead_nowhere(office: Any, db: Database) -> None:
    desk, files = office
    export, other = [await exported(desk, db, files, report="LEVELS") for _ in range(2)]
    address, _, token = export["url"].partition("?token=")
    claims = {"aud": "kucun.exports", "sub": f"{tenant_of(desk)}/{export['id']}", "exp": 2**33}
    assert (await desk.asking.http.get(export["url"])).status_code == 200
    elsewhere = f"{uuid4()}/{export['id']}"
    for bad in (
        address,
        f"{address}?token=",
        f"{address}?token={token[:-3]}",
        f"{address}?token={desk.owner}",
        f"{address}?token={other['url'].partition('?token=')[2]}",
        f"{address}?token={jwt.encode({**claims, 'exp': 1}, SECRET, 'HS256')}",
        f"{address}?token={jwt.encode(claims, 'x' * 32, 'HS256')}",
        f"{address}?token={jwt.encode({**claims, 'sub': 'x'}, SECRET, 'HS256')}",
        f"{address}?token={jwt.encode({**claims, 'sub': elsewhere}, SECRET, 'HS256')}",
    ):
        assert (await desk.asking.http.get(bad)).status_code == 403, bad


@pytest.mark.parametrize(
    ("input", "path"),
    [
        ({"report": "SALES"}, "since"),
        ({"report": "SALES", "since": "2026-01-01"}, "until"),
        ({"report": "SALES", "since": "2026-01-02", "until": "2026-01-01"}, "until"),
        ({"report": "LOSSES", "since": "2024-01-02", "until": "2026-01-01"}, "until"),
        ({"report": "LEVELS", "groupBy": "DAY"}, "groupBy"),
        ({"report": "MOVEMENTS"}, "since"),
        ({"report": "EXPIRY", "withinDays": -1}, "withinDays"),
    ],
)
async def test_what_a_report_does_not_have(office: Any, input: dict[str, Any], path: str) -> None:
    desk, _ = office
    values = {"key": str(uuid4()), **input}
    answer = await desk.asking.raw(REQUEST, desk.owner, input=values)
    [error] = answer["errors"]
    assert error["extensions"]["code"] == "BAD_INPUT"
    assert error["extensions"]["path"] == ["input", path]


async def test_an_exported_catalog_is_imported_unchanged(office: Any, db: Database) -> None:
    desk, files = office
    export = await exported(desk, db, files, report="PRODUCTS")
    answer = await preview(desk, await content_of(desk, export))
    assert answer["errors"] == []
    assert answer["unchanged"] == export["rows"] >= len(HOSTILE)


async def test_rights_are_those_of_now(office: Any, db: Database) -> None:
    """A manager who becomes a cashier before the file is made gets no costs in it."""
    desk, files = office
    await desk.receive("米", 1)
    person, tokens = await desk.chain.hired(role="MANAGER")
    token, period = tokens["accessToken"], {"since": "2026-01-01", "until": "2026-01-31"}
    shown = await request_export(desk, token, report="LEVELS")
    refused = await request_export(desk, token, report="LOSSES", **period)
    stores = [str(desk.store)]
    role = await desk.chain.do(SET_ROLE, staffId=person["id"], role="CASHIER", storeIds=stores)
    assert role["role"] == "CASHIER"
    await run_exports(db, files, tenant_of(desk))
    ready = await read_export(desk, shown["id"], token)
    rows = rows_of((await workbook_of(desk, ready))["明细"])
    assert [title for title in rows[0] if title in ("成本单价", "库存金额")] == []
    ended = await read_export(desk, refused["id"], token)
    assert (ended["state"], ended["failure"]) == ("FAILED", "FORBIDDEN")
