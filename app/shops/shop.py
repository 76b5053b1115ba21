"""What every channel's shop can be asked, and how it answers. Knows nothing of the app."""

from collections.abc import Mapping, Sequence
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
        answer = await http.post(
            url, content=body, params=dict(query), headers=headers, timeout=ANSWER_SECONDS
        )
    except httpx2.HTTPError as error:
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
            raise ShopError(f"the answer lacks {'.'.join(names)}", passing=False)
        told = told[name]
    return told
