"""An import whose worker is killed at each step: another goes on, and nothing is written twice."""

from typing import Any

from sqlalchemy import update

from app.db.tables import Import
from app.domain.movements.record import Books
from app.run.embedded import Urls
from tests.support.api import Desk
from tests.support.identity import eventually
from tests.support.importer import importer
from tests.support.sheets import PROGRESS, commit, counts, finished, imported, preview, workbook

ROWS = 600
DISHES = 70
HEADERS = ("货号", "品名", "单位")


async def killed(books: Books, desk: Desk, urls: Urls, id: str, after: int) -> None:
    """Runs a worker of its own until so many rows are done, then kills it, and ends its lease."""
    tenant = desk.chain.founded.tenant.tenant_id
    with importer(tenant, urls.database) as process:

        async def is_done() -> bool:
            done = (await desk.ask(PROGRESS, id=id))["done"]
            return done >= after or not process.is_alive()

        await eventually(is_done, 30)
    async with books.db.unit(tenant) as unit:
        await unit.session.execute(update(Import).values(leased_until=unit.now))


async def go_on(books: Books, desk: Desk, urls: Urls, sheet: bytes, kind: str) -> Any:
    """The import of the sheet, done by workers that are killed and one that is not."""
    token = (await preview(desk, sheet, kind))["token"]
    id = (await commit(desk, token))["id"]
    for after in (1, 251):
        await killed(books, desk, urls, id, after)
    return await finished(books, desk, token)


async def test_suppliers_are_created_once_by_workers_that_are_killed(
    books: Books, fresh: Desk, urls: Urls
) -> None:
    sheet = workbook(("供应商", "交期"), *((f"供应商{i}", i % 7) for i in range(ROWS)))
    progress = await go_on(books, fresh, urls, sheet, "SUPPLIERS")
    assert counts(progress) == (ROWS, 0, 0, 0)
    assert (await preview(fresh, sheet, "SUPPLIERS"))["unchanged"] == ROWS


async def test_recipes_are_set_once_by_workers_that_are_killed(
    books: Books, fresh: Desk, urls: Urls
) -> None:
    goods = [(f"G{i}", f"原料{i}", "kg") for i in range(8)]
    await imported(books, fresh, workbook(HEADERS, *goods))
    for i in range(DISHES):
        await fresh.do("createProduct", sku=f"D{i}", name=f"菜{i}", unit="份", kind="DISH")
    # The rows name a dish by its code or by its name; those of one dish are written together.
    rows = [
        (f"D{i}" if part % 2 else "", f"菜{i}", f"G{part}", "50g")
        for i in range(DISHES)
        for part in range(8)
    ]
    sheet = workbook(("菜品编码", "菜品", "原料", "用量"), *rows)
    progress = await go_on(books, fresh, urls, sheet, "RECIPES")
    assert counts(progress) == (len(rows), 0, 0, 0)
    fields = "recipe { version components { loss } }"
    query = f"{{ products(first: 100, kind: DISH) {{ nodes {{ {fields} }} }} }}"
    recipes = [dish["recipe"] for dish in (await fresh.ask(query))["nodes"]]
    assert [(each["version"], len(each["components"])) for each in recipes] == [(1, 8)] * DISHES


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
