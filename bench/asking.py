"""A closed-loop HTTP client of a few microseconds a request, the same for every server."""

import asyncio
import json
from collections.abc import Callable, Iterable, Iterator
from itertools import cycle
from typing import Any

import orjson

SECONDS = 60


class Wrong(Exception):
    """A server answered something else than asked; the figure would be worthless."""


class Asker(asyncio.Protocol):
    """One keep-alive connection: sends the next request when the answer before it is whole."""

    def __init__(self, load: "Load") -> None:
        self._load = load
        self._buffer = b""
        self.done = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: Any) -> None:
        self._transport = transport
        self._next()

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.done.done():
            self.done.set_exception(Wrong(f"the server closed the connection: {exc!r}"))

    def _next(self) -> None:
        request = self._load.next()
        if request is None:
            self.done.set_result(None)
            self._transport.close()
        else:
            self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head = self._buffer.find(b"\r\n\r\n")
        if head < 0:
            return
        at = self._buffer.lower().find(b"content-length:", 0, head)
        if at < 0:
            self._fail(f"no length: {self._buffer[:300]!r}")
            return
        length = int(self._buffer[at + 15 : self._buffer.index(b"\r\n", at)])
        if len(self._buffer) < head + 4 + length:
            return
        good, body = self._buffer.startswith(b"HTTP/1.1 200"), self._buffer[head + 4 :]
        self._buffer = b""
        if not good or not self._load.judge(body):
            self._fail(f"{data[:20]!r} {body[:300].decode()}")
            return
        self._load.answered += 1
        self._next()

    def _fail(self, reason: str) -> None:
        if not self.done.done():
            self.done.set_exception(Wrong(reason))
        self._transport.abort()


class Load:
    """What the connections of one run share: the requests, the judge, and what was answered."""

    def __init__(self, requests: Iterator[bytes], judge: Callable[[bytes], bool]) -> None:
        self._requests = requests
        self.judge = judge
        self.answered = 0
        self.over = False

    def next(self) -> bytes | None:
        return None if self.over else next(self._requests)

    async def run(self, port: int, clients: int, seconds: float) -> int:
        """Asks for so long, waits for the last answers, and gives their number. Raises Wrong."""
        loop = asyncio.get_running_loop()
        askers = [
            (await loop.create_connection(lambda: Asker(self), "127.0.0.1", port))[1]
            for _ in range(clients)
        ]
        loop.call_later(seconds, self._end)
        async with asyncio.timeout(seconds + SECONDS):
            await asyncio.gather(*(asker.done for asker in askers))
        return self.answered

    def _end(self) -> None:
        self.over = True


def post(port: int, path: str, body: bytes, token: str | None = None) -> bytes:
    authorization = f"authorization: Bearer {token}\r\n" if token else ""
    return (
        f"POST {path} HTTP/1.1\r\nhost: 127.0.0.1:{port}\r\n{authorization}"
        f"content-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
    ).encode() + body


def get(port: int, path: str) -> bytes:
    return f"GET {path} HTTP/1.1\r\nhost: 127.0.0.1:{port}\r\n\r\n".encode()


def forever(requests: Iterable[bytes]) -> Iterator[bytes]:
    return cycle(list(requests))


def graphql(query: str, variables: dict[str, Any]) -> bytes:
    return orjson.dumps({"query": query, "variables": variables})


async def ask(
    port: int, path: str, query: str, variables: dict[str, Any], token: str | None = None
) -> Any:
    """The data of one answer. Raises Wrong for errors."""
    seen: list[bytes] = []

    def judge(body: bytes) -> bool:
        seen.append(body)
        load.over = True
        return True

    load = Load(forever([post(port, path, graphql(query, variables), token)]), judge)
    await load.run(port, 1, SECONDS)
    answer = json.loads(seen[0])
    if "errors" in answer:
        raise Wrong(str(answer["errors"]))
    return answer["data"]
