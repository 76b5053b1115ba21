"""Growth: what a sale and a scanned code cost in a ledger of 1 M levels and 10 M entries, beside
one of 10,000 levels."""

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import NamedTuple
from uuid import uuid4

import asyncpg
import psutil

from app.db.codes import scanned_in_store
from app.db.core.unit import Database
from app.domain.rules.codes import code_key
from app.domain.rules.kinds import Kind
from app.run.embedded import Engines, Urls
from app.run.migrate import upgrade
from bench.history import FOLDER, PRODUCTS, kept
from bench.lane import lane_of, sell
from bench.measure import Figure, cpu, median
from bench.stage import LINES, PLENTY, Shop, Stage, drafted, unheard

FIGURES = ("growth_sale_x", "growth_read_x")
LEVELS = 10_000
CLIENTS, SECONDS, ROUNDS = 64, 3, 5
READS = 4_000


Cost = Callable[[], Awaitable[float]]
"""CPU µs of an operation, of this process and PostgreSQL."""


class Place(NamedTuple):
    """A shop, its servers, and the processes of its PostgreSQL."""

    shop: Shop
    urls: Urls
    database: Sequence[int]


async def figures(stage: Stage, wanted: Sequence[str]) -> AsyncIterator[Figure]:
    small = Place(await stage.shop(LEVELS), stage.urls, stage.database)
    with Engines(FOLDER) as engines:
        urls = engines.urls()
        await asyncio.to_thread(upgrade, urls.owner)
        large = Place(await largest(urls), urls, [engines.postgres.pid])
        costs = {"growth_sale_x": of_sale, "growth_read_x": of_read}
        for name in wanted:
            yield await compared(name, small, large, costs[name])


async def compared(
    name: str,
    small: Place,
    large: Place,
    cost: Callable[[Place], AbstractAsyncContextManager[Cost]],
) -> Figure:
    """The large ledger beside the small one, alternating."""
    of_each: tuple[list[float], list[float]] = [], []
    async with cost(small) as of_small, cost(large) as of_large:
        for _ in range(ROUNDS):
            of_each[0].append(await of_small())
            of_each[1].append(await of_large())
    ratio = median(b / a for a, b in zip(*of_each, strict=True))
    text = (
        f"client + PostgreSQL {median(of_each[1]):.0f} µs in a ledger of 1 M levels and 10 M "
        f"entries, {median(of_each[0]):.0f} µs in one of {LEVELS:,} levels"
    )
    return Figure(name, ratio, text)


@asynccontextmanager
async def of_sale(place: Place) -> AsyncIterator[Cost]:
    async with lane_of(place.urls, place.shop) as lane:

        async def cost() -> float:
            run = await sell(lane, place.shop, CLIENTS, SECONDS, place.database, PRODUCTS)
            return run.client + run.server

        yield cost


@asynccontextmanager
async def of_read(place: Place) -> AsyncIterator[Cost]:
    """A scanned code with its product and level, 16 at once."""
    db, shop = Database(place.urls.database, unheard), place.shop

    async def read(codes: Sequence[str]) -> None:
        for code in codes:
            async with db.read(shop.tenant) as session:
                scanned = await scanned_in_store(session, shop.tenant, code_key(code), shop.store)
            assert scanned.level is not None

    async def cost() -> float:
        codes = random.choices(shop.barcodes[:PRODUCTS], k=READS)
        me = psutil.Process()
        before = sum(me.cpu_times()[:2]) + cpu(place.database)
        await asyncio.gather(*(read(codes[at::16]) for at in range(16)))
        return (sum(me.cpu_times()[:2]) + cpu(place.database) - before) / READS * 1e6

    await cost()
    yield cost
    await db.close()


async def largest(urls: Urls) -> Shop:
    """The first store of the kept ledger, with new stock for what will be sold."""
    ledger = await kept(urls)
    raw = await asyncpg.connect(urls.owner)
    actor = await raw.fetchval(
        "SELECT actor_id FROM movements WHERE tenant_id = $1 LIMIT 1", ledger.tenant
    )
    codes = await raw.fetch(
        "SELECT code FROM product_codes WHERE tenant_id = $1 AND code IS NOT NULL", ledger.tenant
    )
    await raw.close()
    codes = [each["code"] for each in codes]
    shop = Shop(ledger.tenant, actor, ledger.stores[0], "", ledger.products, codes)
    async with lane_of(urls, shop) as lane:
        for at in range(0, PRODUCTS, LINES):
            lines = [(each, PLENTY) for each in shop.products[at : at + LINES]]
            await lane.submit(shop.tenant, drafted(shop, Kind.RECEIPT, lines, uuid4()))
    return shop
