"""Operations of two tenants, mixed, on one process: nothing of one is in an answer of the other."""

import asyncio
import random
from collections.abc import AsyncIterator
from functools import partial
from typing import Any
from uuid import uuid4

import pytest

from app.db.core.unit import Database
from app.run.embedded import Urls
from tests.api.conftest import served
from tests.security.documents import Document, documents, nodes
from tests.security.roots import ARGUMENTS
from tests.security.secrets import Reader, seen
from tests.security.walk import Walk
from tests.security.world import World
from tests.support.api import mutation
from tests.support.live import Line, dialled

MIXED = ("levels", "products", "movements", "orders", "writeOffs", "storefront", "menu", "supplier")
READERS = ("owner", "owner of another tenant", "guest", "cashier", "key stock:read")
COUNT, COUNT_ALL = 200, 10_000
AT_ONCE = 20
LEVELS = "{ levels(first: 50) { nodes { product { name } store { code } onHand value } } }"


def few(world: World, root: str) -> Document:
    """A small document of the root: its nearest nodes."""
    given = ARGUMENTS[root](world.places[0, 0])
    return documents("query", root, nodes("query", root)[:8], given)[0]


@pytest.mark.widened
@pytest.mark.timeout(600)
async def test_nothing_bleeds(world: World, seed: str, wide: bool) -> None:
    walk, rng = Walk(world), random.Random(seed)
    mixed = [few(world, root) for root in MIXED]
    readers = [world.readers[name] for name in READERS]
    count = COUNT_ALL if wide else COUNT
    waiting = [
        (rng.choice(readers), rng.choice(mixed), rng.choice(("own", "foreign")))
        for _ in range(count)
    ]
    leaks: list[str] = []
    answered = 0

    async def work() -> None:
        nonlocal answered
        while waiting:
            answer = await walk.ask(*waiting.pop())
            leaks.extend(walk.leaks(answer))
            answered += answer.value is not None

    await asyncio.gather(*(work() for _ in range(AT_ONCE)))
    assert leaks == []
    assert answered > count / 4


async def operate(line: Line, query: str, **variables: Any) -> Any:
    """The payload of one operation on a socket."""
    id = uuid4().hex
    await line.subscribe(query, id, **variables)
    while True:
        message = await line.receive(20)
        if message.get("id") == id and message["type"] in ("next", "error"):
            return message["payload"]


async def test_a_socket_stays_with_its_tenant(world: World) -> None:
    """An order at another tenant's store changes nothing for the socket that placed it."""
    owner, theirs = world.readers["owner"], world.places[1, 0]
    line_of_order = {"productId": theirs["product"], "quantity": "1"}
    order = {"store": theirs["code"], "channel": "WECHAT", "lines": [line_of_order]}
    async with dialled(str(world.asking.http.base_url), owner.token) as line:
        before = await operate(line, LEVELS)
        input = {"key": str(uuid4()), "contact": uuid4().hex, **order}
        placed = await operate(line, mutation("placeOrder"), input=input)
        assert placed["data"]["placeOrder"]["state"] == "HELD"
        assert await operate(line, LEVELS) == before
        assert secrets_of(world, owner, str(before)) == {0}


def secrets_of(world: World, reader: Reader, answer: str) -> set[int]:
    """The tenants whose canaries stand in the answer."""
    assert reader.tenant is not None
    return {each.tenant for each in seen(world.canaries, answer)}


@pytest.fixture
async def narrow(world: World, walked: Urls) -> AsyncIterator[Walk]:
    """The same data behind a server whose pools have two connections each."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("app.main.Database", partial(Database, pool_size=2))
        async with served(walked) as asking:
            yield Walk(World(asking, world.desks, world.places, world.canaries, world.readers))


async def test_a_hundred_at_once_on_two_connections(narrow: Walk) -> None:
    """Queries with edges, mutations and feeds: none fails, and none waits for another."""
    world = narrow.world
    owner, cashier = world.readers["owner"], world.readers["cashier"]
    place = world.places[0, 0]
    mixed = [few(world, root) for root in MIXED]
    line = {"productId": place["product"], "quantity": "1"}

    async def sell() -> list[str]:
        input = {"key": str(uuid4()), "storeId": place["store"], "lines": [line]}
        answer = await world.asking.raw(mutation("sell"), cashier.token, input=input)
        return [] if answer.get("data", {}).get("sell", {}).get("kind") == "SALE" else [str(answer)]

    async def read(document: Document) -> list[str]:
        return (await narrow.ask(owner, document, "own")).codes

    async def follow() -> list[str]:
        [feed, *_] = documents(
            "subscription", "storeFeed", nodes("subscription", "storeFeed")[:9], ["storeId"]
        )
        return (await narrow.ask(owner, feed, "own")).codes

    operations = [
        sell() if n % 5 == 0 else follow() if n % 5 == 1 else read(mixed[n % len(mixed)])
        for n in range(100)
    ]
    async with asyncio.timeout(60):
        assert [codes for codes in await asyncio.gather(*operations) if codes] == []
