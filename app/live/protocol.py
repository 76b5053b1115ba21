"""uvicorn's WebSocket protocol with small kernel buffers and direct sends."""

import socket
from asyncio.transports import BaseTransport, WriteTransport
from collections.abc import Callable
from typing import Any, cast

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.http11 import Request
from websockets.protocol import OPEN

from app.live.waiting import Flag, Inbox

SEND_BUFFER = 32 * 1024
UNSENT = 16 * 1024
STUCK_SECONDS = 5.0
FRAMES_PER_SECOND = 40
FRAMES_BURST = 200
PIECE = 2048
"""How many bytes are parsed at a time, so that a flood of small frames is noticed after a few
hundred frames."""


class Unread:
    """Detects a client that reads nothing although data waits for it."""

    __slots__ = ("_moved", "_unsent")

    def __init__(self) -> None:
        self._unsent = 0
        self._moved = 0.0

    def stalled(self, unsent: int, now: float) -> bool:
        """Whether bytes have waited for STUCK_SECONDS and none was sent. Call it every half
        second."""
        if not 0 < self._unsent <= unsent:
            self._moved = now
        self._unsent = unsent
        return now - self._moved > STUCK_SECONDS


def shrink_buffers(transport: WriteTransport) -> None:
    """Make the buffers of the connection small; otherwise the kernel would buffer thousands of
    events for a slow reader."""
    transport.set_write_buffer_limits(high=UNSENT)
    line = transport.get_extra_info("socket")
    if line is not None and line.family != socket.AF_UNIX:
        line.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)
        line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, UNSENT)


class Protocol(WebSocketsSansIOProtocol):
    """Keeps unsent data small, and closes a connection that floods the server with frames.

    The ASGI scope's extension `kucun.line` is this object.
    """

    _then: Callable[[], None] | None = None
    _allowance = float(FRAMES_BURST)
    _counted = 0.0

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.queue = cast(Any, Inbox())
        self.writable = cast(Any, Flag(is_set=True))

    def connection_made(self, transport: BaseTransport) -> None:
        super().connection_made(transport)
        shrink_buffers(cast(WriteTransport, transport))
        self._counted = self.loop.time()

    def data_received(self, data: bytes) -> None:
        for start in range(0, len(data), PIECE):
            super().data_received(data[start : start + PIECE])
            if self._allowance < 0 or self.conn.parser_exc is not None:
                return

    def handle_events(self) -> None:
        # Every frame counts: pings and pieces of messages cost as much as messages.
        now = self.loop.time()
        earned = (now - self._counted) * FRAMES_PER_SECOND
        self._allowance = min(FRAMES_BURST, self._allowance + earned) - len(self.conn.events)
        self._counted = now
        if self._allowance >= 0:
            super().handle_events()
        elif self.close_sent or not self.handshake_complete:
            self.transport.abort()
        else:
            self.conn.fail(4429, "Too many messages")
            self.handle_parser_exception()

    def handle_connect(self, event: Request) -> None:
        super().handle_connect(event)
        scope = getattr(self, "scope", None)
        if scope is not None:
            scope["extensions"]["kucun.line"] = self

    def start_keepalive(self) -> None:
        super().start_keepalive()
        # The handshake is over. Its headers take 3 KB, and the scope has its own copy.
        self.request.headers.clear()
        self.response.headers.clear()

    async def run_asgi(self) -> None:
        try:
            await super().run_asgi()
        finally:
            # The scope and this object refer to each other. Without the link they are freed now.
            cast(Any, self.scope)["extensions"].clear()

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        # websockets' protocol and its generator refer to each other, too.
        self.conn.parser.close()

    def resume_writing(self) -> None:
        super().resume_writing()
        then, self._then = self._then, None
        if then is not None:
            then()

    def send_now(self, frame: bytes, then: Callable[[], None]) -> bool:
        """Send a frame now. Returns False when the buffer is full; `then` is called later."""
        if self.disconnected or self.close_sent:
            return True
        if not self.writable.is_set():
            self._then = then
            return False
        if self.conn.state is OPEN:
            self.transport.write(frame)
        return True
