"""Reads: SQLAlchemy statements run by asyncpg in one snapshot, without a session.

A session costs ten times what a small read does. Statements are compiled once per shape; mapped
classes come back as plain rows that are read by attribute and belong to no session.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from operator import itemgetter
from typing import Any, NamedTuple, Protocol, TypeAlias
from uuid import UUID
from weakref import WeakKeyDictionary

import orjson
from sqlalchemy import JSON, select
from sqlalchemy.dialects.postgresql import asyncpg as dialect
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import class_mapper
from sqlalchemy.util import LRUCache

from app.db.core.outage import wait_out
from app.db.core.postgres import ROLLBACK_ERRORS, Record
from app.db.core.read_pool import (
    AUTO,
    ONE_PLAN,
    PLAN_EACH,
    ReadConnection,
    ReadPool,
    settings_of,
)
from app.db.core.statement import rows_of
from app.db.core.table import row_class

DIALECT = dialect.dialect()
PLANS: "LRUCache[Any, Plan]" = LRUCache(500)
CONSTANTS: "WeakKeyDictionary[Any, tuple[Plan, Any]]" = WeakKeyDictionary()
END_SECONDS = 5.0
BEGIN = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
LOCAL = "LOCAL"


class Reads(Protocol):
    """Where reads run: a `Database` (a snapshot each) or a `Snapshot` (all at one moment)."""

    def read(self, tenant: UUID | None, /) -> AbstractAsyncContextManager["ReadSession"]: ...


class Rows(list[Any]):
    """The rows of a statement, all fetched."""

    def all(self) -> "Rows":
        return self

    def first(self) -> Any:
        return self[0] if self else None

    def one(self) -> Any:
        [row] = self
        return row

    def scalar_one(self) -> Any:
        return self.one()[0]


class Moved(Exception):
    """What a lone statement has read was changed before the snapshot began."""


class Lone(NamedTuple):
    """A statement that was run without a snapshot, and its rows."""

    tenant: UUID | None
    mode: str
    text: str
    arguments: tuple[Any, ...]
    rows: list[Record]


class Snapshot:
    """One REPEATABLE READ transaction: begun by its first read, ended by `end` or `close`.

    Concurrent reads take turns, so an operation never waits for a second connection while it
    holds one. Each read names its tenant; row security follows it.

    With `expects_one`, the first statement runs without a transaction, in one round trip instead
    of three: a statement sees one moment by itself. If a second statement follows, the transaction
    begins and the first runs again in it. If its rows have changed, all further reads raise Moved.
    """

    def __init__(self, pool: ReadPool) -> None:
        self.expects_one = False
        self.statements = 0
        """How many statements were asked for."""
        self.has_moved = False
        """Whether its reads are of two moments, so that the operation must run again."""
        self._pool = pool
        self._held: ReadConnection | None = None
        self._lone: Lone | None = None
        self._tenant: UUID | None = None
        self._mode = AUTO
        self._turn = asyncio.Lock()
        self._closed = False
        self._ends = 0
        self._error: Exception | None = None

    @property
    def begun(self) -> bool:
        """Whether its moment is fixed: something was read, or is being read."""
        return self._held is not None or self._lone is not None or self._turn.locked()

    @asynccontextmanager
    async def read(
        self, tenant: UUID | None, *, by_keys: bool = False
    ) -> AsyncGenerator["ReadSession", None]:
        """Reads of one tenant in this snapshot; without a tenant they see no tenant's rows.

        Statements that find their rows `by_keys` keep one plan for all values. PostgreSQL would
        plan them each time, since it knows the number of keys only then; planning takes ten times
        what such a statement does.
        """
        yield ReadSession(self, tenant, ONE_PLAN if by_keys else AUTO)

    async def fetch(
        self, tenant: UUID | None, mode: str, text: str, *arguments: Any
    ) -> list[Record]:
        """Run one statement for a tenant. Waits out a short outage while nothing was read."""
        async with self._turn:
            if self._closed:
                raise RuntimeError("the snapshot is closed")
            if self._error is not None:
                # The transaction is aborted: reads after the first failure raise its error.
                raise self._error
            self.statements += 1
            if self._held is None:
                return await wait_out(lambda: self._fetch_first(tenant, mode, text, *arguments))
            try:
                with self._pool.outage.watched():
                    return await self._fetch_next(self._held, tenant, mode, text, *arguments)
            except Exception as error:
                self._error = error
                raise

    async def _fetch_first(
        self, tenant: UUID | None, mode: str, text: str, *arguments: Any
    ) -> list[Record]:
        ends, question = self._ends, (tenant, mode, text, *arguments)
        is_lone = self.expects_one and self._lone is None
        with self._pool.outage.watched():
            held = await self._pool.take(tenant)
            try:
                if is_lone:
                    rows = await held.fetch_once(*question)
                else:
                    rows = await self._begin(held, *question)
                if ends != self._ends:
                    # The operation was cancelled, so its connection would never be given back.
                    raise RuntimeError("the snapshot has ended")
            except BaseException:
                self._pool.discard(held)
                raise
        if is_lone:
            self._lone = Lone(tenant, mode, text, arguments, rows)
            self._pool.give_back(held)
            return rows
        self._held = held
        if self.has_moved:
            self._error = Moved()
            raise self._error
        return rows

    async def _begin(
        self, held: ReadConnection, tenant: UUID | None, mode: str, text: str, *arguments: Any
    ) -> list[Record]:
        """Begin the transaction with this statement, and with the lone one before it."""
        self._tenant, self._mode = tenant, mode
        await held.raw.execute(f"{BEGIN}; {settings_of(tenant, mode, LOCAL)}")
        if self._lone is not None:
            first = self._lone
            again = await self._fetch_next(
                held, first.tenant, first.mode, first.text, *first.arguments
            )
            self.has_moved = again != first.rows
        return await self._fetch_next(held, tenant, mode, text, *arguments)

    async def _fetch_next(
        self, held: ReadConnection, tenant: UUID | None, mode: str, text: str, *arguments: Any
    ) -> list[Record]:
        if (tenant, mode) != (self._tenant, self._mode):
            await held.raw.execute(settings_of(tenant, mode, LOCAL))
            self._tenant, self._mode = tenant, mode
        return await held.raw.fetch(text, *arguments)

    async def close(self) -> None:
        """End the transaction for good; later reads raise RuntimeError."""
        self._closed = True
        await self.end()

    async def end(self) -> None:
        """End the transaction; a later read begins another one, at its own moment."""
        self._ends += 1
        held, self._held, self._lone, self._error = self._held, None, None, None
        if held is None:
            return
        if self._turn.locked():
            # A cancelled read is still running.
            self._pool.discard(held)
            return
        try:
            async with asyncio.timeout(END_SECONDS):
                await held.raw.execute("COMMIT")
        except ROLLBACK_ERRORS:
            # The rows that were read stay valid; only the connection is lost.
            self._pool.discard(held)
        except BaseException:
            self._pool.discard(held)
            raise
        else:
            self._pool.give_back(held)


class ReadSession:
    """The reads of one tenant in a snapshot; the methods are those of SQLAlchemy's session."""

    def __init__(self, snapshot: Snapshot, tenant: UUID | None, mode: str) -> None:
        self._snapshot = snapshot
        self._tenant = tenant
        self._mode = mode

    def planned(self, mode: str) -> "ReadSession":
        """These reads, whose statements are planned in this mode."""
        return ReadSession(self._snapshot, self._tenant, mode)

    async def fetch(self, text: str, *arguments: Any) -> list[Record]:
        """Run SQL text, as asyncpg's connections do."""
        return await self._snapshot.fetch(self._tenant, self._mode, text, *arguments)

    async def execute(self, query: Any, parameters: Mapping[str, Any] | None = None) -> Rows:
        """The rows of the statement: a mapped class gives an instance of it, a column gives its
        value."""
        plan, key = _plan(query, is_constant=parameters is not None)
        text, arguments = plan.bind(parameters, key)
        return Rows(map(plan.row, await self.fetch(text, *arguments)))

    async def scalars(self, query: Any, parameters: Mapping[str, Any] | None = None) -> Rows:
        """The first item of each row."""
        return Rows(row[0] for row in await self.execute(query, parameters))

    async def scalar(self, query: Any, parameters: Mapping[str, Any] | None = None) -> Any:
        """The first item of the first row; None without rows."""
        return (await self.scalars(query, parameters)).first()

    async def get(self, cls: type, key: tuple[Any, ...]) -> Any:
        """The row with this primary key, or None."""
        columns = class_mapper(cls).primary_key
        matches = (column == value for column, value in zip(columns, key, strict=True))
        return await self.scalar(select(cls).where(*matches))


AnySession: TypeAlias = AsyncSession | ReadSession
"""The session argument of every read: a unit's `AsyncSession`, or a snapshot's `ReadSession`."""


def with_one_plan(session: AnySession) -> AnySession:
    """The session, with one plan for all values of a statement; a unit's session is unchanged."""
    return session.planned(ONE_PLAN) if isinstance(session, ReadSession) else session


async def read_together(session: AnySession, queries: Mapping[str, Any]) -> dict[str, list[Any]]:
    """The rows of each of these queries, by one statement that is planned for its values."""
    query = select(*map(rows_of, queries.values()))
    rows: Any = await planned_each_time(session).execute(query)
    return dict(zip(queries, rows.one(), strict=True))


def planned_each_time(session: AnySession) -> AnySession:
    """The session, whose statements are planned for their values each time; a unit's session is
    unchanged.

    For reports: a plan that fits all values reads each store by itself, in one process.
    """
    return session.planned(PLAN_EACH) if isinstance(session, ReadSession) else session


def _plan(query: Any, is_constant: bool) -> "tuple[Plan, Any]":
    """The plan of a statement's shape, and the key with its values.

    The key of a constant statement is computed once: all its values are parameters.
    """
    known = CONSTANTS.get(query) if is_constant else None
    if known is not None:
        return known
    key = query._generate_cache_key()
    plan = PLANS.get(key.key)
    if plan is None:
        plan = PLANS[key.key] = Plan(query, key)
    if is_constant:
        CONSTANTS[query] = plan, key
    return plan, key


class Plan:
    """A statement compiled once: its text, and the functions that turn records into rows."""

    def __init__(self, query: Any, key: Any) -> None:
        columns: dict[Any, int] = {}
        self._makers = [_maker(each, columns) for each in query.column_descriptions]
        core = query.with_only_columns(*columns, maintain_column_froms=True)
        # Compiled with the parameters of its cache key, so that `bind` can take the values of any
        # statement of the same shape.
        self._compiled: Any = core._compiler(DIALECT, cache_key=key, column_keys=[])
        processors = ((place, _converter(column.type)) for column, place in columns.items())
        self._convert = {place: processor for place, processor in processors if processor}

    def bind(self, parameters: Mapping[str, Any] | None, key: Any) -> tuple[str, list[Any]]:
        """The text, and its arguments in order."""
        compiled = self._compiled
        values: dict[str, Any] = compiled.construct_params(
            parameters, extracted_parameters=key.bindparams, escape_names=False
        )
        text, order, processors = compiled.string, compiled.positiontup, compiled._bind_processors
        if compiled.post_compile_params:
            expanded = compiled._process_parameters_for_postcompile(values)
            values |= expanded.additional_parameters
            text, order = expanded.statement, expanded.positiontup
            processors = {**processors, **expanded.processors}
        return text, [
            processors[name](values[name]) if name in processors else values[name]
            for name in order or ()
        ]

    def row(self, record: Record) -> tuple[Any, ...]:
        """The items of one record."""
        values: Sequence[Any] = record
        if self._convert:
            values = list(record)
            for place, convert in self._convert.items():
                values[place] = convert(values[place])
        return tuple(make(values) for make in self._makers)


def _converter(type_: Any) -> Callable[[Any], Any] | None:
    """A function from asyncpg's value to the column's value; None if they are the same."""
    # SQLAlchemy sets a decoder on its own connections; these return JSON as text.
    if isinstance(type_, JSON):
        return orjson.loads
    return type_._cached_result_processor(DIALECT, None)


Maker = Callable[[Sequence[Any]], Any]


def _maker(described: Any, columns: dict[Any, int]) -> Maker:
    """A function from the values of a record to one item of a row: a value, or an instance of a
    mapped class."""
    expression = described["expr"]
    if not isinstance(expression, type):
        return itemgetter(_place(expression, columns))
    attributes: Any = class_mapper(expression).column_attrs
    places = [_place(each.columns[0], columns) for each in attributes]
    part, plain = _part(places), row_class(expression)
    key = _place(class_mapper(expression).primary_key[0], columns)
    # An outer join without a match has no key.
    return lambda values: None if values[key] is None else plain(*part(values))


def _part(places: Sequence[int]) -> Callable[[Sequence[Any]], Sequence[Any]]:
    """A function that takes these values out of a record."""
    first, last = places[0], places[-1]
    if places == list(range(first, last + 1)):
        return itemgetter(slice(first, last + 1))
    return itemgetter(*places)


def _place(expression: Any, columns: dict[Any, int]) -> int:
    """The position of a column; each is selected once."""
    column = (
        expression.__clause_element__() if hasattr(expression, "__clause_element__") else expression
    )
    return columns.setdefault(column, len(columns))
