"""Rates: how many units a minute each subject spends, counted for all processes in Valkey.

A process takes a subject's units in slices of a twentieth of its budget. It counts a slice in its
own memory before it hands it out, and in Valkey when the subject takes the next one. So no request
waits for Valkey, most cause no traffic, and while Valkey is away each process still keeps to the
budget by itself.
"""

import asyncio
import time
from dataclasses import dataclass
from typing import Any

from limits.aio.storage import RedisStorage
from limits.storage import MemoryStorage
from redis.asyncio import BlockingConnectionPool
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from app.db.core.outage import Outage

MINUTE = 60
SLICES = 20
SUBJECTS_MAX = 20_000
PREFIX = "kucun:rates"
REPORT_SECONDS = 0.5
AWAY_SECONDS = 1.0
FAILURES = (RedisError, OSError, TimeoutError)

Window = tuple[int, float, int, float]
"""Units of the previous minute, seconds until they no longer count, and the same of this minute."""


@dataclass(slots=True)
class Account:
    """What a subject may still spend in this process."""

    left: int = 0
    slice: int = 0
    """The units of the present slice; they are reported to Valkey when the next slice is taken."""
    refused_until: float = 0.0


class Rates:
    """Budgets in units a minute. One per process."""

    def __init__(self, url: str) -> None:
        # `Any`: redis-py's annotations are incomplete.
        pool: Any = BlockingConnectionPool
        self._pool = pool.from_url(
            url,
            max_connections=2,
            timeout=REPORT_SECONDS,
            socket_timeout=REPORT_SECONDS,
            socket_connect_timeout=REPORT_SECONDS,
            retry=Retry(NoBackoff(), 0),
        )
        self._valkey = RedisStorage(
            "async+redis://",
            implementation="redispy",
            key_prefix=PREFIX,
            connection_pool=self._pool,
        )
        self._memory = MemoryStorage()
        self._accounts: dict[str, Account] = {}
        self._reports: set[asyncio.Task[None]] = set()
        self._outage = Outage("rates")
        self._away_until = 0.0
        self.connected = True

    async def close(self) -> None:
        for task in self._reports:
            task.cancel()
        await asyncio.gather(*self._reports, return_exceptions=True)
        await self._pool.aclose()

    def spend(self, subject: str, budget: int, units: int) -> float:
        """Take units from a subject's budget a minute; an amount above the budget is charged as the
        whole budget.

        Returns 0, or the number of seconds to wait, in which case nothing was taken.
        """
        account = self._accounts.get(subject)
        if account is None:
            account = self._open(subject)
        now = time.monotonic()
        if now < account.refused_until:
            return account.refused_until - now
        units = min(units, budget)
        if account.left < units:
            wait = self._take(subject, account, budget, units)
            if wait:
                account.refused_until = now + wait
                return wait
        account.left -= units
        return 0.0

    def _open(self, subject: str) -> Account:
        account = self._accounts[subject] = Account()
        if len(self._accounts) > SUBJECTS_MAX:
            # Forget the oldest subject's slice; `_memory` still counts what it has spent this
            # minute.
            del self._accounts[next(iter(self._accounts))]
        return account

    def _take(self, subject: str, account: Account, budget: int, units: int) -> float:
        """Take a slice; returns 0, or the seconds until there is one."""
        amount = max(budget // SLICES, units)
        if not self._memory.acquire_sliding_window_entry(subject, budget, MINUTE, amount):
            return seconds_until(amount, budget, self._memory.get_sliding_window(subject, MINUTE))
        spent, account.slice = account.slice, amount
        account.left += amount
        if spent and time.monotonic() >= self._away_until:
            task = asyncio.create_task(self._report(subject, account, budget, spent))
            self._reports.add(task)
            task.add_done_callback(self._reports.discard)
        return 0.0

    async def _report(self, subject: str, account: Account, budget: int, amount: int) -> None:
        """Count a slice in Valkey; when all processes together have spent the budget, refuse."""
        try:
            async with asyncio.timeout(REPORT_SECONDS):
                name = f"{subject}/{budget}"
                if not await self._valkey.acquire_sliding_window_entry(
                    name, budget, MINUTE, amount
                ):
                    window = await self._valkey.get_sliding_window(name, MINUTE)
                    wait = seconds_until(amount, budget, window)
                    account.refused_until = time.monotonic() + wait
        except FAILURES as error:
            self._away_until = time.monotonic() + AWAY_SECONDS
            self.connected = False
            self._outage.failed(error)
        else:
            self.connected = True
            self._outage.answered()


def seconds_until(amount: int, budget: int, window: Window) -> float:
    """Seconds until `amount` fits below the budget again, at least one.

    The units of the previous minute expire evenly during this minute; those of this minute begin to
    expire when it ends.
    """
    previous, fades_in, current, ends_in = window
    if current + amount <= budget:
        seconds = fades_in - (budget - current - amount) * MINUTE / max(previous, 1)
    else:
        seconds = max(ends_in - MINUTE, 0) + MINUTE * (1 - (budget - amount) / current)
    return max(seconds, 1.0)
