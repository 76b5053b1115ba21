"""Outages of the database: how long work waits for its return, and what is logged.

Work is run again as a whole. Work that writes must claim its key in the same transaction (I5), so
that running it again after a lost reply to COMMIT has no second effect.
"""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Generator
from contextlib import contextmanager
from typing import TypeVar

import structlog

from app.db.core.postgres import is_away, is_blocked

log = structlog.get_logger()

T = TypeVar("T")

PATIENCE_SECONDS = 2.5
"""Work is not run again when more than this many seconds have passed since it began."""
RETRY_AFTER_SECONDS = 2
"""The `retryAfter` of UNAVAILABLE: seconds before a client sends the same request again."""
PAUSE_SECONDS = (0.05, 0.5)
SETTLED_SECONDS = 1.0
"""An outage has ended when the database answers and nothing failed for this long."""


def is_passing(error: BaseException | None) -> bool:
    """Whether the same work may succeed later: the database is away, or a lock is held too long."""
    return is_away(error) or is_blocked(error)


class Patience:
    """How long one piece of work is run again, with growing pauses between the runs."""

    def __init__(self, seconds: float = PATIENCE_SECONDS) -> None:
        self._end = time.monotonic() + seconds
        self._pause, self._longest_pause = PAUSE_SECONDS

    async def again(self) -> bool:
        """Wait a moment before the next run. Returns False at once when the time is up."""
        pause = self._pause * random.uniform(0.5, 1)
        if time.monotonic() + pause > self._end:
            return False
        await asyncio.sleep(pause)
        self._pause = min(self._pause * 2, self._longest_pause)
        return True


async def wait_out(work: Callable[[], Awaitable[T]]) -> T:
    """The result of `work`, run again after passing errors; raises the last one."""
    patience = Patience()
    while True:
        try:
            return await work()
        except Exception as error:
            if not is_passing(error) or not await patience.again():
                raise


class Outage:
    """Logs one line when the database or the bus goes away, and one when it is back."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._began: float | None = None
        self._failed = 0.0
        self._failures = 0

    @contextmanager
    def watched(self) -> Generator[None]:
        """Watch one use of the database: a failure begins an outage, a success may end one."""
        try:
            yield
        except Exception as error:
            if is_away(error):
                self.failed(error)
            raise
        self.answered()

    def failed(self, error: BaseException) -> None:
        self._failed = time.monotonic()
        self._failures += 1
        if self._began is None:
            self._began = self._failed
            log.warning(f"{self._name}.away", error=error)

    def answered(self) -> None:
        if self._began is None or time.monotonic() - self._failed < SETTLED_SECONDS:
            return
        seconds = round(self._failed - self._began, 1)
        log.warning(f"{self._name}.back", seconds=seconds, failures=self._failures)
        self._began, self._failures = None, 0
