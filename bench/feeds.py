"""Sales beside customers: hundreds of different label feeds and a thousand idle sockets."""

import asyncio
import random
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

from app.db.tables import Movement
from app.domain.rules.kinds import Kind
from bench.asking import graphql, post
from bench.http import SELL
from bench.lane import lane
from bench.live import PROTOCOL, every, ignored
from bench.measure import Figure, cpu
from bench.sockets import follow, greet, opened
from bench.stage import PLENTY, Shop, Stage, drafted
from bench.tills import SALES_PER_SECOND, paced, slowness

FIGURES = ("feeds_p99_ms",)
PRODUCTS = 280
SCARCE = 40
LEFT = 8
SOLD = 6
FEEDS = 800
LISTED = 100
IDLE = 1000
SECONDS = 20

LABELS = """
subscription($store: String!, $products: [UUID!]!, $channel: Channel) {
  availabilityFeed(store: $store, productIds: $products, channel: $channel) {
    revision
    products { productId product { name } availability { label remaining text } }
  }
}
"""


async def figures(stage: Stage, wanted: Sequence[str]) -> AsyncIterator[Figure]:
    if "feeds_p99_ms" in wanted:
        yield await beside(stage, await stage.shop(PRODUCTS))


async def beside(stage: Stage, shop: Shop) -> Figure:
    """The 99th percentile of a sale over HTTP while all follow; sales alone come first."""
    scarce = await emptied(stage, shop)
    async with AsyncExitStack() as stack:
        [server] = stack.enter_context(stage.serving())
        sales = selling(server.port, shop, scarce, await shop.token(server.port))
        alone = await paced(server.port, sales, asyncio.sleep(SECONDS / 2))
        texts = [follow(LABELS, labels(shop, number), None) for number in range(FEEDS)]
        feeds = await stack.enter_async_context(
            opened(server.port, "/graphql", texts, ignored, PROTOCOL)
        )
        await every(feeds, 2)
        idle = [[greet(None)]] * IDLE
        await stack.enter_async_context(opened(server.port, "/graphql", idle, ignored, PROTOCOL))
        await asyncio.sleep(1)
        frames, used = sum(one.frames for one in feeds), cpu([server.pid])
        took = await paced(server.port, sales, asyncio.sleep(SECONDS))
        frames = sum(one.frames for one in feeds) - frames
        used = cpu([server.pid]) - used
    text = (
        f"{SALES_PER_SECOND} sales/s for {SECONDS} s beside {FEEDS} guests who each follow the "
        f"labels of another {LISTED} of {PRODUCTS} products, half of them of a channel, and {IDLE} "
        f"idle sockets, all of one address: {slowness([took])}, {frames:,} events, the server "
        f"{used / SECONDS:.0%} of a CPU; without them: {slowness([alone])}"
    )
    return Figure("feeds_p99_ms", sorted(took)[int((len(took) - 1) * 0.99)] * 1e3, text)


async def emptied(stage: Stage, shop: Shop) -> list[UUID]:
    """Products of which so few are left that each sale changes their label."""
    scarce = shop.products[:SCARCE]
    lines = [(product, PLENTY - Decimal(LEFT)) for product in scarce]
    async with lane(stage, shop) as one:
        outcome = await one.submit(shop.tenant, drafted(shop, Kind.SALE, lines, uuid4()))
        assert isinstance(outcome, Movement), outcome
    return scarce


def labels(shop: Shop, number: int) -> dict[str, Any]:
    """What one guest follows."""
    products = [str(product) for product in random.sample(shop.products, LISTED)]
    channel = "WECHAT" if number % 2 else None
    return {"store": shop.login, "products": products, "channel": channel}


def selling(port: int, shop: Shop, scarce: Sequence[UUID], token: str):
    """Sales of one piece; every fifth is of a scarce product until none is left."""
    left = [product for product in scarce for _ in range(SOLD)]
    random.shuffle(left)
    plenty = shop.products[SCARCE:]
    number = 0
    while True:
        number += 1
        product = left.pop() if left and number % 5 == 0 else random.choice(plenty)
        lines = [{"productId": str(product), "quantity": "1"}]
        sale = {"key": str(uuid4()), "storeId": str(shop.store), "lines": lines}
        yield post(port, "/graphql", graphql(SELL, {"input": sale}), token)
