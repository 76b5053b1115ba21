"""`graphql-transport-ws` sockets: checked frames, an outbox each, limits, and a sweeper."""

import asyncio
import contextlib
import math
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Mapping
from typing import Any, cast

import orjson
import structlog
from graphql import ExecutionResult, GraphQLError
from starlette.websockets import WebSocketDisconnect, WebSocketState
from strawberry.asgi import ASGIWebSocketAdapter
from strawberry.http.exceptions import WebSocketDisconnected
from strawberry.subscriptions.protocols.graphql_transport_ws.handlers import (
    BaseGraphQLTransportWSHandler,
    Operation,
)
from strawberry.subscriptions.protocols.graphql_transport_ws.types import (
    ConnectionInitMessage,
    Message,
)

from app.db.core.outage import is_passing
from app.domain.access import Viewer
from app.domain.feed import Event
from app.live.follower import Follower
from app.live.protocol import Protocol
from app.live.share import LINE, SharedExecutor, dumps
from app.live.stream import Stream, until

log = structlog.get_logger()

STUCK_SECONDS = 5.0
SWEEP_SECONDS = 0.4
RECHECK_SECONDS = 2.0
MESSAGES_PER_SECOND = 20
MESSAGES_BURST = 60

Recheck = Callable[[Iterable[Viewer]], Awaitable[Mapping[Viewer, Viewer]]]


class Wire(ASGIWebSocketAdapter):
    """Strawberry's adapter with text frames, a message limit, and a clock for stuck clients."""

    _unsent = 0
    _moved = 0.0

    @property
    def line(self) -> Protocol:
        return self.ws.scope["extensions"]["kucun.line"]

    def stalled(self, now: float) -> bool:
        """Whether data has waited for 5 s and the client read none; call it every half second."""
        unsent = self.line.unsent()
        if not 0 < self._unsent <= unsent:
            self._moved = now
        self._unsent = unsent
        return now - self._moved > STUCK_SECONDS

    async def iter_json(
        self, *, ignore_parsing_errors: bool = False
    ) -> AsyncGenerator[object, None]:
        allowance, before = float(MESSAGES_BURST), time.monotonic()
        async for message in super().iter_json(ignore_parsing_errors=ignore_parsing_errors):
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

    def abort(self) -> None:
        self.line.abort()


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
    return (
        isinstance(operation.get("query"), str)
        and isinstance(operation.get("variables"), dict | None)
        and isinstance(operation.get("operationName"), str | None)
    )


class Outbox:
    """The unsent events of one socket: at most one for each subscription, merged while unread.

    It sends from callbacks, so no task has to wake for each event.
    """

    def __init__(
        self,
        wire: Wire,
        write: Callable[[ExecutionResult], str],
        failed: Callable[[BaseException], None],
    ) -> None:
        self._wire = wire
        self._write = write
        self._failed = failed
        self._unsent: dict[str, tuple[SharedExecutor, Event]] = {}
        self._next: tuple[str, str | asyncio.Future[str]] | None = None

    @property
    def empty(self) -> bool:
        return self._next is None and not self._unsent

    def put(self, name: str, asker: SharedExecutor, event: Event) -> None:
        if self.empty:
            self._next = name, asker.text(event, self._write)
            self._send()
        else:
            unsent = self._unsent.get(name)
            self._unsent[name] = asker, event if unsent is None else event.after(unsent[1])

    def drop(self, name: str) -> None:
        self._unsent.pop(name, None)
        if self._next is not None and self._next[0] == name:
            self._next = self._oldest()

    def close(self) -> None:
        self._unsent.clear()
        self._next = None

    def _send(self, _: object = None) -> None:
        """Sends until an answer or the socket is not ready, and goes on when it is."""
        while self._next is not None:
            name, text = self._next
            if not isinstance(text, str):
                if not text.done():
                    text.add_done_callback(self._send)
                    return
                if text.cancelled():
                    # The process is shutting down.
                    return
                if error := text.exception():
                    self.close()
                    self._failed(error)
                    return
                text = text.result()
            frame = f'{{"id":{orjson.dumps(name).decode()},"type":"next","payload":{text}}}'
            if not self._wire.line.tell(frame, self._send):
                return
            self._next = self._oldest()

    def _oldest(self) -> "tuple[str, str | asyncio.Future[str]] | None":
        for name in self._unsent:
            asker, event = self._unsent.pop(name)
            return name, asker.text(event, self._write)
        return None


class Socket(BaseGraphQLTransportWSHandler[Any, Any]):
    """One connection; Strawberry keeps the handshake, operation limits and close codes."""

    open: set["Socket"] = set()

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.wire = cast(Wire, self.websocket)
        self.outbox = Outbox(self.wire, self._written, self._failed)
        self.followers: dict[str, Follower] = {}
        self.until = until()

    @property
    def person(self) -> Viewer | None:
        return self.context.person

    @person.setter
    def person(self, viewer: Viewer | None) -> None:
        self.context.person = viewer

    def stalled(self, now: float) -> bool:
        return self.wire.stalled(now)

    def abort(self) -> None:
        self.wire.abort()

    def dismiss(self, code: int, reason: str) -> None:
        """Close the socket in the background; abort it when the client does not answer in 1 s."""

        async def close() -> None:
            try:
                async with asyncio.timeout(1):
                    await self.wire.close(code, reason)
            except TimeoutError:
                self.abort()

        Socket.open.discard(self)
        task = asyncio.create_task(close())
        _farewells.add(task)
        task.add_done_callback(_farewells.discard)

    async def handle(self) -> None:
        Socket.open.add(self)
        try:
            await super().handle()
        finally:
            Socket.open.discard(self)

    async def shutdown(self) -> None:
        self.outbox.close()
        await super().shutdown()

    async def handle_connection_init(self, message: ConnectionInitMessage) -> None:
        # Several clients send `"payload": null` for no payload; Strawberry closes those.
        if message.get("payload") is None:
            message = {"type": "connection_init"}
        try:
            await super().handle_connection_init(message)
        except Exception as error:
            if not is_passing(error):
                raise
            # The token could not be looked up: clients connect again after this code.
            await self.wire.close(1013, "Try again later")

    def attach(self, name: str, asker: SharedExecutor, follower: Follower) -> None:
        """Send the follower's events to the outbox from now on; the operation may end."""
        self.followers[name] = follower
        follower.direct(
            lambda event: self.outbox.put(name, asker, event),
            # Close the socket: a subscription without events must not look alive.
            lambda _: self.dismiss(1011, "Internal error"),
        )

    async def run_operation(self, operation: Operation[Any, Any]) -> None:
        LINE.set(Direct(self, operation.id))
        # A client may disconnect before its answer is sent; that is no error.
        with contextlib.suppress(WebSocketDisconnected):
            await super().run_operation(operation)

    @staticmethod
    def _get_pre_execution_close_reason(error: GraphQLError) -> None:
        """None: a document that cannot be parsed fails alone; other operations go on."""

    def forget_id(self, id: str) -> None:
        if id not in self.followers:
            super().forget_id(id)

    async def send_message(self, message: Message) -> None:
        # Of an attached subscription only the first execution is complete.
        if message["type"] != "complete" or message["id"] not in self.followers:
            await super().send_message(message)

    async def cleanup_operation(self, operation_id: str) -> None:
        if follower := self.followers.pop(operation_id, None):
            follower.close()
        self.outbox.drop(operation_id)
        await super().cleanup_operation(operation_id)

    async def handle_task_exception(self, error: Exception) -> None:
        if not isinstance(error, WebSocketDisconnected):
            log.error("socket.failed", exc_info=error)

    def _failed(self, error: BaseException) -> None:
        # A subscription whose events cannot be sent must not look alive.
        log.error("outbox.failed", exc_info=error)
        self.dismiss(1011, "Internal error")

    def _written(self, result: ExecutionResult) -> str:
        payload: dict[str, Any] = {"data": result.data}
        if result.errors:
            self.schema.process_errors(result.errors)
            payload["errors"] = [error.formatted for error in result.errors]
        return dumps(payload).decode()


class Direct:
    """Connects one operation to its socket."""

    def __init__(self, socket: Socket, name: str) -> None:
        self._socket = socket
        self._name = name

    def attach(self, asker: SharedExecutor, follower: Follower) -> None:
        self._socket.attach(self._name, asker, follower)


async def sweep(recheck: Recheck) -> None:
    """Closes connections that are stuck, too old, expired or revoked; never returns."""
    failing = False
    while True:
        await asyncio.sleep(SWEEP_SECONDS)
        now = time.monotonic()
        for each in (*Socket.open, *Stream.open):
            if each.stalled(now):
                each.abort()
            elif now > each.until:
                each.dismiss(4403, "Connected for too long: connect again")
            elif each.person and (each.person.expires_at or math.inf) <= time.time():
                each.dismiss(4403, "The token has expired")
        present = [
            (each, each.person) for each in (*Socket.open, *Stream.open) if each.person is not None
        ]
        try:
            async with asyncio.timeout(RECHECK_SECONDS):
                current = await recheck({person for _, person in present})
            failing = False
        except Exception as error:
            # While the database is unreachable no connection is closed; the next round asks again.
            if not failing and not is_passing(error):
                log.warning("sweep.failing", error=error)
            failing = True
            continue
        # Judged by the person that was asked about: another sweeper may have renewed it meanwhile.
        for each, person in present:
            if person in current:
                # The connection sees a new store of the chain from now on.
                each.person = current[person]
            else:
                each.dismiss(4403, "Forbidden")


_farewells: set[asyncio.Task[None]] = set()
