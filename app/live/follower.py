"""Followers and their sources: opening events, then newer ones, merged while they are unread."""

import asyncio
from collections.abc import (
    AsyncGenerator,
    AsyncIterator,
    Awaitable,
    Callable,
    Coroutine,
    Hashable,
)
from dataclasses import dataclass
from functools import partial
from typing import Any, Generic, TypeVar

import structlog

from app.domain.feed import Change, Event, Resync
from app.live.clients import CLIENT
from app.live.sender import Sender
from app.live.waiting import Flag

log = structlog.get_logger()

Deliver = Callable[[Event], None]
Failed = Callable[[BaseException], None]
T = TypeVar("T")
S = TypeVar("S", bound="Source")


class Follower:
    """One subscription's place in a source: opening events, then a one-slot mailbox.

    Unread events are merged, so that a slow reader has one event, never a queue. After `direct`,
    events are passed to a callback at once instead.
    """

    __slots__ = (
        "_closed",
        "_deliver",
        "_failed",
        "_leave",
        "_news",
        "_place",
        "_seen",
        "_sender",
        "_source",
        "_unread",
        "question",
    )

    def __init__(self, place: "Place[Any]") -> None:
        self._place: Place[Any] | None = place
        self._source: Source | None = None
        self._seen = -1
        self._unread: Event | None = None
        self._news = Flag()
        self._sender: Sender | None = None
        self._deliver: Deliver | None = None
        self._failed: Failed | None = None
        self._closed = False
        self._leave: Callable[[], None] | None = None
        self.question: Hashable = None
        """The question that the subscription answers with each event."""

    async def first(self) -> Event:
        """The first event. The follower is registered before, so it misses nothing newer."""
        events = self.opening()
        try:
            return await anext(events)
        finally:
            await events.aclose()

    async def opening(self) -> AsyncGenerator[Event, None]:
        """The events that describe the present, one page each; at least one.

        Each page is read after the one before it was consumed. Newer events wait in the mailbox.
        Raises RateLimited when the client follows too many different questions.
        """
        place, client = self._place, CLIENT.get()
        assert place is not None
        if client is not None and place.key is not None:
            answered = self.question, place.key
            client.follow(answered)
            self._leave = partial(client.leave, answered)
        self._source = source = place.source()
        source.followers.add(self)
        await source.started()
        async for event in place.opening(source):
            self._start_after(event)
            yield event
        # Free the place, which may hold a list of hundreds of products.
        self._place = None

    def _start_after(self, event: Event) -> None:
        self._seen = event.revision
        unread = self._unread
        if unread and unread.revision <= self._seen and not isinstance(unread, Resync):
            self._unread = None

    def offer(self, event: Event) -> None:
        """Take an event from the source. Raises errors of the callback and of the merge."""
        if isinstance(event, Resync):
            # A revision can be lower than before when the database was restored from a backup.
            self._seen = event.revision
        elif isinstance(event, Change) and event.revision <= self._seen:
            # The snapshot that was just read may be newer than the tail.
            return
        if self._deliver is not None:
            self._deliver(event)
            return
        if self._unread is not None:
            # Its reader is woken already, or will be in its turn.
            self._unread = event.after(self._unread)
            return
        self._unread = event
        if self._sender is None:
            self._news.set()
        else:
            self._sender.add(self._news.set)

    def take_turns(self, sender: Sender) -> None:
        """Wake the reader of the mailbox in the sender's turns from now on; it then gets the newest
        event."""
        self._sender = sender

    def direct(self, deliver: Deliver, failed: Failed | None = None) -> None:
        """Pass events to `deliver` from now on, the unread one first.

        `failed` is called with the error when a delivery raises and the follower is closed.
        """
        self._deliver, self._failed = deliver, failed
        if self._unread is not None:
            unread, self._unread = self._unread, None
            deliver(unread)

    def hold(self) -> None:
        """Keep events in the mailbox until `direct` is called again."""
        self._deliver = None

    async def __aiter__(self) -> AsyncGenerator[Event, None]:
        try:
            async for event in self.opening():
                yield event
            while not self._closed:
                await self._news.wait()
                self._news.clear()
                if self._unread is not None and not self._closed:
                    unread, self._unread = self._unread, None
                    yield unread
        finally:
            self.close()

    def close(self) -> None:
        """End the subscription, and the iteration of a reader that waits for an event."""
        self._closed = True
        self._news.set()
        leave, self._leave = self._leave, None
        if leave is not None:
            leave()
        if self._source is not None:
            self._source.leave(self)

    def fail(self, error: BaseException) -> None:
        """Close after a failed delivery, so that the subscription does not stay open without
        events."""
        log.error("follower.failed", exc_info=error)
        self.close()
        if self._failed is not None:
            self._failed(error)


@dataclass(frozen=True, slots=True)
class Place(Generic[S]):
    """The source of a follower, found when the follower starts, and the source's opening events.

    `key` identifies the source of a client's subscription; internal followers have none.
    """

    source: Callable[[], S]
    opening: Callable[[S], AsyncIterator[Event]]
    key: Hashable = None


def single(read: Callable[[S], Awaitable[Event]]) -> Callable[[S], AsyncIterator[Event]]:
    """An opening of one event."""

    async def opening(source: S) -> AsyncIterator[Event]:
        yield await read(source)

    return opening


class Source:
    """A stream of events: it starts with its first follower and stops with its last.

    Its reads are not cancelled when a follower leaves, because others may wait for the same read.
    """

    def __init__(self, forget: Callable[[], object]) -> None:
        self.followers: set[Follower] = set()
        self.stopped = False
        self._forget = forget
        self._started: asyncio.Task[None] | None = None
        self._tasks: set[asyncio.Task[Any]] = set()

    async def started(self) -> None:
        """Wait until the source has started. Raises the error of its start."""
        if self._started is None or failed(self._started):
            self._started = self.run(self.start())
        await asyncio.shield(self._started)

    async def start(self) -> None:
        raise NotImplementedError

    def stop(self) -> None:
        """Mark the source as stopped; running work ends soon."""
        self.stopped = True

    async def ended(self, seconds: float) -> None:
        """Stop, wait for running work, and cancel work that takes longer than `seconds`."""
        self.stop()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=seconds)
        for task in list(self._tasks):
            task.cancel()

    def run(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        """Start a task of this source; its error is raised only where the task is awaited."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)
        return task

    def _done(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        failed(task)

    def publish(self, event: Event) -> None:
        """Offer the event to every follower. A follower that raises is closed; the others still get
        the event."""
        for follower in list(self.followers):
            try:
                follower.offer(event)
            except Exception as error:
                follower.fail(error)

    def leave(self, follower: Follower) -> None:
        if follower in self.followers:
            self.followers.remove(follower)
            if not self.followers:
                self.stop()
                self._forget()


def failed(task: asyncio.Task[Any]) -> bool:
    """Whether the task ended with an error; marks the error as seen."""
    return task.done() and (task.cancelled() or task.exception() is not None)
