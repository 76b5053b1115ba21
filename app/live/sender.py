"""The sender of a process: it gives the outboxes and streams their turn, a few at a time, so that
requests run between the events of thousands of connections."""

import asyncio
from collections import deque
from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar

T = TypeVar("T")

CHUNK = 64
"""Connections that send before the event loop does other work; it takes about a millisecond."""


class Sender:
    """A queue of turns in their order. One per process, used by one event loop."""

    def __init__(self) -> None:
        self._turns = deque[Callable[[], None]]()
        self._waiting: dict[asyncio.Future[Any], list[Callable[[], None]]] = {}
        self._running = False

    def add(self, turn: Callable[[], None]) -> None:
        """Call `turn` after the earlier ones."""
        self._turns.append(turn)
        self._start()

    def add_after(self, answer: asyncio.Future[Any], turn: Callable[[], None]) -> None:
        """Call `turn` when the answer is done, after the earlier ones."""
        turns = self._waiting.get(answer)
        if turns is None:
            self._waiting[answer] = turns = []
            answer.add_done_callback(self._answered)
        turns.append(turn)

    async def caught_up(self) -> None:
        """Wait until everything that has been added before has had its turn."""
        passed = asyncio.get_running_loop().create_future()
        self.add(partial(_pass, passed))
        await passed

    async def result(self, answer: asyncio.Future[T]) -> T:
        """The answer's result or error, in a turn after it is done. A caller that is cancelled does
        not cancel the answer, for which others may wait."""
        passed = asyncio.get_running_loop().create_future()
        self.add_after(answer, partial(_pass, passed))
        await passed
        return answer.result()

    def _answered(self, answer: asyncio.Future[Any]) -> None:
        self._turns.extend(self._waiting.pop(answer))
        self._start()

    def _start(self) -> None:
        if not self._running:
            self._running = True
            asyncio.get_running_loop().call_soon(self._run)

    def _run(self) -> None:
        turns = self._turns
        try:
            for _ in range(min(CHUNK, len(turns))):
                turns.popleft()()
        finally:
            # A turn that raises ends its chunk, not the later turns.
            self._running = False
            if turns:
                self._start()


def _pass(passed: asyncio.Future[None]) -> None:
    if not passed.done():
        passed.set_result(None)
