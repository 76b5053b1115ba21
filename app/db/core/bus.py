"""The bus: nudges between processes, over broadcaster with a supervised Redis backend.

A nudge says that a store has news, never what they are: losing one costs latency, never data.
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
        self._wanted: set[str] = set()
        self._heard: asyncio.Queue[Event] = asyncio.Queue()
        self._publisher = self._client(socket_timeout=PUBLISH_SECONDS)
        self._task: asyncio.Task[None] | None = None
        self.connected = False

    def _client(self, **options: Any) -> Redis:
        # Retries are ours: the client's own would hide that messages were missed.
        return Redis.from_url(
            self._url,
            retry=Retry(NoBackoff(), 0),
            socket_connect_timeout=2,
            decode_responses=True,
            encoding_errors="replace",
            **options,
        )

    async def connect(self) -> None:
        """Nothing is opened yet: the connection is supervised from the first subscription on."""

    async def disconnect(self) -> None:
        if self._task is not None:
            await ended(self._task)
        await self._publisher.aclose()

    async def subscribe(self, group: str) -> None:
        self._wanted.add(group)
        if self._task is None:
            self._task = asyncio.create_task(self._supervise())

    async def unsubscribe(self, group: str) -> None:
        self._wanted.discard(group)

    async def publish(self, channel: str, message: Any) -> None:
        """Best effort, within 200 ms: a writer never fails or waits for a nudge."""
        with contextlib.suppress(*FAILURES):
            async with asyncio.timeout(PUBLISH_SECONDS):
                await self._publisher.publish(channel, message)

    async def next_published(self) -> Event:
        return await self._heard.get()

    async def _supervise(self) -> None:
        first, longest = BACKOFF_SECONDS
        delay = first
        while True:
            client = self._client()
            try:
                await self._listen(client)
            except Exception as error:
                # Whatever it was: a bus that stops listening is worse than one that stumbles on.
                if self.connected or delay == first:
                    log.warning("bus.lost", error=repr(error))
                if self.connected:
                    delay = first
            finally:
                self.connected = False
                with contextlib.suppress(*FAILURES):
                    await client.aclose()
            await asyncio.sleep(delay * random.uniform(0.5, 1))
            delay = min(delay * 2, longest)

    async def _listen(self, client: Redis) -> None:
        async with client.pubsub() as pubsub:
            await pubsub.subscribe(*self._wanted)
            heard = time.monotonic()
            while True:
                message = await pubsub.get_message(timeout=PING_SECONDS)
                if message is None:
                    # A server that is stopped, not gone, keeps its sockets and says nothing.
                    if time.monotonic() - heard > SILENT_SECONDS:
                        raise TimeoutError("the server is silent")
                    await pubsub.ping()
                    continue
                heard = time.monotonic()
                if message["type"] == "subscribe":
                    self.connected = True
                    self._heard.put_nowait(Event(message["channel"], MISSED))
                elif message["type"] == "message":
                    self._heard.put_nowait(Event(message["channel"], message["data"]))


async def ended(task: asyncio.Task[None]) -> None:
    """Cancels the task until it ends.

    Once is not enough before Python 3.12: `wait_for`, by which the client sends, swallows a
    cancellation that comes in the moment the sending is done.
    """
    while not task.done():
        task.cancel()
        await asyncio.wait({task}, timeout=0.1)


class Bus:
    """One per process. Whoever commits calls `nudge`; whoever tails a store listens."""

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
        """Calls it with (tenant, store), or with (None, None) when any may have been missed."""
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
            await ended(task)
        await self._broadcast.disconnect()

    async def nudge(self, tenant: UUID, stores: Iterable[UUID]) -> None:
        """Tells this process at once and the others soon; never fails, never waits."""
        for store in stores:
            self._tell(tenant, store)
            self._pending.add((tenant, store))
        self._news.set()

    def _tell(self, tenant: UUID | None, store: UUID | None) -> None:
        for listener in self._listeners:
            listener(tenant, store)

    async def _send(self) -> None:
        while True:
            await self._news.wait()
            self._news.clear()
            pending, self._pending = self._pending, set()
            stores = ",".join(f"{tenant.hex}{store.hex}" for tenant, store in pending)
            await self._broadcast.publish(CHANNEL, f"{self._name}:{stores}")
            # The first nudge goes at once; those of a busy moment share the next.
            await asyncio.sleep(GATHERING_SECONDS)

    async def _receive(self, subscribed: asyncio.Event) -> None:
        async with self._broadcast.subscribe(CHANNEL) as heard:
            subscribed.set()
            while True:
                self._hear((await heard.get()).message)

    def _hear(self, message: str) -> None:
        if message == MISSED:
            self._tell(None, None)
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
            self._tell(tenant, store)
