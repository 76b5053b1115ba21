"""The mirror: answers about stores that all readers share, kept without the database.

An answer is used until this process learns of a change in one of its stores, and for a second at
most: prices and labels also depend on the time of day.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import NamedTuple
from uuid import UUID

from app.db.core.bus import Bus
from app.live.share import Answer

SECONDS = 1.0
"""How long an answer may be used."""
MOST_BYTES = 4 * 1024 * 1024
"""Bytes of all answers as JSON; their values take about five times as much memory."""
ENTRY_BYTES = 1024
"""What an answer takes besides its JSON."""

StoreKey = tuple[UUID, UUID]
"""A tenant and one of its stores."""


class Computed(NamedTuple):
    """An answer, and the stores that it is about."""

    answer: Answer
    stores: frozenset[StoreKey]


class CachedAnswer(NamedTuple):
    """A computed answer; `began` counts the changes that were known before it was read."""

    computed: Computed
    began: int
    until: float

    @property
    def bytes(self) -> int:
        return len(self.computed.answer.json) + ENTRY_BYTES


class Mirror:
    """Shared answers by their question. One per process."""

    def __init__(self, bus: Bus, most_bytes: int = MOST_BYTES) -> None:
        self._bus = bus
        self._most_bytes = most_bytes
        self._entries: OrderedDict[bytes, CachedAnswer] = OrderedDict()
        self._bytes = 0
        self._changes = 0
        self._changed: dict[StoreKey, int] = {}
        self._all_changed = 0
        self._running: dict[bytes, tuple[int, asyncio.Future[Computed | None]]] = {}
        bus.listen(self._on_change)

    async def answer(
        self, question: bytes, compute: Callable[[], Awaitable[Computed | None]]
    ) -> Answer | None:
        """The answer to the question: a kept one, one that another request computes now, or a new
        one. None if that request has none to share: its answer has errors, or it was cancelled.
        """
        entry = self._entries.get(question)
        if entry is not None and self._is_current(entry):
            self._entries.move_to_end(question)
            return entry.computed.answer
        began, running = self._running.get(question, (-1, None))
        if running is not None and self._is_unchanged(entry, began):
            computed = await asyncio.shield(running)
        else:
            computed = await self._compute(question, compute)
        return computed and computed.answer

    async def _compute(
        self, question: bytes, compute: Callable[[], Awaitable[Computed | None]]
    ) -> Computed | None:
        loop = asyncio.get_running_loop()
        began, until = self._changes, loop.time() + SECONDS
        running = began, loop.create_future()
        self._running[question] = running
        computed = None
        try:
            computed = await compute()
        finally:
            running[1].set_result(computed)
            if self._running.get(question) is running:
                del self._running[question]
        if computed is not None and self._bus.connected:
            self._keep(question, CachedAnswer(computed, began, until))
        return computed

    def _is_current(self, entry: CachedAnswer) -> bool:
        return (
            # Without the bus, changes of other processes are not known.
            self._bus.connected
            and asyncio.get_running_loop().time() < entry.until
            and self._is_unchanged(entry, entry.began)
        )

    def _is_unchanged(self, entry: CachedAnswer | None, began: int) -> bool:
        """Whether no store of the entry has changed since `began`; without an entry, no store at
        all."""
        if entry is None:
            return began == self._changes
        latest = max(self._changed.get(store, 0) for store in entry.computed.stores)
        return began >= max(latest, self._all_changed)

    def _keep(self, question: bytes, entry: CachedAnswer) -> None:
        self._drop(question)
        self._entries[question] = entry
        self._bytes += entry.bytes
        while self._bytes > self._most_bytes:
            self._drop(next(iter(self._entries)))

    def _drop(self, question: bytes) -> None:
        entry = self._entries.pop(question, None)
        if entry is not None:
            self._bytes -= entry.bytes

    def _on_change(self, tenant: UUID | None, store: UUID | None) -> None:
        self._changes += 1
        if tenant is None or store is None:
            # Nudges were missed: any store may have changed.
            self._all_changed = self._changes
        else:
            self._changed[tenant, store] = self._changes
