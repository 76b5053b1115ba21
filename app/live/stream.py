"""A stream: a subscription without a socket of its own (SSE), while it lasts."""

import random
import time
from collections.abc import AsyncIterator

from app.domain.access import Viewer
from app.domain.feed import Event
from app.live.follower import Follower

OLDEST_SECONDS = 12 * 3600


def until() -> float:
    """When a connection that begins now is too old; not all of one hour at once."""
    return time.monotonic() + OLDEST_SECONDS * random.uniform(0.9, 1)


class Stream:
    """What the follower hears, until the client leaves or the sweeper ends it."""

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
        """Never: who does not read holds one event, and is told by nobody."""
        return False

    def dismiss(self, _code: int, _reason: str) -> None:
        Stream.open.discard(self)
        self._follower.close()

    def abort(self) -> None:
        self._follower.close()
