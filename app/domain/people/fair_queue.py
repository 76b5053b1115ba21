"""A fair queue: turns go round among the senders, so that one who sends much delays no other."""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

Waiting = deque[asyncio.Future[None]]


class QueueFull(Exception):
    """Too many wait already."""


class FairQueue:
    """One turn at a time. Turns go round among the keys that wait, however many each has.

    At most `per_key` wait with one key, and `most` in all.
    """

    def __init__(self, per_key: int, most: int) -> None:
        self._per_key, self._most = per_key, most
        self._waiting: dict[str, Waiting] = {}
        self._count = 0
        self._busy = False

    @asynccontextmanager
    async def turn(self, key: str) -> AsyncGenerator[None, None]:
        """Wait for a turn and keep it for the block. Raises QueueFull."""
        if self._busy:
            await self._wait(key)
        self._busy = True
        try:
            yield
        finally:
            self._pass_on()

    async def _wait(self, key: str) -> None:
        if self._count >= self._most or len(self._waiting.get(key, ())) >= self._per_key:
            raise QueueFull
        ready = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(key, deque()).append(ready)
        self._count += 1
        try:
            await ready
        except asyncio.CancelledError:
            # A turn that came at the moment of the cancellation goes to the next.
            if ready.done() and not ready.cancelled():
                self._pass_on()
            raise

    def _pass_on(self) -> None:
        while self._waiting:
            key = next(iter(self._waiting))
            queue = self._waiting.pop(key)
            ready = queue.popleft()
            self._count -= 1
            if queue:
                # Behind the other keys.
                self._waiting[key] = queue
            if not ready.done():
                ready.set_result(None)
                return
        self._busy = False
