"""The lane: all queued items of one tenant run in one transaction (group commit)."""

import asyncio
import contextlib
from collections import defaultdict, deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar
from uuid import UUID

from app.db.core import postgres
from app.db.core.outage import Outage, Patience, is_passing
from app.db.core.postgres import ROLLBACK_ERRORS, Connection, is_away, is_blocked
from app.db.core.unit import COMMAND_SECONDS, CONNECT_SECONDS, SERVER_SETTINGS, Nudge, Unit

Item = TypeVar("Item")
Answer = TypeVar("Answer")
Waiting = tuple[Any, "asyncio.Future[Any]"]

BATCH = 256
WAITING = 4096
ALONE_LOCK_MS = 500


class LaneFull(Exception):
    """The queue is full: nothing was written, try again."""


class Lane(Generic[Item, Answer]):
    """A queue per tenant. A free connection runs up to `batch` queued items in one unit.

    A tenant uses one connection at a time, for one unit, and then waits its turn again. There is
    no timer: an idle lane runs an item at once.
    `work` gets a unit that has not begun, and returns one answer per item, in order.
    """

    def __init__(
        self,
        url: str,
        work: Callable[[Unit, Sequence[Item]], Awaitable[list[Answer]]],
        nudge: Nudge,
        connections: int = 2,
        batch: int = BATCH,
        outage: Outage | None = None,
    ) -> None:
        self._url = url
        self._work = work
        self._nudge = nudge
        self._batch = batch
        self._outage = outage or Outage("database")
        self._free: asyncio.Queue[Slot] = asyncio.Queue()
        for _ in range(connections):
            self._free.put_nowait(Slot())
        self._waiting: dict[UUID, deque[Waiting]] = defaultdict(deque)
        self._draining: dict[UUID, asyncio.Task[None]] = {}

    async def submit(self, tenant: UUID, item: Item) -> Answer:
        """Queue the item and return its answer; a cancelled caller does not stop its item.

        Raises LaneFull when 4096 items wait. Raises an error for which `is_passing` is true when
        the database stays away; the outcome may then be unknown.
        """
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
                with contextlib.suppress(*ROLLBACK_ERRORS):
                    await raw.close(timeout=2)

    async def _drain(self, tenant: UUID) -> None:
        queue = self._waiting[tenant]
        try:
            while queue:
                slot = await self._free.get()
                try:
                    taken = [queue.popleft() for _ in range(min(len(queue), self._batch))]
                    await self._answer(slot, tenant, taken)
                finally:
                    self._free.put_nowait(slot)
                # A tenant that waits for the connection takes it now.
                await asyncio.sleep(0)
        finally:
            del self._draining[tenant], self._waiting[tenant]

    async def _answer(
        self, slot: "Slot", tenant: UUID, taken: list[Waiting], lock_ms: int | None = None
    ) -> None:
        try:
            answers = await self._run(slot, tenant, [item for item, _ in taken], lock_ms)
            for (_, answer), value in zip(taken, answers, strict=True):
                # The caller may have been cancelled; its item was written all the same.
                if not answer.done():
                    answer.set_result(value)
        except Exception as error:
            if len(taken) > 1 and not is_away(error):
                # Run each item alone, so that a failing one does not fail its neighbours. After a
                # lock timeout of the batch, each item waits for locks at most ALONE_LOCK_MS.
                lock_ms = ALONE_LOCK_MS if is_blocked(error) else None
                for one in taken:
                    await self._answer(slot, tenant, [one], lock_ms)
                return
            for _, answer in taken:
                if not answer.done():
                    answer.set_exception(error)

    async def _run(
        self, slot: "Slot", tenant: UUID, items: list[Any], lock_ms: int | None
    ) -> list[Any]:
        """Run the work; run it again on a fresh connection when the outcome is unknown (I5)."""
        patience = Patience()
        while True:
            try:
                with self._outage.watched():
                    if slot.raw is None or slot.raw.is_closed():
                        slot.raw = await connect(self._url)
                    unit = Unit(tenant, slot.raw, self._nudge, lock_timeout_ms=lock_ms)
                    return await self._work(unit, items)
            except Exception as error:
                if slot.raw is not None and is_away(error):
                    slot.raw.terminate()
                if not is_passing(error) or not await patience.again():
                    raise


@dataclass
class Slot:
    """Holds one connection, opened when it is first needed."""

    raw: Connection | None = None


OPTIONS = {
    **SERVER_SETTINGS,
    # Locks are held for milliseconds; one that is held for long must not stop the whole tenant.
    "lock_timeout": "3000",
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
        url,
        server_settings=OPTIONS,
        timeout=CONNECT_SECONDS,
        command_timeout=COMMAND_SECONDS,
    )
