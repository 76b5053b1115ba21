"""The mirror: answers about stores that all readers share, kept without the database.

An answer is dropped when this process learns of a change in one of its stores, and after a second
in any case: prices and labels also depend on the time of day.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable
from typing import NamedTuple
from uuid import UUID

from app.db.core.bus import Bus
from app.live.share import Answer

SECONDS = 1.0
"""How long an answer may be used."""
MOST_BYTES = 4 * 1024 * 1024
"""Bytes of all answers as JSON; their values take about five times as much memory."""

Place = tuple[UUID, UUID]
"""A tenant and one of its stores."""


class Computed(NamedTuple):
    """An answer, and the stores that it is about."""

    answer: Answer
    places: frozenset[Place]


class Kept(NamedTuple):
    """A computed answer; `began` counts the changes that were known before it was read."""

    computed: Computed
    began: int
    until: float


class Mirror:
    """Shared answers by their question. One per process."""

    def __init__(self, bus: Bus, most_bytes: int = MOST_BYTES) -> None:
        self._bus = bus
        self._most_bytes = most_bytes
        self._kept: OrderedDict[Hashable, Kept] = OrderedDict()
        self._bytes = 0
        self._changes = 0
        self._changed: dict[Place, int] = {}
        self._running: dict[Hashable, tuple[int, asyncio.Future[Computed | None]]] = {}
        bus.listen(self._hear)

    async def answer(
        self, question: Hashable, compute: Callable[[], Awaitable[Computed | None]]
    ) -> Answer | None:
        """The answer to the question: a kept one, one that another request computes now, or a new
        one. None if it was not computed, and must not be shared.
        """
        computed = self._current(question)
        if computed is None:
            began, running = self._running.get(question, (-1, None))
            # An answer that was begun before the last change may lack it.
            if running is not None and began == self._changes:
                computed = await asyncio.shield(running)
            else:
                computed = await self._compute(question, compute)
        return computed and computed.answer

    async def _compute(
        self, question: Hashable, compute: Callable[[], Awaitable[Computed | None]]
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
            self._keep(question, Kept(computed, began, until))
        return computed

    def _current(self, question: Hashable) -> Computed | None:
        """The kept answer, unless something may have changed since it was read."""
        kept = self._kept.get(question)
        if kept is None:
            return None
        if self._is_current(kept):
            self._kept.move_to_end(question)
            return kept.computed
        self._drop(question)
        return None

    def _is_current(self, kept: Kept) -> bool:
        return (
            # Without the bus, changes of other processes are not known.
            self._bus.connected
            and asyncio.get_running_loop().time() < kept.until
            and all(self._changed.get(place, 0) <= kept.began for place in kept.computed.places)
        )

    def _keep(self, question: Hashable, kept: Kept) -> None:
        self._drop(question)
        self._kept[question] = kept
        self._bytes += len(kept.computed.answer.json)
        while self._bytes > self._most_bytes:
            self._drop(next(iter(self._kept)))

    def _drop(self, question: Hashable) -> None:
        kept = self._kept.pop(question, None)
        if kept is not None:
            self._bytes -= len(kept.computed.answer.json)

    def _hear(self, tenant: UUID | None, store: UUID | None) -> None:
        self._changes += 1
        if tenant is None or store is None:
            # Nudges were missed: any store may have changed.
            self._kept.clear()
            self._bytes = 0
        else:
            self._changed[tenant, store] = self._changes
