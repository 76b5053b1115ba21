"""Counting while selling, and the stock of past moments, beside plain work of the same run."""

import asyncio
import os
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, NamedTuple
from uuid import uuid4

import asyncpg

from app.db import stocktakes as stocktake_rows
from app.db.core.lane import Lane
from app.db.core.unit import Database
from app.db.history import balances
from app.db.stock import levels_by_pair
from app.db.tables import Movement, Stocktake
from app.domain.access import Role, Scope, Viewer
from app.domain.claims import claim
from app.domain.documents import counts, stocktake_close, stocktakes
from app.domain.documents.counts import CountRequest
from app.domain.documents.stocktakes import StocktakeRequest
from app.domain.ledger.documents import announce
from app.domain.ledger.draft import Draft
from app.domain.ledger.post import Outcome
from app.domain.movements.checkpoints import keep_checkpoints
from app.domain.movements.lines import PlainLine
from app.domain.rules.kinds import Kind
from bench.lane import lane
from bench.measure import Figure, cpu, median
from bench.stage import Shop, Stage, drafted, unheard

OPENING = ("stocktake_open", "stocktake_open_20k")
COUNTING = ("count_vs_unit", "count_p99_ms", "close_vs_lane", "close_5000_s", "close_delay_ms")
FIGURES = (*OPENING, *COUNTING, "as_of_vs_levels")
PRODUCTS, COUNTED, PEOPLE, STEP = 20_000, 5_000, 20, 200
ROUNDS = 3
PACE = 0.025
"""Seconds between two sales while a stocktake is closed."""


class Counter(PlainLine):
    """A counted line without a batch."""

    counted_at = started_at_seq = None


async def figures(stage: Stage, wanted: Sequence[str]) -> AsyncIterator[Figure]:
    shop = await stage.shop(PRODUCTS)
    db = Database(stage.urls.database, unheard)
    if set(OPENING) & set(wanted):
        for figure in await opening(stage, db, shop):
            yield figure
    if set(COUNTING) & set(wanted):
        async with lane(stage, shop) as books:
            for figure in await counting(db, books, shop):
                yield figure
    if "as_of_vs_levels" in wanted:
        yield await as_of(db, shop)
    await db.close()


def manager(shop: Shop) -> Viewer:
    stores = frozenset([shop.store])
    scope = Scope(shop.tenant, Role.MANAGER, own=stores)
    return Viewer(scope, shop.actor, "店长", stores)


async def timed(work: Awaitable[Any]) -> float:
    started = time.perf_counter()
    await work
    return time.perf_counter() - started


class Cost(NamedTuple):
    """Seconds by the clock, and CPU seconds of this process, its engines too."""

    wall: float
    cpu: float

    def __str__(self) -> str:
        return f"{self.wall:.2f} s ({self.cpu:.2f} s CPU)"


async def costs(work: Awaitable[Any]) -> Cost:
    before = cpu([os.getpid()])
    wall = await timed(work)
    return Cost(wall, cpu([os.getpid()]) - before)


def p99(times: Sequence[float]) -> float:
    return sorted(times)[int((len(times) - 1) * 0.99)]


async def opening(stage: Stage, db: Database, shop: Shop) -> list[Figure]:
    """Opening over a whole store, beside writing as many plain rows of the same width."""
    owner = await asyncpg.connect(stage.urls.owner)
    await owner.execute(
        "CREATE TABLE plain_lines (id uuid PRIMARY KEY, product uuid NOT NULL, scale bigint)"
    )
    ours: list[Cost] = []
    plain: list[Cost] = []
    for _ in range(ROUNDS):
        request = StocktakeRequest(uuid4(), shop.store)
        ours.append(await costs(stocktakes.open_stocktake(db, manager(shop), request)))
        async with db.read(shop.tenant) as session:
            [row] = await stocktake_rows.open_stocktakes(
                session, shop.tenant, [shop.store], None, 1
            )
        await stocktakes.cancel(db, manager(shop), uuid4(), row.id)
        insert = (
            "INSERT INTO plain_lines SELECT uuidv7(), id, scale FROM products "
            f"WHERE tenant_id = '{shop.tenant}'"
        )
        plain.append(await costs(owner.execute(insert)))
    await owner.close()
    best, least = sorted(ours)[ROUNDS // 2], sorted(plain)[ROUNDS // 2]
    text = f"{PRODUCTS:,} products: {best}; plain rows {least}"
    return [
        Figure("stocktake_open", best.wall / least.wall, text),
        Figure("stocktake_open_20k", best.wall, text),
    ]


async def counting(db: Database, books: Lane[Draft, Outcome], shop: Shop) -> list[Figure]:
    """Twenty people count, then the stocktake is closed while sales go on."""
    chosen = shop.products[:COUNTED]
    row = await stocktakes.open_stocktake(db, manager(shop), StocktakeRequest(uuid4(), shop.store))

    async def count(product: Any) -> None:
        request = CountRequest(uuid4(), row.id, None, [Counter(product, Decimal(9))])
        await counts.count(db, manager(shop), request)

    async def touch(_: Any) -> None:
        # The smallest change of a document: its key, its lock, its store's revision.
        async with db.unit(shop.tenant) as unit:
            key = uuid4()
            await claim(unit, shop.actor, key, row.id, "touch")
            await stocktake_rows.shared_stocktakes(unit, [row.id])
            announce(unit, row)

    async def sell(product: Any) -> None:
        assert isinstance(await books.submit(shop.tenant, shop.sale(product)), Movement)

    touched = await by_people(touch, chosen)
    used = cpu([os.getpid()])
    counted = await by_people(count, chosen)
    each = (cpu([os.getpid()]) - used) / COUNTED
    before = await paced(sell, shop, asyncio.sleep(3))
    took: list[Cost] = []

    async def close() -> None:
        closing = stocktake_close.close(db, manager(shop), uuid4(), row.id)
        took.append(await costs(check_closed(closing)))

    during = await paced(sell, shop, close())
    plain = await costs(adjust(books, shop, chosen))
    delay = (p99(during) - p99(before)) * 1e3
    counting = (
        f"a count: p99 {p99(counted) * 1e3:.0f} ms, of {PEOPLE} people at once, "
        f"{each * 1e3:.2f} ms CPU"
    )
    least = f"a change of the document alone {p99(touched) * 1e3:.0f} ms"
    posted = f"{COUNTED:,} lines in {took[0]}, with sales; the same losses by the lane {plain}"
    slow = f"p99 of a sale {p99(during) * 1e3:.0f} ms while closing, {p99(before) * 1e3:.0f} before"
    return [
        Figure("count_vs_unit", p99(counted) / p99(touched), f"{counting}; {least}"),
        Figure("count_p99_ms", p99(counted) * 1e3, counting),
        Figure("close_vs_lane", took[0].cpu / plain.cpu, posted),
        Figure("close_5000_s", took[0].wall, posted),
        Figure("close_delay_ms", delay, slow),
    ]


async def check_closed(closing: Awaitable[Stocktake]) -> None:
    assert (await closing).state == "CLOSED"


async def by_people(work: Callable[[Any], Awaitable[None]], products: Sequence[Any]) -> list[float]:
    """The seconds of each piece of work, done by twenty people at once."""
    times: list[float] = []

    async def person(share: Sequence[Any]) -> None:
        for product in share:
            times.append(await timed(work(product)))

    await asyncio.gather(*(person(products[at::PEOPLE]) for at in range(PEOPLE)))
    return times


async def paced(
    sell: Callable[[Any], Awaitable[None]], shop: Shop, happening: Awaitable[Any]
) -> list[float]:
    """The seconds of sales that come at their times while this happens."""
    times: list[float] = []

    async def sale() -> None:
        times.append(await timed(sell(random.choice(shop.products[:COUNTED]))))

    doing = asyncio.ensure_future(happening)
    async with asyncio.TaskGroup() as group:
        while not doing.done():
            group.create_task(sale())
            await asyncio.sleep(PACE)
    await doing
    return times


async def adjust(books: Lane[Draft, Outcome], shop: Shop, products: Sequence[Any]) -> None:
    """The same losses as plain movements of 200 lines, one after the other."""
    for at in range(0, len(products), STEP):
        lines = [(product, Decimal(1)) for product in products[at : at + STEP]]
        outcome = await books.submit(shop.tenant, drafted(shop, Kind.LOSS, lines, uuid4()))
        assert isinstance(outcome, Movement), outcome


async def as_of(db: Database, shop: Shop) -> Figure:
    """Past stock of a store's products, beside reading their levels as they are now."""
    await keep_checkpoints(db, shop.tenant, datetime.now(UTC) + timedelta(days=1))
    pairs = [(shop.store, product) for product in shop.products]
    past, present = [], []
    for _ in range(ROUNDS):
        async with db.read(shop.tenant) as session:
            at = datetime.now(UTC)
            past.append(await timed(balances(session, shop.tenant, pairs, at, at)))
            present.append(await timed(levels_by_pair(session, shop.tenant, pairs)))
    text = f"{PRODUCTS:,} levels: {median(past):.2f} s; their levels now {median(present):.2f} s"
    return Figure("as_of_vs_levels", median(past) / median(present), text)
