"""An import whose worker is killed at each step: another goes on, and nothing is written twice."""

import pytest
from sqlalchemy import update

from app.db.tables import Import
from app.domain.movements.record import Books
from app.run.embedded import Urls
from tests.support.api import Desk
from tests.support.identity import eventually
from tests.support.importer import importer
from tests.support.sheets import PROGRESS, commit, counts, finished, imported, preview, workbook

ROWS, DISHES = 600, 30
HEADERS = ("货号", "品名", "单位")


async def killed(books: Books, desk: Desk, urls: Urls, id: str, after: int) -> None:
    """Runs a worker of its own until so many rows are done, then kills it, and ends its lease."""
    tenant = desk.chain.founded.tenant.tenant_id
    with importer(tenant, urls.database) as process:

        async def is_done() -> bool:
            done = (await desk.ask(PROGRESS, id=id))["done"]
            return done >= after or process.poll() is not None

        await eventually(is_done, 30)
    async with books.db.unit(tenant) as unit:
        await unit.session.execute(update(Import).values(leased_until=unit.now))


async def test_opening_stock_is_booked_once_by_workers_that_are_killed(
    books: Books, fresh: Desk, urls: Urls
) -> None:
    goods = [(f"S{i:04}", f"商品{i}", "个") for i in range(ROWS)]
    await imported(books, fresh, workbook(HEADERS, *goods))
    sheet = workbook(("货号", "库存"), *((sku, "2") for sku, *_ in goods))
    more = {"store": fresh.store}
    token = (await preview(fresh, sheet, "OPENING_STOCK", **more))["token"]
    id = (await commit(fresh, token))["id"]
    for after in (0, 1, 251):
        await killed(books, fresh, urls, id, after)
    progress = await finished(books, fresh, token)
    # A step that was posted before the kill counts as what it did.
    assert counts(progress)[:3] == (ROWS, 0, 0), progress
    assert progress["failures"] == []
    query = "query($s: UUID!) { movements(storeId: $s) { nodes { lines { quantity } } } }"
    moved = (await fresh.ask(query, s=fresh.store))["nodes"]
    lines = [line["quantity"] for movement in moved for line in movement["lines"]]
    assert lines == ["2"] * ROWS
    assert (await preview(fresh, sheet, "OPENING_STOCK", **more))["unchanged"] == ROWS
    reversal = """mutation($input: ReverseImportInput!) { reverseImport(input: $input) {
      ... on Import { reversedAt } ... on Problem { message } } }"""
    undone = await fresh.ask(reversal, input={"key": id, "importId": id})
    assert undone["reversedAt"]
    again = await preview(fresh, sheet, "OPENING_STOCK", **more)
    assert again["created"] == ROWS


@pytest.mark.wide
async def test_suppliers_and_recipes_are_written_once_by_workers_that_are_killed(
    books: Books, fresh: Desk, urls: Urls
) -> None:
    goods = [(f"R{i:04}", f"原料{i}", "个") for i in range(2)]
    dishes = [(f"D{i:04}", f"菜{i}", "份") for i in range(DISHES)]
    await imported(books, fresh, workbook(HEADERS, *goods))
    for sku, name, unit in dishes:
        await fresh.product(name, unit=unit, sku=sku, kind="DISH")
    suppliers = workbook(("供应商", "电话"), *((f"供应商{i}", "13800138000") for i in range(ROWS)))
    recipes = workbook(
        ("菜品", "配料", "用量"), *((dish, sku, "2") for dish, *_ in dishes for sku, *_ in goods)
    )
    for sheet, kind, rows, stops in (
        (suppliers, "SUPPLIERS", ROWS, (0, 1, 251)),
        (recipes, "RECIPES", DISHES * len(goods), (0, 1, 21)),
    ):
        token = (await preview(fresh, sheet, kind))["token"]
        id = (await commit(fresh, token))["id"]
        for after in stops:
            await killed(books, fresh, urls, id, after)
        progress = await finished(books, fresh, token)
        assert (counts(progress)[:3], progress["failures"]) == ((rows, 0, 0), []), progress
        again = await preview(fresh, sheet, kind)
        assert (again["created"], again["changed"], again["unchanged"]) == (0, 0, rows)
    assert (await fresh.ask("{ suppliers { totalCount } }"))["totalCount"] == ROWS
    recipe = (
        "query($sku: String!) { product(sku: $sku) { recipe { version components { loss } } } }"
    )
    for dish, *_ in dishes:
        written = (await fresh.ask(recipe, sku=dish))["recipe"]
        assert (written["version"], len(written["components"])) == (1, len(goods))
