"""A terminal: one websocket that keeps a copy of a store and applies what the feed tells."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

from websockets.asyncio.client import ClientConnection, connect
from websockets.typing import Subprotocol

LEVEL = """
  product { id name price reorderPoint } onHand available reserved quarantined incoming onOrder
  status reorderPoint version
"""
FEED = f"""
subscription($store: UUID!, $after: Revision) {{
  storeFeed(storeId: $store, after: $after) {{
    __typename
    ... on StoreSnapshot {{ revision levels {{ {LEVEL} }} }}
    ... on StoreChange {{ fromRevision revision at levels {{ {LEVEL} }} }}
    ... on Resync {{ revision }}
  }}
}}
"""


class Line:
    """A websocket that has been acknowledged."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket

    async def send(self, **message: Any) -> None:
        await self.socket.send(json.dumps(message))

    async def subscribe(self, query: str, id: str = "1", **variables: Any) -> None:
        payload = {"query": query, "variables": variables}
        await self.send(id=id, type="subscribe", payload=payload)

    async def receive(self, seconds: float = 5) -> dict[str, Any]:
        async with asyncio.timeout(seconds):
            return json.loads(await self.socket.recv())

    async def next(self, seconds: float = 5) -> Any:
        """The value of the only root field of the next answer."""
        message = await self.receive(seconds)
        assert message["type"] == "next", message
        assert "errors" not in message["payload"], message
        (value,) = message["payload"]["data"].values()
        return value

    async def silent(self, seconds: float = 0.3) -> bool:
        try:
            message = await self.receive(seconds)
        except TimeoutError:
            return True
        raise AssertionError(message)


@asynccontextmanager
async def dialled(
    base_url: str, token: str | None = None, language: str | None = None, **options: Any
) -> AsyncIterator[Line]:
    url = f"{str(base_url).rstrip('/').replace('http', 'ws', 1)}/graphql"
    protocols = [Subprotocol("graphql-transport-ws")]
    async with connect(url, subprotocols=protocols, **options) as socket:
        line = Line(socket)
        payload = {} if token is None else {"authorization": f"Bearer {token}"}
        if language is not None:
            payload["language"] = language
        await line.send(type="connection_init", payload=payload)
        assert (await line.receive())["type"] == "connection_ack"
        yield line


class Terminal:
    """A client's copy of a store: a snapshot, and every change put in place."""

    def __init__(self, line: Line, store: UUID) -> None:
        self.line = line
        self.store = store
        self.revision = 0
        self.levels: dict[str, Any] = {}

    async def follow(self, after: int | None = None) -> None:
        revision = None if after is None else str(after)
        await self.line.subscribe(FEED, store=str(self.store), after=revision)
        await self.hear()

    async def hear(self, seconds: float = 5) -> str:
        """Applies the next event; gives its type's name."""
        event = await self.line.next(seconds)
        if event["__typename"] == "StoreSnapshot":
            self.levels = {}
        if event["__typename"] == "StoreChange":
            assert int(event["fromRevision"]) <= self.revision, "a change is missing"
        assert int(event["revision"]) >= self.revision
        self.revision = int(event["revision"])
        for level in event.get("levels", ()):
            self.levels[level["product"]["id"]] = level
        return event["__typename"]

    async def reach(self, revision: int, seconds: float = 5) -> None:
        async with asyncio.timeout(seconds):
            while self.revision < revision:
                await self.hear(seconds)


@asynccontextmanager
async def watching(base_url: str, token: str, store: UUID) -> AsyncIterator[Terminal]:
    async with dialled(base_url, token, max_size=2**24) as line:
        terminal = Terminal(line, store)
        await terminal.follow()
        yield terminal
