"""The deadline of operations. One timer serves all of them, since each may take the same time.

`asyncio.timeout` sets and cancels a timer for each operation, which takes 7 µs.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable
from typing import Any, TypeVar

T = TypeVar("T")


class Turn:
    """One operation: its task while it runs, and when it is late."""

    __slots__ = ("due", "is_late", "task")

    def __init__(self, task: "asyncio.Task[Any]", due: float) -> None:
        self.task: asyncio.Task[Any] | None = task
        self.due = due
        self.is_late = False


class Deadlines:
    """Cancels operations that take longer than `seconds`. One for each process."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        # In the order of their deadlines. Those that have ended stay until they are first.
        self._turns: deque[Turn] = deque()
        self._timer: asyncio.TimerHandle | None = None

    async def within(self, work: Awaitable[T]) -> T:
        """The result of the work. Raises TimeoutError if the deadline has cancelled it."""
        loop, task = asyncio.get_running_loop(), asyncio.current_task()
        assert task is not None
        cancelled = task.cancelling()
        turn = Turn(task, loop.time() + self.seconds)
        self._drop_ended()
        self._turns.append(turn)
        if self._timer is None:
            self._timer = loop.call_at(turn.due, self._end_late, loop)
        try:
            return await work
        except asyncio.CancelledError as error:
            # Someone else may have cancelled the task at the same time.
            if turn.is_late and task.uncancel() <= cancelled:
                raise TimeoutError from error
            raise
        finally:
            turn.task = None

    def _drop_ended(self) -> None:
        while self._turns and self._turns[0].task is None:
            self._turns.popleft()

    def _end_late(self, loop: asyncio.AbstractEventLoop) -> None:
        """Cancel what is late, and wait for the next deadline."""
        self._drop_ended()
        while self._turns and self._turns[0].due <= loop.time():
            turn = self._turns.popleft()
            if turn.task is not None:
                turn.is_late = True
                turn.task.cancel()
        self._drop_ended()
        self._timer = None
        if self._turns:
            self._timer = loop.call_at(self._turns[0].due, self._end_late, loop)
