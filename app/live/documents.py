"""Feeds of documents such as orders, alerts and transfers: the open ones, then those that
change."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol, TypeVar
from uuid import UUID

import structlog

from app.db.core.outage import is_passing
from app.db.core.unit import Database
from app.domain.feed import Change, DocumentChange, Event
from app.live.follower import Follower, Source
from app.live.tail import RETRY_SECONDS, patiently

log = structlog.get_logger()

PAGE = 200
"""The most documents in one event."""
T = TypeVar("T")
Pages = AsyncIterator[tuple[Sequence[Any], bool]]
"""Rows, and whether more pages follow."""


class ReadById(Protocol):
    """Read the rows with these ids; absent ones are left out."""

    def __call__(
        self, session: Any, tenant: UUID, ids: Collection[UUID], /
    ) -> Awaitable[Sequence[Any]]: ...


class ReadOpen(Protocol):
    """Read at most `limit` open rows of these stores, in order of id, after the id `after`."""

    def __call__(
        self,
        session: Any,
        tenant: UUID,
        stores: Collection[UUID],
        after: UUID | None,
        limit: int,
        /,
    ) -> Awaitable[Sequence[Any]]: ...


@dataclass(frozen=True, eq=False, kw_only=True)
class Topic:
    """A kind of document that feeds follow: its name in the API, and how its rows are read."""

    name: str
    by_id: ReadById
    open: ReadOpen


async def open_pages(
    read: Callable[[UUID | None, int], Awaitable[Sequence[T]]],
) -> AsyncIterator[tuple[Sequence[T], bool]]:
    """Pages of open rows by keyset, the oldest first, and whether more follow; at least one."""
    after: UUID | None = None
    more = True
    while more:
        rows: Sequence[Any] = await read(after, PAGE + 1)
        more = len(rows) > PAGE
        page = rows[:PAGE]
        yield page, more
        if more:
            after = page[-1].id


class Key(NamedTuple):
    """The key of a feed: the documents of these stores, or one document."""

    tenant: UUID
    topic: Topic
    stores: tuple[UUID, ...]
    document: UUID | None = None


class DocumentFeed(Source):
    """Follows the tails of its stores, reads the documents that changed, and publishes them."""

    def __init__(
        self, db: Database, key: Key, tails: Mapping[UUID, Follower], forget: Callable[[], object]
    ) -> None:
        super().__init__(forget)
        self._db = db
        self._key = key
        self._tails = tails
        self._revision = 0
        self._missed: frozenset[UUID] = frozenset()
        self._lost = False
        self._reading: asyncio.Task[None] | None = None

    async def start(self) -> None:
        for tail in self._tails.values():
            await tail.first()
            tail.direct(self._hear)

    def stop(self) -> None:
        super().stop()
        for tail in self._tails.values():
            tail.close()

    async def opening(self) -> AsyncIterator[Event]:
        """The one document, or all that are open, the oldest first, in pages."""
        # All pages have one revision, so that events published meanwhile are delivered after them.
        revision = self._revision
        async for rows, more in self._present():
            yield self._event(revision, rows, more)

    def _event(self, revision: int, rows: Sequence[Any], more: bool) -> DocumentChange:
        return DocumentChange(
            tenant=self._key.tenant,
            revision=revision,
            rows={row.id: row for row in rows},
            has_more=more,
        )

    async def _present(self) -> Pages:
        document, topic, stores = self._key.document, self._key.topic, self._key.stores
        if document is not None:
            yield await self._by_id({document}), False
            return

        async def page(after: UUID | None, limit: int) -> Sequence[Any]:
            return await self._read(
                lambda session: topic.open(session, self._key.tenant, stores, after, limit)
            )

        async for rows, more in open_pages(page):
            yield rows, more

    async def _by_id(self, ids: Collection[UUID]) -> Sequence[Any]:
        topic, tenant = self._key.topic, self._key.tenant
        return await self._read(lambda session: topic.by_id(session, tenant, ids))

    async def _read(self, read: Callable[[Any], Awaitable[Sequence[Any]]]) -> Sequence[Any]:
        async def once() -> Sequence[Any]:
            async with self._db.read(self._key.tenant) as session:
                return await read(session)

        return await patiently(once)

    def _hear(self, event: Event) -> None:
        if isinstance(event, Change):
            document = self._key.document
            self._missed |= event.documents if document is None else event.documents & {document}
        else:
            # A Resync does not say what was missed: all open documents are read again.
            self._lost = True
        idle = self._reading is None or self._reading.done()
        if idle and (self._missed or self._lost):
            self._reading = self.run(self._catch_up())

    async def _catch_up(self) -> None:
        """Read and publish in one task, so that no older row follows a newer one.

        An unexpected error is logged once, and the same documents are read again.
        """
        failing = False
        while (self._missed or self._lost) and not self.stopped:
            missed, lost = self._missed, self._lost
            self._missed, self._lost = frozenset(), False
            try:
                await self._publish(missed, lost)
                failing = False
            except Exception as error:
                self._missed |= missed
                self._lost |= lost
                if not failing and not is_passing(error):
                    log.warning("documents.failing", topic=self._key.topic.name, error=error)
                failing = True
                await asyncio.sleep(RETRY_SECONDS)

    async def _publish(self, missed: frozenset[UUID], lost: bool) -> None:
        if missed and (rows := await self._by_id(missed)):
            self._next(rows, False)
        if lost:
            async for rows, more in self._present():
                if rows:
                    self._next(rows, more)

    def _next(self, rows: Sequence[Any], more: bool) -> None:
        self._revision += 1
        self.publish(self._event(self._revision, rows, more))
