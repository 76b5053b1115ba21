"""Queries that need one statement: one round trip, row security, and one moment if more follow."""

import asyncio
import random
from contextlib import suppress
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest

from app.db.core.read_pool import AUTO, ONE_PLAN, ReadConnection
from app.db.core.snapshot import Moved, Snapshot
from app.db.core.unit import Database
from app.run.embedded import Urls
from tests.api.test_catalog import sku
from tests.conftest import unheard
from tests.support.api import Desk

TENANT = "SELECT current_setting('app.tenant') AS tenant"
NAMED = """
query($sku: String!, $more: Boolean!) {
  product(sku: $sku) { name }
  stores @include(if: $more) { id }
}
"""


@pytest.fixture
async def narrow(urls: Urls) -> Any:
    """A database with two connections for reads."""
    database = Database(urls.database, unheard, pool_size=2)
    yield database
    await database.close()


async def read(db: Database, tenant: UUID | None, *texts: str, mode: str = AUTO) -> list[Any]:
    """The values of the statements, read by an operation that expects one of them."""
    async with db.snapshot() as snapshot:
        snapshot.expects_one = True
        return [(await snapshot.fetch(tenant, mode, text))[0][0] for text in texts]


async def test_each_read_has_its_own_tenant(narrow: Database, seed: str) -> None:
    dice, tenants = random.Random(seed), [None, *(uuid4() for _ in range(3))]

    async def read_some() -> None:
        for _ in range(60):
            tenant, mode = dice.choice(tenants), dice.choice((AUTO, ONE_PLAN))
            texts = [TENANT] * dice.choice((1, 1, 2))
            if dice.random() < 0.2:
                texts.insert(dice.randrange(len(texts) + 1), "SELECT 1 / 0")
            reading = asyncio.create_task(read(narrow, tenant, *texts, mode=mode))
            if dice.random() < 0.2:
                await asyncio.sleep(dice.random() / 500)
                reading.cancel()
            with suppress(asyncio.CancelledError, asyncpg.DivisionByZeroError):
                assert set(await reading) == {str(tenant or "")}

    await asyncio.gather(*(read_some() for _ in range(6)))


async def test_a_lone_statement_cannot_write(narrow: Database) -> None:
    with pytest.raises(asyncpg.ReadOnlySQLTransactionError):
        await read(narrow, uuid4(), "DELETE FROM products RETURNING 1")


async def test_a_second_statement_reads_at_the_moment_of_the_first(narrow: Database) -> None:
    count = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'passing'"
    assert await read(narrow, None, count, count) == [0, 0]


async def test_a_change_between_two_statements_is_noticed(narrow: Database, urls: Urls) -> None:
    text = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'passing'"
    async with narrow.snapshot() as snapshot:
        snapshot.expects_one = True
        await snapshot.fetch(None, AUTO, text)
        passing = await asyncpg.connect(urls.owner, server_settings={"application_name": "passing"})
        for _ in range(2):
            with pytest.raises(Moved):
                await snapshot.fetch(None, AUTO, "SELECT 1")
        await passing.close()
    assert snapshot.has_moved


@pytest.fixture
def lone(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The statements that were read without a transaction, tokens aside."""
    texts: list[str] = []
    fetch = ReadConnection.fetch_once

    async def counted(self: ReadConnection, tenant: Any, mode: str, text: str, *more: Any) -> Any:
        texts.append(text)
        return await fetch(self, tenant, mode, text, *more)

    monkeypatch.setattr(ReadConnection, "fetch_once", counted)
    return texts


async def name_of(desk: Desk, number: str, more: bool = False) -> str:
    """The product's name; `more` needs another statement."""
    answer = await desk.asking.raw(NAMED, desk.manager, sku=number, more=more)
    assert len(answer["data"]) == 1 + more
    return answer["data"]["product"]["name"]


async def test_a_query_learns_that_it_needs_one_statement(desk: Desk, lone: list[str]) -> None:
    number = sku()
    await desk.do("createProduct", sku=number, name="盐", unit="袋")
    for _ in range(3):
        assert await name_of(desk, number) == "盐"
    assert len(lone) in (2, 3)


async def test_a_query_runs_again_if_the_data_has_changed(
    desk: Desk, lone: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    number = sku()
    product = (await desk.do("createProduct", sku=number, name="盐", unit="袋"))["id"]
    assert await name_of(desk, number) == "盐"
    begin, names = Snapshot._begin, iter(("粗盐", "细盐"))

    async def rename_first(self: Snapshot, *parts: Any) -> Any:
        if self._lone is not None:
            await desk.do("updateProduct", productId=product, name=next(names))
        return await begin(self, *parts)

    monkeypatch.setattr(Snapshot, "_begin", rename_first)
    assert await name_of(desk, number, more=True) == "粗盐"
    assert next(names) == "细盐"
    assert lone
