"""Streams: a change reaches thousands of them in turns, and other work runs between the turns."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from functools import partial
from itertools import pairwise
from typing import Any
from urllib.parse import urlsplit

import pytest

from app.domain.feed import Change, Event
from app.live.follower import Follower
from app.live.sender import CHUNK, Sender
from tests.live.test_recovery import Quiet, changed, following, forgotten, until
from tests.support.live import FEED
from tests.support.shop import Shop

MANY = 5 * CHUNK
NAMES = "subscription($store: UUID!) { storeFeed(storeId: $store) { __typename } }"
QUERIES = {"an answer that is read": FEED, "an answer at once": NAMES}
Reading = asyncio.Future[Event]


class Reader(asyncio.Protocol):
    """A client of one stream: it keeps all that it receives."""

    def __init__(self, request: bytes) -> None:
        self._request = request
        self.received = b""

    def connection_made(self, transport: Any) -> None:
        self.transport = transport
        transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        self.received += data


@asynccontextmanager
async def reading(shop: Shop, query: str) -> AsyncIterator[list[Reader]]:
    """Many streams of the store that have their snapshot."""
    address = urlsplit(shop.base_url)
    body = json.dumps({"query": query, "variables": {"store": str(shop.store)}})
    request = (
        "POST /graphql HTTP/1.1\r\nhost: 127.0.0.1\r\naccept: text/event-stream\r\n"
        f"content-type: application/json\r\nauthorization: Bearer {shop.token}\r\n"
        f"content-length: {len(body)}\r\n\r\n{body}"
    ).encode()
    readers = list[Reader]()
    connect = asyncio.get_running_loop().create_connection
    host, port = str(address.hostname), int(address.port or 0)
    try:
        for _ in range(MANY):
            _, reader = await connect(partial(Reader, request), host, port)
            readers.append(reader)
        await until(lambda: reached(readers, b"StoreSnapshot") == MANY)
        yield readers
    finally:
        for reader in readers:
            reader.transport.abort()


def reached(readers: list[Reader], event: bytes) -> int:
    return sum(event in reader.received for reader in readers)


@pytest.mark.parametrize("query", QUERIES.values(), ids=QUERIES)
async def test_a_change_reaches_streams_in_turns(open_shop: Shop, query: str) -> None:
    await open_shop.receive("米", 10)
    loop = asyncio.get_running_loop()
    async with reading(open_shop, query) as readers:
        counts = [0]

        def count() -> None:
            counts.append(reached(readers, b"StoreChange"))
            if counts[-1] < MANY:
                loop.call_soon(count)

        count()
        await open_shop.sell("米", 1)
        await until(lambda: counts[-1] == MANY)
    # Some that waited for the answer may be served beside some that did not have to.
    assert max(after - before for before, after in pairwise(counts)) <= 2 * CHUNK


@asynccontextmanager
async def waiting(source: Quiet, sender: Sender) -> AsyncIterator[tuple[Follower, Reading]]:
    """A follower that takes turns, and its reader, which waits for the second event. Enough turns
    of others are before its own that it could read an event too early."""
    follower = following(source)
    follower.take_turns(sender)
    async with aclosing(aiter(follower)) as events:
        await anext(events)
        reading = asyncio.ensure_future(anext(events))
        await pauses()
        for _ in range(20 * CHUNK):
            sender.add(forgotten)
        yield follower, reading


async def pauses() -> None:
    """Let the loop run as often as a reader needs to get an event."""
    for _ in range(8):
        await asyncio.sleep(0)


async def test_a_stream_gets_the_newest_event_in_its_turn() -> None:
    source, sender = Quiet(forgotten), Sender()
    async with waiting(source, sender) as (_, reading):
        for revision in (2, 3):
            source.publish(changed(revision))
            await pauses()
        event = await reading
        assert isinstance(event, Change)
        assert (event.from_revision, event.revision) == (1, 3)


async def test_a_stream_that_is_closed_before_its_turn_ends() -> None:
    source, sender = Quiet(forgotten), Sender()
    async with waiting(source, sender) as (follower, reading):
        source.publish(changed(2))
        follower.close()
        with pytest.raises(StopAsyncIteration):
            await reading
        await sender.caught_up()


async def test_a_stream_that_is_cancelled_before_its_turn_delays_no_other() -> None:
    source, sender = Quiet(forgotten), Sender()
    async with waiting(source, sender) as (_, first), waiting(source, sender) as (_, second):
        source.publish(changed(2))
        first.cancel()
        assert (await second).revision == 2
        assert first.cancelled()


async def test_an_answer_is_passed_on_in_turns_and_outlives_a_caller() -> None:
    sender, answer = Sender(), asyncio.get_running_loop().create_future()
    callers = [asyncio.create_task(sender.result(answer)) for _ in range(MANY)]
    await asyncio.sleep(0)
    callers[0].cancel()
    answer.set_result("answer")
    counts = [0]
    while counts[-1] < MANY:
        await asyncio.sleep(0)
        counts.append(sum(caller.done() for caller in callers))
    assert max(after - before for before, after in pairwise(counts)) <= CHUNK
    assert await asyncio.gather(*callers[1:]) == ["answer"] * (MANY - 1)
