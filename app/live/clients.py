"""Clients: the connections and feeds that each address has open in this process, and their
limits."""

import time
from collections import Counter
from collections.abc import Generator, Hashable
from contextlib import contextmanager
from contextvars import ContextVar
from math import ceil

from app.domain.errors import RateLimited
from app.domain.rules.addresses import counted_address

RETRY_AFTER = 60
MINUTE = 60.0


class Client:
    """One address: its open connections, and the distinct questions that its feeds follow.

    A question is the document with the variables that shape its answer, and the products or
    documents that it follows. At worst the server reads and executes each question for this address
    alone.
    """

    def __init__(self, connections: int, questions: int) -> None:
        self.connections = 0
        self.questions = Counter[Hashable]()
        self._most_connections = connections
        self._most_questions = questions
        self._allowance = 2.0 * connections
        self._counted = time.monotonic()

    @property
    def quiet(self) -> bool:
        """Whether nothing is open, and nothing was opened for a while."""
        self._count()
        return not self.connections and self._allowance >= 2 * self._most_connections

    @contextmanager
    def connected(self) -> Generator[None]:
        """Count one connection while the block runs. Raises the errors of `connect`."""
        self.connect()
        try:
            yield
        finally:
            self.disconnect()

    def connect(self) -> None:
        """Count one more connection. Raises RateLimited when too many are open, or were opened
        lately."""
        self._count()
        most = self._most_connections
        if self.connections >= most:
            raise RateLimited(
                RETRY_AFTER,
                f"该地址的实时连接已达上限 {most} 个，请关闭一些后再试",
                f"Too many connections from this address (at most {most}): try again later.",
            )
        if self._allowance < 1:
            raise RateLimited(
                ceil((1 - self._allowance) * MINUTE / most),
                "该地址新建连接过于频繁，请稍后再试",
                "Too many new connections from this address: try again later.",
            )
        self._allowance -= 1
        self.connections += 1

    def disconnect(self) -> None:
        """One connection has ended."""
        self.connections -= 1

    def follow(self, question: Hashable) -> None:
        """Count one more feed of this question. Raises RateLimited when the address follows too
        many questions."""
        most = self._most_questions
        if question not in self.questions and len(self.questions) >= most:
            raise RateLimited(
                RETRY_AFTER,
                f"该地址同时订阅的不同内容已达上限 {most} 个，请取消一些后再试",
                f"This address follows too many different feeds (at most {most}): end some first.",
            )
        self.questions[question] += 1

    def leave(self, question: Hashable) -> None:
        """One feed of this question has ended."""
        self.questions[question] -= 1
        if self.questions[question] <= 0:
            del self.questions[question]

    def _count(self) -> None:
        """Refill the allowance: as many connections may be opened in a minute as may be open, at
        most twice as many in a burst."""
        now, most = time.monotonic(), self._most_connections
        earned = (now - self._counted) * most / MINUTE
        self._allowance = min(2.0 * most, self._allowance + earned)
        self._counted = now


class Clients:
    """The clients of one process, by address; an IPv6 network of 64 bits is one client."""

    def __init__(self, connections: int, questions: int) -> None:
        self._limits = connections, questions
        self._known: dict[str, Client] = {}
        self._swept = time.monotonic()

    def of(self, address: str) -> Client:
        """The client at this address."""
        now = time.monotonic()
        if now - self._swept > MINUTE:
            self._swept = now
            self._known = {name: known for name, known in self._known.items() if not known.quiet}
        name = counted_address(address)
        client = self._known.get(name)
        if client is None:
            client = self._known[name] = Client(*self._limits)
        return client


CLIENT: ContextVar[Client | None] = ContextVar("client", default=None)
"""The client of the request or socket that the current task serves."""
