"""Bulk queries: whole lists as JSON Lines, equal to what the queries return."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import orjson
import pytest

from app.db.core.unit import Database
from app.domain.reports.export_run import run_exports
from app.domain.reports.exports import ExportFiles
from app.platforms.image_store import Bucket, open_store
from app.run.embedded import Urls
from tests.api.conftest import served
from tests.conftest import SECRET
from tests.support.api import Desk, a_desk
from tests.support.exports import EXPORT, REQUEST, content_of, read_export, tenant_of
from tests.support.identity import CREATE_KEY, CREATE_STORE, a_chain

BULK = f"""
mutation($input: BulkQueryInput!) {{ bulkQuery(input: $input) {{
  ... on Export {{ {EXPORT} requestedAt }} ... on Problem {{ code message }}
}} }}
"""
PRODUCTS = """{ products(first: 200) { nodes {
  id sku name spec unit kind price imageUrl tracksBatches shelfLifeDays expiryWarningDays
  reorderPoint archivedAt category { id path } barcodes { code packQuantity }
} } }"""
LEVELS = """{ levels(first: 200) { nodes {
  store { id code name } product { id sku name unit } onHand available reserved quarantined
  incoming reorderPoint status version lastReceivedAt unitCost value
} } }"""
MOVEMENTS = """{ movements(first: 200) { nodes {
  id kind store { id code name } actor { id name } channel document reason note occurredAt
  recordedAt businessDate timezone reverses { id } sale { id }
  lines { product { id sku name unit } batch { number expiresOn } quantity
    from { store { id } bin } to { store { id } bin } price discount amount unitCost cost }
} } }"""


@pytest.fixture(scope="module")
async def stocked(urls: Urls, db: Database, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A desk with 120 products, batches, a sale and its reversal, and an archived product."""
    data: Path = tmp_path_factory.mktemp("bulk")
    async with served(urls, data=data) as asking:
        desk = await a_desk(await a_chain(db, asking))
        desk.products.clear()
        for number in range(120):
            await desk.product(f"商品{number}", sku=f"00{number}", unit="kg", price="3.5")
        await desk.product("牛奶", barcodes=["6901234567892"], tracksBatches=True, price="7")
        batch = {"batchNo": "007", "expiresOn": "2099-01-31", "unitCost": "1.2345"}
        lines = [await desk.line("牛奶", 5, **batch), await desk.line("商品3", "1.5")]
        await desk.do("receive", storeId=desk.store, lines=lines, note="电话 13812345678")
        sale = await desk.do("sell", storeId=desk.store, lines=[await desk.line("牛奶", 2)])
        await desk.do("reverse", movementId=sale["id"])
        await desk.do("archiveProduct", productId=desk.products["商品7"])
        yield desk, ExportFiles(open_store("", data / "exports", Bucket("", "", "", "")), SECRET)


async def bulk(stocked: Any, db: Database, kind: str, by: str | None = None, **filter: Any) -> Any:
    """The rows of a bulk query, once its file is made."""
    desk, files = stocked
    input = {"key": str(uuid4()), "kind": kind, "filter": filter}
    export = await desk.asking(BULK, by or desk.owner, input=input)
    assert "id" in export, export
    await run_exports(db, files, tenant_of(desk))
    export = await read_export(desk, export["id"], by)
    assert (export["state"], export["format"], export["report"]) == ("READY", "JSONL", kind)
    assert export["fileName"].endswith(".jsonl")
    rows = [orjson.loads(line) for line in (await content_of(desk, export)).splitlines()]
    assert len(rows) == export["rows"]
    return rows


def in_order(rows: Any) -> list[Any]:
    return sorted(rows, key=lambda row: row.get("id") or row["product"]["id"])


async def test_the_rows_are_those_of_the_queries(stocked: Any, db: Database) -> None:
    desk, _ = stocked
    active: dict[str, Any] = {"archived": False}
    lists: tuple[tuple[str, str, dict[str, Any]], ...] = (
        ("PRODUCTS", PRODUCTS, active),
        ("LEVELS", LEVELS, active),
        ("MOVEMENTS", MOVEMENTS, {}),
    )
    for kind, query, filter in lists:
        expected = (await desk.ask(query))["nodes"]
        rows = await bulk(stocked, db, kind, **filter)
        assert in_order(rows) == in_order(expected), kind
    assert len(await bulk(stocked, db, "PRODUCTS")) == 121
    [archived] = await bulk(stocked, db, "PRODUCTS", archived=True)
    assert archived["name"] == "商品7"


async def test_what_changed_since_a_moment(stocked: Any, db: Database) -> None:
    desk, _ = stocked
    now = (datetime.now(UTC) + timedelta(milliseconds=1)).isoformat()
    await desk.do("updateProduct", productId=desk.products["商品9"], name="新名")
    await desk.do("receive", storeId=desk.store, lines=[await desk.line("商品11", 2)])
    changed = await bulk(stocked, db, "PRODUCTS", updatedSince=now)
    assert [row["name"] for row in changed] == ["新名"]
    levels = await bulk(stocked, db, "LEVELS", updatedSince=now)
    assert "商品11" in {row["product"]["name"] for row in levels}
    [movement] = await bulk(stocked, db, "MOVEMENTS", since=now)
    assert movement["kind"] == "RECEIPT"
    assert len(await bulk(stocked, db, "MOVEMENTS", until=now)) == 3


async def test_who_sees_which_rows(stocked: Any, db: Database, outsider: Desk) -> None:
    desk, files = stocked
    other = (await desk.chain.do(CREATE_STORE, code=uuid4().hex, name="西店"))["id"]
    await desk.do("receive", storeId=other, lines=[await desk.line("商品5", 2, unitCost="1")])
    rows = await bulk(stocked, db, "LEVELS", by=desk.cashier)
    assert {row["store"]["id"] for row in rows} == {desk.store}
    assert {row["value"] for row in rows} == {None}
    moved = await bulk(stocked, db, "MOVEMENTS", by=desk.cashier)
    assert {line["cost"] for row in moved for line in row["lines"]} == {None}
    elsewhere = await bulk(stocked, db, "LEVELS", storeIds=[other])
    assert [row["product"]["name"] for row in elsewhere] == ["商品5"]
    input = {"key": str(uuid4()), "kind": "LEVELS", "filter": {"storeIds": [other]}}
    for by in (desk.cashier, outsider.owner):
        assert (await desk.asking(BULK, by, input=input))["code"] == "UNKNOWN_STORE"
    first, again = [await desk.asking(BULK, desk.owner, input=input) for _ in range(2)]
    assert first["id"] == again["id"]
    changed = {**input, "kind": "MOVEMENTS"}
    assert (await desk.asking(BULK, desk.owner, input=changed))["code"] == "KEY_REUSED"
    await run_exports(db, files, tenant_of(desk))


async def test_an_api_key_needs_the_scope_of_the_list(stocked: Any, db: Database) -> None:
    desk, _ = stocked
    scopes = (["STOCK_READ"], ["STOCK_READ", "CATALOG_READ"], ["CATALOG_READ"])
    keys = [await api_key(desk, *each) for each in scopes]
    assert {row["value"] for row in await bulk(stocked, db, "LEVELS", by=keys[0])} == {None}
    input = {"key": str(uuid4()), "kind": "PRODUCTS"}
    for key in (keys[0], keys[2]):
        assert await desk.asking.code(BULK, key, input=input) == "FORBIDDEN"
    assert len(await bulk(stocked, db, "PRODUCTS", by=keys[1])) == 121


async def api_key(desk: Desk, *scopes: str) -> str:
    created = await desk.chain.do(CREATE_KEY, name=uuid4().hex, scopes=list(scopes))
    return created["secret"]


@pytest.mark.parametrize(
    ("kind", "filter", "path"),
    [
        ("PRODUCTS", {"since": "2026-01-01T00:00:00Z"}, "since"),
        ("PRODUCTS", {"storeIds": [str(uuid4())]}, "storeIds"),
        ("LEVELS", {"until": "2026-01-01T00:00:00Z"}, "until"),
        ("MOVEMENTS", {"updatedSince": "2026-01-01T00:00:00Z"}, "updatedSince"),
        ("MOVEMENTS", {"archived": False}, "archived"),
    ],
)
async def test_filters_that_a_list_does_not_have(
    stocked: Any, kind: str, filter: dict[str, Any], path: str
) -> None:
    desk, _ = stocked
    input = {"key": str(uuid4()), "kind": kind, "filter": filter}
    [error] = (await desk.asking.raw(BULK, desk.owner, input=input))["errors"]
    assert error["extensions"]["code"] == "BAD_INPUT"
    assert error["extensions"]["path"] == ["input", "filter", path]


async def test_json_lines_are_of_bulk_queries_only(stocked: Any) -> None:
    desk, _ = stocked
    input = {"key": str(uuid4()), "report": "LEVELS", "format": "JSONL"}
    assert await desk.asking.code(REQUEST, desk.owner, input=input) == "BAD_INPUT"
