"""Reads for many at once: whoever asks while a read is under way is in the next one."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

Read = Callable[[AsyncSession, Any, Collection[Any]], Awaitable[Mapping[Any, Any]]]
"""What is found for some keys, for a tenant or for none."""

Place = tuple[Read, UUID | None]


@dataclass(slots=True)
class Round:
    """Who asks before it begins, all of them, and what they are told."""

    keys: set[Any] = field(default_factory=set)
    told: "asyncio.Future[Mapping[Any, Any]]" = field(
        default_factory=lambda: asyncio.get_running_loop().create_future()
    )


class Rounds:
    """One round at a time of each kind of read and tenant; when nobody else asks, it is one's own.

    A round's transaction begins after all of it have asked, so that nobody is told what was true
    only before: nothing is remembered.
    """

    def __init__(
        self, begin: Callable[[UUID | None], AbstractAsyncContextManager[AsyncSession]]
    ) -> None:
        self._begin = begin
        self._waiting: dict[Place, Round] = {}
        self._reading: dict[Place, asyncio.Task[None]] = {}

    async def ask(
        self, read: Read, tenant: UUID | None, keys: Collection[Any]
    ) -> Mapping[Any, Any]:
        """What the read found for all who asked: these keys and others. Raises what it raises."""
        place = read, tenant
        joined = self._waiting.get(place)
        if joined is None:
            joined = self._waiting[place] = Round()
            # When everybody has left, nobody needs to hear what went wrong.
            joined.told.add_done_callback(lambda told: told.cancelled() or told.exception())
            if place not in self._reading:
                self._reading[place] = asyncio.create_task(self._read(place))
        joined.keys.update(keys)
        # A caller who leaves does not take the answer from the others.
        return await asyncio.shield(joined.told)

    async def _read(self, place: Place) -> None:
        read, tenant = place
        try:
            while (taken := self._waiting.pop(place, None)) is not None:
                try:
                    async with self._begin(tenant) as session:
                        found = await read(session, tenant, taken.keys)
                    taken.told.set_result(found)
                except Exception as error:
                    taken.told.set_exception(error)
        finally:
            del self._reading[place]

    async def finish(self) -> None:
        """Waits for the reads that are under way."""
        while self._reading:
            await asyncio.gather(*self._reading.values())
