"""Units of work: one transaction, one tenant, and the stores it changed."""

from collections import defaultdict
from collections.abc import AsyncGenerator, Awaitable, Callable, Collection, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession, create_async_engine
from sqlalchemy.util import LRUCache

from app.db.core.coalesce import Coalescer
from app.db.core.outage import Outage
from app.db.core.postgres import Connection, roll_back
from app.db.core.read_pool import ReadPool
from app.db.core.snapshot import ReadSession, Snapshot
from app.db.core.vault import Vault

T = TypeVar("T")
ROLE = "kucun_app"
Nudge = Callable[[UUID, Iterable[UUID]], Awaitable[None]]

SERVER_SETTINGS = {
    "role": ROLE,
    "application_name": "kucun",
    "statement_timeout": "10000",
    # Shorter than the deadline of an operation, so that the client learns why it waited.
    "lock_timeout": "4000",
    "idle_in_transaction_session_timeout": "15000",
    "jit": "off",
}
CONNECT_SECONDS = 3
COMMAND_SECONDS = 10
"""Seconds after which the client ends a statement: a frozen server does not apply its own
timeout."""

MOST_NAMES = 100_000
"""Public names that a process keeps."""


def clock() -> datetime:
    """The present moment, from which a store's day is computed."""
    return datetime.now(UTC)


@dataclass(slots=True)
class Touched:
    """The products and documents that a unit changed in one store."""

    products: set[UUID] = field(default_factory=set[UUID])
    documents: set[UUID] = field(default_factory=set[UUID])


def closing(tenant: UUID, changed: Mapping[UUID, Touched]) -> str:
    """The last round trip of a unit: bump the feeds it touched, in store order, and commit.

    I6: the feed rows are locked last and held for this one trip. It is plain text because only
    the simple protocol carries several statements; it is made of UUIDs alone.
    """
    bumps = (
        f"SELECT bump_feed('{tenant}', '{store}', "
        f"{_array(changed[store].products)}, {_array(changed[store].documents)}); "
        for store in sorted(changed)
    )
    return "".join(bumps) + "COMMIT"


def _array(ids: Iterable[UUID]) -> str:
    return f"'{{{','.join(map(str, ids))}}}'"


class Unit:
    """One transaction of one tenant.

    `changed` records what the stores' feeds will announce; the feed is bumped in the same
    round trip as COMMIT (I6), and the stores are nudged once the commit is certain.
    """

    def __init__(
        self,
        tenant: UUID,
        raw: Connection,
        nudge: Nudge,
        session: AsyncSession | None = None,
        lock_timeout_ms: int | None = None,
    ) -> None:
        self.tenant = tenant
        self.raw = raw
        self.now = clock()
        self._lock_timeout_ms = lock_timeout_ms
        self._nudge = nudge
        self._session = session
        self._changed: dict[UUID, Touched] = defaultdict(Touched)

    @property
    def session(self) -> AsyncSession:
        assert self._session is not None, "this unit has no session: it belongs to a lane"
        return self._session

    def changed(self, store: UUID, product: UUID) -> None:
        self._changed[store].products.add(product)

    def document_changed(self, store: UUID, document: UUID) -> None:
        """Record that a document of the store changed: an order, a transfer, an alert."""
        self._changed[store].documents.add(document)

    async def __aenter__(self) -> "Unit":
        # A lane runs several transactions of one unit: each announces its own changes.
        self._changed.clear()
        begin = f"BEGIN; SET LOCAL app.tenant = '{self.tenant}'"
        if self._lock_timeout_ms is not None:
            begin += f"; SET LOCAL lock_timeout = {self._lock_timeout_ms}"
        try:
            await self.raw.execute(begin)
        except BaseException:
            # BEGIN may have succeeded: roll it back before the connection returns to the pool.
            await roll_back(self.raw)
            raise
        return self

    async def __aexit__(self, kind: type | None, error: object, trace: object) -> None:
        if kind is not None:
            await roll_back(self.raw)
            return
        try:
            # Inside: a flush that fails or is cancelled must not leave its transaction open on a
            # pooled connection, where the next unit would fail or commit these rows.
            if self._session is not None:
                await self._session.flush()
            await self.raw.execute(closing(self.tenant, self._changed))
        except BaseException:
            await roll_back(self.raw)
            raise
        if self._changed:
            await self._nudge(self.tenant, list(self._changed))


class Database:
    """The connection pool for reads and for document units. Rows outlive their session."""

    def __init__(
        self, url: str, nudge: Nudge, pool_size: int = 10, vault: Vault | None = None
    ) -> None:
        # Transactions are opened by hand, so that the tenant is set in BEGIN's round trip.
        self.engine = create_async_engine(
            url.replace("postgresql://", "postgresql+asyncpg://", 1),
            isolation_level="AUTOCOMMIT",
            pool_size=pool_size,
            max_overflow=0,
            # Messages of errors name no arguments: they are contacts, tokens and password hashes.
            hide_parameters=True,
            # Seconds that a unit waits for a free connection, so that a burst makes units slow, not
            # refused.
            pool_timeout=20,
            connect_args={
                "server_settings": SERVER_SETTINGS,
                "timeout": CONNECT_SECONDS,
                "command_timeout": COMMAND_SECONDS,
            },
        )
        self.outage = Outage("database")
        read_options = {
            "server_settings": SERVER_SETTINGS | {"default_transaction_read_only": "on"},
            "timeout": CONNECT_SECONDS,
            "command_timeout": COMMAND_SECONDS,
        }
        self._read_pool = ReadPool(url, pool_size, read_options, self.outage)
        self._nudge = nudge
        self._vault = vault
        self._coalescer = Coalescer(self)
        self.names: LRUCache[tuple[str, str], Any] = LRUCache(MOST_NAMES)
        """The public names that this process has looked up; see `identity.resolve_name`."""

    @property
    def vault(self) -> Vault:
        """Encrypts and decrypts the sealed columns."""
        assert self._vault is not None, "this database was opened without a secret"
        return self._vault

    async def close(self) -> None:
        await self._coalescer.finish()
        await self._read_pool.close()
        await self.engine.dispose()

    async def coalesce(
        self,
        work: Callable[["Database", Any, Collection[Any]], Awaitable[T]],
        tenant: UUID | None,
        keys: Collection[Any],
    ) -> T:
        """Run the work once for the callers that arrive together, with the keys of all of them."""
        return await self._coalescer.run(work, tenant, keys)

    @asynccontextmanager
    async def _session(self) -> AsyncGenerator[tuple[AsyncSession, Connection], None]:
        with self.outage.watched():
            async with self.engine.connect() as connection:
                raw = await driver(connection)
                while raw.is_closed():
                    # The server went away while this connection was idle: drop it and open a new
                    # one.
                    await connection.invalidate()
                    raw = await driver(connection)
                session = AsyncSession(connection, expire_on_commit=False, autoflush=False)
                try:
                    yield session, raw
                finally:
                    if raw.is_closed():
                        await connection.invalidate()
                    await session.close()

    @asynccontextmanager
    async def read(self, tenant: UUID | None) -> AsyncGenerator[ReadSession, None]:
        """A snapshot of its own; without a tenant it sees no tenant's rows."""
        async with self.snapshot() as snapshot, snapshot.read(tenant) as session:
            yield session

    @asynccontextmanager
    async def read_once(
        self, tenant: UUID, *, by_keys: bool = False
    ) -> AsyncGenerator[ReadSession, None]:
        """A read of one statement, in one round trip without a transaction. See `Snapshot`."""
        async with self.snapshot() as snapshot, snapshot.read(tenant, by_keys=by_keys) as session:
            snapshot.expects_one = True
            yield session

    def new_snapshot(self) -> Snapshot:
        """A snapshot that takes its connection at its first read; its owner closes it."""
        return Snapshot(self._read_pool)

    @asynccontextmanager
    async def snapshot(self) -> AsyncGenerator[Snapshot, None]:
        """A snapshot that ends with the block; its connection is taken by the first read."""
        snapshot = self.new_snapshot()
        try:
            yield snapshot
        finally:
            await snapshot.close()

    @asynccontextmanager
    async def unit(self, tenant: UUID) -> AsyncGenerator[Unit, None]:
        """A transaction that writes; leaving it commits, an exception rolls it back."""
        async with (
            self._session() as (session, raw),
            Unit(tenant, raw, self._nudge, session) as unit,
        ):
            yield unit


async def driver(connection: AsyncConnection) -> Connection:
    """The asyncpg connection below SQLAlchemy's."""
    return (await connection.get_raw_connection()).driver_connection
