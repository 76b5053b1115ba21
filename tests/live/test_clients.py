"""Clients: what one address may have open, and how connections end that only cost."""

import asyncio
import contextlib
import json
import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any
from urllib.parse import urlsplit

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from app.domain.errors import RateLimited
from app.domain.rules.kinds import Kind
from app.live.clients import Client, Clients
from app.live.socket import Socket
from app.live.stream import Stream
from app.run.embedded import Urls
from tests.api.conftest import served
from tests.api.test_frames import closed
from tests.live.test_labels import LABELS
from tests.live.test_recovery import until
from tests.live.test_sockets import streaming
from tests.support.identity import Asking, Chain
from tests.support.live import FEED, Line, dialled, watching
from tests.support.shop import Shop

MOST = 4


@pytest.fixture
async def strict(urls: Urls) -> AsyncIterator[Asking]:
    """A server with low limits for each address."""
    async with served(urls, connections_per_address=MOST, feeds_per_address=3) as asking:
        yield asking


@asynccontextmanager
async def opened(asking: Asking) -> AsyncIterator[ClientConnection]:
    url = f"{str(asking.http.base_url).rstrip('/').replace('http', 'ws', 1)}/graphql"
    async with connect(url, subprotocols=[Subprotocol("graphql-transport-ws")]) as connection:
        yield connection


async def test_an_address_has_so_many_connections(
    strict: Asking, open_shop: Shop, chain: Chain
) -> None:
    """Websockets and streams count together; one that ends makes room."""
    async with AsyncExitStack() as stack:
        lines = [
            await stack.enter_async_context(dialled(str(strict.http.base_url)))
            for _ in range(MOST - 1)
        ]
        async with streaming(strict, chain.token, chain.store), opened(strict) as refused:
            assert await closed(refused) == 1013
            assert "address" in (refused.close_reason or "")
        body = {"query": FEED, "variables": {"store": str(chain.store)}}
        await lines[0].socket.close()
        await stack.enter_async_context(dialled(str(strict.http.base_url)))
        await stack.enter_async_context(dialled(str(strict.http.base_url)))
        headers = {"authorization": f"Bearer {chain.token}", "accept": "text/event-stream"}
        async with strict.http.stream("POST", "/graphql", json=body, headers=headers) as response:
            text = "".join([line async for line in response.aiter_lines()])
        assert '"code":"RATE_LIMITED"' in text


def test_connections_are_not_opened_without_end() -> None:
    client = Client(connections=10, questions=1)
    for _ in range(20):
        with client.connected():
            pass
    with pytest.raises(RateLimited) as refusal, client.connected():
        pass
    assert 1 <= refusal.value.retry_after <= 6
    assert client.connections == 0


def test_networks_of_ipv6_are_one_client() -> None:
    clients = Clients(1, 1)
    one = clients.of("2001:db8:0:1::1")
    assert clients.of("2001:db8:0:1:ffff::9") is one
    assert clients.of("2001:db8:0:2::1") is not one
    assert clients.of("::ffff:192.0.2.1") is clients.of("192.0.2.1")
    assert clients.of("192.0.2.2") is not clients.of("192.0.2.1")


async def labels(line: Line, chain: Chain, id: str, *products: object) -> dict[str, Any]:
    """The first answer of a new label feed."""
    variables = {"store": chain.founded.store.code, "products": [str(each) for each in products]}
    await line.subscribe(LABELS, id=id, **variables)
    message = await line.receive()
    while message["id"] != id:
        message = await line.receive()
    return message["payload"]


async def test_an_address_follows_so_many_different_feeds(
    strict: Asking, open_shop: Shop, chain: Chain
) -> None:
    """Equal feeds count once, on however many sockets; a feed that ends makes room."""
    names = ("米", "油", "盐", "糖")
    for name in names:
        await open_shop.receive(name, 10)
    a, b, c, d = [await open_shop.product(name) for name in names]
    base_url = str(strict.http.base_url)
    async with dialled(base_url) as one, dialled(base_url) as two:
        for id, products in (("1", [a]), ("2", [a, b]), ("3", [c])):
            assert "errors" not in await labels(one, chain, id, *products)
        assert "errors" not in await labels(two, chain, "1", b, a)
        [refused] = (await labels(two, chain, "2", d))["errors"]
        assert refused["extensions"]["code"] == "RATE_LIMITED"
        assert refused["extensions"]["retryAfter"] > 0
        await one.send(id="3", type="complete")
        await one.send(type="ping")
        while (await one.receive())["type"] != "pong":
            pass
        assert "errors" not in await labels(two, chain, "3", d)
        # A refused feed takes nothing from the others.
        await open_shop.sell("米", 10)
        for line, id in ((one, "1"), (two, "1")):
            message = await line.receive()
            assert message["type"] == "next"
            assert id in ("1", message["id"])
    async with dialled(base_url) as after:
        for number, product in enumerate((b, c, d)):
            assert "errors" not in await labels(after, chain, str(number), product)


async def test_a_socket_that_follows_nothing_is_closed(
    asking: Asking, open_shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Within a minute, shortened here; one that follows a feed stays, however quiet it is."""
    monkeypatch.setattr("app.live.socket.IDLE_SECONDS", 1.0)
    base_url = str(asking.http.base_url)
    async with (
        dialled(base_url) as idle,
        dialled(base_url) as asks,
        watching(base_url, open_shop.token, open_shop.store) as terminal,
    ):
        for number in range(4):
            # An operation is activity, a ping is not.
            with contextlib.suppress(ConnectionClosed):
                await idle.send(type="ping")
            await asks.subscribe("{ __typename }", id=str(number))
            await asyncio.sleep(0.5)
        assert await closed(idle.socket) == 4408
        assert "connect again" in (idle.socket.close_reason or "")
        assert asks.socket.close_code is None
        assert await closed(asks.socket) == 4408
        await open_shop.receive("米", 1)
        assert await terminal.hear(2) == "StoreChange"


async def test_a_socket_that_only_pings_is_closed_in_time(asking: Asking) -> None:
    """Messages before connection_init do not extend its time."""
    async with opened(asking) as connection:

        async def ping() -> None:
            for _ in range(100):
                await connection.send(json.dumps({"type": "ping"}))
                await asyncio.sleep(0.1)

        pinging = asyncio.create_task(ping())
        assert await closed(connection) == 4408
        pinging.cancel()
        await asyncio.gather(pinging, return_exceptions=True)


FLOODS = {
    "pings": b"\x89\x80\0\0\0\0" * 50_000,
    "pongs": b"\x8a\x80\0\0\0\0" * 50_000,
    "pieces": b"\x01\x80\0\0\0\0" + b"\0\x80\0\0\0\0" * 50_000,
    "messages": (b"\x81\x8f\0\0\0\0" + b'{"type":"ping"}') * 20_000,
}


@pytest.mark.parametrize("name", FLOODS)
@pytest.mark.parametrize("greeted", [True, False], ids=["greeted", "before init"])
async def test_a_flood_of_frames_is_cut_and_harms_no_other(
    open_shop: Shop, name: str, greeted: bool
) -> None:
    """Frames of the websocket protocol itself are counted as messages are."""
    address = urlsplit(open_shop.base_url)
    loop = asyncio.get_running_loop()
    async with watching(open_shop.base_url, open_shop.token, open_shop.store) as terminal:
        held = len(Socket.open)
        reader, writer = await asyncio.open_connection(address.hostname, address.port)
        writer.write(
            b"GET /graphql HTTP/1.1\r\nhost: 127.0.0.1\r\nupgrade: websocket\r\n"
            b"connection: upgrade\r\nsec-websocket-version: 13\r\n"
            b"sec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
            b"sec-websocket-protocol: graphql-transport-ws\r\n\r\n"
        )
        assert b"101" in await reader.readuntil(b"\r\n\r\n")
        if greeted:
            writer.write(b"\x81\x9a\0\0\0\0" + b'{"type":"connection_init"}')
            assert b"connection_ack" in await reader.read(100)
        began = loop.time()
        writer.write(FLOODS[name])
        with contextlib.suppress(ConnectionError):
            async with asyncio.timeout(5):
                while await reader.read(65_536):
                    pass
        # Closed before the time for connection_init is over.
        assert loop.time() - began < 3
        await until(lambda: len(Socket.open) == held)
        writer.close()
        await open_shop.receive("米", 1)
        assert await terminal.hear(2) == "StoreChange"


async def test_a_stream_that_takes_nothing_is_cut(open_shop: Shop, chain: Chain) -> None:
    """As a socket is: in about 5 s, and others go on."""
    names = [f"商品{number}" for number in range(100)]
    for name in names:
        await open_shop.receive(name, 1000)
    address = urlsplit(open_shop.base_url)
    body = json.dumps({"query": FEED, "variables": {"store": str(open_shop.store)}}).encode()
    line = socket.socket()
    line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    line.connect((address.hostname, address.port))
    line.sendall(
        b"POST /graphql HTTP/1.1\r\nhost: 127.0.0.1\r\naccept: text/event-stream\r\n"
        b"content-type: application/json\r\n"
        + f"authorization: Bearer {open_shop.token}\r\n".encode()
        + f"content-length: {len(body)}\r\n\r\n".encode()
        + body
    )
    loop = asyncio.get_running_loop()
    with contextlib.closing(line):
        async with watching(open_shop.base_url, open_shop.token, open_shop.store) as terminal:
            await until(lambda: len(Stream.open) == 1)
            began = loop.time()
            while Stream.open:
                assert loop.time() - began < 15, "the server did not close the stream"
                await open_shop.do(Kind.SALE, *((name, 1) for name in names))
                await terminal.hear(2)
            assert loop.time() - began > 4
