"""Documents of stores, and when they change: orders, transfers, alerts."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from typing import Any, NamedTuple, Protocol
from uuid import UUID

from app.db.core.unit import Database
from app.domain.feed import Change, DocumentChange, Event
from app.live.follower import Follower, Source
from app.live.tail import patiently


class Read(Protocol):
    """Rows by their ids, or those that are open in these stores."""

    def __call__(
        self, session: Any, tenant: UUID, which: Collection[UUID], /
    ) -> Awaitable[Sequence[Any]]: ...


class Topic(NamedTuple):
    """How a kind of document is read."""

    name: str
    by_id: Read
    open: Read
    tell: Callable[..., DocumentChange]


class Key(NamedTuple):
    """Whose documents are followed: of these stores, or the one document."""

    tenant: UUID
    topic: Topic
    stores: tuple[UUID, ...]
    document: UUID | None = None


class DocumentFeed(Source):
    """Follows the tails of its stores; tells the documents they name, read again."""

    def __init__(
        self, db: Database, key: Key, tails: Mapping[UUID, Follower], forget: Callable[[], Any]
    ) -> None:
        super().__init__(forget)
        self._db = db
        self._key = key
        self._tails = tails
        self._told = 0
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

    async def present(self) -> Event:
        """The one document, or all that are open."""
        told = self._told
        return self._event(told, await self._read_open())

    async def _read_open(self) -> Sequence[Any]:
        key = self._key
        if key.document is not None:
            return await self._read(key.topic.by_id, [key.document])
        return await self._read(key.topic.open, key.stores)

    def _event(self, told: int, found: Sequence[Any]) -> Event:
        rows = {row.id: row for row in found}
        return self._key.topic.tell(tenant=self._key.tenant, revision=told, rows=rows)

    async def _read(self, read: Read, which: Collection[UUID]) -> Sequence[Any]:
        async def once() -> Sequence[Any]:
            async with self._db.read(self._key.tenant) as session:
                return await read(session, self._key.tenant, which)

        return await patiently(once)

    def _hear(self, event: Event) -> None:
        if isinstance(event, Change):
            document = self._key.document
            self._missed |= event.documents if document is None else event.documents & {document}
        else:
            # What was missed is not known: all of it is told again.
            self._lost = True
        idle = self._reading is None or self._reading.done()
        if idle and (self._missed or self._lost):
            self._reading = self.run(self._catch_up())

    async def _catch_up(self) -> None:
        """Reads one after the other, so that nothing older is told after something newer."""
        while (self._missed or self._lost) and not self.stopped:
            missed, self._missed = self._missed, frozenset()
            if self._lost:
                self._lost = False
                found = await self._read_open()
            else:
                found = await self._read(self._key.topic.by_id, missed)
            if found:
                self._told += 1
                self.tell(self._event(self._told, found))
