"""Shared answers: subscribers with the same question share one execution, also when some fail."""

import asyncio
import gc
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime

import asyncpg
import pytest

from app.domain.feed import Change, Event
from app.live.follower import Follower
from app.live.share import SharedExecutor
from app.live.socket import Socket
from app.live.tail import Tail
from app.run.embedded import Urls
from tests.support.identity import Chain, eventually
from tests.support.live import FEED, Line, dialled
from tests.support.shop import Shop

# The category is read by a loader, after the event was read.
LOADED = """
subscription($store: UUID!) { storeFeed(storeId: $store) {
  ... on StoreSnapshot { revision levels { product { category { name } } } }
  ... on StoreChange { revision levels { available product { category { name } } } }
} }
"""
SKIPPING = """
subscription($store: UUID!, $after: Revision, $less: Boolean!) {
  storeFeed(storeId: $store, after: $after) {
    ... on StoreSnapshot { revision }
    ... on StoreChange { revision levels @skip(if: $less) { available } }
  }
}
"""


@pytest.fixture
def executions(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """Collects every execution of an event."""
    seen: list[object] = []
    execute = SharedExecutor.execute_without_person

    def counted(executor: SharedExecutor, event: Event) -> object:
        seen.append(event)
        return execute(executor, event)

    monkeypatch.setattr(SharedExecutor, "execute_without_person", counted)
    return seen


@asynccontextmanager
async def lines(shop: Shop, *tokens: str) -> AsyncIterator[list[Line]]:
    async with AsyncExitStack() as stack:
        yield [await stack.enter_async_context(dialled(shop.base_url, token)) for token in tokens]


async def categorised(shop: Shop, owner: asyncpg.Connection, name: str) -> None:
    """Receive the product and give it a category, so that an answer needs a loader."""
    await shop.receive(name, 100)
    category = await owner.fetchval(
        "INSERT INTO categories (tenant_id, id, name) VALUES ($1, uuidv7(), '粮油') RETURNING id",
        shop.tenant,
    )
    product = await shop.product(name)
    await owner.execute("UPDATE products SET category_id = $1 WHERE id = $2", category, product)


@pytest.fixture
async def owner(urls: Urls) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(urls.owner)
    yield connection
    await connection.close()


@asynccontextmanager
async def answers_held_up(urls: Urls) -> AsyncIterator[None]:
    """Lock the categories table, so that loaders wait."""
    holder = await asyncpg.connect(urls.owner)
    await holder.execute("BEGIN; LOCK TABLE categories IN ACCESS EXCLUSIVE MODE")
    try:
        yield
    finally:
        await holder.close()


WAITING = """
SELECT pid FROM pg_stat_activity
WHERE datname = current_database() AND wait_event_type = 'Lock' AND query LIKE '%categories%'
"""


async def test_different_people_share_one_execution(
    open_shop: Shop, chain: Chain, executions: list[object]
) -> None:
    shop = open_shop
    await shop.receive("米", 10)
    one, two = [(await chain.hired())[1]["accessToken"] for _ in range(2)]
    async with lines(shop, one, two, two) as followers:
        for line in followers:
            await line.subscribe(FEED, store=str(shop.store))
            await line.next()
        executions.clear()
        await shop.sell("米", 1)
        frames = {await line.socket.recv() for line in followers}
    assert len(frames) == 1
    assert len(executions) == 1


async def test_what_shapes_an_answer_asks_anew_and_what_chooses_events_does_not(
    open_shop: Shop, executions: list[object]
) -> None:
    shop = open_shop
    for _ in range(3):
        await shop.receive("米", 10)
    async with lines(shop, *[shop.token] * 3) as (one, two, three):
        for line, after, less in ((one, "1", True), (two, None, True), (three, "2", False)):
            await line.subscribe(SKIPPING, store=str(shop.store), after=after, less=less)
            await line.next()
        executions.clear()
        await shop.sell("米", 1)
        changes = [await line.next() for line in (one, two, three)]
    assert changes[0] == changes[1]
    assert "levels" not in changes[0]
    assert changes[2]["levels"] == [{"available": "29"}]
    assert len(executions) == 2


async def test_arguments_in_the_text_of_a_feed_ask_nothing_anew(
    open_shop: Shop, executions: list[object]
) -> None:
    """As with variables: they choose events, and the same event has one answer."""
    shop = open_shop
    for _ in range(3):
        await shop.receive("米", 10)
    async with lines(shop, *[shop.token] * 4) as followers:
        for line, after, name in zip(
            followers, ("1", "2", "3", "3"), ("onHand", "onHand", "onHand", "version"), strict=True
        ):
            await line.subscribe(
                f'subscription {{ storeFeed(storeId: "{shop.store}", after: "{after}") '
                f"{{ ... on StoreChange {{ revision levels {{ {name} }} }} }} }}"
            )
            await line.next()
        executions.clear()
        await shop.sell("米", 1)
        changes = [await line.next() for line in followers]
    assert changes[0] == changes[1] == changes[2]
    assert changes[0]["levels"] == [{"onHand": "29"}]
    assert changes[3]["levels"][0].keys() == {"version"}
    assert len(executions) == 2


async def test_more_rights_are_another_question(
    open_shop: Shop, chain: Chain, executions: list[object]
) -> None:
    shop = open_shop
    await shop.receive("米", 10)
    cashier = (await chain.hired())[1]["accessToken"]
    async with lines(shop, shop.token, cashier) as followers:
        for line in followers:
            await line.subscribe(FEED, store=str(shop.store))
            await line.next()
        executions.clear()
        await shop.sell("米", 1)
        for line in followers:
            await line.next()
    assert len(executions) == 2


@pytest.mark.parametrize("leaver", [0, 1, 2])
async def test_who_leaves_takes_no_answer_from_the_others(
    open_shop: Shop, urls: Urls, owner: asyncpg.Connection, leaver: int
) -> None:
    shop = open_shop
    await categorised(shop, owner, "米")
    async with lines(shop, *[shop.token] * 3) as followers:
        for line in followers:
            await line.subscribe(LOADED, store=str(shop.store))
            await line.next()
        async with answers_held_up(urls):
            await shop.sell("米", 1)
            await eventually(lambda: owner.fetchval(WAITING))
            held = len(Socket.open)
            followers[leaver].socket.transport.abort()
            await eventually(lambda: fewer(held))
        for line in followers:
            if line is not followers[leaver]:
                assert (await line.next())["levels"][0]["available"] == "99"


async def fewer(held: int) -> bool:
    await asyncio.sleep(0.02)
    return len(Socket.open) < held


async def test_an_outage_is_no_answer(
    open_shop: Shop, urls: Urls, owner: asyncpg.Connection
) -> None:
    """A connection lost during an execution delays the answer; subscribers receive no nulls."""
    shop = open_shop
    await categorised(shop, owner, "米")
    async with dialled(shop.base_url, shop.token) as line:
        await line.subscribe(LOADED, store=str(shop.store))
        await line.next()
        async with answers_held_up(urls):
            await shop.sell("米", 1)
            await eventually(lambda: owner.fetchval(WAITING))
            await owner.execute(f"SELECT pg_terminate_backend(pid) FROM ({WAITING}) AS waiting")
            await asyncio.sleep(0.3)
        [level] = (await line.next())["levels"]
        assert level == {"available": "99", "product": {"category": {"name": "粮油"}}}


async def test_an_answer_that_cannot_be_sent_closes_its_socket(
    open_shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A subscription whose events cannot be sent is closed, so that it does not look alive."""
    shop = open_shop
    await shop.receive("米", 10)

    def broken(_: object) -> bytes:
        raise TypeError("not JSON")

    async with dialled(shop.base_url, shop.token) as line:
        await line.subscribe(FEED, store=str(shop.store))
        await line.next()
        with monkeypatch.context() as patched:
            patched.setattr("app.live.socket.dumps", broken)
            await shop.sell("米", 1)
            await asyncio.wait_for(line.socket.wait_closed(), 3)
        assert line.socket.close_code == 1011


def follower_of(shop: Shop) -> Follower:
    """The follower of the only subscription to this store in this process."""
    tails = [each for each in gc.get_objects() if type(each) is Tail]
    [follower] = [one for tail in tails if tail.store == shop.store for one in tail.followers]
    return follower


async def test_events_leave_nothing_behind(open_shop: Shop) -> None:
    """Stock graphql-core keeps about 1.85 KB for each event of a live subscription."""
    shop = open_shop
    await shop.receive("米", 10)
    async with dialled(shop.base_url, shop.token) as line:
        await line.subscribe(FEED, store=str(shop.store))
        snapshot = await line.next()
        follower = follower_of(shop)
        kept = []
        for revision in range(1200):
            if revision in (200, 1199):
                gc.collect()
                kept.append(len(gc.get_objects()))
            change = Change(
                tenant=shop.tenant,
                from_revision=revision + 1000,
                revision=revision + 1001,
                at=datetime.now(UTC),
                levels=[],
            )
            follower.offer(change)
            assert (await line.next())["revision"] == str(revision + 1001)
        assert int(snapshot["revision"]) < 1000
        assert kept[1] - kept[0] < 500, kept
