"""Dishes: the cost of a sale, of popular dishes sold at once, of the menu, and of a menu without
followers."""

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from functools import partial
from uuid import UUID, uuid4

import asyncpg
import psutil

from app.db.core.bus import Bus
from app.db.core.unit import Database
from app.domain.access import Role, Scope, Viewer
from app.domain.catalog.cookbook import NO_WISH, Cookbook
from app.domain.catalog.new_products import ProductRequest, create_product
from app.domain.catalog.products import ProductDescription
from app.domain.catalog.recipes import Ingredient, set_recipe
from app.domain.claims import fingerprint_of
from app.domain.ledger.draft import Draft, Line, Place
from app.domain.rules.kinds import Kind
from app.live.hub import Hub
from bench.asking import asked, forever, graphql, post
from bench.http import Case
from bench.lane import ROUNDS, SECONDS, lane, ordered, sell
from bench.measure import Figure, median
from bench.stage import Shop, Stage, command, unheard

FIGURES = ("dish_8", "dish_hot", "menu_ms", "menu_unwatched")
DISHES = 200
PARTS = 8
SHARED = 100
INGREDIENTS = 300
UNWATCHED = 2000
MENU = """
query Menu($store: String!) { menu(store: $store) { dishes {
  id name price makeable limiting { name } soldOut availability { label text }
} } }
"""


@dataclass(frozen=True)
class Kitchen:
    """A shop whose dishes each take a random few of its goods."""

    shop: Shop
    dishes: list[UUID]
    db: Database
    cookbook: Cookbook

    async def order(self, dishes: Sequence[UUID]) -> Draft:
        """One dish, exploded as the API does it."""
        shop = self.shop
        shelf, customer = Place(shop.store, "shelf"), Place(shop.store, "customer")
        line = Line(random.choice(dishes), Decimal(1), shelf, customer)
        told = await self.cookbook.explode(shop.tenant, [line], [NO_WISH], "COUNTER")
        fingerprint = fingerprint_of(Kind.SALE, shop.store, [line])
        paper = (uuid4(), told.lines, fingerprint, datetime.now(UTC))
        return Draft(Kind.SALE, shop.store, shop.actor, *paper, recipes=told.recipes)


async def figures(stage: Stage, wanted: Sequence[str]) -> AsyncIterator[Figure]:
    if "dish_8" in wanted or "dish_hot" in wanted:
        kitchen = await furnished(stage, SHARED)
        if "dish_8" in wanted:
            yield await dish(stage, kitchen)
        if "dish_hot" in wanted:
            yield await hot(stage, kitchen)
        await kitchen.db.close()
    if "menu_ms" in wanted or "menu_unwatched" in wanted:
        kitchen = await furnished(stage, INGREDIENTS)
        if "menu_ms" in wanted:
            yield await menu(stage, kitchen)
        if "menu_unwatched" in wanted:
            yield await unwatched(stage, kitchen)
        await kitchen.db.close()


async def furnished(stage: Stage, ingredients: int) -> Kitchen:
    shop = await stage.shop(ingredients)
    db = Database(stage.urls.database, unheard)
    stores = frozenset([shop.store])
    owner = Viewer(Scope(shop.tenant, Role.OWNER, own=stores), shop.actor, "老板", stores)
    dishes = []
    for number in range(DISHES):
        description = ProductDescription(f"菜 {number:03d}", price=280_000)
        request = ProductRequest(f"DISH-{number}", "份", "DISH", description)
        made = await create_product(db, owner, uuid4(), request)
        parts = [
            Ingredient(product, Decimal(random.randint(1, 3)))
            for product in random.sample(shop.products, PARTS)
        ]
        await set_recipe(db, owner, uuid4(), made.id, parts, None, None)
        dishes.append(made.id)
    await command(stage.urls.owner, "vacuum analyze")
    return Kitchen(shop, dishes, db, Cookbook(db))


async def dish(stage: Stage, kitchen: Kitchen) -> Figure:
    """CPU of a sale of a dish, and of one of a single product, alternating."""
    shop, order = kitchen.shop, partial(kitchen.order, kitchen.dishes)
    plain, made = [], []
    async with lane(stage, shop) as one:
        await ordered(one, shop, order, 64, 1)
        for _ in range(ROUNDS):
            run = await sell(one, shop, 64, SECONDS, stage.database, SHARED)
            plain.append(run.client + run.server)
            run = await ordered(one, shop, order, 64, SECONDS, stage.database)
            made.append(run.client + run.server)
    told = (
        f"client + PostgreSQL {median(made):.0f} µs a dish of {PARTS} out of {SHARED} shared "
        f"ingredients, {median(plain):.0f} µs a sale of one of these, 64 in flight"
    )
    return Figure("dish_8", median(a / b for a, b in zip(made, plain, strict=True)), told)


async def hot(stage: Stage, kitchen: Kitchen) -> Figure:
    """Two dishes that all customers order, with and without grouping, alternating."""
    shop, order = kitchen.shop, partial(kitchen.order, kitchen.dishes[:2])
    together, alone = [], []
    before = await deadlocks(stage)
    async with lane(stage, shop) as grouped, lane(stage, shop, batch=1) as single:
        for _ in range(ROUNDS):
            together.append((await ordered(grouped, shop, order, 32, SECONDS)).rate)
            alone.append((await ordered(single, shop, order, 32, SECONDS)).rate)
    found = await deadlocks(stage) - before
    assert not found, f"{found} deadlocks"
    told = (
        f"{median(together):,.0f}/s, one movement a transaction {median(alone):,.0f}/s, "
        f"32 clients, 0 deadlocks"
    )
    return Figure("dish_hot", median(a / b for a, b in zip(together, alone, strict=True)), told)


async def deadlocks(stage: Stage) -> int:
    raw = await asyncpg.connect(stage.urls.owner)
    found = await raw.fetchval("SELECT sum(deadlocks) FROM pg_stat_database")
    await raw.close()
    return int(found)


async def menu(stage: Stage, kitchen: Kitchen) -> Figure:
    """CPU of the server and of PostgreSQL for one menu, as staff see it."""
    shop = kitchen.shop
    with stage.serving() as [server]:
        token = await shop.token(server.port)
        body = graphql(MENU, {"store": shop.login})
        menus = asked(forever([post(server.port, "/graphql", body, token)]), b'"makeable":')
        case = Case(server.port, menus, [server.pid], stage.database, 4, 3)
        await case(1)
        costs = [await case() for _ in range(ROUNDS)]
    app, total = median(c.app for c in costs) * 1e3, median(c.total for c in costs) * 1e3
    told = (
        f"{DISHES} dishes of {PARTS} over {INGREDIENTS} ingredients: app {app:.1f} ms, with "
        f"PostgreSQL {total:.1f} ms a menu"
    )
    return Figure("menu_ms", total, told)


async def unwatched(stage: Stage, kitchen: Kitchen) -> Figure:
    """CPU of a process that follows the store's feed, of a shop with a menu and of one without."""
    bare = await stage.shop(INGREDIENTS + 1)
    costs: dict[bool, list[float]] = {False: [], True: []}
    for _ in range(ROUNDS):
        for shop in (bare, kitchen.shop):
            cost = await following(stage, shop, partial(sale, shop))
            costs[shop is kitchen.shop].append(cost)
    told = (
        f"{median(costs[True]):.0f} µs a change of a shop with {DISHES} dishes and nobody on "
        f"menuFeed, {median(costs[False]):.0f} µs of a shop without"
    )
    ratio = median(a / b for a, b in zip(costs[True], costs[False], strict=True))
    return Figure("menu_unwatched", ratio, told)


async def sale(shop: Shop) -> Draft:
    return shop.sale(random.choice(shop.products))


async def following(stage: Stage, shop: Shop, order: Callable[[], Awaitable[Draft]]) -> float:
    """µs of this process for each commit, including its own share of the write."""
    bus = Bus(stage.urls.redis)
    await bus.start()
    db = Database(stage.urls.database, bus.nudge)
    hub = Hub(db, bus, Cookbook(db))
    follower = hub.follow(shop.tenant, shop.store)
    heard = asyncio.create_task(drained(follower))
    async with lane(stage, shop) as made:
        me = psutil.Process()
        used = sum(me.cpu_times()[:2])
        for _ in range(UNWATCHED):
            await made.submit(shop.tenant, await order())
        used = sum(me.cpu_times()[:2]) - used
    heard.cancel()
    await asyncio.gather(heard, return_exceptions=True)
    await hub.close()
    await bus.stop()
    await db.close()
    return used / UNWATCHED * 1e6


async def drained(follower: object) -> None:
    async for _ in follower:  # pyright: ignore[reportGeneralTypeIssues] async __aiter__
        pass
