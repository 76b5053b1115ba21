"""The bus: nudges between processes, over broadcaster with a supervised Redis backend.

A nudge says that a store changed, not how: losing one costs latency, never data.
"""

import asyncio
import contextlib
import random
import time
from collections.abc import Callable, Iterable
from typing import Any
from uuid import UUID, uuid4

import structlog
from broadcaster import Broadcast, BroadcastBackend, Event
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from app.db.core.outage import Outage

log = structlog.get_logger()

CHANNEL = "kucun:nudges"
MISSED = "*"
GATHERING_SECONDS = 0.01
PUBLISH_SECONDS = 0.2
PING_SECONDS = 1.0
SILENT_SECONDS = 3.0
BACKOFF_SECONDS = (0.05, 2.0)
FAILURES = (RedisError, OSError, TimeoutError)

Listener = Callable[[UUID | None, UUID | None], None]


class Backend(BroadcastBackend):
    """Keeps one subscription alive through every failure of the server.

    `next_published` never raises. After every (re)connection it gives MISSED on each channel,
    because what was published meanwhile is lost. The stock backends end silently instead.
    """

    def __init__(self, url: str) -> None:
        self._url = url
        self._groups: set[str] = set()
        self._events: asyncio.Queue[Event] = asyncio.Queue()
        self._publisher = self._client(socket_timeout=PUBLISH_SECONDS)
        self._task: asyncio.Task[None] | None = None
        self._outage = Outage("bus")
        self.connected = False

    def _client(self, **options: Any) -> Any:
        # `Any`: redis-py's annotations are incomplete.
        client: Any = Redis
        # Retries are ours: the client's own would hide that messages were missed.
        return client.from_url(
            self._url,
            retry=Retry(NoBackoff(), 0),
            socket_connect_timeout=2,
            decode_responses=True,
            encoding_errors="replace",
            **options,
        )

    async def connect(self) -> None:
        """Open nothing: the first subscription starts the supervised connection."""

    async def disconnect(self) -> None:
        if self._task is not None:
            await cancel_until_done(self._task)
        await self._publisher.aclose()

    async def subscribe(self, group: str) -> None:
        self._groups.add(group)
        if self._task is None:
            self._task = asyncio.create_task(self._supervise())

    async def unsubscribe(self, group: str) -> None:
        self._groups.discard(group)

    async def publish(self, channel: str, message: Any) -> None:
        """Best effort, within 200 ms: a writer never fails or waits for a nudge."""
        with contextlib.suppress(*FAILURES):
            async with asyncio.timeout(PUBLISH_SECONDS):
                await self._publisher.publish(channel, message)

    async def next_published(self) -> Event:
        return await self._events.get()

    async def _supervise(self) -> None:
        first, longest = BACKOFF_SECONDS
        delay = first
        while True:
            client = self._client()
            try:
                await self._listen(client)
            except Exception as error:
                # Any failure: the bus must keep listening.
                self._outage.failed(error)
                if self.connected:
                    delay = first
            finally:
                self.connected = False
                with contextlib.suppress(*FAILURES):
                    await client.aclose()
            await asyncio.sleep(delay * random.uniform(0.5, 1))
            delay = min(delay * 2, longest)

    async def _listen(self, client: Any) -> None:
        async with client.pubsub() as pubsub:
            await pubsub.subscribe(*self._groups)
            last_message = time.monotonic()
            while True:
                if self.connected:
                    self._outage.answered()
                message = await pubsub.get_message(timeout=PING_SECONDS)
                if message is None:
                    # A server that is suspended keeps its sockets open and sends nothing.
                    if time.monotonic() - last_message > SILENT_SECONDS:
                        raise TimeoutError("the server is silent")
                    await pubsub.ping()
                    continue
                last_message = time.monotonic()
                if message["type"] == "subscribe":
                    self.connected = True
                    self._events.put_nowait(Event(message["channel"], MISSED))
                elif message["type"] == "message":
                    self._events.put_nowait(Event(message["channel"], message["data"]))


async def cancel_until_done(task: asyncio.Task[None]) -> None:
    """Cancels the task until it ends.

    Once is not enough before Python 3.12: `wait_for`, by which the client sends, swallows a
    cancellation that comes in the moment the sending is done.
    """
    while not task.done():
        task.cancel()
        await asyncio.wait({task}, timeout=0.1)


class Bus:
    """One per process. Writers call `nudge` after COMMIT; the hub listens."""

    def __init__(self, url: str) -> None:
        self._backend = Backend(url)
        self._broadcast = Broadcast(backend=self._backend)
        self._name = uuid4().hex
        self._listeners: list[Listener] = []
        self._pending: set[tuple[UUID, UUID]] = set()
        self._news = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []

    @property
    def connected(self) -> bool:
        return self._backend.connected

    def listen(self, listener: Listener) -> None:
        """Call it with (tenant, store), or with (None, None) when nudges may have been missed."""
        self._listeners.append(listener)

    async def start(self) -> None:
        """Subscribes, once and before any client, and keeps trying if the server is away."""
        await self._broadcast.connect()
        subscribed = asyncio.Event()
        self._tasks = [
            asyncio.create_task(self._receive(subscribed)),
            asyncio.create_task(self._send()),
        ]
        await subscribed.wait()

    async def stop(self) -> None:
        for task in self._tasks:
            await cancel_until_done(task)
        await self._broadcast.disconnect()

    async def nudge(self, tenant: UUID, stores: Iterable[UUID]) -> None:
        """Notify this process at once and the others soon; never fails, never waits."""
        for store in stores:
            self._notify(tenant, store)
            self._pending.add((tenant, store))
        self._news.set()

    def _notify(self, tenant: UUID | None, store: UUID | None) -> None:
        for listener in self._listeners:
            listener(tenant, store)

    async def _send(self) -> None:
        while True:
            await self._news.wait()
            self._news.clear()
            pending, self._pending = self._pending, set()
            stores = ",".join(f"{tenant.hex}{store.hex}" for tenant, store in pending)
            await self._broadcast.publish(CHANNEL, f"{self._name}:{stores}")
            # The first nudge goes at once; those within the next 10 ms share one message.
            await asyncio.sleep(GATHERING_SECONDS)

    async def _receive(self, subscribed: asyncio.Event) -> None:
        async with self._broadcast.subscribe(CHANNEL) as events:
            subscribed.set()
            while True:
                self._hear((await events.get()).message)

    def _hear(self, message: str) -> None:
        if message == MISSED:
            self._notify(None, None)
            return
        sender, _, stores = message.partition(":")
        if sender == self._name:
            return
        for pair in stores.split(","):
            try:
                tenant, store = UUID(pair[:32]), UUID(pair[32:])
            except ValueError:
                log.warning("bus.garbage", message=message[:100])
                return
            self._notify(tenant, store)
