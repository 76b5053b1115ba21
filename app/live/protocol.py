"""uvicorn's WebSocket protocol with small kernel buffers, direct sends and an abort."""

import socket
from asyncio.transports import BaseTransport, WriteTransport
from collections.abc import Callable
from contextlib import suppress
from typing import cast

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.exceptions import InvalidState
from websockets.http11 import Request

SEND_BUFFER = 32 * 1024
UNSENT = 16 * 1024


class Protocol(WebSocketsSansIOProtocol):
    """Keeps unsent data small: the kernel would buffer thousands of stale frames for a slow reader.

    The ASGI scope's extension `kucun.line` is this object.
    """

    _then: Callable[[], None] | None = None

    def connection_made(self, transport: BaseTransport) -> None:
        super().connection_made(transport)
        cast(WriteTransport, transport).set_write_buffer_limits(high=UNSENT)
        line = transport.get_extra_info("socket")
        if line is not None and line.family != socket.AF_UNIX:
            line.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)
            line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, UNSENT)

    def handle_connect(self, event: Request) -> None:
        super().handle_connect(event)
        scope = getattr(self, "scope", None)
        if scope is not None:
            scope["extensions"]["kucun.line"] = self

    def resume_writing(self) -> None:
        super().resume_writing()
        then, self._then = self._then, None
        if then is not None:
            then()

    def tell(self, text: str, then: Callable[[], None]) -> bool:
        """Send a text frame now. Returns False when the buffer is full; `then` is called later."""
        if self.disconnected or self.close_sent:
            return True
        if not self.writable.is_set():
            self._then = then
            return False
        with suppress(InvalidState):
            self.conn.send_text(text.encode())
            self.transport.write(b"".join(self.conn.data_to_send()))
        return True

    def unsent(self) -> int:
        """The number of bytes that the kernel has not accepted yet."""
        return self.transport.get_write_buffer_size()

    def abort(self) -> None:
        """Close the connection at once and drop what is unsent."""
        self.transport.abort()
