"""Streams: subscriptions over server-sent events."""

import random
import time
from collections.abc import AsyncIterator

from app.domain.access import Viewer
from app.domain.feed import Event
from app.live.follower import Follower

OLDEST_SECONDS = 12 * 3600


def until() -> float:
    """The monotonic time at which a connection of now is too old, spread over an hour."""
    return time.monotonic() + OLDEST_SECONDS * random.uniform(0.9, 1)


class Stream:
    """A follower's events, until the client disconnects or the sweeper closes it."""

    open: set["Stream"] = set()

    def __init__(self, follower: Follower, person: Viewer | None) -> None:
        self._follower = follower
        self.person = person
        self.until = until()

    async def __aiter__(self) -> AsyncIterator[Event]:
        Stream.open.add(self)
        try:
            async for event in self._follower:
                yield event
        finally:
            Stream.open.discard(self)
            self._follower.close()

    def stalled(self, _now: float) -> bool:
        """Always False: a client that does not read holds one merged event."""
        return False

    def dismiss(self, _code: int, _reason: str) -> None:
        Stream.open.discard(self)
        self._follower.close()

    def abort(self) -> None:
        self._follower.close()
