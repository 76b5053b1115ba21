"""A tail: reads one store's changes once for every follower of the store in this process."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar
from uuid import UUID

import structlog

from app.db import feed
from app.db.core.outage import is_passing, wait_out
from app.db.core.unit import Database
from app.domain.feed import Event, Resync, Snapshot, change_of
from app.domain.ledger.reservations import end_overdue
from app.live.follower import Source
from app.live.sender import Sender

log = structlog.get_logger()

POLL_SECONDS = 0.5
READ_SECONDS = 5.0
RETRY_SECONDS = 0.1
ANSWER_SECONDS = 0.1
MOST_MISSED = 5000
T = TypeVar("T")


async def patiently(read: Callable[[], Awaitable[T]]) -> T:
    """The result of `read`, tried again for a short while when the database is away.

    Raises the last error; the subscription then fails, and its client subscribes again."""

    async def once() -> T:
        async with asyncio.timeout(READ_SECONDS):
            return await read()

    return await wait_out(once)


class Tail(Source):
    """Reads after a nudge, and every 500 ms without one; a failure delays it but never ends it."""

    def __init__(
        self,
        db: Database,
        sender: Sender,
        tenant: UUID,
        store: UUID,
        forget: Callable[[], object],
    ) -> None:
        super().__init__(forget)
        self.db, self.sender, self.tenant, self.store = db, sender, tenant, store
        self.revision = 0
        self.woken = asyncio.Event()
        self._snapshot: asyncio.Task[Event] | None = None
        self._snapshot_since = 0
        self._ending: asyncio.Task[None] | None = None
        self._sent: Event | None = None

    async def start(self) -> None:
        self.revision = await patiently(lambda: feed.head(self.db, self.tenant, self.store))
        if not self.stopped:
            self.run(self._run())

    def stop(self) -> None:
        super().stop()
        self.woken.set()

    async def present(self) -> Event:
        """The tail's revision without values, for followers that read values themselves."""
        return Resync(tenant=self.tenant, revision=self.revision)

    async def snapshot(self) -> Event:
        """The present state of the store; followers that join while it is read share it."""
        # A snapshot that was read before a change was published may lack it, and a new follower
        # would miss the change.
        if self._snapshot is None or self._snapshot_since != self.revision:
            self._snapshot_since = self.revision
            self._snapshot = self.run(patiently(self._read_snapshot))
            self._snapshot.add_done_callback(self._forget_snapshot)
        return await asyncio.shield(self._snapshot)

    async def _read_snapshot(self) -> Event:
        revision, levels = await feed.levels(self.db, self.tenant, self.store)
        return Snapshot(tenant=self.tenant, store=self.store, revision=revision, levels=levels)

    def _forget_snapshot(self, read: asyncio.Task[Event]) -> None:
        if self._snapshot is read:
            self._snapshot = None

    async def since(self, after: int) -> Event:
        """Changes since the revision `after`; Resync if some of them have been deleted."""
        return await asyncio.shield(self.run(patiently(lambda: self._read_since(after))))

    async def _read_since(self, after: int) -> Event:
        missed = await feed.changes_after(self.db, self.tenant, self.store, after, MOST_MISSED)
        if not missed.complete or missed.head != missed.latest:
            return Resync(tenant=self.tenant, revision=missed.latest)
        return change_of(self.tenant, after, missed)

    async def _run(self) -> None:
        failing = False
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(POLL_SECONDS):
                    await self.woken.wait()
            self.woken.clear()
            if self._sent is not None:
                await self._wait_until_sent(self._sent)
            if self.stopped:
                return
            try:
                async with asyncio.timeout(READ_SECONDS):
                    await self._advance()
                failing = False
            except Exception as error:
                # Followers stay connected after any error: the next poll continues from this
                # revision.
                if not failing and not is_passing(error):
                    log.warning("tail.failing", store=str(self.store), error=error)
                failing = True
                await asyncio.sleep(RETRY_SECONDS)

    async def _wait_until_sent(self, event: Event) -> None:
        """Wait until the ready followers have the event: changes that come meanwhile are read
        together, not merged for each follower."""
        self._sent = None
        await self.sender.caught_up()
        answers: list[asyncio.Future[Any]] = [
            answer for answer in event.answers.values() if isinstance(answer, asyncio.Future)
        ]
        if answers:
            # One slow answer must not delay the others' next event for long.
            await asyncio.wait(answers, timeout=ANSWER_SECONDS)
            await self.sender.caught_up()

    async def _advance(self) -> None:
        while True:
            missed = await feed.changes_after(self.db, self.tenant, self.store, self.revision)
            if not missed.complete:
                self.revision = missed.latest
                self.publish(Resync(tenant=self.tenant, revision=missed.latest))
                return
            if missed.overdue and (self._ending is None or self._ending.done()):
                # In a watched store overdue reservations are ended at once, which makes a change of
                # its own.
                self._ending = self.run(end_overdue(self.db, self.tenant))
            if missed.head == self.revision:
                return
            change = change_of(self.tenant, self.revision, missed)
            self.revision = missed.head
            self.publish(change)
            self._sent = change
            if missed.head == missed.latest:
                return
