"""Clients that write, read and follow while parts of the server are killed, and what they see."""

import asyncio
import json
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, cast
from uuid import UUID, uuid4

import httpx2
from websockets.exceptions import ConnectionClosed, InvalidHandshake

from tests.support.api import mutation
from tests.support.live import Line, Terminal, dialled, watching

LEVELS = """
query($store: UUID!) { levels(storeIds: [$store], first: 20) {
  nodes { available product { name category { name } } store { name } }
} }
"""
WATCH = "subscription($store: UUID!) { storeFeed(storeId: $store) { __typename } }"
PATIENCE_SECONDS = 60


class Clients:
    """Clients of one store with one API key; every write is sent until it is answered.

    `answers` counts by operation and code; "cut" is a connection that broke.
    """

    def __init__(self, http: httpx2.AsyncClient, secret: str, store: UUID, products: list[str]):
        self.http, self.secret, self.store, self.products = http, secret, store, products
        self.answers: Counter[tuple[str, str]] = Counter()
        self.booked: Counter[str] = Counter()
        self.slowest = 0.0
        self.running = True
        self.last: int | None = None
        """The store's revision after the last write."""

    async def ask(self, name: str, text: str, **variables: Any) -> tuple[str, Any]:
        """The code of the answer, and its only root field."""
        began = time.monotonic()
        try:
            response = await self.http.post(
                "/graphql",
                json={"query": text, "variables": variables},
                headers={"authorization": f"Bearer {self.secret}"},
            )
            assert response.status_code == 200, response.text
            answer = response.json()
        except httpx2.TransportError:
            self.answers[name, "cut"] += 1
            return "cut", None
        self.slowest = max(self.slowest, time.monotonic() - began)
        code, value = coded(answer)
        self.answers[name, code] += 1
        return code, value

    async def retry(self, name: str, **input: Any) -> Any:
        """The answer of a mutation that is sent with one key until it is no error."""
        request = {"key": str(uuid4()), **input}
        deadline = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < deadline:
            code, value = await self.ask(name, mutation(name), input=request)
            if code == "ok":
                return value
            await asyncio.sleep(0.1)
        raise AssertionError(f"{name} was never answered")

    def line(self, number: int) -> dict[str, str]:
        return {"productId": self.products[number % len(self.products)], "quantity": "1"}

    async def sell(self) -> None:
        number = 0
        while self.running:
            line = self.line(number := number + 1)
            await self.retry("sell", storeId=str(self.store), lines=[line])
            self.booked[line["productId"]] += 1

    async def order(self, code: str) -> None:
        number = 0
        while self.running:
            line, contact = self.line(number := number + 1), f"138{uuid4().int % 10**8:08}"
            order = await self.retry(
                "placeOrder", store=code, channel="WECHAT", contact=contact, lines=[line]
            )
            await self.retry("payOrder", orderId=order["id"])
            await self.retry("fulfilOrder", orderId=order["id"])
            self.booked[line["productId"]] += 1

    async def read(self) -> None:
        while self.running:
            await self.ask("levels", LEVELS, store=str(self.store))
            await asyncio.sleep(0.01)

    async def subscribe(self) -> None:
        """Open the feed over SSE again and again; count its first event."""
        headers = {"authorization": f"Bearer {self.secret}", "accept": "text/event-stream"}
        request = {"query": WATCH, "variables": {"store": str(self.store)}}
        while self.running:
            try:
                async with self.http.stream(
                    "POST", "/graphql", json=request, headers=headers
                ) as response:
                    async for line in response.aiter_lines():
                        if line.startswith("data: {"):
                            code, _ = coded(json.loads(line.removeprefix("data: ")))
                            self.answers["feed over SSE", code] += 1
                            break
            except httpx2.TransportError:
                self.answers["feed over SSE", "cut"] += 1
            await asyncio.sleep(0.05)

    async def follow(self, terminal: Terminal) -> None:
        """Keep the terminal's copy of the store; connect again with the last revision.

        It ends at the revision that the store has when every write is answered."""
        while True:
            try:
                async with dialled(str(self.http.base_url), self.secret) as terminal.line:
                    await terminal.follow(terminal.revision or None)
                    while True:
                        try:
                            await terminal.hear(1)
                        except TimeoutError:
                            if self.last is not None and terminal.revision >= self.last:
                                return
            except (OSError, ConnectionClosed, InvalidHandshake, TimeoutError):
                self.answers["feed over websocket", "cut"] += 1
            except AssertionError as error:
                code = "UNAVAILABLE" if "UNAVAILABLE" in str(error) else str(error)[:300]
                self.answers["feed over websocket", code] += 1
            await asyncio.sleep(0.1)

    async def booked_more(self, pieces: int) -> None:
        """Wait until this many more pieces are sold."""
        goal = self.booked.total() + pieces
        async with asyncio.timeout(PATIENCE_SECONDS):
            while self.booked.total() < goal:  # noqa: ASYNC110
                await asyncio.sleep(0.05)

    @asynccontextmanager
    async def busy(self, code: str) -> AsyncIterator[Terminal]:
        """All of them at work; at the end every write is answered and the terminal has seen it."""
        terminal = Terminal(cast("Line", None), self.store)
        works: list[Callable[[], Awaitable[None]]] = [self.sell] * 4
        works += [lambda: self.order(code)] * 4
        works += [self.read] * 2 + [self.subscribe]
        tasks = [asyncio.ensure_future(work()) for work in works]
        following = asyncio.ensure_future(self.follow(terminal))
        try:
            yield terminal
        finally:
            self.running = False
            await asyncio.gather(*tasks)
            async with watching(str(self.http.base_url), self.secret, self.store) as latest:
                self.last = latest.revision
            await asyncio.wait_for(following, PATIENCE_SECONDS)


def coded(answer: dict[str, Any]) -> tuple[str, Any]:
    """The code of the first error or problem, or "ok"; and the value of the only root field."""
    if answer.get("errors"):
        return answer["errors"][0]["extensions"]["code"], None
    (value,) = answer["data"].values()
    return value.get("code", "ok"), value
