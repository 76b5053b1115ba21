"""What tills wait for: a thousand offline sales, and sales while ten thousand holds end."""

import asyncio
import gc
import random
import time
from collections.abc import AsyncIterator, Awaitable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import uuid4

from uuid_utils.compat import uuid7

from app.db.core.vault import Vault
from app.db.orders import PlacedLine, PlacedOrder
from app.db.tables import Movement
from app.domain.ledger.draft import Draft
from app.domain.people import contacts
from app.domain.rules.kinds import Kind
from bench.asking import Wrong, get, graphql, post, read_answer
from bench.http import ROUNDS, SELL
from bench.lane import lane
from bench.measure import Figure, median
from bench.stage import SECRET, Shop, Stage, command, drafted

FIGURES = ("sync_1000_s", "expire_10k_ms")
PRODUCTS = 200
UPLOADS, OPERATIONS = 2, 500
"""A thousand sales: one request holds 580 of three lines at most."""
LINES = 3
HOLDS = 10_000
HELD_PRODUCTS = 20
HOLD_ROUNDS = 5
SALES_PER_SECOND = 40
SETTLE_SECONDS = 300

SYNC = """
mutation Sync($input: SyncSalesInput!) {
  syncSales(input: $input) { results { key outcome {
    __typename ... on Movement { id } ... on Problem { code message }
  } } }
}
"""
OVERDUE = """
UPDATE orders SET expires_at = now() - interval '1 second'
WHERE tenant_id = '{tenant}' AND state = 'HELD';
UPDATE levels SET held_until = now() - interval '1 second'
WHERE tenant_id = '{tenant}' AND reserved > 0
"""


async def figures(stage: Stage, wanted: Sequence[str]) -> AsyncIterator[Figure]:
    if "sync_1000_s" in wanted:
        yield await sync(stage, await stage.shop(PRODUCTS))
    if "expire_10k_ms" in wanted:
        yield await expire(stage, await stage.shop(HELD_PRODUCTS))


async def sync(stage: Stage, shop: Shop) -> Figure:
    """The seconds until a thousand sales are answered; then uploads and their retries at once."""
    alone, twice = [], []
    with stage.serving() as [server]:
        token = await shop.token(server.port)
        # A server knows the products it has ever sold.
        await synced(server.port, uploads(server.port, shop, token))
        for _ in range(ROUNDS):
            alone.append(await timed(synced(server.port, uploads(server.port, shop, token))))
            again = uploads(server.port, shop, token)
            both = asyncio.gather(synced(server.port, again), synced(server.port, again))
            twice.append(await timed(both))
    text = (
        f"syncSales of {UPLOADS} x {OPERATIONS} sales of {LINES} lines over HTTP: "
        f"{spread(alone, 2)} s; the same requests sent twice at once {spread(twice, 2)} s until "
        "all are answered"
    )
    return Figure("sync_1000_s", median(alone), text)


def uploads(port: int, shop: Shop, token: str) -> list[bytes]:
    return [offline(port, shop, token) for _ in range(UPLOADS)]


def offline(port: int, shop: Shop, token: str) -> bytes:
    """What a till sold in the last two hours."""
    began = datetime.now(UTC) - timedelta(hours=2)
    operations = []
    for number in range(OPERATIONS):
        lines = [
            {"productId": str(product), "quantity": "1"}
            for product in random.sample(shop.products, LINES)
        ]
        moment = (began + timedelta(seconds=7 * number)).isoformat()
        sale = {"key": str(uuid4()), "storeId": str(shop.store), "occurredAt": moment}
        operations.append({**sale, "lines": lines})
    return post(port, "/graphql", graphql(SYNC, {"input": {"operations": operations}}), token)


async def synced(port: int, requests: Sequence[bytes]) -> None:
    """Sends one after the other. Raises Wrong unless every operation was booked."""
    for request in requests:
        body = await read_answer(port, request)
        if body.count(b'"Movement"') != OPERATIONS:
            raise Wrong(body[:300].decode())


async def timed(doing: Awaitable[Any]) -> float:
    started = time.perf_counter()
    await doing
    return time.perf_counter() - started


def spread(values: Sequence[float], digits: int) -> str:
    return f"{min(values):.{digits}f} to {max(values):.{digits}f}"


async def expire(stage: Stage, shop: Shop) -> Figure:
    """How much longer the slowest sale takes while the server itself ends holds of the same
    products than the slowest of as many sales afterwards; the median of the rounds."""
    during, without, took = [], [], []
    with stage.serving(role="settling") as [server]:
        sales = selling(server.port, shop, await shop.token(server.port))
        for _ in range(HOLD_ROUNDS):
            await overdue(stage, shop)
            settling = read_answer(
                server.port, get(server.port, f"/settle/{shop.tenant}"), SETTLE_SECONDS
            )
            started = time.perf_counter()
            during.append(await paced(server.port, sales, settling))
            took.append(time.perf_counter() - started)
            without.append(await paced(server.port, sales, asyncio.sleep(took[-1])))
    delays = [max(one) - max(other) for one, other in zip(during, without, strict=True)]
    text = (
        f"{HOLDS:,} holds of {LINES} of {HELD_PRODUCTS} products end in {spread(took, 1)} s while "
        f"{SALES_PER_SECOND} sales/s of the same go on: {slowness(during)}; as many sales "
        f"without: {slowness(without)}; {HOLD_ROUNDS} rounds, the delays "
        f"{spread([each * 1e3 for each in delays], 0)} ms"
    )
    return Figure("expire_10k_ms", median(delays) * 1e3, text)


def slowness(rounds: Sequence[list[float]]) -> str:
    """Median, 99th percentile and maximum of a sale, each the median of the rounds, in ms."""
    parts = [
        [sorted(each)[int((len(each) - 1) * part)] for each in rounds] for part in (0.5, 0.99, 1)
    ]
    p50, p99, most = (median(part) * 1e3 for part in parts)
    return f"p50 {p50:.0f}, p99 {p99:.0f}, max {most:.0f} ms"


async def overdue(stage: Stage, shop: Shop) -> None:
    """So many orders whose time is over since a moment."""
    async with lane(stage, shop) as made:
        for _ in range(0, HOLDS, 1000):
            posted = (made.submit(shop.tenant, hold(shop)) for _ in range(1000))
            for outcome in await asyncio.gather(*posted):
                assert isinstance(outcome, Movement), outcome
    await command(stage.urls.owner, OVERDUE.format(tenant=shop.tenant))
    # What making them has left behind, there and here, is no cost of ending them.
    await command(stage.urls.owner, "vacuum analyze")
    await command(stage.urls.owner, "checkpoint")
    gc.collect()
    gc.freeze()


def hold(shop: Shop) -> Draft:
    chosen = [(product, Decimal(1)) for product in random.sample(shop.products, LINES)]
    lines = tuple(PlacedLine(product, 1, 1, 1000, 0, 1000, None) for product, _ in chosen)
    until = datetime.now(UTC) + timedelta(hours=1)
    id, total = uuid7(), 1000 * LINES
    sealed, index = contacts.seal(Vault(SECRET), shop.tenant, id, "13800138000")
    columns = "WECHAT", sealed, index, None, None, None, total, None, until, shop.actor, lines
    drafting = drafted(shop, Kind.ORDER_HOLD, chosen, uuid4())
    return replace(
        drafting, order=PlacedOrder(id, shop.store, *columns), document_id=id, channel="WECHAT"
    )


def selling(port: int, shop: Shop, token: str) -> Iterator[bytes]:
    while True:
        lines = [{"productId": str(random.choice(shop.products)), "quantity": "1"}]
        asked = {"key": str(uuid4()), "storeId": str(shop.store), "lines": lines}
        yield post(port, "/graphql", graphql(SELL, {"input": asked}), token)


async def paced(port: int, sales: Iterator[bytes], happening: Awaitable[Any]) -> list[float]:
    """The seconds each sale takes while this happens; they come at their times, whether or not
    the one before is answered. Raises Wrong."""
    took: list[float] = []

    async def sale(request: bytes) -> None:
        started = time.perf_counter()
        body = await read_answer(port, request)
        if b'"Movement"' not in body:
            raise Wrong(body[:300].decode())
        took.append(time.perf_counter() - started)

    doing, loop = asyncio.ensure_future(happening), asyncio.get_running_loop()
    due = loop.time()
    async with asyncio.TaskGroup() as group:
        while not doing.done():
            group.create_task(sale(next(sales)))
            due += 1 / SALES_PER_SECOND
            await asyncio.sleep(max(0, due - loop.time()))
    await doing
    return took
