"""The interface of a channel's shop, and the HTTP calls that its clients share. It imports nothing
of the app."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol, cast

import httpx2
import orjson

ANSWER_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Account:
    """The credentials of a shop: the app's id and secret, the shop's id, and for WeChat the token
    that signs its messages."""

    app_id: str
    secret: str
    shop_id: str = ""
    token: str = ""


class ShopError(Exception):
    """The shop refused or did not answer. `passing`: a later retry may succeed."""

    def __init__(self, message: str, passing: bool) -> None:
        super().__init__(message)
        self.passing = passing


class Forged(Exception):
    """A message that was not signed by the shop."""


class Notice(NamedTuple):
    """A shop's message that an order changed; read the order for its state.

    `id` identifies the message; a shop may send it twice.
    """

    id: str
    order: str


class OrderLine(NamedTuple):
    """A line of a shop's order; `quantity` in pieces."""

    sku: str
    quantity: int


@dataclass(frozen=True, slots=True)
class ShopOrder:
    """An order's current state in the shop; `state` is NEW, PAID or CANCELLED."""

    number: str
    state: str
    contact: str
    lines: tuple[OrderLine, ...]


class Shop(Protocol):
    """One account in one channel. Every call may raise ShopError."""

    async def set_stock(self, sku: str, item: str, count: int, mark: str) -> None:
        """Set the stock to `count` pieces; `mark` is the idempotency key of the push."""
        ...

    async def order(self, number: str) -> ShopOrder:
        """The order with the shop's own number."""
        ...

    def notices(
        self, headers: Mapping[str, str], query: Mapping[str, str], body: bytes
    ) -> Sequence[Notice]:
        """The order changes in a message body. Raises Forged when its signature is wrong."""
        ...


async def post(
    http: httpx2.AsyncClient, url: str, body: bytes, query: Mapping[str, Any]
) -> dict[str, Any]:
    """Send a POST and return the JSON object of the answer. Raises ShopError for anything else."""
    return await ask(http, "POST", url, query, body)


async def ask(
    http: httpx2.AsyncClient,
    method: str,
    url: str,
    query: Mapping[str, Any],
    body: bytes | None = None,
    seconds: float | None = None,
    headers: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """Send a request and return the JSON object of the answer, within `seconds`, ANSWER_SECONDS by
    default. Raises ShopError for anything else."""
    typed = {} if body is None else {"content-type": "application/json"}
    sent = {**typed, **(headers or {})}
    try:
        # The limit covers the whole answer: a platform may send it slowly.
        async with asyncio.timeout(seconds or ANSWER_SECONDS):
            answer = await http.request(method, url, content=body, params=dict(query), headers=sent)
    except (httpx2.HTTPError, TimeoutError) as error:
        raise ShopError(f"no answer: {type(error).__name__}", passing=True) from None
    if answer.status_code != 200:
        busy = answer.status_code >= 500 or answer.status_code == 429
        raise ShopError(f"HTTP {answer.status_code}", passing=busy)
    try:
        data: Any = orjson.loads(answer.content)
    except orjson.JSONDecodeError:
        raise ShopError("the answer is not JSON", passing=True) from None
    if not isinstance(data, dict):
        raise ShopError("the answer is no object", passing=True)
    return cast(dict[str, Any], data)


def field(data: Any, *names: str) -> Any:
    """The value under these nested names. Raises ShopError when a name is missing."""
    for name in names:
        if not isinstance(data, dict) or name not in data:
            raise ShopError(f"the answer lacks {'.'.join(names)}", passing=True)
        data = cast(dict[str, Any], data)[name]
    return data


def readable(contact: str) -> str:
    """The printable characters of a customer's name and number, at most 100."""
    return "".join(each for each in contact if each.isprintable())[:100].strip()


@contextmanager
def reading() -> Generator[None, None, None]:
    """Raise ShopError for an answer of an unexpected shape, so that other work continues."""
    try:
        yield
    except (ValueError, TypeError, LookupError, AttributeError) as error:
        raise ShopError(f"the answer cannot be read: {error}"[:200], passing=True) from None


class Token:
    """An account's access token. One caller renews it; concurrent callers share the result."""

    def __init__(self, renew: Callable[[], Awaitable[tuple[str, int]]]) -> None:
        self._renew = renew
        self._value = ""
        self._until = 0.0
        self._renewing = asyncio.Lock()
        self._failures = 0
        self._failure: ShopError | None = None

    async def value(self) -> str:
        """A valid token. Raises ShopError when it cannot be renewed."""
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
        """Discard this token, which the platform rejected; a newer one stays."""
        if self._value == value:
            self._value = ""
