"""The lane: whatever waits for one tenant is drained into one transaction (group commit)."""

import asyncio
import contextlib
from collections import defaultdict, deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar
from uuid import UUID

import asyncpg
import structlog

from app.db.core.unit import PASSING, SERVER_SETTINGS, WAITED, Nudge, Unit

log = structlog.get_logger()

Asked = TypeVar("Asked")
Told = TypeVar("Told")
Waiting = tuple[Any, "asyncio.Future[Any]"]

BATCH = 256
WAITING = 4096
RETRIES = 5


class LaneFull(Exception):
    """Too much waits, or the database cannot be reached: nothing was written, try again."""


class Lane(Generic[Asked, Told]):
    """A queue per tenant. A free connection takes a tenant's whole queue into one unit.

    A tenant is on one connection at a time; there is no timer, so when idle a batch is one.
    `work` gets a unit that has not begun, and gives one answer an item.
    """

    def __init__(
        self,
        url: str,
        work: Callable[[Unit, Sequence[Asked]], Awaitable[list[Told]]],
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

    async def submit(self, tenant: UUID, item: Asked) -> Told:
        """Waits for the item's answer. A caller that goes away does not stop its item."""
        queue = self._waiting[tenant]
        if len(queue) >= WAITING:
            raise LaneFull
        answer: asyncio.Future[Told] = asyncio.get_running_loop().create_future()
        queue.append((item, answer))
        if tenant not in self._draining:
            self._draining[tenant] = asyncio.create_task(self._drain(tenant))
        return await answer

    @property
    def waiting(self) -> int:
        """Items no transaction has taken yet."""
        return sum(map(len, self._waiting.values()))

    async def close(self) -> None:
        """Finishes what waits, then closes the connections."""
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
                await self._settle(slot, tenant, taken)
        finally:
            del self._draining[tenant], self._waiting[tenant]
            self._free.put_nowait(slot)

    async def _settle(self, slot: "Slot", tenant: UUID, taken: list[Waiting]) -> None:
        try:
            told = await self._run(slot, tenant, [item for item, _ in taken])
            for (_, answer), value in zip(taken, told, strict=True):
                # Whoever asked may be gone; what they asked for is done all the same.
                if not answer.done():
                    answer.set_result(value)
        except Exception as error:
            if len(taken) > 1 and not isinstance(error, LaneFull):
                # A poisoned item hurts only itself: each goes through alone.
                for one in taken:
                    await self._settle(slot, tenant, [one])
                return
            for _, answer in taken:
                if not answer.done():
                    answer.set_exception(error)

    async def _run(self, slot: "Slot", tenant: UUID, items: list[Any]) -> list[Any]:
        """Runs the work, again on a fresh connection when the outcome of the last is unknown."""
        for attempt in range(RETRIES):
            try:
                if slot.raw is None or slot.raw.is_closed():
                    slot.raw = await connect(self._url)
                return await self._work(Unit(tenant, slot.raw, self._nudge), items)
            except PASSING as error:
                if isinstance(error, ValueError):
                    # Not the connection: an argument that PostgreSQL has no type for.
                    raise
                log.warning("lane.again", attempt=attempt, error=type(error).__name__)
                if slot.raw is not None and not isinstance(error, WAITED):
                    slot.raw.terminate()
                await asyncio.sleep(0.05 * 2**attempt)
        raise LaneFull


@dataclass
class Slot:
    """A place for one connection, opened when it is first needed."""

    raw: Any = None


PLANNING = {
    # Planning such a statement takes longer than running it, and its plan never changes.
    "plan_cache_mode": "force_generic_plan",
    # Every row is found by its key: a table that was small when the plan was made must not be
    # scanned when it has grown.
    "enable_seqscan": "off",
    "enable_hashjoin": "off",
    "enable_mergejoin": "off",
}


async def connect(url: str) -> Any:
    """A connection that does nothing but the ledger's four statements."""
    return await asyncpg.connect(
        url, server_settings=SERVER_SETTINGS | PLANNING, timeout=5, command_timeout=10
    )
