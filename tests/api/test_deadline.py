"""An operation that takes too long is UNAVAILABLE, and leaves no transaction open."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import asyncpg
import pytest

from app.run.embedded import Urls
from tests.api.conftest import served
from tests.support.api import Desk, mutation
from tests.support.identity import Asking, eventually

OPEN = """
SELECT count(*) FROM pg_stat_activity
WHERE datname = current_database() AND application_name = 'kucun' AND xact_start IS NOT NULL
"""


@pytest.fixture
async def hasty(urls: Urls) -> AsyncIterator[Asking]:
    """A server whose operations may take half a second."""
    async with served(urls, deadline_seconds=0.5) as asking:
        yield asking


@asynccontextmanager
async def held(urls: Urls, lock: str, *values: Any) -> AsyncIterator[None]:
    """Hold a lock of the database, and release it."""
    owner = await asyncpg.connect(urls.owner)
    try:
        async with owner.transaction():
            await owner.execute("SET LOCAL row_security = off")
            await owner.execute(lock, *values)
            yield
    finally:
        await owner.close()


async def idle(urls: Urls) -> None:
    """Wait until no connection of the app has an open transaction."""
    owner = await asyncpg.connect(urls.owner)

    async def nothing_open() -> bool:
        return await owner.fetchval(OPEN) == 0

    try:
        await eventually(nothing_open, 10)
    finally:
        await owner.close()


def late(answer: dict[str, Any]) -> bool:
    [error] = answer["errors"]
    assert answer["data"] is None
    assert error["extensions"]["retryAfter"] > 0
    return error["extensions"]["code"] == "UNAVAILABLE"


async def test_a_query_ends_at_its_deadline(desk: Desk, hasty: Asking, urls: Urls) -> None:
    suppliers = "{ suppliers { nodes { id } } }"
    async with held(urls, "LOCK TABLE suppliers IN ACCESS EXCLUSIVE MODE"):
        assert late(await hasty.raw(suppliers, desk.owner))
    await idle(urls)
    assert "errors" not in await hasty.raw(suppliers, desk.owner)


async def test_a_late_sale_is_booked_once(desk: Desk, hasty: Asking, urls: Urls) -> None:
    await desk.receive("米", 10)
    sale = {
        "key": "019ac3f2-5b1e-7d40-9a52-3c8f6e1b7a90",
        "storeId": desk.store,
        "lines": [await desk.line("米", 3)],
    }
    level = "SELECT FROM levels WHERE product_id = $1 FOR UPDATE"
    async with held(urls, level, await desk.product("米")):
        answer = await hasty.raw(mutation("sell"), desk.cashier, input=sale)
        assert late(answer)
        assert "key" in answer["errors"][0]["message"]
    first = await hasty(mutation("sell"), desk.cashier, input=sale)
    assert first["kind"] == "SALE"
    assert await hasty(mutation("sell"), desk.cashier, input=sale) == first
    assert (await desk.level("米"))["onHand"] == "7"
    await idle(urls)


async def test_a_late_document_is_changed_once(desk: Desk, hasty: Asking, urls: Urls) -> None:
    supplier = await desk.do("createSupplier", name="粮油公司")
    rename = {"key": "019ac3f2-5b1e-7d40-9a52-3c8f6e1b7a91", "supplierId": supplier["id"]}
    rename["name"] = "新粮油公司"
    row = "SELECT FROM suppliers WHERE id = $1 FOR UPDATE"
    async with held(urls, row, supplier["id"]):
        assert late(await hasty.raw(mutation("updateSupplier"), desk.owner, input=rename))
    await idle(urls)
    quick = replace(desk, chain=replace(desk.chain, asking=hasty))
    first = await quick.ask(mutation("updateSupplier"), input=rename)
    assert first["name"] == "新粮油公司"
    assert await quick.ask(mutation("updateSupplier"), input=rename) == first
