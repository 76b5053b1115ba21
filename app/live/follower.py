"""Followers and what they follow: a first event, then whatever is newer, merged while unread."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine
from typing import Any, TypeVar

from app.domain.feed import Change, Event, Resync

Deliver = Callable[[Event], None]
T = TypeVar("T")


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
        self._seen = -1
        self._unread: Event | None = None
        self._news = asyncio.Event()
        self._deliver: Deliver | None = None
        self._closed = False

    async def first(self) -> Event:
        """Where the follower starts. It is registered before, so nothing newer is missed."""
        self._source = source = self._find()
        source.followers.add(self)
        await source.started()
        event = await self._first(source)
        self._seen = event.revision
        unread = self._unread
        if unread and unread.revision <= self._seen and not isinstance(unread, Resync):
            self._unread = None
        return event

    def offer(self, event: Event) -> None:
        if isinstance(event, Resync):
            # Revisions may have gone back: a database was put back from a copy.
            self._seen = event.revision
        elif isinstance(event, Change) and event.revision <= self._seen:
            # A tail may be behind a snapshot that was just read.
            return
        if self._deliver is not None:
            self._deliver(event)
            return
        self._unread = event if self._unread is None else event.after(self._unread)
        self._news.set()

    def direct(self, deliver: Deliver) -> None:
        """From now on events are delivered by a call; the unread one first."""
        self._deliver = deliver
        if self._unread is not None:
            unread, self._unread = self._unread, None
            deliver(unread)

    def hold(self) -> None:
        """From now on events wait in the mailbox, until `direct` is called again."""
        self._deliver = None

    async def __aiter__(self) -> AsyncGenerator[Event, None]:
        try:
            yield await self.first()
            while not self._closed:
                await self._news.wait()
                self._news.clear()
                if self._unread is not None and not self._closed:
                    unread, self._unread = self._unread, None
                    yield unread
        finally:
            self.close()

    def close(self) -> None:
        """Ends it, and a reader who waits."""
        self._closed = True
        self._news.set()
        if self._source is not None:
            self._source.leave(self)


class Source:
    """What followers follow: it starts with the first of them and stops with the last.

    Its reads are never cancelled with a follower who leaves: others may wait for the same one.
    """

    def __init__(self, forget: Callable[[], Any]) -> None:
        self.followers: set[Follower] = set()
        self.stopped = False
        self._forget = forget
        self._started: asyncio.Task[None] | None = None
        self._tasks: set[asyncio.Task[Any]] = set()

    async def started(self) -> None:
        if self._started is None or failed(self._started):
            self._started = self.run(self.start())
        await asyncio.shield(self._started)

    async def start(self) -> None:
        raise NotImplementedError

    def stop(self) -> None:
        """What runs ends by itself, soon."""
        self.stopped = True

    async def ended(self, seconds: float) -> None:
        """Waits for what runs, and cancels what takes longer."""
        self.stop()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=seconds)
        for task in list(self._tasks):
            task.cancel()

    def run(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        """A task of this source. Whoever waits is told its error; else nobody needs to be."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)
        return task

    def _done(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        failed(task)

    def tell(self, event: Event) -> None:
        for follower in list(self.followers):
            follower.offer(event)

    def leave(self, follower: Follower) -> None:
        if follower in self.followers:
            self.followers.remove(follower)
            if not self.followers:
                self.stop()
                self._forget()


def failed(task: asyncio.Task[Any]) -> bool:
    return task.done() and (task.cancelled() or task.exception() is not None)
