"""Streams: subscriptions over server-sent events."""

import random
import time
from asyncio.transports import WriteTransport
from collections.abc import AsyncIterator
from contextlib import ExitStack
from contextvars import ContextVar
from typing import Any

from app.domain.access import Viewer
from app.domain.feed import Event
from app.live.clients import CLIENT
from app.live.follower import Follower
from app.live.protocol import Unread, shrink_buffers

OLDEST_SECONDS = 12 * 3600

TRANSPORT: ContextVar[WriteTransport | None] = ContextVar("transport", default=None)
"""The connection of the request that the current task serves."""


def until() -> float:
    """The monotonic time at which a connection that opens now must close; a random part of an hour
    spreads the reconnections."""
    return time.monotonic() + OLDEST_SECONDS * random.uniform(0.9, 1)


class Stream:
    """A follower's events, until the client disconnects or the sweeper closes it."""

    open: set["Stream"] = set()

    def __init__(self, follower: Follower, context: Any) -> None:
        self._follower = follower
        follower.take_turns(context.app.hub.sender)
        self.person: Viewer | None = context.person
        self.gate = context.app.gate
        self.until = until()
        self._client = CLIENT.get()
        self._transport = TRANSPORT.get()
        self._unread = Unread()

    async def __aiter__(self) -> AsyncIterator[Event]:
        """The events. Raises RateLimited when the address has too many connections."""
        with ExitStack() as stack:
            stack.callback(self._follower.close)
            if self._client is not None:
                stack.enter_context(self._client.connected())
            if self._transport is not None:
                shrink_buffers(self._transport)
            stack.callback(Stream.open.discard, self)
            Stream.open.add(self)
            async for event in self._follower:
                yield event

    def stalled(self, now: float) -> bool:
        """Whether data has waited for 5 s and the client has read none of it. Call it every half
        second."""
        if self._transport is None:
            return False
        return self._unread.stalled(self._transport.get_write_buffer_size(), now)

    def idle(self, _now: float) -> bool:
        """Always False: a stream is one subscription."""
        return False

    def dismiss(self, _code: int, _reason: str) -> None:
        Stream.open.discard(self)
        self._follower.close()

    def abort(self) -> None:
        """Close the connection at once and drop unsent data."""
        self.dismiss(0, "")
        if self._transport is not None:
            self._transport.abort()
