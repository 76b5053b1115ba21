"""A websocket client of a few microseconds a frame: one thousand of them disturb little."""

import asyncio
import base64
import os
import time
from collections.abc import Callable, Sequence
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

import orjson

MASK = b"\0\0\0\0"
PER_ADDRESS = 1000
Heard = Callable[[bytes, float], None]


class Subscriber(asyncio.Protocol):
    """Opens a websocket, says what it is to say, and calls `heard` with each text and its time."""

    def __init__(self, path: str, says: list[bytes], heard: Heard, protocol: str = "") -> None:
        self._path, self._says, self._heard, self._protocol = path, says, heard, protocol
        self._buffer = bytearray()
        self._open = False
        self.frames = 0
        self.lost: str | None = None

    def connection_made(self, transport: Any) -> None:
        self.transport = transport
        key = base64.b64encode(os.urandom(16)).decode()
        wanted = f"sec-websocket-protocol: {self._protocol}\r\n" if self._protocol else ""
        transport.write(
            f"GET {self._path} HTTP/1.1\r\nhost: 127.0.0.1\r\nupgrade: websocket\r\n"
            f"connection: Upgrade\r\nsec-websocket-version: 13\r\nsec-websocket-key: {key}\r\n"
            f"{wanted}\r\n".encode()
        )

    def connection_lost(self, exc: Exception | None) -> None:
        self.lost = self.lost or f"connection lost: {exc!r}"

    def data_received(self, data: bytes) -> None:
        now = time.time()
        self._buffer += data
        if not self._open:
            end = self._buffer.find(b"\r\n\r\n")
            if end < 0:
                return
            if not self._buffer.startswith(b"HTTP/1.1 101"):
                self.lost = bytes(self._buffer[:200]).decode()
                self.transport.abort()
                return
            del self._buffer[: end + 4]
            self._open = True
            for text in self._says:
                self.transport.write(frame(text))
        while (text := self._next()) is not None:
            self.frames += 1
            self._heard(text, now)

    def _next(self) -> bytes | None:
        """The next whole text frame; pings are answered, a close is remembered."""
        while len(self._buffer) >= 2:
            opcode, length, start = self._buffer[0] & 15, self._buffer[1], 2
            if length == 126:
                length, start = int.from_bytes(self._buffer[2:4]), 4
            elif length == 127:
                length, start = int.from_bytes(self._buffer[2:10]), 10
            if len(self._buffer) < start + length:
                return None
            payload = bytes(self._buffer[start : start + length])
            del self._buffer[: start + length]
            if opcode == 1:
                return payload
            if opcode == 9:
                self.transport.write(frame(payload, 10))
            elif opcode == 8:
                self.lost = f"closed: {payload!r}"
        return None


def frame(payload: bytes, opcode: int = 1) -> bytes:
    """A client's frame; its mask is zeros, so that masking costs nothing."""
    size = len(payload)
    length = bytes([0x80 | size]) if size < 126 else bytes([0xFE]) + size.to_bytes(2)
    return bytes([0x80 | opcode]) + length + MASK + payload


@asynccontextmanager
async def subscribed(
    port: int, count: int, path: str, says: list[bytes], heard: Heard, protocol: str = ""
):
    """So many subscribers, open until the end. Raises AssertionError when one was lost."""
    async with opened(port, path, [says] * count, heard, protocol) as made:
        yield made


@asynccontextmanager
async def opened(
    port: int, path: str, texts: Sequence[list[bytes]], heard: Heard, protocol: str = ""
):
    """A subscriber for each list of texts to send, as `subscribed`. Each thousand has a loopback
    address of its own, because a server limits the connections of an address."""
    loop, count = asyncio.get_running_loop(), len(texts)
    made: list[Subscriber] = []
    try:
        for number, says in enumerate(texts):
            address = f"127.0.0.{1 + number // PER_ADDRESS}", 0
            _, one = await loop.create_connection(
                partial(Subscriber, path, says, heard, protocol),
                "127.0.0.1",
                port,
                local_addr=address,
            )
            made.append(one)
            if len(made) % 20 == 0:
                await asyncio.sleep(0.02)
        yield made
        lost = [one.lost for one in made if one.lost]
        assert not lost, f"{len(lost)} of {count} subscribers were lost: {lost[0]}"
    finally:
        for one in made:
            one.transport.abort()


def greet(token: str | None) -> bytes:
    """The first message of a client; guests have no token."""
    payload = {"authorization": f"Bearer {token}"} if token else {}
    return orjson.dumps({"type": "connection_init", "payload": payload})


def follow(query: str, variables: dict[str, Any], token: str | None) -> list[bytes]:
    """What a client of graphql-transport-ws says to subscribe."""
    asked = {"query": query, "variables": variables}
    return [
        greet(token),
        orjson.dumps({"id": "1", "type": "subscribe", "payload": asked}),
    ]
