"""PostgreSQL connections. asyncpg has no type stubs: its connections and rows are `Any` here."""

import asyncio
from collections.abc import Iterator
from typing import Any, TypeAlias

import asyncpg  # pyright: ignore[reportMissingTypeStubs] asyncpg publishes no type stubs
from sqlalchemy.exc import DBAPIError, PendingRollbackError
from sqlalchemy.exc import TimeoutError as PoolTimeout

Connection: TypeAlias = Any
"""An asyncpg connection."""

Record: TypeAlias = Any
"""A row; its values are read by position or by column name."""

_driver: Any = asyncpg

# 08: the connection failed. 53: no free connection, disk or memory. 57P: the server shuts down,
# crashed or starts. 25006: it became a standby. 25P03 and 25P04: it ended an idle transaction.
_AWAY_STATES = ("08", "53", "57P", "25006", "25P03", "25P04")
# 40: a deadlock or a failed serialization. 55P03: a lock timeout. 57014: a statement timeout.
_BLOCKED_STATES = ("40", "55P03", "57014")

ROLLBACK_ERRORS = (
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    OSError,
    TimeoutError,
)


def is_away(error: BaseException | None) -> bool:
    """Whether the server or the connection to it is gone, or the server accepts no work now."""
    return any(_is_away(each) for each in _causes(error))


def is_blocked(error: BaseException | None) -> bool:
    """Whether the wait for a lock, a statement or a free connection took too long."""
    return any(
        isinstance(each, PoolTimeout) or _state(each).startswith(_BLOCKED_STATES)
        for each in _causes(error)
    )


def _is_away(error: BaseException) -> bool:
    match error:
        case asyncpg.PostgresError():
            return _state(error).startswith(_AWAY_STATES)
        case asyncpg.InterfaceError():
            # asyncpg could not encode an argument, or two tasks used one connection: a bug of ours,
            # which running the same work again would not mend.
            return not isinstance(error, ValueError) and "another operation" not in str(error)
        case DBAPIError():
            return error.connection_invalidated
        case _:
            kinds = (asyncpg.InternalClientError, PendingRollbackError, OSError, TimeoutError)
            return isinstance(error, kinds)


def _state(error: BaseException) -> str:
    state = getattr(error, "sqlstate", None)
    return state if isinstance(state, str) else ""


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """The error and the errors that it wraps: SQLAlchemy wraps those of asyncpg twice."""
    while error is not None:
        yield error
        error = error.__cause__


async def connect(url: str, **options: Any) -> Connection:
    """A new connection; the options are those of `asyncpg.connect`.

    Statements stay prepared. A timer for each would hold the context of the operation that was
    first to run it, with all that it has read.
    """
    return await _driver.connect(url, max_cached_statement_lifetime=0, **options)


async def roll_back(raw: Connection) -> None:
    """Roll back the open transaction; close the connection if that fails."""
    try:
        await asyncio.wait_for(raw.execute("ROLLBACK"), 5)
    except ROLLBACK_ERRORS:
        raw.terminate()
    except BaseException:
        # Cancelled during the rollback: close the connection, so that its next user does not get
        # the open transaction.
        raw.terminate()
        raise
