"""Coalesce identical reads: callers that arrive during one run share the next."""

import asyncio
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass, field
from functools import partial
from typing import Any
from uuid import UUID

from app.db.core.outage import wait_out

Work = Callable[[Any, Any, Collection[Any]], Awaitable[Any]]
"""A read or write for one tenant, or for none, about some keys; the first argument is the
Database. It may run twice after an error of the database."""

Subject = tuple[Work, UUID | None]


@dataclass(slots=True)
class Run:
    """One run of the work that has not begun: the keys of its callers, and its result."""

    keys: set[Any] = field(default_factory=set[Any])
    result: "asyncio.Future[Any]" = field(
        default_factory=lambda: asyncio.get_running_loop().create_future()
    )


class Coalescer:
    """One run at a time per work and tenant.

    A run begins after the last of its callers, so that none gets values older than its own call.
    Results are not cached.
    """

    def __init__(self, db: Any) -> None:
        self._db = db
        self._waiting: dict[Subject, Run] = {}
        self._working: dict[Subject, asyncio.Task[None]] = {}

    async def run(self, work: Work, tenant: UUID | None, keys: Collection[Any]) -> Any:
        """The result for the keys of all callers of the run. Raises what the work raises."""
        subject = work, tenant
        waiting = self._waiting.get(subject)
        if waiting is None:
            waiting = self._waiting[subject] = Run()
            # Mark the error as retrieved: every caller of the run may have been cancelled.
            waiting.result.add_done_callback(_retrieve)
            if subject not in self._working:
                self._working[subject] = asyncio.create_task(self._work(subject))
        waiting.keys.update(keys)
        # A cancelled caller does not cancel the result of the others.
        return await asyncio.shield(waiting.result)

    async def _work(self, subject: Subject) -> None:
        work, tenant = subject
        try:
            while (run := self._waiting.pop(subject, None)) is not None:
                try:
                    again = partial(work, self._db, tenant, run.keys)
                    run.result.set_result(await wait_out(again))
                except Exception as error:
                    run.result.set_exception(error)
        finally:
            del self._working[subject]

    async def finish(self) -> None:
        """Wait until no run is under way."""
        while self._working:
            await asyncio.gather(*self._working.values())


def _retrieve(result: "asyncio.Future[Any]") -> None:
    if not result.cancelled():
        result.exception()
