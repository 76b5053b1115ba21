"""What every channel's shop can be asked, and how it answers. Knows nothing of the app."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import httpx2
import orjson

ANSWER_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Account:
    """Whose shop it is: the app's id and secret, the shop's own id, and for WeChat the token
    that signs its messages."""

    app_id: str
    secret: str
    shop_id: str = ""
    token: str = ""


class ShopError(Exception):
    """The shop did not do it. `passing`: it may, if it is asked again later."""

    def __init__(self, message: str, passing: bool) -> None:
        super().__init__(message)
        self.passing = passing


class Forged(Exception):
    """A message that was not signed by the shop."""


class Notice(NamedTuple):
    """A shop says that something happened to an order; what, it is asked itself.

    `id` is the message's own: it may come twice.
    """

    id: str
    order: str


class Ordered(NamedTuple):
    """One line of a shop's order."""

    sku: str
    count: int


@dataclass(frozen=True, slots=True)
class ShopOrder:
    """An order as the shop has it now; `state` is NEW, PAID or CANCELLED."""

    number: str
    state: str
    contact: str
    lines: tuple[Ordered, ...]


class Shop(Protocol):
    """One account in one channel. Every call may raise ShopError."""

    async def set_stock(self, sku: str, item: str, count: int, mark: str) -> None:
        """So many pieces can be bought from now on; `mark` is the same for the same push."""
        ...

    async def order(self, number: str) -> ShopOrder: ...

    def notices(
        self, headers: Mapping[str, str], query: Mapping[str, str], body: bytes
    ) -> Sequence[Notice]:
        """What a message says. Raises Forged."""
        ...


async def post(http: httpx2.AsyncClient, url: str, body: bytes, query: Mapping[str, Any]) -> Any:
    """The JSON object that answers. Raises ShopError for no answer and for what is none."""
    headers = {"content-type": "application/json"}
    try:
        # All of it together: a shop that drips its answer is not waited for.
        async with asyncio.timeout(ANSWER_SECONDS):
            answer = await http.post(url, content=body, params=dict(query), headers=headers)
    except (httpx2.HTTPError, TimeoutError) as error:
        raise ShopError(f"no answer: {type(error).__name__}", passing=True) from None
    if answer.status_code != 200:
        busy = answer.status_code >= 500 or answer.status_code == 429
        raise ShopError(f"HTTP {answer.status_code}", passing=busy)
    try:
        told = orjson.loads(answer.content)
    except orjson.JSONDecodeError:
        raise ShopError("the answer is not JSON", passing=True) from None
    if not isinstance(told, dict):
        raise ShopError("the answer is no object", passing=True)
    return told


def field(told: Any, *names: str) -> Any:
    """What lies under these names. Raises ShopError where something else does."""
    for name in names:
        if not isinstance(told, dict) or name not in told:
            raise ShopError(f"the answer lacks {'.'.join(names)}", passing=True)
        told = told[name]
    return told


def readable(contact: str) -> str:
    """Without what no shop writes: a customer's name is whatever she chose."""
    return "".join(each for each in contact if each.isprintable())[:100].strip()


@contextmanager
def reading() -> Iterator[None]:
    """An answer that is not what it should be is a ShopError: nothing else waits behind it."""
    try:
        yield
    except (ValueError, TypeError, LookupError, AttributeError) as error:
        raise ShopError(f"the answer cannot be read: {error}"[:200], passing=True) from None


class Token:
    """What an account is let in with; one caller renews it, and those who wait meanwhile are told
    the same."""

    def __init__(self, renew: Callable[[], Awaitable[tuple[str, int]]]) -> None:
        self._renew = renew
        self._value = ""
        self._until = 0.0
        self._renewing = asyncio.Lock()
        self._failures = 0
        self._failure: ShopError | None = None

    async def value(self) -> str:
        failures = self._failures
        async with self._renewing:
            if self._value and time.monotonic() < self._until:
                return self._value
            if self._failure is not None and self._failures > failures:
                raise ShopError(str(self._failure), self._failure.passing)
            try:
                self._value, seconds = await self._renew()
            except ShopError as error:
                self._failures, self._failure = self._failures + 1, error
                raise
            self._until = time.monotonic() + seconds - 300
            return self._value

    def over(self, value: str) -> None:
        """The platform knows this one no more; one that came since stays."""
        if self._value == value:
            self._value = ""
