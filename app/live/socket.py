"""`graphql-transport-ws` sockets and their subscriptions."""

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Sequence
from contextvars import ContextVar
from functools import partial
from typing import Any, Protocol, cast

import structlog
from graphql import ExecutionResult, GraphQLError
from strawberry.http.exceptions import WebSocketDisconnected
from strawberry.subscriptions.protocols.graphql_transport_ws.handlers import (
    BaseGraphQLTransportWSHandler,
    Operation,
)
from strawberry.subscriptions.protocols.graphql_transport_ws.types import (
    ConnectionInitMessage,
    Message,
    SubscribeMessage,
)

from app.db.core.outage import is_passing
from app.domain.access import Viewer
from app.domain.errors import RateLimited
from app.live.clients import CLIENT, RETRY_AFTER
from app.live.follower import Follower
from app.live.outbox import Outbox
from app.live.protocol import Unread
from app.live.share import LINE, SharedExecutor, dumps
from app.live.stream import until
from app.live.wire import Wire

log = structlog.get_logger()

IDLE_SECONDS = 60.0
FAREWELL_SECONDS = 5.0
TRY_AGAIN_LATER = 1013
"""The code of a refused connection: clients wait, and connect again."""


class Names(Protocol):
    """The part of the endpoint that reads documents which are named by their hash, and its
    application."""

    app: Any

    def is_named(self, payload: object, /) -> bool: ...

    def read_named(
        self, payload: dict[str, Any], context: Any, /
    ) -> Awaitable[tuple[str, Sequence[GraphQLError]]]:
        """The text of the document, or the errors for which it is not run."""
        ...


READER: ContextVar[Any] = ContextVar("reader", default=None)
"""The reader of the operation that this task runs."""


class Socket(BaseGraphQLTransportWSHandler[Any, Any]):
    """One connection. Strawberry implements the handshake, operation limits and close codes."""

    open: set["Socket"] = set()

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.wire = cast(Wire, self.websocket)
        self.names = cast(Names, self.view)
        self.gate = self.names.app.gate
        sender = self.names.app.hub.sender
        self.outbox = Outbox(self.wire, sender, self._written, self._failed)
        self.followers: dict[str, Follower] = {}
        self._named: dict[str, dict[str, Any]] = {}
        self.until = until()
        self._transport = self.wire.line.transport
        self._unread = Unread()
        self._used = time.monotonic()

    @property
    def context(self) -> Any:
        """The reader of the operation that runs in this task; before one runs, the caller."""
        return READER.get() or self._caller

    @context.setter
    def context(self, caller: Any) -> None:
        self._caller = caller

    @property
    def person(self) -> Viewer | None:
        return self._caller.person

    @person.setter
    def person(self, viewer: Viewer | None) -> None:
        self._caller.person = viewer

    def stalled(self, now: float) -> bool:
        """Whether data has waited for 5 s and the client has read none of it. Call it every half
        second."""
        return self._unread.stalled(self._transport.get_write_buffer_size(), now)

    def abort(self) -> None:
        """Close the connection at once and drop unsent data."""
        self._transport.abort()

    def idle(self, now: float) -> bool:
        """Whether no operation has run for 60 s and nothing is followed."""
        if self.operations:
            self._used = now
        return now - self._used > IDLE_SECONDS

    def dismiss(self, code: int, reason: str) -> None:
        """Close the socket in the background; abort it when the client does not answer in 5 s."""
        Socket.open.discard(self)
        # Events that wait for their turn are not for a person whose rights have ended.
        self.outbox.close()
        task = asyncio.create_task(self._send_close(code, reason))
        _farewells.add(task)
        task.add_done_callback(_farewells.discard)

    async def _send_close(self, code: int, reason: str) -> None:
        asyncio.get_running_loop().call_later(FAREWELL_SECONDS, self.abort)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(FAREWELL_SECONDS):
                await self.wire.close(code, reason)

    async def handle(self) -> None:
        client = CLIENT.get()
        try:
            if client is not None:
                client.connect()
        except RateLimited as refusal:
            await self._send_close(TRY_AGAIN_LATER, refusal.text.en)
            return
        Socket.open.add(self)
        try:
            await super().handle()
        finally:
            Socket.open.discard(self)
            self.outbox.close()
            if client is not None:
                client.disconnect()

    async def handle_message(self, message: Message) -> None:
        await super().handle_message(message)
        # Strawberry keeps the last message, of up to 64 KiB, until the next one arrives.
        cast("dict[str, Any]", message).clear()

    async def shutdown(self) -> None:
        self.outbox.close()
        await super().shutdown()

    async def handle_connection_init(self, message: ConnectionInitMessage) -> None:
        # Several clients send `"payload": null` for no payload, for which Strawberry would close
        # the connection.
        if message.get("payload") is None:
            message = {"type": "connection_init"}
        try:
            await super().handle_connection_init(message)
            # It has been cancelled; its error would hold its frames.
            self.connection_init_timeout_task = None
        except Exception as error:
            if not is_passing(error):
                raise
            # The token could not be looked up: clients connect again after this code.
            await self.wire.close(1013, "Try again later")

    async def handle_subscribe(self, message: SubscribeMessage) -> None:
        self._used = time.monotonic()
        most = self.max_subscriptions_per_connection
        known = message["id"] in self.operations or not self.connection_acknowledged
        if known or most is None or len(self.operations) < most:
            await super().handle_subscribe(message if known else self._with_text(message))
            return
        refusal = RateLimited(
            RETRY_AFTER,
            f"一个连接最多同时进行 {most} 个操作，请结束一些后再试",
            f"A connection runs at most {most} operations at once: end some first.",
        )
        error = GraphQLError("", original_error=refusal)
        self.schema.process_errors([error])
        await self.send_message(
            {"id": message["id"], "type": "error", "payload": [error.formatted]}
        )

    def _with_text(self, message: SubscribeMessage) -> SubscribeMessage:
        """The message; one that names its document gets an empty text until the operation runs."""
        payload: Any = message["payload"]
        if not self.names.is_named(payload):
            return message
        self._named[message["id"]] = payload
        payload = {**payload, "query": payload.get("query") or ""}
        return cast(SubscribeMessage, {**message, "payload": payload})

    def attach(self, name: str, executor: SharedExecutor, follower: Follower) -> None:
        """Send the follower's events to the outbox from now on; the operation may end."""
        self.followers[name] = follower
        # Free the document and the variables, which may have 64 KiB each.
        operation = self.operations[name]
        operation.query, operation.variables = "", None
        follower.direct(
            partial(self.outbox.put, name, executor),
            # Close the socket: a subscription without events must not look alive.
            lambda _: self.dismiss(1011, "Internal error"),
        )

    async def run_operation(self, operation: Operation[Any, Any]) -> None:
        context, direct = self._caller.context(), Direct(self, operation.id)
        READER.set(context)
        LINE.set(direct)
        try:
            # A client may disconnect before its answer is sent; that is no error.
            with contextlib.suppress(WebSocketDisconnected):
                payload = self._named.pop(operation.id, None)
                if payload is None or await self._read_named(operation, payload, context):
                    await super().run_operation(operation)
        finally:
            direct.end()
        if operation.id in self.followers:
            # The task is over. It holds the reader, and all that the operation has read.
            operation.task = None

    async def _read_named(
        self, operation: Operation[Any, Any], payload: dict[str, Any], context: Any
    ) -> bool:
        """Set the text of the document that the operation names; False if it is refused."""
        try:
            operation.query, errors = await self.names.read_named(payload, context)
        except Exception as error:
            self._failed(error)
            return False
        if errors:
            await operation.send_initial_errors(list(errors))
        return not errors

    @staticmethod
    def _get_pre_execution_close_reason(error: GraphQLError) -> None:
        """Always None: a document that cannot be parsed fails alone, and other operations
        continue."""

    def forget_id(self, id: str) -> None:
        if id not in self.followers:
            super().forget_id(id)

    async def send_message(self, message: Message) -> None:
        # The operation of an attached subscription ends after its first events, but the
        # subscription does not.
        if message["type"] != "complete" or message["id"] not in self.followers:
            await super().send_message(message)

    async def cleanup_operation(self, operation_id: str) -> None:
        if follower := self.followers.pop(operation_id, None):
            follower.close()
        self.outbox.drop(operation_id)
        self._named.pop(operation_id, None)
        operation = cast("dict[str, Any]", self.operations).get(operation_id)
        if operation is not None and operation.task is None:
            del self.operations[operation_id]
        else:
            await super().cleanup_operation(operation_id)

    async def handle_task_exception(self, error: Exception) -> None:
        if not isinstance(error, WebSocketDisconnected):
            log.error("socket.failed", exc_info=error)

    def _failed(self, error: BaseException) -> None:
        # Close the socket, so that a subscription whose events cannot be sent does not stay open.
        log.error("outbox.failed", exc_info=error)
        self.dismiss(1011, "Internal error")

    def _written(self, result: ExecutionResult) -> bytes:
        payload: dict[str, Any] = {"data": result.data}
        if result.errors:
            self.schema.process_errors(result.errors)
            payload["errors"] = [error.formatted for error in result.errors]
        if result.extensions:
            payload["extensions"] = result.extensions
        return dumps(payload)


class Direct:
    """Connects one operation to its socket."""

    def __init__(self, socket: Socket, name: str) -> None:
        self._attach = partial(socket.attach, name)

    def attach(self, executor: SharedExecutor, follower: Follower) -> None:
        self._attach(executor, follower)

    def end(self) -> None:
        """Forget the socket. A timer that the operation has set keeps its context, and this."""
        del self._attach


_farewells: set[asyncio.Task[None]] = set()
