"""Faulty websocket clients: the server closes each with a code that says why, and no other."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from structlog.testing import capture_logs
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosedError, InvalidHandshake
from websockets.typing import Subprotocol

from tests.support.api import Desk
from tests.support.live import FEED, dialled, watching

MODERN = "graphql-transport-ws"
INIT = {"type": "connection_init"}


def address(desk: Desk) -> str:
    return f"{str(desk.asking.http.base_url).rstrip('/').replace('http', 'ws', 1)}/graphql"


@asynccontextmanager
async def socket(desk: Desk, protocol: str | None = MODERN) -> AsyncIterator[ClientConnection]:
    protocols = None if protocol is None else [Subprotocol(protocol)]
    async with connect(address(desk), subprotocols=protocols) as connection:
        yield connection


async def closed(connection: ClientConnection, seconds: float = 5) -> int:
    """The code the server closes with; whatever it says before is read."""
    async with asyncio.timeout(seconds):
        with contextlib.suppress(ConnectionClosedError):
            async for _ in connection:
                pass
        await connection.wait_closed()
    assert connection.close_code is not None
    return connection.close_code


async def send(connection: ClientConnection, **message: Any) -> None:
    await connection.send(json.dumps(message))


async def test_who_says_nothing_is_closed(desk: Desk) -> None:
    async with socket(desk) as connection:
        assert await closed(connection) == 4408


async def test_nothing_is_asked_before_init(desk: Desk) -> None:
    async with socket(desk) as connection:
        await send(connection, id="1", type="subscribe", payload={"query": "{ __typename }"})
        assert await closed(connection) == 4401


async def test_init_is_said_once(desk: Desk) -> None:
    async with socket(desk) as connection:
        await send(connection, **INIT)
        await send(connection, **INIT)
        assert await closed(connection) == 4429


@pytest.mark.parametrize("payload", ["x", 1, [], True])
async def test_an_init_has_an_object(desk: Desk, payload: object) -> None:
    async with socket(desk) as connection:
        await send(connection, **INIT, payload=payload)
        assert await closed(connection) == 4400


@pytest.mark.parametrize("payload", [{}, {"payload": None}, {"payload": {}}], ids=str)
async def test_an_init_without_a_payload_is_a_guest(desk: Desk, payload: dict[str, Any]) -> None:
    async with socket(desk) as connection:
        await send(connection, **INIT, **payload)
        assert json.loads(await connection.recv())["type"] == "connection_ack"


@pytest.mark.parametrize("token", ["nonsense", "Bearer nonsense", f"Bearer kk_{'x' * 60}"])
async def test_a_bad_token_closes_at_once(desk: Desk, token: str) -> None:
    async with socket(desk) as connection:
        await send(connection, **INIT, payload={"authorization": token})
        assert await closed(connection) == 4403


@pytest.mark.parametrize("protocol", ["graphql-ws", "soap", None])
async def test_only_the_modern_protocol_is_spoken(desk: Desk, protocol: str | None) -> None:
    try:
        async with socket(desk, protocol) as connection:
            assert await closed(connection) == 4406
    except InvalidHandshake:
        # Refused before it was open is as good.
        pass


FRAMES: dict[str, str | bytes] = {
    "null": "null",
    "list": "[]",
    "text": '"x"',
    "number": "1",
    "number type": '{"type": 1}',
    "no type": "{}",
    "list type": '{"type": ["subscribe"]}',
    "unknown type": '{"type": "x"}',
    "no JSON": "{",
    "empty": "",
    "binary": b"\x00\x01",
    "binary JSON": b'{"type": "ping"}',
    "NUL": "\0",
    "deep": "[" * 30_000,
    "deep and closed": "[" * 30_000 + "]" * 30_000,
    "huge integer": '{"type": "ping", "payload": {"a": ' + "9" * 5000 + "}}",
    "surrogate id": '{"id": "\\ud800", "type": "complete"}',
    "no payload": '{"id": "1", "type": "subscribe"}',
    "list payload": '{"id": "1", "type": "subscribe", "payload": []}',
    "text payload": '{"id": "1", "type": "subscribe", "payload": "x"}',
    "no query": '{"id": "1", "type": "subscribe", "payload": {}}',
    "number query": '{"id": "1", "type": "subscribe", "payload": {"query": 1}}',
    "list variables": '{"id": "1", "type": "subscribe", "payload": {"query": "{a}", '
    '"variables": []}}',
    "number operation": '{"id": "1", "type": "subscribe", "payload": {"query": "{a}", '
    '"operationName": 1}}',
    "no id": '{"type": "subscribe", "payload": {"query": "{ __typename }"}}',
    "number id": '{"id": 1, "type": "subscribe", "payload": {"query": "{ __typename }"}}',
    "long id": '{"id": "' + "x" * 5000 + '", "type": "complete"}',
    "list ping": '{"type": "ping", "payload": []}',
    "server's word": '{"type": "connection_ack"}',
    "next": '{"id": "1", "type": "next", "payload": {}}',
}


@pytest.mark.parametrize("name", FRAMES)
@pytest.mark.parametrize("greeted", [True, False], ids=["greeted", "at once"])
async def test_a_broken_frame_closes_its_socket_alone(desk: Desk, name: str, greeted: bool) -> None:
    base_url = str(desk.asking.http.base_url)
    with capture_logs() as said:
        async with watching(base_url, desk.owner, desk.chain.store) as other:
            async with socket(desk) as connection:
                if greeted:
                    await send(
                        connection, **INIT, payload={"authorization": f"Bearer {desk.owner}"}
                    )
                    await connection.recv()
                await connection.send(FRAMES[name])
                assert await closed(connection) == 4400
            await desk.receive("米", 1)
            assert await other.hear(2) == "StoreChange"
    assert said == []


async def test_a_frame_has_an_end(desk: Desk) -> None:
    async with dialled(str(desk.asking.http.base_url), desk.owner) as line:
        await line.send(type="ping", payload={"a": "x" * 70_000})
        assert await closed(line.socket) == 1009


async def test_an_id_is_used_once(desk: Desk) -> None:
    async with dialled(str(desk.asking.http.base_url), desk.owner) as line:
        for _ in range(2):
            await line.subscribe(FEED, store=desk.store)
        assert await closed(line.socket) == 4409


async def test_a_socket_carries_twenty_subscriptions(desk: Desk) -> None:
    base_url = str(desk.asking.http.base_url)
    async with dialled(base_url, desk.owner, max_size=2**24) as line:
        for number in range(21):
            await line.subscribe(FEED, id=str(number), store=desk.store)
        kinds: dict[str, str] = {}
        while len(kinds) < 21:
            message = await line.receive()
            kinds.setdefault(message["id"], message["type"])
        assert list(kinds.values()).count("error") == 1


@pytest.mark.parametrize("frame", [{"type": "ping"}, {"type": "complete", "id": "x"}])
async def test_a_flood_is_cut(desk: Desk, frame: dict[str, str]) -> None:
    async with dialled(str(desk.asking.http.base_url), desk.owner) as line:

        async def flood() -> None:
            for _ in range(500):
                await line.send(**frame)

        flooding = asyncio.create_task(flood())
        assert await closed(line.socket) == 4429
        flooding.cancel()
        await asyncio.gather(flooding, return_exceptions=True)


async def test_a_ping_is_answered(desk: Desk) -> None:
    async with dialled(str(desk.asking.http.base_url), desk.owner) as line:
        await line.send(type="ping")
        assert (await line.receive())["type"] == "pong"


DEEP = "{ movements { nodes " + "{ reverses " * 25 + "{ id }" + " }" * 25 + " } }"


@pytest.mark.parametrize(
    ("query", "code"),
    [
        (DEEP, "COST_EXCEEDED"),
        ("{ x }", "BAD_INPUT"),
        ("subscription { storeFeed(storeId: 1) { __typename } }", "BAD_INPUT"),
        ('subscription { availabilityFeed(store: "x\\u0000", productIds: []) { revision } }',
         "BAD_INPUT"),
    ],
)  # fmt: skip
async def test_a_refused_document_leaves_the_socket_open(desk: Desk, query: str, code: str) -> None:
    async with dialled(str(desk.asking.http.base_url), desk.owner) as line:
        await line.subscribe(query)
        message = await line.receive()
        assert message["type"] == "error", message
        assert message["payload"][0]["extensions"]["code"] == code
        await line.send(type="ping")
        assert (await line.receive())["type"] == "pong"


@pytest.mark.parametrize(
    "query",
    ["{ x", "x" * 1000, "米" * 1000, '"\\ud800', f"{{ {'__typename ' * 2500} }}"],
    ids=["half", "long", "long chinese", "surrogate", "tokens"],
)
async def test_what_cannot_be_parsed_fails_alone(desk: Desk, query: str) -> None:
    with capture_logs() as said:
        async with dialled(str(desk.asking.http.base_url), desk.owner) as line:
            await line.subscribe(query)
            message = await line.receive()
            assert message["type"] == "error", message
            assert message["payload"][0]["extensions"]["code"] == "BAD_INPUT"
            await line.send(type="ping")
            assert (await line.receive())["type"] == "pong"
    assert said == []


async def test_a_hundred_sockets_that_leave_without_a_word(desk: Desk) -> None:
    base_url = str(desk.asking.http.base_url)

    async def rude() -> None:
        async with dialled(base_url, desk.owner, max_size=2**24) as line:
            await line.subscribe(FEED, store=desk.store)
            line.socket.transport.abort()

    await asyncio.gather(*(rude() for _ in range(100)))
    async with watching(base_url, desk.owner, desk.chain.store) as terminal:
        await desk.receive("米", 1)
        assert await terminal.hear(2) == "StoreChange"
