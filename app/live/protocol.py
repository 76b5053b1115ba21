"""uvicorn's websocket protocol, with small kernel buffers and a way to cut the line."""

import socket
from asyncio.transports import BaseTransport, WriteTransport
from typing import cast

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.http11 import Request

SEND_BUFFER = 32 * 1024
UNSENT = 16 * 1024


class Protocol(WebSocketsSansIOProtocol):
    """Without small buffers the kernel would swallow thousands of stale frames of a slow reader.

    The scope's extensions lend `kucun.abort`, which closes the connection at once, and
    `kucun.unsent`, the bytes that the kernel has not taken yet.
    """

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
            scope["extensions"]["kucun.abort"] = self.transport.abort
            scope["extensions"]["kucun.unsent"] = self.transport.get_write_buffer_size
