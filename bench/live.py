"""Live delivery and memory: the cost of an event, a subscriber and a process."""

import asyncio
import os
import re
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from itertools import pairwise

from bench.lane import lane
from bench.measure import MIB, Figure, cpu, median, pss, rss
from bench.sockets import Subscriber, follow, subscribed
from bench.stage import Shop, Stage

CROWDS = {
    "deliver_vs_bare": (100, 20),
    "deliver_1000_vs_bare": (1000, 10),
    "deliver_5000_vs_bare": (5000, 2),
}
"""Subscribers and changes a second: few enough that each change is a frame of its own."""
FIGURES = (
    *CROWDS,
    "subscriber_kib",
    "idle_mib",
    "soak_mib",
)
PRODUCTS = 50
PROTOCOL = "graphql-transport-ws"
DELIVERY_SECONDS = 6
ROUNDS = 3
OPEN_SECONDS = 300
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
    for name, crowd in CROWDS.items():
        if name in wanted:
            yield await delivery(stage, shop, name, crowd)
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


async def every(made: Sequence[Subscriber], frames: int, seconds: float = OPEN_SECONDS) -> None:
    """Until each has so many frames. Raises TimeoutError, and AssertionError for a lost one."""
    async with asyncio.timeout(seconds):
        while any(one.frames < frames for one in made):
            lost = [one.lost for one in made if one.lost]
            assert not lost, lost[0]
            await asyncio.sleep(0.05)


async def change(lane, shop: Shop, seconds: float, rate: int) -> None:
    """Sells at a steady rate, each sale a commit of its own."""
    loop = asyncio.get_running_loop()
    due = loop.time()
    for number in range(int(seconds * rate)):
        product = shop.products[number % len(shop.products)]
        await lane.submit(shop.tenant, shop.sale(product))
        due += 1 / rate
        await asyncio.sleep(max(0, due - loop.time()))
    await asyncio.sleep(0.5)


async def delivery(stage: Stage, shop: Shop, name: str, crowd: tuple[int, int]) -> Figure:
    """CPU of the server for one more delivered event; who writes is another process: this one.

    What 1 socket costs (reading the change, answering it, being idle) is taken from what all do.
    """
    most, rate = crowd
    last = [b""]

    def heard(text: bytes, _: float) -> None:
        last[0] = text

    ours: dict[int, list[float]] = defaultdict(list)
    bare: dict[int, list[float]] = defaultdict(list)
    os.environ["BENCH_EVENTS_PER_SECOND"] = str(rate)
    with stage.serving() as [server], stage.serving(role="broadcast") as [plain]:
        async with lane(stage, shop) as made:
            for _ in range(ROUNDS):
                for count in (1, most):
                    async with following(shop, server.port, count, heard) as followers:
                        happening = change(made, shop, DELIVERY_SECONDS, rate)
                        ours[count].append(await costs(server.pid, followers, happening))
                    says = [last[0]]
                    async with subscribed(plain.port, count, "/", says, heard) as followers:
                        await asyncio.sleep(0.5)
                        happening = asyncio.sleep(DELIVERY_SECONDS)
                        bare[count].append(await costs(plain.pid, followers, happening))
    each, its = one_more(ours, most), one_more(bare, most)
    text = (
        f"{most:,} sockets, {rate} changes/s: {each:.1f} µs for one more, "
        f"{median(ours[most]):.1f} µs each with reading and answering the change; bare Starlette "
        f"broadcast of the same {len(last[0])} bytes {its:.1f} and {median(bare[most]):.1f} µs"
    )
    return Figure(name, each / its, text)


def one_more(costs: dict[int, list[float]], most: int) -> float:
    """µs of one more delivery, from the costs of each with 1 socket and with the most."""
    return (median(costs[most]) * most - median(costs[1])) / (most - 1)


async def costs(pid: int, followers: Sequence[Subscriber], happening) -> float:
    """CPU µs of the process per frame that a follower gets while this happens."""
    frames, used = sum(one.frames for one in followers), cpu([pid])
    await happening
    return (cpu([pid]) - used) / (sum(one.frames for one in followers) - frames) * 1e6


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
