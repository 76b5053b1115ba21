"""Two server processes at once sell nothing twice, lose nothing, and give one key one effect."""

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from itertools import cycle
from typing import Any
from uuid import uuid4

import httpx2
import pytest

from app.db.core.audit import audit
from app.db.core.unit import Database
from app.run.embedded import Urls
from tests.conftest import SECRET, VAULT, Auditor, Cloning, unheard
from tests.support.api import Desk, a_desk, mutation
from tests.support.identity import Asking, a_chain
from tests.support.web import Web, client

SELL = """
mutation($input: SellInput!) { sell(input: $input) {
  ... on Movement { id kind occurredAt recordedAt lines { seq onHandAfter product { name } } }
  ... on Problem { code message }
  ... on OutOfStock { shortages { requested available product { name } } }
} }
"""


@pytest.fixture(scope="module")
async def apart(clone: Cloning) -> AsyncIterator[Urls]:
    """A database of its own: the jobs of the processes would take turns for all other tenants."""
    urls = await clone()
    yield urls
    assert await audit(urls.owner) == []


@pytest.fixture(scope="module")
def pair(apart: Urls) -> Iterator[tuple[Web, Web]]:
    webs = Web(apart, SECRET), Web(apart, SECRET)
    yield webs
    assert [web.end() for web in webs] == [[], []]


@pytest.fixture(scope="module")
async def people(apart: Urls, pair: tuple[Web, Web]) -> AsyncIterator[Desk]:
    db = Database(apart.database, unheard, vault=VAULT)
    async with client(pair[0]) as http:
        yield await a_desk(await a_chain(db, Asking(http)))
    await db.close()


@pytest.fixture
async def desk(people: Desk, apart: Urls, auditor: Auditor) -> AsyncIterator[Desk]:
    """The same people for all tests, each with products of its own."""
    yield replace(people, products={})
    assert await auditor(apart.owner) == []


@pytest.fixture
async def clients(pair: tuple[Web, Web]) -> AsyncIterator[list[httpx2.AsyncClient]]:
    created = [client(web) for web in pair]
    yield created
    for each in created:
        await each.aclose()


def body_of(name: str, /, **input: Any) -> dict[str, Any]:
    return {
        "query": SELL if name == "sell" else mutation(name),
        "variables": {"input": {"key": str(uuid4()), **input}},
    }


async def sent(http: httpx2.AsyncClient, desk: Desk, body: dict[str, Any]) -> bytes:
    headers = {"authorization": f"Bearer {desk.cashier}"}
    response = await http.post("/graphql", json=body, headers=headers)
    assert response.status_code == 200, response.text
    return response.content


async def sale(desk: Desk, *lines: tuple[str, object]) -> dict[str, Any]:
    return body_of("sell", storeId=desk.store, lines=[await desk.line(*line) for line in lines])


def outcome(answer: bytes) -> str:
    body = httpx2.Response(200, content=answer).json()
    assert "errors" not in body, body
    (value,) = body["data"].values()
    return value.get("code", "SOLD")


async def test_four_hundred_buyers_of_a_hundred(
    desk: Desk, clients: list[httpx2.AsyncClient]
) -> None:
    await desk.receive("米", 100)
    bodies = [await sale(desk, ("米", 1)) for _ in range(400)]
    turns = zip(cycle(clients), bodies, strict=False)
    answers = await asyncio.gather(*(sent(http, desk, body) for http, body in turns))
    assert Counter(map(outcome, answers)) == {"SOLD": 100, "OUT_OF_STOCK": 300}
    level = await desk.level("米")
    assert (level["onHand"], level["version"]) == ("0", "101")


async def test_lines_in_any_order_do_not_wait_for_each_other(
    desk: Desk, clients: list[httpx2.AsyncClient]
) -> None:
    names = ["米", "油", "盐", "酱"]
    for name in names:
        await desk.receive(name, 200)
    bodies = []
    for number in range(160):
        random.Random(number).shuffle(names)
        bodies.append(await sale(desk, *((name, 1) for name in names[:3]), (names[0], 1)))
    turns = zip(cycle(clients), bodies, strict=False)
    answers = await asyncio.gather(*(sent(http, desk, body) for http, body in turns))
    assert Counter(map(outcome, answers)) == {"SOLD": 160}
    left = [int((await desk.level(name))["onHand"]) for name in names]
    assert sum(left) == 800 - 640


async def test_one_key_twenty_times_at_once(desk: Desk, clients: list[httpx2.AsyncClient]) -> None:
    await desk.receive("米", 100)
    for _ in range(5):
        body = await sale(desk, ("米", 1))
        turns = zip(cycle(clients), [body] * 20, strict=False)
        answers = await asyncio.gather(*(sent(http, desk, again) for http, again in turns))
        assert len(set(answers)) == 1
        assert outcome(answers[0]) == "SOLD"
    assert (await desk.level("米"))["onHand"] == "95"


async def test_one_key_of_the_last_one(desk: Desk, clients: list[httpx2.AsyncClient]) -> None:
    await desk.receive("米", 1)
    body = await sale(desk, ("米", 1))
    turns = zip(cycle(clients), [body] * 20, strict=False)
    answers = await asyncio.gather(*(sent(http, desk, again) for http, again in turns))
    assert {outcome(answer) for answer in answers} == {"SOLD"}
    assert len(set(answers)) == 1


@pytest.mark.parametrize("name", ["createProduct", "addBarcode", "setReorderPoint", "reverse"])
async def test_one_key_of_anything_has_one_effect(
    desk: Desk, clients: list[httpx2.AsyncClient], name: str
) -> None:
    receipt = await desk.receive("米", 5)
    product = await desk.product("米")
    answer = {
        "createProduct": {"sku": uuid4().hex, "name": "米", "unit": "袋"},
        "addBarcode": {"productId": product, "code": uuid4().hex},
        "setReorderPoint": {"productId": product, "quantity": "2", "storeId": desk.store},
        "reverse": {"movementId": receipt["id"]},
    }[name]
    body = body_of(name, **answer)
    owner = Desk(desk.chain, desk.manager, desk.owner)
    turns = zip(cycle(clients), [body] * 20, strict=False)
    answers = await asyncio.gather(*(sent(http, owner, again) for http, again in turns))
    assert len(set(answers)) == 1, set(answers)
    assert outcome(answers[0]) == "SOLD"


async def test_who_hangs_up_may_ask_again(desk: Desk, clients: list[httpx2.AsyncClient]) -> None:
    await desk.receive("米", 200)
    bodies = [await sale(desk, ("米", 1)) for _ in range(60)]

    async def hurried(number: int, body: dict[str, Any]) -> None:
        asking = asyncio.create_task(sent(clients[number % 2], desk, body))
        await asyncio.sleep(number % 15 / 1000)
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)

    await asyncio.gather(*(hurried(number, body) for number, body in enumerate(bodies)))
    again = await asyncio.gather(*(sent(clients[1], desk, body) for body in bodies))
    assert {outcome(answer) for answer in again} == {"SOLD"}
    assert (await desk.level("米"))["onHand"] == "140"


async def test_a_server_killed_in_a_burst_loses_and_doubles_nothing(
    desk: Desk, apart: Urls, clients: list[httpx2.AsyncClient]
) -> None:
    await desk.receive("米", 1000)
    doomed = Web(apart, SECRET)
    bodies = [await sale(desk, ("米", 1)) for _ in range(400)]
    heard: dict[int, bytes] = {}
    enough = asyncio.Event()
    async with client(doomed) as http:

        async def sell(number: int) -> None:
            heard[number] = await sent(http, desk, bodies[number])
            if len(heard) == 100:
                enough.set()

        selling = [asyncio.create_task(sell(number)) for number in range(len(bodies))]
        await enough.wait()
        doomed.kill()
        ends = await asyncio.gather(*selling, return_exceptions=True)
    assert all(end is None or isinstance(end, httpx2.HTTPError) for end in ends)
    assert 100 <= len(heard) < 400
    doomed.end()
    again = await asyncio.gather(*(sent(clients[0], desk, body) for body in bodies))
    assert {outcome(answer) for answer in again} == {"SOLD"}
    assert {number: again[number] for number in heard} == heard
    level = await desk.level("米")
    assert (level["onHand"], level["version"]) == ("600", "401")
