"""Work that many ask for at once: whoever asks while it is done is in the next round."""

import asyncio
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

Work = Callable[[Any, Any, Collection[Any]], Awaitable[Any]]
"""What is done in the database, for a tenant or for none, about some keys."""

Place = tuple[Work, UUID | None]


@dataclass(slots=True)
class Round:
    """Who asks before it begins, all of them, and what they are told."""

    keys: set[Any] = field(default_factory=set)
    told: "asyncio.Future[Any]" = field(
        default_factory=lambda: asyncio.get_running_loop().create_future()
    )


class Rounds:
    """One round at a time of each work and tenant; when nobody else asks, it is one's own.

    A round begins after all of it have asked, so that nobody is told what was true only before:
    nothing is remembered.
    """

    def __init__(self, db: Any) -> None:
        self._db = db
        self._waiting: dict[Place, Round] = {}
        self._working: dict[Place, asyncio.Task[None]] = {}

    async def ask(self, work: Work, tenant: UUID | None, keys: Collection[Any]) -> Any:
        """What came of it for all who asked, about these keys and others. Raises what it raises."""
        place = work, tenant
        joined = self._waiting.get(place)
        if joined is None:
            joined = self._waiting[place] = Round()
            # When everybody has left, nobody needs to hear what went wrong.
            joined.told.add_done_callback(lambda told: told.cancelled() or told.exception())
            if place not in self._working:
                self._working[place] = asyncio.create_task(self._go_round(place))
        joined.keys.update(keys)
        # A caller who leaves does not take the answer from the others.
        return await asyncio.shield(joined.told)

    async def _go_round(self, place: Place) -> None:
        work, tenant = place
        try:
            while (taken := self._waiting.pop(place, None)) is not None:
                try:
                    taken.told.set_result(await work(self._db, tenant, taken.keys))
                except Exception as error:
                    taken.told.set_exception(error)
        finally:
            del self._working[place]

    async def finish(self) -> None:
        """Waits for what is under way."""
        while self._working:
            await asyncio.gather(*self._working.values())
