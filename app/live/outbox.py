"""The outbox of a socket: its unsent events, which are merged."""

import asyncio
from collections.abc import Callable

import orjson
from graphql import ExecutionResult

from app.domain.feed import Event
from app.live.share import SharedExecutor
from app.live.wire import Wire


class Outbox:
    """The unsent events of one socket: at most one for each subscription, merged while unread.

    It sends from callbacks, so no task has to wake for each event.
    """

    def __init__(
        self,
        wire: Wire,
        write: Callable[[ExecutionResult], str],
        failed: Callable[[BaseException], None],
    ) -> None:
        self._wire = wire
        self._write = write
        self._failed = failed
        self._unsent: dict[str, tuple[SharedExecutor, Event]] = {}
        self._next: tuple[str, str | asyncio.Future[str]] | None = None

    @property
    def empty(self) -> bool:
        return self._next is None and not self._unsent

    def put(self, name: str, executor: SharedExecutor, event: Event) -> None:
        if self.empty:
            self._next = name, executor.text(event, self._write)
            self._send()
        else:
            unsent = self._unsent.get(name)
            self._unsent[name] = executor, event if unsent is None else event.after(unsent[1])

    def drop(self, name: str) -> None:
        self._unsent.pop(name, None)
        if self._next is not None and self._next[0] == name:
            self._next = self._oldest()

    def close(self) -> None:
        self._unsent.clear()
        self._next = None

    def _send(self, _: object = None) -> None:
        """Send until an answer or the socket is not ready; continue when it is ready."""
        while self._next is not None:
            name, text = self._next
            if not isinstance(text, str):
                if not text.done():
                    text.add_done_callback(self._send)
                    return
                if text.cancelled():
                    # The process is shutting down.
                    return
                if error := text.exception():
                    self.close()
                    self._failed(error)
                    return
                text = text.result()
            frame = f'{{"id":{orjson.dumps(name).decode()},"type":"next","payload":{text}}}'
            if not self._wire.line.send_now(frame, self._send):
                return
            self._next = self._oldest()

    def _oldest(self) -> "tuple[str, str | asyncio.Future[str]] | None":
        for name in self._unsent:
            executor, event = self._unsent.pop(name)
            return name, executor.text(event, self._write)
        return None
