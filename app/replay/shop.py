"""A client that replays a story through GraphQL over HTTP, as tills and offices would."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Any, TypeVar
from uuid import NAMESPACE_URL, uuid5

import httpx2

from app.replay.dataset import Basket, Good

T = TypeVar("T")
AT_ONCE = 32
MOST_LINES = 500
PAUSES = (0.1, 0.5, 1, 2, 4)
"""Seconds between attempts to send a request that got no answer."""

SIGN_IN = """mutation($login: String!, $password: String!) {
  signIn(input: {login: $login, password: $password}) {
    ... on SignedIn { accessToken } ... on Problem { message }
  }
}"""
CATEGORY = """mutation($input: CreateCategoryInput!) { createCategory(input: $input) {
  ... on Category { id } ... on Problem { message } } }"""
PRODUCT = """mutation($input: CreateProductInput!) { createProduct(input: $input) {
  ... on Product { id } ... on Problem { code message } } }"""
BY_SKU = "query($sku: String!) { product(sku: $sku) { id } }"
STORE = """mutation($input: CreateStoreInput!) { createStore(input: $input) {
  ... on Store { id } ... on Problem { message } } }"""
STAFF = """mutation($input: InviteStaffInput!) { inviteStaff(input: $input) {
  ... on Staff { id } ... on Problem { message } } }"""
OPEN = """mutation($input: OpenStockInput!) { openStock(input: $input) {
  __typename ... on Problem { message } } }"""
SELL = """mutation($input: SellInput!) { sell(input: $input) {
  __typename ... on Problem { message }
  ... on OutOfStock { shortages { product { name } requested available } } } }"""


class Refused(Exception):
    """The server refused a request."""


class Unreachable(Exception):
    """A request got no answer in several attempts."""


class Shop:
    """One tenant on a running server. Keys follow from names, so a second run books nothing."""

    def __init__(self, http: httpx2.AsyncClient, name: str) -> None:
        self.http = http
        self.name = name
        self.token = ""
        self.who = ("", "")
        self.signing_in = asyncio.Lock()

    def key(self, *parts: str) -> str:
        return str(uuid5(NAMESPACE_URL, "/".join((self.name, *parts))))

    async def ask(self, text: str, **variables: Any) -> Any:
        """The only root field of the answer. Raises Refused, and Unreachable."""
        token = self.token
        answer = await self._sent(text, variables)
        if token and code_of(answer) == "UNAUTHENTICATED":
            await self._sign_in_again(token)
            answer = await self._sent(text, variables)
        if code := code_of(answer):
            raise Refused(f"{code}: {answer['errors'][0]['message']}")
        (value,) = answer["data"].values()
        return value

    async def _sent(self, text: str, variables: dict[str, Any]) -> Any:
        """The whole answer. Waits as long as the server says when it was asked too often."""
        while True:
            answer = await self._delivered(text, variables)
            if code_of(answer) != "RATE_LIMITED":
                return answer
            await asyncio.sleep(answer["errors"][0]["extensions"]["retryAfter"])

    async def _delivered(self, text: str, variables: dict[str, Any]) -> Any:
        """The whole answer. What got none is sent again: its key makes that safe."""
        reason = ""
        for pause in PAUSES:
            headers = {"authorization": f"Bearer {self.token}"} if self.token else {}
            try:
                response = await self.http.post(
                    "/graphql", json={"query": text, "variables": variables}, headers=headers
                )
            except httpx2.TransportError as error:
                reason = repr(error)
            else:
                if response.status_code == 200:
                    return response.json()
                if response.status_code < 500:
                    raise Refused(f"HTTP {response.status_code}")
                reason = f"HTTP {response.status_code}"
            await asyncio.sleep(pause)
        raise Unreachable(reason)

    async def _sign_in_again(self, token: str) -> None:
        """Sessions end before a long replay does; one of those who notice signs in."""
        async with self.signing_in:
            if self.token == token:
                await self.sign_in(*self.who)

    async def sure(self, text: str, **variables: Any) -> Any:
        value = await self.ask(text, **variables)
        if "message" in value:
            raise Refused(value["message"])
        return value

    async def sign_in(self, login: str, password: str) -> None:
        self.token, self.who = "", (login, password)
        value = await self.sure(SIGN_IN, login=login, password=password)
        self.token = value["accessToken"]

    async def catalogue(self, goods: Sequence[Good], step: Callable[[], None]) -> dict[str, str]:
        known = {each["name"]: each["id"] for each in await self.ask("{ categories { id name } }")}
        for name in sorted({_category(good) for good in goods} - set(known)):
            known[name] = (await self.make(CATEGORY, "category", name, name=name))["id"]

        async def one(good: Good) -> tuple[str, str]:
            id_ = await self._product(good, known[_category(good)])
            step()
            return good.id, id_

        return dict(await several(goods, one))

    async def _product(self, good: Good, category: str) -> str:
        """Made, or found where another replay in this tenant has made it."""
        input = {
            "key": self.key("product", good.id),
            "sku": good.id,
            "name": good.name,
            "unit": "件",
            "spec": good.spec or None,
            "categoryId": category,
        }
        answer = await self.ask(PRODUCT, input=input)
        if answer.get("code") == "ALREADY_TAKEN":
            return (await self.ask(BY_SKU, sku=good.id))["id"]
        if "message" in answer:
            raise Refused(answer["message"])
        return answer["id"]

    async def make(self, text: str, kind: str, name: str, /, **input: Any) -> Any:
        return await self.sure(text, input={"key": self.key(kind, name), **input})

    async def open_stock(self, store: str, held: Mapping[str, int], ids: dict[str, str]) -> None:
        products = sorted(held)
        for start in range(0, len(products), MOST_LINES):
            some = products[start : start + MOST_LINES]
            lines = [{"productId": ids[each], "quantity": str(held[each])} for each in some]
            name = f"{store}/{start}"
            await self.make(OPEN, "opening", name, storeId=store, lines=lines)

    async def sell(self, store: str, basket: Basket, ids: dict[str, str]) -> tuple[str, str]:
        """What became of the basket: Movement, or a problem's name and its message."""
        lines = [{"productId": ids[each], "quantity": str(n)} for each, n in basket.lines]
        input = {
            "key": self.key("basket", basket.id),
            "storeId": store,
            "receiptNo": basket.id,
            "occurredAt": basket.at.isoformat(),
            "lines": lines,
        }
        value: dict[str, str] = {}
        for pause in PAUSES:
            try:
                value = await self.ask(SELL, input=input)
            except Refused as refused:
                # One basket that is not understood stops no other.
                return "Refused", str(refused)
            if value["__typename"] != "Busy":
                break
            await asyncio.sleep(pause)
        return value["__typename"], value.get("message", "")


def code_of(answer: Any) -> str | None:
    errors = answer.get("errors")
    return errors[0].get("extensions", {}).get("code", "ERROR") if errors else None


async def several(things: Iterable[Any], one: Callable[[Any], Awaitable[T]]) -> list[T]:
    """Start the tasks in order, at most 32 at the same time."""
    room = asyncio.Semaphore(AT_ONCE)

    async def held(thing: Any) -> T:
        try:
            return await one(thing)
        finally:
            room.release()

    tasks = []
    try:
        async with asyncio.TaskGroup() as group:
            for thing in things:
                await room.acquire()
                tasks.append(group.create_task(held(thing)))
    except ExceptionGroup as failed:
        raise failed.exceptions[0] from failed
    return [task.result() for task in tasks]


def _category(good: Good) -> str:
    """The name of its category; a slash separates names in paths of categories."""
    return good.category.replace("/", "-")
