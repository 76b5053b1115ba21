"""Sign-in attempts: passwords checked in threads, and few wrong ones at a time."""

import asyncio
import math
import time
from collections import deque
from collections.abc import AsyncGenerator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from app.domain.errors import Refused, TooManyAttempts
from app.domain.rules.passwords import strong

HASHER = PasswordHasher(time_cost=2, memory_cost=19456, parallelism=1)
# Of a password nobody knows: an unknown login costs as much as a wrong password.
NOBODY = (
    "$argon2id$v=19$m=19456,t=2,p=1$HPToZota987ueRaiZ6l/Fg"
    "$2J+SamRwGU41C0x3HGrHWFgB5HoUck36UggAURkK0eI"
)
# Two: hashing must not take every core from those who are signed in.
THREADS = ThreadPoolExecutor(2, thread_name_prefix="password")

MOST_FAILURES = 5
WINDOW_SECONDS = 15 * 60
MOST_REMEMBERED = 10_000
MOST_AT_ONCE = 100


async def hashed(password: str, *known: str) -> str:
    """The hash of a new password. Raises InvalidText for one that is short or easy to guess;
    `known` are words that a guesser tries first."""

    def work() -> str:
        return HASHER.hash(strong(password, *known))

    return await asyncio.get_running_loop().run_in_executor(THREADS, work)


async def matches(stored: str | None, password: str) -> bool:
    """Whether it is the password; without a stored hash it takes as long and is not."""

    def check() -> bool:
        try:
            HASHER.verify(stored or NOBODY, password.encode("utf-8", "replace"))
        except (VerificationError, InvalidHashError):
            return False
        return stored is not None

    return await asyncio.get_running_loop().run_in_executor(THREADS, check)


@dataclass(slots=True)
class Record:
    """The recent failures of one login from one address, and whose turn it is."""

    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    failures: deque[float] = field(default_factory=deque[float])


class Attempts:
    """At most 5 failures in 15 minutes for a login from an address; unknown logins count too.

    It counts in this process: with n processes behind one port an attacker has up to 5 n
    tries. Ten thousand pairs are remembered, the oldest are forgotten first: making room for
    new tries takes 10,000 hashes, which the two threads need minutes for.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._records: dict[tuple[str, str], Record] = {}
        self._busy = 0

    @asynccontextmanager
    async def turn(self, login: str, address: str) -> AsyncGenerator[None, None]:
        """One attempt at a time, so that those sent at once are counted one by one.

        Leaving with Refused counts as a failure, leaving well forgets the failures before.
        Raises Refused(TooManyAttempts).
        """
        if self._busy >= MOST_AT_ONCE:
            raise Refused(TooManyAttempts(1))
        self._busy += 1
        try:
            record = self._record(login, address)
            async with record.lock:
                if wait := self._wait(record):
                    raise Refused(TooManyAttempts(wait))
                try:
                    yield
                except Refused:
                    record.failures.append(self._clock())
                    raise
                record.failures.clear()
        finally:
            self._busy -= 1

    def _record(self, login: str, address: str) -> Record:
        record = self._records.setdefault((login, address), Record())
        if len(self._records) > MOST_REMEMBERED:
            self._records.pop(next(iter(self._records)))
        return record

    def _wait(self, record: Record) -> int:
        """Seconds until the next attempt; 0 means now."""
        start = self._clock() - WINDOW_SECONDS
        while record.failures and record.failures[0] <= start:
            record.failures.popleft()
        if len(record.failures) < MOST_FAILURES:
            return 0
        return math.ceil(record.failures[0] - start)
