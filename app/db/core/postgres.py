"""PostgreSQL connections. asyncpg has no type stubs: its connections and rows are `Any` here."""

from typing import Any, TypeAlias

import asyncpg  # pyright: ignore[reportMissingTypeStubs] asyncpg publishes no type stubs

Connection: TypeAlias = Any
"""An asyncpg connection."""

Record: TypeAlias = Any
"""A row; its values are read by position or by column name."""

_driver: Any = asyncpg

# A lock was held for too long, or two transactions waited for each other.
LOCK_ERRORS = (asyncpg.LockNotAvailableError, asyncpg.DeadlockDetectedError)

# The server or the connection failed, or is about to.
CONNECTION_ERRORS = (
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.CannotConnectNowError,
    asyncpg.QueryCanceledError,
    OSError,
    TimeoutError,
)

ROLLBACK_ERRORS = (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError)


async def connect(url: str, **options: Any) -> Connection:
    """A new connection; the options are those of `asyncpg.connect`."""
    return await _driver.connect(url, **options)
