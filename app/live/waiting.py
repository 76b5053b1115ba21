"""An event and a queue that are small while nothing waits: each socket has several of them.

asyncio's own keep queues of waiting tasks, of 760 bytes each, also while they are empty.
"""

import asyncio
from typing import Any


class Flag:
    """An event like asyncio's; but a task waits on if the event is cleared before the task runs."""

    __slots__ = ("_is_set", "_waiting")

    def __init__(self, is_set: bool = False) -> None:
        self._is_set = is_set
        self._waiting: asyncio.Future[None] | None = None

    def is_set(self) -> bool:
        return self._is_set

    def set(self) -> None:
        self._is_set = True
        waiting, self._waiting = self._waiting, None
        if waiting is not None:
            waiting.set_result(None)

    def clear(self) -> None:
        self._is_set = False

    async def wait(self) -> None:
        """Wait until it is set."""
        while not self._is_set:
            if self._waiting is None:
                self._waiting = asyncio.get_running_loop().create_future()
            # Shielded: a task that is cancelled must not wake the others.
            await asyncio.shield(self._waiting)


class Inbox:
    """The messages of one connection, in their order, for one reader."""

    __slots__ = ("_filled", "_messages")

    def __init__(self) -> None:
        self._messages: list[Any] = []
        self._filled = Flag()

    def put_nowait(self, message: Any) -> None:
        self._messages.append(message)
        self._filled.set()

    async def get(self) -> Any:
        """The oldest message, once there is one."""
        await self._filled.wait()
        message = self._messages.pop(0)
        if not self._messages:
            self._filled.clear()
        return message

    def empty(self) -> bool:
        return not self._messages
