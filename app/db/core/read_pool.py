"""The connections of reads."""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from typing import Any
from uuid import UUID

from app.db.core.outage import Outage
from app.db.core.postgres import ROLLBACK_ERRORS, Connection, Record, connect

PATIENCE_SECONDS = 20.0
"""Seconds that a read waits for a free connection, so that a burst makes reads slow, not
refused."""
CLOSE_SECONDS = 5.0
AUTO, ONE_PLAN, PLAN_EACH = "auto", "force_generic_plan", "force_custom_plan"
"""PostgreSQL's `plan_cache_mode`: how it plans the statements of a read."""


class ReadConnection:
    """A connection to the database, and what its session is set to."""

    def __init__(self, raw: Connection) -> None:
        self.raw = raw
        # What the session is set to; None if it is not known.
        self._settings: tuple[UUID | None, str] | None = None

    @property
    def tenant(self) -> UUID | None:
        """The tenant that the session is set to, if any."""
        return self._settings and self._settings[0]

    async def fetch_once(
        self, tenant: UUID | None, mode: str, text: str, *arguments: Any
    ) -> list[Record]:
        """Run one statement for a tenant as a transaction of its own.

        The tenant stays set in the session, so that a second statement of the same tenant takes
        one round trip. Transactions set their own tenant (SET LOCAL).
        """
        if self._settings != (tenant, mode):
            self._settings = None
            await self.raw.execute(settings_of(tenant, mode))
            self._settings = tenant, mode
        return await self.raw.fetch(text, *arguments)


def settings_of(tenant: UUID | None, mode: str, scope: str = "") -> str:
    """SQL that sets the tenant whose rows are seen, and how statements are planned."""
    return f"SET {scope} app.tenant = '{tenant or ''}'; SET {scope} plan_cache_mode = {mode}"


class ReadPool:
    """The connections of reads. Units have their own, so neither waits for the other.

    asyncpg's pool runs a task for each connection that it lends, and one for each that comes
    back; together they cost as much as a small read.
    """

    def __init__(self, url: str, size: int, settings: Mapping[str, Any], outage: Outage) -> None:
        self.outage = outage
        self._url = url
        self._options = settings
        self._size = size
        self._idle: list[ReadConnection] = []
        self._free = asyncio.Semaphore(size)

    async def take(self, tenant: UUID | None) -> ReadConnection:
        """A connection, once one is free; one that has served the tenant, if there is one.

        Raises TimeoutError after `PATIENCE_SECONDS`, and the errors of connecting.
        """
        if self._free.locked():
            async with asyncio.timeout(PATIENCE_SECONDS):
                await self._free.acquire()
        else:
            await self._free.acquire()
        try:
            return self._idle_one(tenant) or ReadConnection(
                await connect(self._url, **self._options)
            )
        except BaseException:
            self._free.release()
            raise

    def _idle_one(self, tenant: UUID | None) -> ReadConnection | None:
        """The idle connection that served the tenant last, or else the one used last."""
        # A connection that was idle when the server went away is closed.
        self._idle = [each for each in self._idle if not each.raw.is_closed()]
        if not self._idle:
            return None
        fitting = (each for each in reversed(self._idle) if each.tenant == tenant)
        connection = next(fitting, self._idle[-1])
        self._idle.remove(connection)
        return connection

    def give_back(self, connection: ReadConnection) -> None:
        self._idle.append(connection)
        self._free.release()

    def discard(self, connection: ReadConnection) -> None:
        """Close a connection that may be broken or busy."""
        with suppress(*ROLLBACK_ERRORS):
            connection.raw.terminate()
        self._free.release()

    async def close(self) -> None:
        """Close all connections, when the last one has come back."""
        for _ in range(self._size):
            await self._free.acquire()
        for connection in self._idle:
            with suppress(*ROLLBACK_ERRORS):
                await connection.raw.close(timeout=CLOSE_SECONDS)
