"""uvicorn's websocket protocol, with small kernel buffers and a way to cut the line."""

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
    """Without small buffers the kernel would swallow thousands of stale frames of a slow reader.

    The scope's extension `kucun.line` is this object: what ASGI has no words for.
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
        """Sends a text frame at once; or not, and calls `then` when there is room for it."""
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
        """The bytes that the kernel has not taken yet."""
        return self.transport.get_write_buffer_size()

    def abort(self) -> None:
        """Closes the connection at once, whatever is unsent."""
        self.transport.abort()
