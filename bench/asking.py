"""A closed-loop HTTP client of a few microseconds a request, the same for every server."""

import asyncio
import json
from collections.abc import Callable, Generator, Iterable, Iterator
from functools import partial
from itertools import cycle
from typing import Any, NamedTuple

import orjson

SECONDS = 60


class Wrong(Exception):
    """A server gave another answer than expected, so the figure would be meaningless."""


class Answer(NamedTuple):
    head: bytes
    body: bytes


Talk = Generator[bytes, Answer, None]
"""The requests of one client: each is sent when the answer before it is complete. Raises Wrong."""


class Asker(asyncio.Protocol):
    """One keep-alive connection, over which the requests of one client are sent."""

    def __init__(self, talk: Talk) -> None:
        self._talk = talk
        self._buffer = b""
        self.done = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: Any) -> None:
        self._transport = transport

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.done.done():
            self.done.set_exception(Wrong(f"the server closed the connection: {exc!r}"))

    def begin(self) -> None:
        self._go_on(lambda: next(self._talk))

    def _go_on(self, step: Callable[[], bytes]) -> None:
        try:
            self._transport.write(step())
        except StopIteration:
            self._transport.close()
            # The waiting caller may have been cancelled.
            if not self.done.done():
                self.done.set_result(None)
        except Wrong as wrong:
            self._fail(wrong)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0:
            return
        at = self._buffer.lower().find(b"content-length:", 0, end)
        if at < 0:
            self._fail(Wrong(f"no length: {self._buffer[:300]!r}"))
            return
        length = int(self._buffer[at + 15 : self._buffer.index(b"\r\n", at)])
        if len(self._buffer) < end + 4 + length:
            return
        answer = Answer(self._buffer[:end], self._buffer[end + 4 :])
        self._buffer = b""
        if answer.head.startswith(b"HTTP/1.1 200"):
            self._go_on(lambda: self._talk.send(answer))
        else:
            self._fail(Wrong(f"{answer.head[:20]!r} {answer.body[:300].decode()}"))

    def _fail(self, wrong: Wrong) -> None:
        if not self.done.done():
            self.done.set_exception(wrong)
        self._transport.abort()


async def hold(talks: Iterable[tuple[int, Talk]], seconds: float = SECONDS) -> None:
    """Connects each talk to its port, then lets all begin; until the last is over.

    Raises Wrong, and TimeoutError when they take longer.
    """
    loop = asyncio.get_running_loop()
    askers = [
        (await loop.create_connection(partial(Asker, talk), "127.0.0.1", port))[1]
        for port, talk in talks
    ]
    for asker in askers:
        asker.begin()
    async with asyncio.timeout(seconds):
        await asyncio.gather(*(asker.done for asker in askers))


class Load:
    """What the connections of one run share: what each says, whether it is over, and how many
    operations were answered."""

    def __init__(self, talking: "Talking") -> None:
        self._talking = talking
        self.answered = 0
        self.over = False

    async def run(self, port: int, clients: int, seconds: float) -> int:
        """Goes on for so long, waits for the last answers, and gives their number. Raises Wrong."""
        asyncio.get_running_loop().call_later(seconds, self._end)
        talks = [(port, self._talking(self)) for _ in range(clients)]
        await hold(talks, seconds + SECONDS)
        return self.answered

    def _end(self) -> None:
        self.over = True


Talking = Callable[[Load], Talk]


def asked(requests: Iterator[bytes], good: bytes) -> Talking:
    """One request after another, from any client that is free; every answer is checked."""

    def talk(load: Load) -> Talk:
        while not load.over:
            body = (yield next(requests)).body
            if good not in body or b'"errors":' in body:
                raise Wrong(body[:300].decode())
            load.answered += 1

    return talk


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
    answer = json.loads(await read_answer(port, post(port, path, graphql(query, variables), token)))
    if "errors" in answer:
        raise Wrong(str(answer["errors"]))
    return answer["data"]


async def read_answer(port: int, request: bytes, seconds: float = SECONDS) -> bytes:
    """The body of one answer, over a connection of its own. Raises Wrong, TimeoutError."""
    seen: list[bytes] = []

    def talk() -> Talk:
        seen.append((yield request).body)

    await hold([(port, talk())], seconds)
    return seen[0]
