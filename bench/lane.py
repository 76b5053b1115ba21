"""The lane against pgbench: the full ledger in groups, beside a bare UPDATE and INSERT."""

import asyncio
import gc
import random
import re
import resource
import subprocess
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from os import environ
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import urlsplit

import psutil

from app.db.core.bus import Bus
from app.db.core.lane import BATCH, Lane
from app.db.tables import Movement
from app.domain.ledger.draft import Draft
from app.domain.ledger.post import Outcome, PostDrafts
from app.main import GC_THRESHOLDS
from app.run.embedded import Urls
from bench.measure import Figure, cpu, median
from bench.stage import Shop, Stage, command

FIGURES = (
    "lane_1",
    "lane_32",
    "lane_256",
    "lane_cpu_us",
    "lane_cpu_vs_pgbench",
    "lane_hot_64",
    "fefo_1",
    "fefo_100",
)
TRACKED = 500
PRODUCTS = 10_000
ROUNDS = 3
SECONDS = 3

RATE = re.compile(r"tps = ([\d.]+) \(without")
COUNT = re.compile(r"actually processed: (\d+)")

BOUND = """\
\\set id random(1, 10000)
BEGIN;
UPDATE bound SET quantity = quantity - 1 WHERE id = :id;
INSERT INTO bound_log (id, change) VALUES (:id, -1);
END;
"""
TABLES = """
CREATE TABLE bound (id bigint PRIMARY KEY, quantity bigint NOT NULL) WITH (fillfactor = 70);
CREATE TABLE bound_log (at timestamptz DEFAULT now(), id bigint NOT NULL, change bigint NOT NULL);
INSERT INTO bound SELECT id, 1000000 FROM generate_series(1, 10000) id;
"""


async def figures(stage: Stage, wanted: Sequence[str]) -> AsyncIterator[Figure]:
    shop = await stage.shop(PRODUCTS)
    for clients in (1, 32, 256):
        if f"lane_{clients}" in wanted:
            yield await against_bound(stage, shop, clients)
    if "lane_cpu_us" in wanted:
        yield await processor(stage, shop)
    if "lane_cpu_vs_pgbench" in wanted:
        yield await beside_pgbench(stage, shop)
    if "lane_hot_64" in wanted:
        yield await hot(stage, shop)
    for batches in (1, 100):
        if f"fefo_{batches}" in wanted:
            yield await fefo(stage, batches)


async def against_bound(stage: Stage, shop: Shop, clients: int) -> Figure:
    """Each round of the app lies between two of pgbench; the figure is the median of their
    ratios."""
    ratios, ours, bounds = [], [], []
    with Bound(stage) as bound:
        await bound.open()
        async with lane(stage, shop) as made:
            bounds.append(await bound.rate(clients))
            for _ in range(ROUNDS):
                ours.append((await sell(made, shop, clients, SECONDS)).rate)
                bounds.append(await bound.rate(clients))
                ratios.append(ours[-1] / ((bounds[-1] + bounds[-2]) / 2))
        await bound.close()
    told = f"sales {median(ours):,.0f}/s, pgbench -M prepared {median(bounds):,.0f} tps"
    return Figure(f"lane_{clients}", median(ratios), told)


async def processor(stage: Stage, shop: Shop) -> Figure:
    runs = []
    async with lane(stage, shop) as made:
        for _ in range(ROUNDS):
            runs.append(await sell(made, shop, 64, SECONDS, stage.database))
    each = median(run.client + run.server for run in runs)
    told = (
        f"client {median(run.client for run in runs):.0f} + "
        f"PostgreSQL {median(run.server for run in runs):.0f} µs, "
        f"{median(run.rate for run in runs):,.0f} sales/s, 64 in flight"
    )
    return Figure("lane_cpu_us", each, told)


async def beside_pgbench(stage: Stage, shop: Shop) -> Figure:
    """CPU of a sale and of a transaction of pgbench, clients and PostgreSQL, alternating."""
    sales, bounds = list[float](), list[float]()
    with Bound(stage) as bound:
        await bound.open()
        async with lane(stage, shop) as made:
            for _ in range(ROUNDS):
                run = await sell(made, shop, 64, SECONDS, stage.database)
                sales.append(run.client + run.server)
                bounds.append(await bound.cpu(64))
        await bound.close()
    text = (
        f"client + PostgreSQL {median(sales):.0f} µs a sale, "
        f"{median(bounds):.0f} µs a transaction of pgbench -M prepared, 64 in flight"
    )
    ratio = median(a / b for a, b in zip(sales, bounds, strict=True))
    return Figure("lane_cpu_vs_pgbench", ratio, text)


async def hot(stage: Stage, shop: Shop) -> Figure:
    """One product, with and without grouping, alternating."""
    together, alone, ratios = [], [], []
    async with lane(stage, shop) as grouped, lane(stage, shop, batch=1) as single:
        for _ in range(ROUNDS):
            together.append((await sell(grouped, shop, 64, SECONDS, products=1)).rate)
            alone.append((await sell(single, shop, 64, SECONDS, products=1)).rate)
            ratios.append(together[-1] / alone[-1])
    told = f"{median(together):,.0f}/s, one movement a transaction {median(alone):,.0f}/s"
    return Figure("lane_hot_64", median(ratios), told)


async def fefo(stage: Stage, batches: int) -> Figure:
    """CPU of a sale from products of so many batches, and from as many without, alternating."""
    plain, tracked = await stage.shop(TRACKED), await stage.shop(TRACKED, batches)
    costs: dict[bool, list[float]] = {False: [], True: []}
    async with lane(stage, plain) as one, lane(stage, tracked) as other:
        for _ in range(ROUNDS):
            for made, shop in ((one, plain), (other, tracked)):
                run = await sell(made, shop, 64, SECONDS, stage.database, TRACKED)
                costs[shop is tracked].append(run.client + run.server)
    told = (
        f"client + PostgreSQL {median(costs[True]):.0f} µs a sale from the first of {batches} "
        f"batches, {median(costs[False]):.0f} µs without batches, 64 in flight"
    )
    ratio = median(a / b for a, b in zip(costs[True], costs[False], strict=True))
    return Figure(f"fefo_{batches}", ratio, told)


def lane(
    stage: Stage, shop: Shop, batch: int = BATCH
) -> AbstractAsyncContextManager[Lane[Draft, Outcome]]:
    """`lane_of` on the stage's engines."""
    return lane_of(stage.urls, shop, batch)


@asynccontextmanager
async def lane_of(
    urls: Urls, shop: Shop, batch: int = BATCH
) -> AsyncIterator[Lane[Draft, Outcome]]:
    """The server's lane, announcing what it commits over the real bus.

    It has sold each product once: a server knows the levels that it has ever touched.
    """
    bus = Bus(urls.redis)
    await bus.start()
    made = Lane(urls.database, PostDrafts(), bus.nudge, batch=batch)
    some = shop.products if batch > 1 else shop.products[:1]
    for at in range(0, len(some), 1000):
        sales = (made.submit(shop.tenant, shop.sale(each)) for each in some[at : at + 1000])
        await asyncio.gather(*sales)
    # The collector of a web process: what is loaded is frozen, and its thresholds are higher.
    gc.collect()
    gc.freeze()
    gc.set_threshold(*GC_THRESHOLDS)
    yield made
    await made.close()
    await bus.stop()


@dataclass(frozen=True)
class Run:
    """Sales a second, and CPU µs a sale of this process and of PostgreSQL."""

    rate: float
    client: float
    server: float


async def sell(
    lane: Lane[Draft, Outcome],
    shop: Shop,
    clients: int,
    seconds: float,
    database: Sequence[int] = (),
    products: int = PRODUCTS,
) -> Run:
    """Sells one piece of random products, so many sales in flight, for so long."""

    async def sale() -> Draft:
        return shop.sale(shop.products[random.randrange(products)])

    return await ordered(lane, shop, sale, clients, seconds, database)


async def ordered(
    lane: Lane[Draft, Outcome],
    shop: Shop,
    order: Callable[[], Awaitable[Draft]],
    clients: int,
    seconds: float,
    database: Sequence[int] = (),
) -> Run:
    """What each order asks for, so many in flight, for so long."""
    sold = 0
    end = time.monotonic() + seconds

    async def seller() -> None:
        nonlocal sold
        while time.monotonic() < end:
            outcome = await lane.submit(shop.tenant, await order())
            if not isinstance(outcome, Movement):
                raise AssertionError(f"a sale was refused: {outcome}")
            sold += 1

    me = psutil.Process()
    client, server, started = sum(me.cpu_times()[:2]), cpu(database), time.monotonic()
    await asyncio.gather(*(seller() for _ in range(clients)))
    took = time.monotonic() - started
    client, server = sum(me.cpu_times()[:2]) - client, cpu(database) - server
    return Run(sold / took, client / sold * 1e6, server / sold * 1e6)


class Bound:
    """An upper bound for one transaction per sale: two statements, no ledger, no checks."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._owner = urlsplit(stage.urls.owner)
        self._folder = TemporaryDirectory()

    def __enter__(self) -> "Bound":
        self._script = Path(self._folder.name) / "bound.sql"
        self._script.write_text(BOUND)
        return self

    def __exit__(self, *_: object) -> None:
        self._folder.cleanup()

    async def open(self) -> None:
        await command(self._stage.urls.owner, "CREATE DATABASE bound")
        url = self._owner._replace(path="/bound").geturl()
        await command(url, TABLES)
        await command(url, "VACUUM ANALYZE")

    async def close(self) -> None:
        await command(self._stage.urls.owner, "DROP DATABASE bound WITH (FORCE)")

    async def rate(self, clients: int) -> float:
        return float(self._number(await asyncio.to_thread(self._run, clients), RATE))

    async def cpu(self, clients: int) -> float:
        """CPU µs of a transaction: pgbench's own and PostgreSQL's."""
        before = children_cpu() + cpu(self._stage.database)
        output = await asyncio.to_thread(self._run, clients)
        took = children_cpu() + cpu(self._stage.database) - before
        return took / int(self._number(output, COUNT)) * 1e6

    def _run(self, clients: int) -> str:
        program = self._stage.engines.postgres.premises.postgres / "pgbench"
        load = ["-n", "-M", "prepared", "-c", str(clients), "-j", str(min(clients, 2))]
        where = ["-h", "127.0.0.1", "-p", str(self._owner.port), "-U", str(self._owner.username)]
        # Connecting counts: 256 password checks take seconds on a busy machine.
        seconds = SECONDS + clients // 64
        done = subprocess.run(
            [program, *load, "-T", str(seconds), "-f", self._script, *where, "bound"],
            env={**environ, "PGPASSWORD": str(self._owner.password)},
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise RuntimeError(f"pgbench failed:\n{done.stdout}{done.stderr}")
        return done.stdout

    def _number(self, output: str, pattern: re.Pattern[str]) -> str:
        match = pattern.search(output)
        if match is None:
            raise RuntimeError(f"pgbench printed no {pattern.pattern}:\n{output}")
        return match[1]


def children_cpu() -> float:
    """CPU seconds of programs that this process has started and that have ended."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime
