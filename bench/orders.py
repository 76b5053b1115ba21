"""Orders over HTTP: what placing one costs beside two peers' flows, and a rush for too little."""

import random
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from functools import partial
from itertools import count, cycle
from uuid import UUID, uuid4

import asyncpg
from uuid_utils.compat import uuid7

from app.db.core.audit import audit
from app.db.orders import PlacedLine, PlacedOrder
from app.domain.ledger.draft import Draft
from app.domain.rules.kinds import Kind
from bench import vendure
from bench.asking import Talk, Wrong, asked, graphql, hold, post
from bench.http import ROUNDS, Case, alternating, beside_lane, typical
from bench.lane import lane, ordered
from bench.measure import Figure, median
from bench.stage import Shop, Stage, drafted
from bench.vendure import Absent

FIGURES = ("order_vs_vendure", "order_vs_saleor", "order_vs_lane", "oversell")
PRODUCTS = vendure.PRODUCTS
LINES = 3
CLIENTS = 64
BUYERS = 400
UNITS = 100

SALEOR_ORDER_MS = 1129
"""CPU, app and database, of a whole order in Saleor 3.23.28 at 16 clients, in the best
configuration found: measured in 2026-11 on two cores like these, not again in each run, since
Saleor wants containers and minutes."""

PLACE = """
mutation Place($input: PlaceOrderInput!) {
  placeOrder(input: $input) {
    __typename ... on Order { id state total expiresAt token } ... on Problem { code message }
  }
}
"""


async def figures(stage: Stage, wanted: Sequence[str]) -> AsyncIterator[Figure]:
    if "order_vs_vendure" in wanted or "order_vs_saleor" in wanted:
        for figure in await placing(stage, await stage.shop(PRODUCTS)):
            if figure.name in wanted:
                yield figure
    if "order_vs_lane" in wanted:
        yield await placing_beside_lane(stage, await stage.shop(PRODUCTS))
    if "oversell" in wanted:
        yield await oversell(stage)


def order(port: int, shop: Shop, products: Sequence[UUID], token: str) -> bytes:
    """A cashier orders one of each for a customer, since guests may hold a few orders only."""
    contact = f"1{random.randrange(10**10):010d}"
    lines = [{"productId": str(product), "quantity": "1"} for product in products]
    head = {"key": str(uuid4()), "store": shop.login, "channel": "WECHAT", "contact": contact}
    return post(port, "/graphql", graphql(PLACE, {"input": {**head, "lines": lines}}), token)


def orders(port: int, shop: Shop, token: str) -> Iterator[bytes]:
    """Of three products that are not the next order's."""
    for number in count():
        yield order(port, shop, three(shop, number), token)


def three(shop: Shop, number: int) -> list[UUID]:
    """The products of the order with that number."""
    return [shop.products[(number * LINES + line) % PRODUCTS] for line in range(LINES)]


async def placing(stage: Stage, shop: Shop) -> list[Figure]:
    """CPU of an order, ours and Vendure's alternating; ours alone where there is no Vendure."""
    async with AsyncExitStack() as stack:
        [server] = stack.enter_context(stage.serving())
        database = [*stage.database, stage.engines.valkey.pid]
        talking = asked(orders(server.port, shop, await shop.token(server.port)), b'"HELD"')
        ours = Case(server.port, talking, [server.pid], database, CLIENTS, 4)
        try:
            peer = await stack.enter_async_context(vendure.running())
        except Absent as reason:
            await ours(2)
            costs = [await ours() for _ in range(ROUNDS)]
            beside = Figure("order_vs_vendure", None, str(reason))
        else:
            shopping = vendure.shopping(peer)
            theirs = Case(peer.port, shopping, [peer.app], [peer.database], CLIENTS, 15)
            pairs = await alternating(ours, theirs)
            told = (
                f"placeOrder of {LINES} lines, app + database {typical(pairs, 0)}; an order of 1 "
                f"line in Vendure {vendure.VERSION}, six requests to paid, {typical(pairs, 1)}; "
                f"{CLIENTS} clients"
            )
            ratio = median(its.total / our.total for our, its in pairs)
            costs, beside = [our for our, _ in pairs], Figure("order_vs_vendure", ratio, told)
    each = median(cost.total for cost in costs) * 1e3
    told = (
        f"placeOrder of {LINES} lines, app + database {each:.2f} ms; a whole order in Saleor "
        f"{SALEOR_ORDER_MS:,} ms, measured once on a machine like this"
    )
    return [beside, Figure("order_vs_saleor", SALEOR_ORDER_MS / each, told)]


async def placing_beside_lane(stage: Stage, shop: Shop) -> Figure:
    number = count()

    async def hold() -> Draft:
        return held_order(shop, three(shop, next(number)))

    with stage.serving() as [server]:
        talking = asked(orders(server.port, shop, await shop.token(server.port)), b'"HELD"')
        case = Case(server.port, talking, [server.pid], stage.database, CLIENTS, 4)
        async with lane(stage, shop) as own:
            alone = partial(ordered, own, shop, hold, CLIENTS, 4, stage.database)
            return await beside_lane("order_vs_lane", case, alone)


def held_order(shop: Shop, products: Sequence[UUID]) -> Draft:
    """An order of one each, as the API would draft it."""
    lines = [(product, Decimal(1)) for product in products]
    hold = drafted(shop, Kind.ORDER_HOLD, lines, uuid4())
    order = PlacedOrder(
        id=uuid7(),
        store_id=shop.store,
        channel="WECHAT",
        sealed_contact=random.randbytes(40),
        contact_index=random.randbytes(32),
        address_index=None,
        note=None,
        external_id=None,
        total=None,
        pickup_at=None,
        expires_at=hold.occurred_at + timedelta(minutes=30),
        placed_by=shop.actor,
        lines=tuple(PlacedLine(each, 1, 1, None, None, None, None) for each in products),
    )
    until = order.expires_at
    return replace(hold, channel="WECHAT", order=order, document_id=order.id, lasts_until=until)


async def oversell(stage: Stage) -> Figure:
    """A rush a round, each for a product of its own; the figure is the worst.

    Raises Wrong for any answer but an order or OutOfStock, AssertionError when the books differ.
    """
    shop, placed = await stage.shop(ROUNDS), []
    await leave(stage, shop, UNITS)
    with stage.serving(processes=2) as servers:
        ports = [server.port for server in servers]
        token = await shop.token(ports[0])
        for product in shop.products:
            placed.append(await rush(ports, shop, product, token))
    assert await bins(stage, shop) == [(UNITS - each, each) for each in placed]
    breaches = await audit(stage.urls.owner)
    assert not breaches, breaches[:5]
    told = (
        f"{BUYERS} buyers at once of {UNITS} units, 2 processes, {ROUNDS} times: "
        f"{', '.join(map(str, placed))} held, all others OutOfStock, the audit clean"
    )
    return Figure("oversell", max(placed, key=lambda held: abs(held - UNITS)), told)


async def leave(stage: Stage, shop: Shop, units: int) -> None:
    """So many of each product stay on the shelf."""
    async with lane(stage, shop) as made:
        held = zip(shop.products, await bins(stage, shop), strict=True)
        lines = [(product, Decimal(shelf - units)) for product, (shelf, _) in held]
        await made.submit(shop.tenant, drafted(shop, Kind.LOSS, lines, uuid4()))


async def bins(stage: Stage, shop: Shop) -> list[tuple[int, int]]:
    """What is on the shelf and reserved, of each product."""
    raw = await asyncpg.connect(stage.urls.owner)
    query = "SELECT shelf, reserved FROM levels WHERE store_id = $1 AND product_id = any($2)"
    found = await raw.fetch(f"{query} ORDER BY product_id", shop.store, sorted(shop.products))
    await raw.close()
    return [(row["shelf"], row["reserved"]) for row in found]


async def rush(ports: Sequence[int], shop: Shop, product: UUID, token: str) -> int:
    """All buyers at once, each on a connection of its own; how many of them got it."""
    got: list[bool] = []

    def buyer(port: int) -> Talk:
        body = (yield order(port, shop, [product], token)).body
        if b'"HELD"' not in body and b'"OUT_OF_STOCK"' not in body:
            raise Wrong(body[:300].decode())
        got.append(b'"HELD"' in body)

    await hold((port, buyer(port)) for port, _ in zip(cycle(ports), range(BUYERS), strict=False))
    assert len(got) == BUYERS
    return sum(got)
