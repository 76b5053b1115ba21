"""Live delivery and memory: the cost of an event, a subscriber and a process, and the delay of
events."""

import asyncio
import os
import re
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from itertools import pairwise

import asyncpg

from bench.lane import lane
from bench.measure import MIB, Figure, cpu, median, pss, rss
from bench.sockets import Subscriber, follow, subscribed
from bench.stage import Shop, Stage

FIGURES = (
    "deliver_vs_bare",
    "live_p99_ms",
    "live_max_ms",
    "subscriber_kib",
    "idle_mib",
    "soak_mib",
)
PRODUCTS = 50
PROTOCOL = "graphql-transport-ws"
RATE = 20
DELIVERY_SECONDS = 6
ROUNDS = 3
LATENCY_SECONDS = 20
SOAKED = 200_000
WARMED = 20_000

FEED = """
subscription Feed($store: UUID!) {
  storeFeed(storeId: $store) {
    __typename
    ... on StoreSnapshot { revision levels { ...Row } }
    ... on StoreChange { fromRevision revision at levels { ...Row } }
    ... on Resync { revision }
  }
}
fragment Row on Level { product { id } onHand available reserved status version }
"""
# Without its edge an event needs no query of its own, and 200,000 take a minute or two.
LEAVES = FEED.replace("product { id }", "")
SPAN = re.compile(rb'"fromRevision":"(\d+)","revision":"(\d+)"')


async def figures(stage: Stage, wanted: Sequence[str]) -> AsyncIterator[Figure]:
    shop = await stage.shop(PRODUCTS)
    if "deliver_vs_bare" in wanted:
        yield await delivery(stage, shop)
    if late := [name for name in wanted if name.startswith("live_")]:
        for figure in await lateness(stage, shop):
            if figure.name in late:
                yield figure
    if "idle_mib" in wanted or "subscriber_kib" in wanted:
        for figure in await memory(stage, shop):
            if figure.name in wanted:
                yield figure
    if "soak_mib" in wanted:
        yield await soak(stage, shop)


@asynccontextmanager
async def following(shop: Shop, port: int, count: int, heard, query: str = FEED):
    """So many terminals that have their snapshot."""
    says = follow(query, {"store": str(shop.store)}, await shop.token(port))
    async with subscribed(port, count, "/graphql", says, heard, PROTOCOL) as made:
        await every(made, 2)
        yield made


async def every(made: Sequence[Subscriber], frames: int, seconds: float = 60) -> None:
    """Until each has so many frames. Raises TimeoutError, and AssertionError for a lost one."""
    async with asyncio.timeout(seconds):
        while any(one.frames < frames for one in made):
            lost = [one.lost for one in made if one.lost]
            assert not lost, lost[0]
            await asyncio.sleep(0.05)


async def change(lane, shop: Shop, seconds: float) -> None:
    """Sells at a steady rate, each sale a commit of its own."""
    loop = asyncio.get_running_loop()
    due = loop.time()
    for number in range(int(seconds * RATE)):
        product = shop.products[number % len(shop.products)]
        await lane.submit(shop.tenant, shop.sale(product))
        due += 1 / RATE
        await asyncio.sleep(max(0, due - loop.time()))
    await asyncio.sleep(0.5)


async def delivery(stage: Stage, shop: Shop) -> Figure:
    """CPU of the server for one more delivered event; who writes is another process: this one.

    What 1 socket costs (reading the change, answering it, being idle) is taken from what 100 do.
    """
    last = [b""]

    def heard(text: bytes, _: float) -> None:
        last[0] = text

    ours: dict[int, list[float]] = defaultdict(list)
    bare: dict[int, list[float]] = defaultdict(list)
    os.environ["BENCH_EVENTS_PER_SECOND"] = str(RATE)
    with stage.serving() as [server], stage.serving(role="broadcast") as [plain]:
        async with lane(stage, shop) as made:
            for _ in range(ROUNDS):
                for count in (1, 100):
                    async with following(shop, server.port, count, heard) as followers:
                        happening = change(made, shop, DELIVERY_SECONDS)
                        ours[count].append(await costs(server.pid, followers, happening))
                    says = [last[0]]
                    async with subscribed(plain.port, count, "/", says, heard) as followers:
                        await asyncio.sleep(0.5)
                        happening = asyncio.sleep(DELIVERY_SECONDS)
                        bare[count].append(await costs(plain.pid, followers, happening))
    each, its = one_more(ours), one_more(bare)
    told = (
        f"100 sockets, {RATE} changes/s: {each:.1f} µs for one more, {median(ours[100]):.1f} µs "
        f"each with reading and answering the change; bare Starlette broadcast of the same "
        f"{len(last[0])} bytes {its:.1f} and {median(bare[100]):.1f} µs"
    )
    return Figure("deliver_vs_bare", each / its, told)


def one_more(costs: dict[int, list[float]]) -> float:
    """µs of one more delivery, from the costs of each with 1 socket and with 100."""
    return (median(costs[100]) * 100 - median(costs[1])) / 99


async def costs(pid: int, followers: Sequence[Subscriber], happening) -> float:
    """CPU µs of the process per frame that a follower gets while this happens."""
    frames, used = sum(one.frames for one in followers), cpu([pid])
    await happening
    return (cpu([pid]) - used) / (sum(one.frames for one in followers) - frames) * 1e6


async def lateness(stage: Stage, shop: Shop) -> list[Figure]:
    """From each commit's clock_timestamp() to each client's frame that tells of it."""
    heard: list[tuple[bytes, float]] = []
    async with AsyncExitStack() as stack:
        servers = stack.enter_context(stage.serving(processes=2))
        made = await stack.enter_async_context(lane(stage, shop))
        for server in servers:
            await stack.enter_async_context(
                following(shop, server.port, 500, lambda text, now: heard.append((text, now)))
            )
        await asyncio.sleep(1)
        heard.clear()
        await change(made, shop, LATENCY_SECONDS)
        await asyncio.sleep(1)
    committed = await commits(stage, shop)
    late: list[float] = []
    for text, now in heard:
        span = SPAN.search(text)
        assert span, text[:200]
        first, last = map(int, span.groups())
        late += (now - committed[revision] for revision in range(first + 1, last + 1))
    expected = LATENCY_SECONDS * RATE * 1000
    assert len(late) == expected, f"{len(late)} of {expected} events arrived"
    late.sort()
    p50, p99 = (late[int(len(late) * part)] * 1000 for part in (0.5, 0.99))
    told = (
        f"1,000 subscribers, 2 processes, {RATE} changes/s for {LATENCY_SECONDS} s: "
        f"{len(late):,} deliveries, p50 {p50:.0f} ms; the client shares the machine"
    )
    return [Figure("live_p99_ms", p99, told), Figure("live_max_ms", late[-1] * 1000, told)]


async def commits(stage: Stage, shop: Shop) -> dict[int, float]:
    raw = await asyncpg.connect(stage.urls.owner)
    found = await raw.fetch("SELECT revision, at FROM changes WHERE store_id = $1", shop.store)
    await raw.close()
    return {row["revision"]: row["at"].timestamp() for row in found}


async def memory(stage: Stage, shop: Shop) -> list[Figure]:
    """One server at rest, and how much it grows with a thousand idle terminals."""
    with stage.serving() as [server]:
        await shop.token(server.port)
        await asyncio.sleep(1)
        idle = rss(server.pid)
        async with following(shop, server.port, 20, ignored):
            before = pss([server.pid])
            async with following(shop, server.port, 1000, ignored):
                await asyncio.sleep(2)
                grown = pss([server.pid]) - before
    return [
        Figure("subscriber_kib", grown / 1000 / 1024, "growth of PSS with 1,000 idle terminals"),
        Figure("idle_mib", idle / MIB, "RSS after a sign-in, nothing shared subtracted"),
    ]


def ignored(*_: object) -> None:
    """Only the arrival of the frame is counted."""


async def soak(stage: Stage, shop: Shop) -> Figure:
    """One subscription through its tail, hub, execution, outbox and socket."""
    with stage.serving(role="soaked") as [server]:
        async with following(shop, server.port, 1, ignored, LEAVES) as [one]:
            started = time.monotonic()
            sizes = []
            for frames in (WARMED, WARMED + SOAKED // 2, WARMED + SOAKED):
                async with asyncio.timeout(240):
                    while one.frames < frames:
                        assert not one.lost, one.lost
                        await asyncio.sleep(0.05)
                sizes.append(rss(server.pid))
            took = time.monotonic() - started
    halves = ", ".join(f"{(b - a) / MIB:+.2f}" for a, b in pairwise(sizes))
    told = (
        f"growth of RSS over {SOAKED:,} events after {WARMED:,}, halves {halves} MiB; told by the "
        f"tail itself ({SOAKED / took:,.0f}/s), as that many commits would take too long"
    )
    return Figure("soak_mib", (sizes[-1] - sizes[0]) / MIB, told)
