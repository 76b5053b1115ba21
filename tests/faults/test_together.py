"""Work for many at once: one query for all who ask, and nobody is told what was true before."""

import asyncio
from collections.abc import Collection
from typing import Any
from uuid import UUID

import asyncpg
import pytest
from sqlalchemy import select

from app.db.core.statement import among
from app.db.core.unit import Database
from app.db.tables import Product
from tests.support.shop import Shop


class Reading:
    """Reads names of products, and remembers which were asked for in each round."""

    def __init__(self) -> None:
        self.rounds: list[set[UUID]] = []

    async def __call__(self, db: Database, tenant: UUID, keys: Collection[UUID]) -> dict[UUID, str]:
        self.rounds.append(set(keys))
        query = select(Product.id, Product.name).where(Product.tenant_id == tenant)
        async with db.read(tenant) as session:
            rows: Any = await session.execute(query.where(among(Product.id, keys)))
            return dict(rows)


async def test_who_asks_while_it_is_read_is_in_the_next_round(db: Database, shop: Shop) -> None:
    names = [f"米{number}" for number in range(20)]
    ids = [await shop.product(name) for name in names]
    reading = Reading()
    reads = [asyncio.ensure_future(db.coalesce(reading, shop.tenant, [ids[0]]))]
    while not reading.rounds:  # noqa: ASYNC110
        await asyncio.sleep(0)
    # The first is on its way: what is committed now is told to whoever asks now.
    ids.append(await shop.product("油"))
    reads += [asyncio.ensure_future(db.coalesce(reading, shop.tenant, [id])) for id in ids[1:]]
    answers = await asyncio.gather(*reads)
    assert [names_by_id[id] for names_by_id, id in zip(answers, ids, strict=True)] == [*names, "油"]
    assert len(reading.rounds) == 2
    assert await db.coalesce(reading, shop.tenant, ids[:1]) == {ids[0]: names[0]}
    assert len(reading.rounds) == 3, "nothing is remembered"


async def test_tenants_read_apart(db: Database, shop: Shop) -> None:
    rice, reading = await shop.product("米"), Reading()
    mine, theirs = await asyncio.gather(
        db.coalesce(reading, shop.tenant, [rice]), db.coalesce(reading, UUID(int=1), [rice])
    )
    assert (mine, theirs) == ({rice: "米"}, {})


async def test_who_leaves_takes_nothing_from_the_others(db: Database, shop: Shop) -> None:
    rice, reading = await shop.product("米"), Reading()
    leaving, staying = (
        asyncio.ensure_future(db.coalesce(reading, shop.tenant, [rice])) for _ in range(2)
    )
    await asyncio.sleep(0)
    leaving.cancel()
    assert await staying == {rice: "米"}
    assert leaving.cancelled()


async def test_what_goes_wrong_is_told_to_its_round_alone(db: Database, shop: Shop) -> None:
    rice, reading = await shop.product("米"), Reading()
    with pytest.raises(asyncpg.DataError):
        await db.coalesce(reading, shop.tenant, ["no id"])
    assert await db.coalesce(reading, shop.tenant, [rice]) == {rice: "米"}
