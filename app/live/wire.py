"""The frames of one websocket: their form and rate."""

import contextlib
import time
from collections.abc import AsyncGenerator, Mapping
from functools import cached_property
from json import JSONDecodeError
from typing import Any, cast

from starlette.websockets import WebSocketDisconnect, WebSocketState
from strawberry.asgi import ASGIWebSocketAdapter
from strawberry.http.exceptions import (
    NonJsonMessageReceived,
    NonTextMessageReceived,
    WebSocketDisconnected,
)

from app.live.protocol import Protocol
from app.live.share import dumps

MESSAGES_PER_SECOND = 20
MESSAGES_BURST = 60


class Wire(ASGIWebSocketAdapter):
    """Strawberry's adapter with text frames and a limit of messages."""

    @cached_property
    def line(self) -> Protocol:
        return self.ws.scope["extensions"]["kucun.line"]

    async def iter_json(
        self, *, ignore_parsing_errors: bool = False
    ) -> AsyncGenerator[object, None]:
        allowance, before = float(MESSAGES_BURST), time.monotonic()
        while self.ws.application_state is not WebSocketState.DISCONNECTED:
            try:
                message = cast(Any, self).view.decode_json(await self.ws.receive_text())
            except WebSocketDisconnect:
                return
            except JSONDecodeError as error:
                if ignore_parsing_errors:
                    continue
                raise NonJsonMessageReceived from error
            except KeyError as error:
                raise NonTextMessageReceived from error
            now = time.monotonic()
            allowance = min(MESSAGES_BURST, allowance + (now - before) * MESSAGES_PER_SECOND) - 1
            before = now
            if allowance < 0:
                await self.close(4429, "Too many messages")
                return
            if not well_formed(message):
                await self.close(4400, "Malformed message")
                return
            yield message
            # Free it while the next one is awaited.
            del message

    async def send_json(self, message: Mapping[str, object]) -> None:
        await self.send_text(dumps(message).decode())

    async def send_text(self, text: str) -> None:
        try:
            await self.ws.send({"type": "websocket.send", "text": text})
        except (WebSocketDisconnect, RuntimeError) as error:
            raise WebSocketDisconnected from error

    async def close(self, code: int, reason: str) -> None:
        # A close frame has room for 123 bytes; a syntax error may quote more than that.
        reason = reason.encode()[:123].decode(errors="ignore")
        if self.ws.application_state is not WebSocketState.DISCONNECTED:
            with contextlib.suppress(WebSocketDisconnect, RuntimeError):
                await self.ws.close(code=code, reason=reason)


def well_formed(message: Any) -> bool:
    """Whether a frame has the shape that the protocol's handlers expect."""
    if not isinstance(message, dict):
        return False
    frame = cast("dict[str, Any]", message)
    kind, payload = frame.get("type"), frame.get("payload")
    if kind not in ("subscribe", "complete"):
        return isinstance(kind, str) and (payload is None or isinstance(payload, dict))
    name = frame.get("id")
    if not isinstance(name, str) or not 0 < len(name) <= 100:
        return False
    return kind == "complete" or _is_operation(payload)


def _is_operation(payload: Any) -> bool:
    if not isinstance(payload, dict):
        return False
    operation = cast("dict[str, Any]", payload)
    query = operation.get("query")
    is_named = isinstance(operation.get("id"), str) or isinstance(operation.get("extensions"), dict)
    return (
        (isinstance(query, str) or (query is None and is_named))
        and isinstance(operation.get("variables"), dict | None)
        and isinstance(operation.get("operationName"), str | None)
    )
