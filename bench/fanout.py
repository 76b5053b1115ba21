"""Thousands of sockets: from each commit to each client's frame, and HTTP queries meanwhile.

Sales and queries come from processes of their own, so that they do not wait for the clients.
"""

import asyncio
import gc
import time
from array import array
from collections import defaultdict
from collections.abc import AsyncIterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import AsyncExitStack, asynccontextmanager
from multiprocessing import get_context
from typing import NamedTuple

import asyncpg
import uvloop

from app.run.embedded import Urls
from bench.asking import graphql, post, read_answer
from bench.http import BARCODE
from bench.lane import lane_of
from bench.live import PRODUCTS, SPAN, change, following
from bench.measure import Figure, cpu
from bench.stage import Served, Shop, Stage

FIGURES = ("live_p99_ms", "live_max_ms", "fanout_10k_ms", "fanout_10k_http_ms")
SECONDS = 15
QUERIES_PER_SECOND = 20
LOAD_SECONDS = 20
"""Enough to load the programs of both processes."""


class Crowd(NamedTuple):
    """So many subscribers at each of two web processes, and the changes of their store."""

    each: int
    rate: int


FIVE = Crowd(2500, 50)
TEN = Crowd(5000, 20)


async def figures(stage: Stage, wanted: Sequence[str]) -> AsyncIterator[Figure]:
    for prefix, crowd in (("live_", FIVE), ("fanout_", TEN)):
        if chosen := [name for name in wanted if name.startswith(prefix)]:
            for figure in await lateness(stage, await stage.shop(PRODUCTS), crowd, chosen):
                yield figure


async def lateness(stage: Stage, shop: Shop, crowd: Crowd, wanted: Sequence[str]) -> list[Figure]:
    """From each commit's clock_timestamp() to each client's frame that contains it."""
    arrivals = defaultdict[bytes, "array[float]"](lambda: array("d"))
    async with AsyncExitStack() as stack:
        servers = stack.enter_context(stage.serving(processes=2))
        for server in servers:
            await stack.enter_async_context(
                following(
                    shop, server.port, crowd.each, lambda text, now: arrivals[text].append(now)
                )
            )
        gc.collect()
        gc.freeze()
        async with beside(stage, shop, crowd.rate, servers[0]) as running:
            # The lane has sold each product once before.
            arrivals.clear()
            used = cpu([server.pid for server in servers])
            took = await running
            used = cpu([server.pid for server in servers]) - used
        await asyncio.sleep(1)
    late = await delays(stage, shop, arrivals)
    expected = SECONDS * crowd.rate * crowd.each * 2
    assert len(late) == expected, f"{len(late)} of {expected} events arrived"
    frames = sum(map(len, arrivals.values()))
    p50, p99, most = (percentile(late, part) for part in (0.5, 0.99, 1))
    text = (
        f"{2 * crowd.each:,} subscribers, 2 processes, {crowd.rate} changes/s for {SECONDS} s: "
        f"p50 {p50:.0f}, p99 {p99:.0f}, max {most:.0f} ms for {len(late):,} events in {frames:,} "
        f"frames; {used / frames * 1e6:.1f} µs of the servers each; clients, sales and queries "
        f"share the machine; an HTTP query meanwhile p50 {percentile(took, 0.5):.0f}, p99 "
        f"{percentile(took, 0.99):.0f}, max {percentile(took, 1):.0f} ms"
    )
    values = {
        "live_p99_ms": p99,
        "live_max_ms": most,
        "fanout_10k_ms": p99,
        "fanout_10k_http_ms": percentile(took, 0.99),
    }
    return [Figure(name, values[name], text) for name in wanted]


@asynccontextmanager
async def beside(
    stage: Stage, shop: Shop, rate: int, server: Served
) -> "AsyncIterator[asyncio.Future[array[float]]]":
    """The seconds that each query takes while sales change the store; both begin in a second."""
    loop, token = asyncio.get_running_loop(), await shop.token(server.port)
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        due = time.time() + LOAD_SECONDS
        changes = loop.run_in_executor(pool, write, stage.urls, shop, rate, due)
        queries = loop.run_in_executor(pool, query, server.port, shop, token, due)
        await asyncio.sleep(due - 1 - time.time())
        yield queries
        await changes


def write(urls: Urls, shop: Shop, rate: int, due: float) -> None:
    """Sell at this rate from the moment `due` on."""

    async def run() -> None:
        async with lane_of(urls, shop) as lane:
            await asyncio.sleep(due - time.time())
            await change(lane, shop, SECONDS, rate)

    uvloop.run(run())


def query(port: int, shop: Shop, token: str, due: float) -> "array[float]":
    """The seconds that each query takes, one after another, each at its time if possible."""
    took = array("d")

    async def run() -> None:
        loop = asyncio.get_running_loop()
        await asyncio.sleep(due - time.time())
        start = loop.time()
        for number in range(SECONDS * QUERIES_PER_SECOND):
            await asyncio.sleep(max(0, start + number / QUERIES_PER_SECOND - loop.time()))
            variables = {"barcode": shop.barcodes[number % PRODUCTS], "store": str(shop.store)}
            request = post(port, "/graphql", graphql(BARCODE, variables), token)
            began = time.perf_counter()
            body = await read_answer(port, request)
            took.append(time.perf_counter() - began)
            assert b'"available"' in body, body[:300]

    uvloop.run(run())
    return took


async def delays(stage: Stage, shop: Shop, arrivals: dict[bytes, "array[float]"]) -> "array[float]":
    """The seconds of every revision at every client."""
    raw = await asyncpg.connect(stage.urls.owner)
    rows = await raw.fetch("SELECT revision, at FROM changes WHERE store_id = $1", shop.store)
    await raw.close()
    committed = {row["revision"]: row["at"].timestamp() for row in rows}
    late = array("d")
    for text, moments in arrivals.items():
        span = SPAN.search(text)
        assert span, text[:200]
        first, last = map(int, span.groups())
        for revision in range(first + 1, last + 1):
            late.extend(now - committed[revision] for now in moments)
    return late


def percentile(seconds: "array[float]", part: float) -> float:
    """In milliseconds."""
    return sorted(seconds)[int((len(seconds) - 1) * part)] * 1000
