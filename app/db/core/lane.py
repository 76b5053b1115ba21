"""The lane: all queued items of one tenant run in one transaction (group commit)."""

import asyncio
import contextlib
from collections import defaultdict, deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar
from uuid import UUID

import structlog

from app.db.core import postgres
from app.db.core.postgres import LOCK_ERRORS, Connection
from app.db.core.unit import PASSING, SERVER_SETTINGS, Nudge, Unit

log = structlog.get_logger()

Item = TypeVar("Item")
Answer = TypeVar("Answer")
Waiting = tuple[Any, "asyncio.Future[Any]"]

BATCH = 256
WAITING = 4096
RETRIES = 5


class LaneFull(Exception):
    """The queue is full or the database cannot be reached: nothing was written, try again."""


class Lane(Generic[Item, Answer]):
    """A queue per tenant. A free connection runs up to `batch` queued items in one unit.

    A tenant uses one connection at a time. There is no timer: an idle lane runs an item at once.
    `work` gets a unit that has not begun, and returns one answer per item, in order.
    """

    def __init__(
        self,
        url: str,
        work: Callable[[Unit, Sequence[Item]], Awaitable[list[Answer]]],
        nudge: Nudge,
        connections: int = 2,
        batch: int = BATCH,
    ) -> None:
        self._url = url
        self._work = work
        self._nudge = nudge
        self._batch = batch
        self._free: asyncio.Queue[Slot] = asyncio.Queue()
        for _ in range(connections):
            self._free.put_nowait(Slot())
        self._waiting: dict[UUID, deque[Waiting]] = defaultdict(deque)
        self._draining: dict[UUID, asyncio.Task[None]] = {}

    async def submit(self, tenant: UUID, item: Item) -> Answer:
        """Queue the item and return its answer; a cancelled caller does not stop its item.

        Raises LaneFull when 4096 items wait."""
        queue = self._waiting[tenant]
        if len(queue) >= WAITING:
            raise LaneFull
        answer: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        queue.append((item, answer))
        if tenant not in self._draining:
            self._draining[tenant] = asyncio.create_task(self._drain(tenant))
        return await answer

    @property
    def waiting(self) -> int:
        """The number of items that no transaction has taken yet."""
        return sum(map(len, self._waiting.values()))

    async def close(self) -> None:
        """Finish the queued items, then close the connections."""
        while self._draining:
            await asyncio.gather(*self._draining.values())
        while not self._free.empty():
            if (raw := self._free.get_nowait().raw) is not None:
                with contextlib.suppress(*PASSING):
                    await raw.close(timeout=2)

    async def _drain(self, tenant: UUID) -> None:
        slot = await self._free.get()
        try:
            queue = self._waiting[tenant]
            while queue:
                taken = [queue.popleft() for _ in range(min(len(queue), self._batch))]
                await self._answer(slot, tenant, taken)
        finally:
            del self._draining[tenant], self._waiting[tenant]
            self._free.put_nowait(slot)

    async def _answer(self, slot: "Slot", tenant: UUID, taken: list[Waiting]) -> None:
        try:
            answers = await self._run(slot, tenant, [item for item, _ in taken])
            for (_, answer), value in zip(taken, answers, strict=True):
                # The caller may have been cancelled; its item was written all the same.
                if not answer.done():
                    answer.set_result(value)
        except Exception as error:
            if len(taken) > 1 and not isinstance(error, LaneFull):
                # Run each item alone, so that a failing one does not fail its neighbours.
                for one in taken:
                    await self._answer(slot, tenant, [one])
                return
            for _, answer in taken:
                if not answer.done():
                    answer.set_exception(error)

    async def _run(self, slot: "Slot", tenant: UUID, items: list[Any]) -> list[Any]:
        """Run the work; run it again on a fresh connection when the outcome is unknown (I5)."""
        for attempt in range(RETRIES):
            try:
                if slot.raw is None or slot.raw.is_closed():
                    slot.raw = await connect(self._url)
                return await self._work(Unit(tenant, slot.raw, self._nudge), items)
            except PASSING as error:
                if isinstance(error, ValueError):
                    # asyncpg could not encode an argument: a retry does not help.
                    raise
                log.warning("lane.again", attempt=attempt, error=type(error).__name__)
                if slot.raw is not None and not isinstance(error, LOCK_ERRORS):
                    slot.raw.terminate()
                await asyncio.sleep(0.05 * 2**attempt)
        raise LaneFull


@dataclass
class Slot:
    """Holds one connection, opened when it is first needed."""

    raw: Connection | None = None


PLANNING = {
    # Planning such a statement takes longer than running it, and its plan never changes.
    "plan_cache_mode": "force_generic_plan",
    # Every row is read by its key: a generic plan made while a table was small must not scan it
    # after it has grown.
    "enable_seqscan": "off",
    "enable_hashjoin": "off",
    "enable_mergejoin": "off",
}


async def connect(url: str) -> Connection:
    """A connection that runs only the ledger's four statements."""
    return await postgres.connect(
        url, server_settings=SERVER_SETTINGS | PLANNING, timeout=5, command_timeout=10
    )
