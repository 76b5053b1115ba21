"""A client that replays a story through GraphQL over HTTP, as tills and offices would."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any, TypeVar
from uuid import NAMESPACE_URL, UUID, uuid5

import httpx2

from app.replay.dataset import Basket, Good

T = TypeVar("T")
AT_ONCE = 32
MOST_LINES = 500

SIGN_IN = """mutation($login: String!, $password: String!) {
  signIn(input: {login: $login, password: $password}) {
    ... on SignedIn { accessToken } ... on Problem { message }
  }
}"""
CATEGORY = """mutation($input: CreateCategoryInput!) { createCategory(input: $input) {
  ... on Category { id } ... on Problem { message } } }"""
PRODUCT = """mutation($input: CreateProductInput!) { createProduct(input: $input) {
  ... on Product { id } ... on Problem { message } } }"""
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
    """The server would not take what the replay cannot go on without."""


class Shop:
    """One tenant on a running server. Keys follow from names, so a second run books nothing."""

    def __init__(self, http: httpx2.AsyncClient, name: str) -> None:
        self.http = http
        self.name = name
        self.token = ""

    def key(self, *parts: str) -> str:
        return str(uuid5(NAMESPACE_URL, "/".join((self.name, *parts))))

    async def ask(self, text: str, **variables: Any) -> Any:
        headers = {"authorization": f"Bearer {self.token}"} if self.token else {}
        body = {"query": text, "variables": variables}
        response = await self.http.post("/graphql", json=body, headers=headers)
        answer = response.json()
        if answer.get("errors"):
            raise Refused(answer["errors"][0]["message"])
        (value,) = answer["data"].values()
        return value

    async def sure(self, text: str, **variables: Any) -> Any:
        value = await self.ask(text, **variables)
        if "message" in value:
            raise Refused(value["message"])
        return value

    async def sign_in(self, login: str, password: str) -> None:
        self.token = ""
        value = await self.sure(SIGN_IN, login=login, password=password)
        self.token = value["accessToken"]

    async def catalogue(self, goods: Sequence[Good], step: Callable[[], None]) -> dict[str, UUID]:
        names = sorted({good.category for good in goods})
        categories = {
            name: (await self.make(CATEGORY, "category", name, name=name[:50]))["id"]
            for name in names
        }

        async def one(good: Good) -> tuple[str, UUID]:
            made = await self.make(
                PRODUCT,
                "product",
                good.id,
                sku=good.id,
                name=good.name,
                unit="件",
                spec=good.spec or None,
                categoryId=categories[good.category],
            )
            step()
            return good.id, made["id"]

        return dict(await several(goods, one))

    async def make(self, text: str, kind: str, name: str, /, **input: Any) -> Any:
        return await self.sure(text, input={"key": self.key(kind, name), **input})

    async def open_stock(self, store: UUID, held: Counter[str], ids: dict[str, UUID]) -> None:
        products = sorted(held)
        for start in range(0, len(products), MOST_LINES):
            some = products[start : start + MOST_LINES]
            lines = [{"productId": ids[each], "quantity": str(held[each])} for each in some]
            name = f"{store}/{start}"
            await self.make(OPEN, "opening", name, storeId=str(store), lines=lines)

    async def sell(self, store: UUID, basket: Basket, ids: dict[str, UUID]) -> str:
        """What became of the basket: Movement, or the problem's name and message."""
        lines = [{"productId": ids[each], "quantity": str(n)} for each, n in basket.lines]
        input = {
            "key": self.key("basket", basket.id),
            "storeId": str(store),
            "receiptNo": basket.id,
            "occurredAt": basket.at.isoformat(),
            "lines": lines,
        }
        value = await self.ask(SELL, input=input)
        kind = value["__typename"]
        return kind if kind == "Movement" else f"{kind}: {value['message']}"


async def several(things: Iterable[Any], one: Callable[[Any], Awaitable[T]]) -> list[T]:
    """Does one thing after another in order, at most 32 at the same time."""
    room = asyncio.Semaphore(AT_ONCE)

    async def held(thing: Any) -> T:
        try:
            return await one(thing)
        finally:
            room.release()

    tasks = []
    async with asyncio.TaskGroup() as group:
        for thing in things:
            await room.acquire()
            tasks.append(group.create_task(held(thing)))
    return [task.result() for task in tasks]
