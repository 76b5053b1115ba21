"""Requests over HTTP: CPU an operation, app and database, beside Vendure and a bare route."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from functools import partial
from itertools import cycle
from uuid import uuid4

from bench import lane, vendure
from bench.asking import Load, Talking, asked, forever, get, graphql, post
from bench.lane import Run
from bench.measure import Figure, cpu, median
from bench.stage import Shop, Stage
from bench.vendure import Absent, Vendure

FIGURES = (
    "sell_vs_vendure",
    "sell_vs_lane",
    "barcode_vs_bare",
    "barcode_vs_vendure",
    "list50_vs_vendure",
    "storefront_vs_vendure",
)
PRODUCTS = 10_000
ROTATING = vendure.PRODUCTS
ROUNDS = 3

SELL = """
mutation Sell($input: SellInput!) {
  sell(input: $input) { __typename ... on Movement { id } ... on Problem { code message } }
}
"""
BARCODE = """
query Barcode($barcode: String!, $store: UUID!) {
  product(barcode: $barcode) { id name sku level(storeId: $store) { available } }
}
"""
LEVELS = """
query Levels($stores: [UUID!], $after: String) {
  levels(storeIds: $stores, first: 50, after: $after) {
    nodes { product { id name sku } onHand available reserved incoming version }
    pageInfo { hasNextPage endCursor }
  }
}
"""
STOREFRONT = """
query Storefront($store: String!) {
  storefront(store: $store, channel: WECHAT) {
    products(first: 50) {
      nodes { id name price availability { label text } }
      pageInfo { hasNextPage endCursor }
    }
  }
}
"""
BY_SKU = """
query($sku: String!) {
  productVariants(options: {take: 1, filter: {sku: {eq: $sku}}}) {
    items { id sku name stockLevels { stockOnHand stockAllocated stockLocation { id name } } }
  }
}
"""
SHOP_LIST = """
query($skip: Int!) {
  products(options: {take: 50, skip: $skip}) {
    totalItems items { id name slug variants { id sku name priceWithTax stockLevel } }
  }
}
"""
ADJUST = """
mutation($input: [UpdateProductVariantInput!]!) {
  updateProductVariants(input: $input) {
    id sku stockLevels { stockOnHand stockAllocated stockLocationId }
  }
}
"""
VARIANTS = """
query($skip: Int!) {
  productVariants(options: {take: 50, skip: $skip}) {
    totalItems
    items { id sku name stockLevels { stockOnHand stockAllocated stockLocation { id name } } }
  }
}
"""


@dataclass(frozen=True)
class Case:
    """One kind of request to one server, and the processes whose CPU is measured."""

    port: int
    talking: Talking
    app: list[int]
    database: list[int]
    clients: int
    seconds: float

    async def __call__(self, seconds: float = 0) -> "Cost":
        """Runs for so long; every answer is looked at. Raises Wrong."""
        app, database = cpu(self.app), cpu(self.database)
        answered = await Load(self.talking).run(self.port, self.clients, seconds or self.seconds)
        return Cost((cpu(self.app) - app) / answered, (cpu(self.database) - database) / answered)


@dataclass(frozen=True)
class Cost:
    """CPU seconds per operation."""

    app: float
    database: float

    @property
    def total(self) -> float:
        return self.app + self.database

    def __str__(self) -> str:
        return f"{self.app * 1e6:,.0f} + {self.database * 1e6:,.0f} µs"


async def figures(stage: Stage, wanted: Sequence[str]) -> AsyncIterator[Figure]:
    shop = await stage.shop(PRODUCTS)
    if "barcode_vs_bare" in wanted:
        yield await barcode(stage, shop)
    if "sell_vs_lane" in wanted:
        yield await selling_beside_lane(stage, shop)
    against = [name for name in wanted if name.endswith("_vs_vendure")]
    if not against:
        return
    async with AsyncExitStack() as stack:
        try:
            peer = await stack.enter_async_context(vendure.running())
        except Absent as reason:
            for name in against:
                yield Figure(name, None, str(reason))
            return
        [server] = stack.enter_context(stage.serving())
        token = await shop.token(server.port)
        ours = [server.pid], [*stage.database, stage.engines.valkey.pid]
        theirs = [peer.app], [peer.database]
        for name in against:
            make, clients = SCENES[name]
            mine, other = make(shop, server.port, token, peer)
            yield await compared(
                name,
                Case(server.port, mine, *ours, clients, 4),
                Case(peer.port, other, *theirs, clients, 6),
            )


async def barcode(stage: Stage, shop: Shop) -> Figure:
    with stage.serving() as [server], stage.serving(role="barcode") as [bare]:
        token = await shop.token(server.port)
        codes = shop.barcodes[:ROTATING]
        bodies = [graphql(BARCODE, {"barcode": code, "store": str(shop.store)}) for code in codes]
        ours = forever(post(server.port, "/graphql", body, token) for body in bodies)
        path = f"/{shop.tenant}/{shop.store}"
        plain = forever(get(bare.port, f"{path}/{code}") for code in codes)
        good, database = b'"available":', stage.database
        mine = Case(server.port, asked(ours, good), [server.pid], database, 64, 4)
        other = Case(bare.port, asked(plain, good), [bare.pid], database, 64, 4)
        costs = await alternating(mine, other)
        apps = median(our.app / its.app for our, its in costs)
        ratio = median(our.total / its.total for our, its in costs)
        told = (
            f"app + PostgreSQL {typical(costs, 0)}, bare Starlette route with one asyncpg "
            f"query {typical(costs, 1)}; app alone {apps:.1f}x"
        )
        return Figure("barcode_vs_bare", ratio, told)


async def selling_beside_lane(stage: Stage, shop: Shop) -> Figure:
    with stage.serving() as [server]:
        talking = asked(sales(shop, server.port, await shop.token(server.port)), b'"Movement"')
        case = Case(server.port, talking, [server.pid], stage.database, 64, 4)
        async with lane.lane(stage, shop) as own:
            alone = partial(lane.sell, own, shop, 64, 4, stage.database)
            return await beside_lane("sell_vs_lane", case, alone)


async def beside_lane(name: str, case: Case, alone: Callable[[], Awaitable[Run]]) -> Figure:
    """CPU of a request and of the same work that is given to the lane, alternating."""
    await case(2)
    costs = list[tuple[Cost, Cost]]()
    for _ in range(ROUNDS):
        request, run = await case(), await alone()
        costs.append((request, Cost(run.client / 1e6, run.server / 1e6)))
    text = (
        f"app + PostgreSQL {typical(costs, 0)}, the lane alone {typical(costs, 1)}, "
        f"{case.clients} in flight"
    )
    return Figure(name, median(our.total / own.total for our, own in costs), text)


async def compared(name: str, ours: Case, theirs: Case) -> Figure:
    costs = await alternating(ours, theirs)
    ratio = median(its.total / our.total for our, its in costs)
    told = (
        f"app + database {typical(costs, 0)}, Vendure {vendure.VERSION} {typical(costs, 1)}, "
        f"{ours.clients} clients"
    )
    return Figure(name, ratio, told)


async def alternating(one: Case, other: Case) -> list[tuple[Cost, Cost]]:
    for case in (one, other):
        await case(2)
    return [(await one(), await other()) for _ in range(ROUNDS)]


def typical(costs: list[tuple[Cost, Cost]], side: int) -> Cost:
    return sorted((pair[side] for pair in costs), key=lambda cost: cost.total)[len(costs) // 2]


def sales(shop: Shop, port: int, token: str) -> Iterator[bytes]:
    for product in cycle(shop.products[:ROTATING]):
        lines = [{"productId": str(product), "quantity": "1"}]
        input = {"key": str(uuid4()), "storeId": str(shop.store), "lines": lines}
        yield post(port, "/graphql", graphql(SELL, {"input": input}), token)


def sell(shop: Shop, port: int, token: str, peer: Vendure) -> tuple[Talking, Talking]:
    """A sale with a key of its own, beside Vendure's change of one variant's stock."""

    adjusted = []
    for turn in range(5):
        for variant in range(1, vendure.PRODUCTS + 1):
            # A different number each time: Vendure does nothing for the number that it has already.
            stock = {"stockLocationId": "1", "stockOnHand": 1_000_000 + (variant + turn) % 5}
            body = graphql(ADJUST, {"input": [{"id": str(variant), "stockLevels": [stock]}]})
            adjusted.append(post(peer.port, "/admin-api", body, peer.token))
    return asked(sales(shop, port, token), b'"Movement"'), asked(cycle(adjusted), b'"stockOnHand"')


def listing(shop: Shop, port: int, token: str, peer: Vendure) -> tuple[Talking, Talking]:
    """Fifty products with their levels, beside Vendure's list of its administrators."""
    ours = graphql(LEVELS, {"stores": [str(shop.store)]})
    theirs = [graphql(VARIANTS, {"skip": skip}) for skip in (0, 50, 100, 150)]
    listed = (post(peer.port, "/admin-api", body, peer.token) for body in theirs)
    return (
        asked(forever([post(port, "/graphql", ours, token)]), b'"available"'),
        asked(forever(listed), b'"stockOnHand"'),
    )


def scanning(shop: Shop, port: int, token: str, peer: Vendure) -> tuple[Talking, Talking]:
    """A product by its barcode with its stock, beside Vendure's variant by its SKU."""
    codes = shop.barcodes[:ROTATING]
    bodies = [graphql(BARCODE, {"barcode": code, "store": str(shop.store)}) for code in codes]
    ours = forever(post(port, "/graphql", body, token) for body in bodies)
    skus = [f"SKU-{number:05d}" for number in range(1, vendure.PRODUCTS + 1)]
    named = [graphql(BY_SKU, {"sku": sku}) for sku in skus]
    theirs = forever(post(peer.port, "/admin-api", body, peer.token) for body in named)
    return asked(ours, b'"available"'), asked(theirs, b'"stockOnHand"')


def storefront(shop: Shop, port: int, _: str, peer: Vendure) -> tuple[Talking, Talking]:
    """A guest's page of fifty products with what is available, on both sides."""
    ours = graphql(STOREFRONT, {"store": shop.login})
    theirs = [graphql(SHOP_LIST, {"skip": skip}) for skip in (0, 50, 100, 150)]
    listed = (post(peer.port, "/shop-api", body) for body in theirs)
    return (
        asked(forever([post(port, "/graphql", ours)]), b'"label"'),
        asked(forever(listed), b'"stockLevel"'),
    )


SCENES = {
    "sell_vs_vendure": (sell, 64),
    "barcode_vs_vendure": (scanning, 64),
    "list50_vs_vendure": (listing, 16),
    "storefront_vs_vendure": (storefront, 16),
}
"""The requests to two servers that a figure compares, and the number of clients at once."""
