"""The hub: one tail per watched store and process, however many follow it."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Collection
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import structlog

from app.db import catalog, feed, identity
from app.db.bus import Bus
from app.db.tables import Level
from app.db.unit import UNREACHABLE, Database
from app.domain.feed import AvailabilityChange, Change, Event, Resync, Shown, Snapshot
from app.domain.rules.labels import availability

log = structlog.get_logger()

POLL_SECONDS = 0.5
MOST_MISSED = 5000
Deliver = Callable[[Event], None]


class Follower:
    """One subscription's place in a source: a first event, then a one-slot mailbox.

    What is not read yet is merged, so a slow reader holds one event, never a queue. With
    `deliver` set, events go there at once instead.
    """

    def __init__(
        self, source: Callable[[], "Source"], first: Callable[[Any], Awaitable[Event]]
    ) -> None:
        self._find = source
        self._source: Source | None = None
        self._first = first
        self._unread: Event | None = None
        self._news = asyncio.Event()
        self.deliver: Deliver | None = None
        self.ended = asyncio.Event()

    async def first(self) -> Event:
        """Where the follower starts. It is registered before, so nothing newer is missed."""
        self._source = source = self._find()
        source.followers.add(self)
        await source.started()
        event = await self._first(source)
        seen = getattr(event, "revision", 0)
        if self._unread is not None and getattr(self._unread, "revision", 0) <= seen:
            self._unread = None
        return event

    def offer(self, event: Event) -> None:
        if self.deliver is not None:
            self.deliver(event)
            return
        self._unread = event if self._unread is None else event.after(self._unread)
        self._news.set()

    def direct(self, deliver: Deliver) -> None:
        """From now on events are delivered by a call; the unread one first."""
        self.deliver = deliver
        if self._unread is not None:
            unread, self._unread = self._unread, None
            deliver(unread)

    async def __aiter__(self) -> AsyncIterator[Event]:
        try:
            yield await self.first()
            while True:
                await self._news.wait()
                self._news.clear()
                if self._unread is not None:
                    unread, self._unread = self._unread, None
                    yield unread
        finally:
            self.close()

    def close(self) -> None:
        self.ended.set()
        if self._source is not None:
            self._source.leave(self)


class Source:
    """What followers follow: it starts with the first of them and stops with the last."""

    def __init__(self, forget: Callable[[], Any]) -> None:
        self.followers: set[Follower] = set()
        self._forget = forget
        self._started: asyncio.Task[None] | None = None

    async def started(self) -> None:
        if self._started is None or (self._started.done() and self._started.exception()):
            self._started = asyncio.create_task(self.start())
        await asyncio.shield(self._started)

    async def start(self) -> None:
        raise NotImplementedError

    def stop(self) -> None:
        raise NotImplementedError

    def tell(self, event: Event) -> None:
        for follower in list(self.followers):
            follower.offer(event)

    def leave(self, follower: Follower) -> None:
        if follower in self.followers:
            self.followers.remove(follower)
            if not self.followers:
                self.stop()
                self._forget()


class Tail(Source):
    """Reads a store's changes once for everybody: at a nudge, or every 500 ms without one."""

    def __init__(self, db: Database, tenant: UUID, store: UUID, forget: Callable[[], Any]) -> None:
        super().__init__(forget)
        self.db, self.tenant, self.store = db, tenant, store
        self.revision = 0
        self.woken = asyncio.Event()
        self._loop: asyncio.Task[None] | None = None
        self._snapshot: asyncio.Task[Event] | None = None

    async def start(self) -> None:
        self.revision = await feed.head(self.db, self.tenant, self.store)
        self._loop = asyncio.create_task(self._run())

    def stop(self) -> None:
        for task in (self._loop, self._started):
            if task is not None:
                task.cancel()

    async def snapshot(self) -> Event:
        """The store as it is; those who join while it is read share it."""
        if self._snapshot is None:
            self._snapshot = asyncio.create_task(self._read_snapshot())
        return await asyncio.shield(self._snapshot)

    async def _read_snapshot(self) -> Event:
        try:
            revision, levels = await feed.levels(self.db, self.tenant, self.store, None)
            return Snapshot(tenant=self.tenant, revision=revision, levels=levels)
        finally:
            self._snapshot = None

    async def since(self, after: int) -> Event:
        """What changed after `after`, or Resync when that cannot be told."""
        missed = await feed.changes_after(self.db, self.tenant, self.store, after, MOST_MISSED)
        if not missed.complete or missed.head != missed.latest:
            return Resync(tenant=self.tenant, revision=missed.latest)
        return await self._changed(after, missed)

    async def _changed(self, after: int, missed: feed.Changes) -> Change:
        levels = []
        if missed.product_ids:
            _, levels = await feed.levels(self.db, self.tenant, self.store, missed.product_ids)
        at = missed.at or datetime.now(UTC)
        return Change(
            tenant=self.tenant, from_revision=after, revision=missed.head, at=at, levels=levels
        )

    async def _run(self) -> None:
        failing = False
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(POLL_SECONDS):
                    await self.woken.wait()
            self.woken.clear()
            try:
                await self._advance()
                failing = False
            except UNREACHABLE as error:
                # Followers stay: the next poll catches up from the same revision.
                if not failing:
                    log.warning("tail.failing", store=str(self.store), error=repr(error))
                failing = True
                await asyncio.sleep(0.1)

    async def _advance(self) -> None:
        while True:
            missed = await feed.changes_after(self.db, self.tenant, self.store, self.revision)
            if not missed.complete:
                self.revision = missed.latest
                self.tell(Resync(tenant=self.tenant, revision=missed.latest))
                return
            if missed.head == self.revision:
                return
            change = await self._changed(self.revision, missed)
            self.revision = missed.head
            self.tell(change)
            if missed.head == missed.latest:
                return


class Labels(Source):
    """What customers are told of some products of a store; only what they would see changes."""

    def __init__(self, hub: "Hub", tenant: UUID, store: UUID, products: Collection[UUID]) -> None:
        super().__init__(lambda: hub.forget_labels(self))
        self.key = tenant, store, frozenset(products)
        self._db = hub.db
        self._follower = hub.follow(tenant, store)
        self._few = 0
        self._revision = 0
        self._shown: dict[UUID, Shown] = {}
        self._looking: asyncio.Task[None] | None = None

    async def start(self) -> None:
        tenant, store, _ = self.key
        snapshot = await self._follower.first()
        self._revision = getattr(snapshot, "revision", 0)
        async with self._db.read(tenant) as session:
            [row] = await identity.stores_by_id(session, tenant, [store])
        self._few = row.few_threshold
        await self._look()
        self._follower.direct(self._hear)

    def stop(self) -> None:
        self._follower.close()
        if self._looking is not None:
            self._looking.cancel()

    async def now(self) -> Event:
        return self._event(self._shown)

    def _event(self, shown: dict[UUID, Shown]) -> Event:
        return AvailabilityChange(tenant=self.key[0], revision=self._revision, shown=dict(shown))

    async def _look(self) -> None:
        tenant, store, products = self.key
        shelves = await catalog.shelves(self._db, tenant, store, products)
        self._show(
            {
                product: Shown(product, availability(shelf, scale, self._few), unit)
                for product, (shelf, scale, unit) in shelves.items()
            }
        )

    def _hear(self, event: Event) -> None:
        if isinstance(event, Change):
            self._revision = event.revision
            known = [level for level in event.levels if level.product_id in self._shown]
            self._show({level.product_id: self._seen(level) for level in known})
        elif isinstance(event, Resync):
            self._revision = event.revision
            self._looking = asyncio.create_task(self._look())

    def _seen(self, level: Level) -> Shown:
        shown = self._shown[level.product_id]
        return replace(shown, availability=availability(level.shelf, level.scale, self._few))

    def _show(self, seen: dict[UUID, Shown]) -> None:
        changed = {
            product: shown for product, shown in seen.items() if self._shown.get(product) != shown
        }
        if changed:
            self._shown.update(changed)
            self.tell(self._event(changed))


class Hub:
    """One per process."""

    def __init__(self, db: Database, bus: Bus) -> None:
        self.db = db
        self._tails: dict[tuple[UUID, UUID], Tail] = {}
        self._labels: dict[tuple[UUID, UUID, frozenset[UUID]], Labels] = {}
        bus.listen(self._wake)

    def follow(self, tenant: UUID, store: UUID, after: int | None = None) -> Follower:
        """All that happens in the store: first a snapshot, or what came after `after`."""

        def first(tail: Tail) -> Awaitable[Event]:
            return tail.snapshot() if after is None else tail.since(after)

        return Follower(lambda: self._tail(tenant, store), first)

    def follow_labels(self, tenant: UUID, store: UUID, products: Collection[UUID]) -> Follower:
        """What customers see of these products: all of them first, then those that change."""
        key = tenant, store, frozenset(products)

        def labels() -> Labels:
            if key not in self._labels:
                self._labels[key] = Labels(self, *key)
            return self._labels[key]

        return Follower(labels, Labels.now)

    def forget_labels(self, labels: Labels) -> None:
        self._labels.pop(labels.key, None)

    @property
    def followers(self) -> int:
        """Subscriptions of this process that follow a store now."""
        return sum(len(each.followers) for each in self._tails.values())

    async def close(self) -> None:
        for source in (*self._labels.values(), *self._tails.values()):
            source.stop()

    def _tail(self, tenant: UUID, store: UUID) -> Tail:
        key = tenant, store
        if key not in self._tails:
            self._tails[key] = Tail(self.db, *key, lambda: self._tails.pop(key, None))
        return self._tails[key]

    def _wake(self, tenant: UUID | None, store: UUID | None) -> None:
        if tenant is None or store is None:
            for tail in self._tails.values():
                tail.woken.set()
        elif (tenant, store) in self._tails:
            self._tails[tenant, store].woken.set()
