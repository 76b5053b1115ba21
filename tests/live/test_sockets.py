"""Connections: how long they last, and when the server closes them."""

import asyncio
import contextlib
import gc
import json
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID, uuid4

import httpx2
import pytest
from websockets.exceptions import ConnectionClosed

from app.domain.people.tokens import ACCESS_SECONDS, SessionClaim, Signer
from app.live.protocol import Protocol
from app.live.share import SharedExecutor
from app.live.socket import Socket
from app.live.stream import Stream
from app.live.sweeper import SWEEP_SECONDS
from app.web.protocol import Http
from tests.conftest import SECRET
from tests.live.test_faults import narrow
from tests.support.identity import (
    CREATE_KEY,
    CREATE_STORE,
    REMOVE,
    REVOKE_KEY,
    REVOKE_SESSION,
    SET_ROLE,
    Asking,
    Chain,
    eventually,
)
from tests.support.live import FEED, dialled, watching
from tests.support.shop import Shop


class Events:
    """One subscription over SSE."""

    def __init__(self, response: httpx2.Response) -> None:
        self._lines = response.aiter_lines()

    async def next(self) -> Any:
        """The next value, or None at the end."""
        async for line in self._lines:
            if line.startswith("data:") and len(line) > 6:
                return json.loads(line[5:])["data"]["storeFeed"]
            if line == "event: complete":
                return None
        return None


@asynccontextmanager
async def streaming(asking: Asking, token: str, store: object) -> AsyncIterator[Events]:
    body = {"query": FEED, "variables": {"store": str(store)}}
    headers = {"authorization": f"Bearer {token}", "accept": "text/event-stream"}
    async with asking.http.stream("POST", "/graphql", json=body, headers=headers) as response:
        events = Events(response)
        assert (await events.next())["__typename"] == "StoreSnapshot"
        yield events


@asynccontextmanager
async def both(asking: Asking, token: str, store: object) -> AsyncIterator[None]:
    """A websocket and a stream; the server must close both within a second after the block."""
    async with (
        dialled(str(asking.http.base_url), token) as line,
        streaming(asking, token, store) as events,
    ):
        await line.subscribe(FEED, store=str(store))
        await line.next()
        yield
        async with asyncio.timeout(1):
            with contextlib.suppress(ConnectionClosed):
                while True:
                    await line.socket.recv()
            await line.socket.wait_closed()
            while await events.next() is not None:
                pass
        assert line.socket.close_code == 4403


async def test_a_removed_account_is_cut_off(asking: Asking, chain: Chain) -> None:
    person, signed_in = await chain.hired()
    async with both(asking, signed_in["accessToken"], chain.store):
        await chain.do(REMOVE, staffId=person["id"])


async def test_a_revoked_session_is_cut_off(asking: Asking, chain: Chain) -> None:
    _, signed_in = await chain.hired()
    session = signed_in["refreshToken"].split(".")[1]
    async with both(asking, signed_in["accessToken"], chain.store):
        await chain.do(REVOKE_SESSION, sessionId=str(UUID(session)))


async def test_signing_out_closes_what_it_opened(asking: Asking, chain: Chain) -> None:
    _, signed_in = await chain.hired()
    async with both(asking, signed_in["accessToken"], chain.store):
        await asking("mutation { signOut { __typename } }", signed_in["accessToken"])


async def test_another_role_needs_another_connection(asking: Asking, chain: Chain) -> None:
    person, signed_in = await chain.hired()
    async with both(asking, signed_in["accessToken"], chain.store):
        stores = [str(chain.store)]
        await chain.do(SET_ROLE, staffId=person["id"], role="MANAGER", storeIds=stores)


async def test_a_revoked_key_closes_what_it_opened(asking: Asking, chain: Chain) -> None:
    created = await chain.do(CREATE_KEY, name="till", scopes=["STOCK_READ"])
    async with both(asking, created["secret"], chain.store):
        await chain.do(REVOKE_KEY, apiKeyId=created["apiKey"]["id"])


async def test_a_token_ends_on_open_connections(asking: Asking, chain: Chain) -> None:
    _, signed_in = await chain.hired()
    signer = Signer(SECRET)
    claim = signer.read(signed_in["accessToken"])
    assert isinstance(claim, SessionClaim)
    issued = time.time() - ACCESS_SECONDS + 2
    token, expires_at = signer.access(claim.tenant, claim.staff, claim.session, issued)
    async with both(asking, token, chain.store):
        await asyncio.sleep(expires_at - time.time())


async def test_a_connection_grows_old(
    asking: Asking, chain: Chain, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.live.stream.OLDEST_SECONDS", 1.0)
    async with both(asking, chain.token, chain.store):
        monkeypatch.undo()
        await asyncio.sleep(1)


async def test_nothing_stays_of_streams_that_end(asking: Asking, open_shop: Shop) -> None:
    before = len(Stream.open)
    for _ in range(3):
        async with streaming(asking, open_shop.token, open_shop.store):
            assert len(Stream.open) == before + 1
    await eventually(lambda: as_before(before))


async def as_before(count: int) -> bool:
    await asyncio.sleep(0.02)
    return len(Stream.open) == count


async def test_who_takes_nothing_but_keeps_asking_is_cut(open_shop: Shop) -> None:
    """New operations do not extend the time of a socket that takes no data."""
    shop = open_shop
    for number in range(60):
        await shop.receive(f"商品{number}", 1000)
    async with (
        dialled(shop.base_url, shop.token, max_queue=1, sock=narrow(shop.base_url)) as stuck,
        watching(shop.base_url, shop.token, shop.store) as terminal,
    ):
        for number in range(19):
            await stuck.subscribe(FEED, id=str(number), store=str(shop.store))
        stuck.socket.transport.pause_reading()
        held, began, number = len(Socket.open), time.monotonic(), 100
        while len(Socket.open) == held:
            assert time.monotonic() - began < 9, "the server did not close the connection"
            await asyncio.sleep(0.5)
            # The server may have closed it.
            with contextlib.suppress(ConnectionClosed):
                await stuck.send(id=str(number), type="complete")
                number += 1
                await stuck.subscribe(FEED, id=str(number), store=str(shop.store))
        assert time.monotonic() - began > 4
        await shop.sell("商品1", 1)
        assert await terminal.hear(1) == "StoreChange"


async def test_a_new_store_cuts_no_connection(open_shop: Shop, chain: Chain) -> None:
    """The open connections of the chain stay, and see the new store."""
    async with watching(open_shop.base_url, open_shop.token, open_shop.store) as terminal:
        branch = (await chain.do(CREATE_STORE, code=uuid4().hex, name="分店"))["id"]
        # Longer than the sweeper takes to look at every connection.
        with pytest.raises(TimeoutError):
            await terminal.hear(3 * SWEEP_SECONDS)
        await terminal.line.subscribe(FEED, id="2", store=branch)
        assert (await terminal.line.next())["__typename"] == "StoreSnapshot"
        await open_shop.receive("米", 1)
        assert await terminal.hear(1) == "StoreChange"


async def test_connections_of_one_viewer_share_it_and_keep_it(open_shop: Shop) -> None:
    """The rights of few viewers are checked, and nothing is replaced while they stay the same."""
    before = set(Socket.open)
    async with (
        watching(open_shop.base_url, open_shop.token, open_shop.store),
        watching(open_shop.base_url, open_shop.token, open_shop.store),
    ):
        first, second = Socket.open - before
        assert first.person is not second.person
        await eventually(lambda: sharing(first, second))
        shared = first.person
        await asyncio.sleep(3 * SWEEP_SECONDS)
        assert first.person is second.person is shared is not None


async def sharing(first: Socket, second: Socket) -> bool:
    await asyncio.sleep(0.02)
    return first.person is second.person


async def test_a_closed_socket_is_freed_at_once(open_shop: Shop) -> None:
    """Without the garbage collector, which stops a process with thousands of sockets for long."""
    gc.collect()
    gc.disable()
    try:
        before = alive()
        async with watching(open_shop.base_url, open_shop.token, open_shop.store):
            assert all(alive()[kind] > before[kind] for kind in (Socket, Protocol))
        await eventually(lambda: freed(before))
    finally:
        gc.enable()


KINDS = Socket, Protocol, Http, SharedExecutor


def alive() -> Counter[type]:
    return Counter(type(each) for each in gc.get_objects() if type(each) in KINDS)


async def freed(before: Counter[type]) -> bool:
    await asyncio.sleep(0.02)
    return alive() <= before
