"""Counters that all processes share in Valkey; while it is away, each process counts by itself."""

import time
from typing import Any

from limits.aio.storage import MemoryStorage, RedisStorage
from redis.asyncio import BlockingConnectionPool
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from app.db.core.outage import Outage

PREFIX = "kucun:counters"
ANSWER_SECONDS = 0.5
AWAY_SECONDS = 1.0
CONNECTIONS_MAX = 4
FAILURES = (RedisError, OSError, TimeoutError)


class Counters:
    """Numbers by name that expire. One per process; without a URL it counts in memory only.

    No method raises: an outage of Valkey makes counting local to the process.
    """

    def __init__(self, url: str) -> None:
        self._pool = _pool(url) if url else None
        self._shared = self._pool and RedisStorage(
            "async+redis://",
            implementation="redispy",
            key_prefix=PREFIX,
            connection_pool=self._pool,
        )
        self._local = MemoryStorage()
        self._outage = Outage("counters")
        self._away_until = 0.0

    async def close(self) -> None:
        if self._pool:
            await self._pool.aclose()

    async def add(self, name: str, amount: int, seconds: int) -> int:
        """The counter after adding; it expires `seconds` after its first addition."""
        return int(await self._call("incr", name, seconds, amount))

    async def value(self, name: str) -> int:
        return int(await self._call("get", name))

    async def seconds_left(self, name: str) -> float:
        """Seconds until the counter expires."""
        return await self._call("get_expiry", name) - time.time()

    async def _call(self, method: str, *arguments: Any) -> float:
        if self._shared and time.monotonic() >= self._away_until:
            try:
                number = await getattr(self._shared, method)(*arguments)
            except FAILURES as error:
                self._away_until = time.monotonic() + AWAY_SECONDS
                self._outage.failed(error)
            else:
                self._outage.answered()
                return number
        return await getattr(self._local, method)(*arguments)


def _pool(url: str) -> Any:
    # `Any`: redis-py's annotations are incomplete.
    pool: Any = BlockingConnectionPool
    return pool.from_url(
        url,
        max_connections=CONNECTIONS_MAX,
        timeout=ANSWER_SECONDS,
        socket_timeout=ANSWER_SECONDS,
        socket_connect_timeout=ANSWER_SECONDS,
        retry=Retry(NoBackoff(), 0),
    )
