"""uvicorn's HTTP protocol with limits on the head of a request, and time limits for each part.

httptools has no limits of its own: a header without an end would fill the memory, and a client
that sends nothing would keep its connection.
"""

from asyncio import AbstractEventLoop, Handle, TimerHandle
from asyncio.transports import BaseTransport, Transport
from enum import Enum
from typing import Any, cast

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

HEAD_BYTES_MAX = 32 * 1024
HEADERS_MAX = 100
UNREAD_SECONDS = 30.0
"""Seconds that a client may leave an answer unread while the buffers are full."""


class Part(Enum):
    """The part of a request that has begun and is not complete."""

    NOTHING = "nothing"
    HEAD = "head"
    BODY = "body"


SECONDS = {Part.HEAD: 10.0, Part.BODY: 30.0}
"""How long each part may take to arrive."""


class HeadTooLarge(Exception):
    """The head has more than HEAD_BYTES_MAX bytes or HEADERS_MAX headers."""


class JoinedWrites:
    """The connection as one answer writes to it: its head is sent together with the part of the
    body that follows in the same turn of the event loop.

    uvicorn writes both separately. Each write is a system call that wakes the client.
    """

    def __init__(self, transport: Transport, loop: AbstractEventLoop) -> None:
        self._transport = transport
        self._loop = loop
        self._head: bytes | None = None
        self._sending: Handle | None = None
        self.is_closing = transport.is_closing

    def write(self, data: bytes) -> None:
        if self._sending is None:
            self._head, self._sending = data, self._loop.call_soon(self._send_head)
        elif self._head is None:
            self._transport.write(data)
        else:
            self._sending.cancel()
            self._transport.write(self._head + data)
            self._head = None

    def close(self) -> None:
        self._send_head()
        self._transport.close()

    def _send_head(self) -> None:
        if self._head is not None:
            self._transport.write(self._head)
            self._head = None


class Http(HttpToolsProtocol):
    """Answers 431 to a head that is too large and 408 to a head or body that arrives too slowly."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._part = Part.NOTHING
        self._awaited = Part.NOTHING
        self._deadline: TimerHandle | None = None
        self._unread: TimerHandle | None = None
        self._head_bytes = 0
        self._undelivered = 0
        self._refusal = 400

    def connection_made(self, transport: BaseTransport) -> None:
        super().connection_made(transport)  # pyright: ignore[reportArgumentType] as uvicorn has it
        self._await(Part.HEAD)

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_clocks()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        self._undelivered += len(data)
        super().data_received(data)
        if self.transport.get_protocol() is not self:
            # A websocket. The parser and this protocol refer to each other: both are freed now.
            self._stop_clocks()
            self.parser = cast(Any, None)
        elif self.transport.is_closing():
            self._stop_clocks()
        elif self._undelivered > HEAD_BYTES_MAX:
            # The parser keeps an unfinished header or trailer in memory.
            self._refuse(431)
        elif self._part is Part.NOTHING and (self.cycle is None or self.cycle.response_complete):
            # Blank lines between requests must not keep the connection open.
            self._await(Part.HEAD)
        else:
            self._await(self._part)

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.scope["extensions"] = {"kucun.stream": {"transport": self.transport}}
        self._part, self._head_bytes, self._undelivered = Part.HEAD, 0, 0

    def on_url(self, url: bytes) -> None:
        self._count(len(url))
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        self._count(len(name) + len(value))
        super().on_header(name, value)

    def _count(self, size: int) -> None:
        self._head_bytes += size
        self._undelivered = 0
        if self._head_bytes > HEAD_BYTES_MAX or len(self.headers) >= HEADERS_MAX:
            self._refusal = 431
            raise HeadTooLarge

    def on_headers_complete(self) -> None:
        self._part = Part.BODY
        super().on_headers_complete()

    def _start_asgi_task(self, cycle: Any, app: Any) -> None:
        cycle.transport = JoinedWrites(self.transport, self.loop)
        super()._start_asgi_task(cycle, app)

    def on_body(self, body: bytes) -> None:
        self._undelivered = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._part, self._undelivered = Part.NOTHING, 0
        super().on_message_complete()

    def send_400_response(self, msg: str) -> None:
        """Called by uvicorn when the request cannot be parsed, or a callback here has raised."""
        self._refuse(self._refusal)

    def pause_writing(self) -> None:
        super().pause_writing()
        self._unread = self.loop.call_later(UNREAD_SECONDS, self.transport.abort)

    def resume_writing(self) -> None:
        super().resume_writing()
        if self._unread is not None:
            self._unread.cancel()
            self._unread = None

    def _await(self, part: Part) -> None:
        """Start the clock of a part once; it runs until the part is complete."""
        if part is self._awaited:
            return
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None
        self._awaited = part
        if part in SECONDS:
            self._deadline = self.loop.call_later(SECONDS[part], self._be_late)

    def _stop_clocks(self) -> None:
        self._await(Part.NOTHING)
        if self._unread is not None:
            self._unread.cancel()
            self._unread = None

    def _be_late(self) -> None:
        if self._part is Part.NOTHING:
            self.transport.close()
        else:
            self._refuse(408)

    def _refuse(self, status: int) -> None:
        """Close the connection, with a status if the client would read it as its answer."""
        if self._may_answer():
            head = (STATUS_LINE[status], b"content-length: 0\r\n", b"connection: close\r\n\r\n")
            self.transport.write(b"".join(head))
        self.transport.close()
        self._stop_clocks()

    def _may_answer(self) -> bool:
        if self.cycle is None:
            return True
        if self._part is Part.BODY:
            return not (self.cycle.response_started or self.pipeline)
        return self.cycle.response_complete
