"""The outbox of a socket: its unsent events, which are merged."""

import asyncio
from collections.abc import Callable

from graphql import ExecutionResult

from app.domain.feed import Event
from app.live.frames import Frames
from app.live.sender import Sender
from app.live.share import SharedExecutor
from app.live.wire import Wire


class Outbox:
    """The unsent events of one socket: at most one for each subscription, merged while unread.

    It sends in its turns of the process' sender, so no task has to wake for each event.
    """

    __slots__ = ("_closed", "_failed", "_next", "_sender", "_unsent", "_waiting", "_wire", "_write")

    def __init__(
        self,
        wire: Wire,
        sender: Sender,
        write: Callable[[ExecutionResult], bytes],
        failed: Callable[[BaseException], None],
    ) -> None:
        self._wire = wire
        self._sender = sender
        self._write = write
        self._failed = failed
        self._unsent: dict[str, tuple[SharedExecutor, Event]] = {}
        self._next: tuple[str, Frames | asyncio.Future[Frames]] | None = None
        self._waiting = False
        """Whether it waits for its turn, an answer or the client."""
        self._closed = False

    @property
    def empty(self) -> bool:
        return self._next is None and not self._unsent

    def put(self, name: str, executor: SharedExecutor, event: Event) -> None:
        """Send the event in a later turn, merged with an unsent one of the same subscription."""
        if self._closed:
            return
        unsent = self._unsent.get(name)
        self._unsent[name] = executor, event if unsent is None else event.after(unsent[1])
        if not self._waiting:
            self._wait()

    def drop(self, name: str) -> None:
        """Discard the unsent events of this subscription."""
        self._unsent.pop(name, None)
        if self._next is not None and self._next[0] == name:
            self._next = None

    def close(self) -> None:
        """Send nothing any more, and forget the socket, which is then freed at once."""
        self._closed = True
        self._write, self._failed = _forgotten, _forgotten
        self._unsent.clear()
        self._next = None

    def _wait(self) -> None:
        self._waiting = True
        self._sender.add(self._send)

    def _send(self) -> None:
        try:
            self._send_ready()
        except Exception as error:
            self._fail(error)

    def _fail(self, error: BaseException) -> None:
        failed = self._failed
        self.close()
        failed(error)

    def _send_ready(self) -> None:
        """Send until an answer or the socket is not ready; continue when it is ready."""
        while (head := self._next or self._oldest()) is not None:
            self._next = head
            name, frames = head
            if not isinstance(frames, Frames):
                if not frames.done():
                    self._sender.add_after(frames, self._send)
                    return
                if frames.cancelled():
                    # The process is shutting down.
                    return
                if error := frames.exception():
                    self._fail(error)
                    return
                frames = frames.result()
            if not self._wire.line.send_now(frames.of(name), self._wait):
                return
            self._next = None
        self._waiting = False

    def _oldest(self) -> "tuple[str, Frames | asyncio.Future[Frames]] | None":
        for name in self._unsent:
            executor, event = self._unsent.pop(name)
            return name, executor.frames(event, self._write)
        return None


def _forgotten(_: object) -> bytes:
    raise RuntimeError("the outbox is closed")
