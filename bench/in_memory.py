"""Trusted documents whose roots answer from memory, beside a bare route with the same answer.

What is measured is what HTTP and GraphQL cost the web process: no root reads the database. The
signed-in manager's session is read from the database every half second, as in production.
"""

from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from hashlib import sha256
from itertools import repeat
from typing import Any
from uuid import uuid4

import orjson

from bench.asking import Wrong, asked, post, read_answer
from bench.http import Case, alternating, typical
from bench.measure import Figure, median
from bench.stage import Shop, Stage

FIGURES = ("tiny_vs_bare", "list50x8_vs_bare", "mutation_vs_bare")
PATH = "/memory"
CLIENTS = 64
SECONDS = 4

TINY = "query Tiny { ping }"
LIST = "query List { goods { id sku name spec unit price onHand version } }"
SELL = """
mutation Sell($input: SellInput!) {
  sell(input: $input) { __typename ... on Sale { id } ... on RefusedSale { code } }
}
"""

Variables = Callable[[Shop], dict[str, Any]]


def nothing(_: Shop) -> dict[str, Any]:
    return {}


def sale(shop: Shop) -> dict[str, Any]:
    """The variables of a sale of one line, with a key of its own."""
    lines = [{"productId": str(shop.products[0]), "quantity": "1"}]
    return {"input": {"key": str(uuid4()), "storeId": str(shop.store), "lines": lines}}


REQUESTS: dict[str, tuple[str, Variables, bytes]] = {
    "tiny_vs_bare": (TINY, nothing, b'"pong"'),
    "list50x8_vs_bare": (LIST, nothing, b'"SKU-00049"'),
    "mutation_vs_bare": (SELL, sale, b'"Sale"'),
}
"""The document of each figure, its variables, and a part of each good answer."""


async def figures(stage: Stage, wanted: Sequence[str]) -> AsyncIterator[Figure]:
    shop = await stage.shop(1)
    with stage.serving(role="memory") as [server], stage.serving(role="payload") as [bare]:
        token = await shop.token(server.port)
        for name in wanted:
            document, variables, good = REQUESTS[name]
            await prepare(server.port, bare.port, token, document, variables(shop))
            digest = sha256(document.encode()).hexdigest()
            named = ({"id": digest, "variables": variables(shop)} for _ in repeat(None))
            cases = [
                Case(port, asked(posted(port, token, named), good), [pid], [], CLIENTS, SECONDS)
                for port, pid in ((server.port, server.pid), (bare.port, bare.pid))
            ]
            costs = await alternating(*cases)
            ratio = median(our.app / its.app for our, its in costs)
            text = (
                f"app {typical(costs, 0).app * 1e6:,.0f} µs, bare Starlette JSONResponse of the "
                f"same answer {typical(costs, 1).app * 1e6:,.0f} µs, {CLIENTS} clients"
            )
            yield Figure(name, ratio, text)


async def prepare(
    port: int, bare: int, token: str, document: str, variables: dict[str, Any]
) -> None:
    """Make the document known to the app, and its answer to the bare server. Raises Wrong."""
    name = {"version": 1, "sha256Hash": sha256(document.encode()).hexdigest()}
    body = {"query": document, "variables": variables, "extensions": {"persistedQuery": name}}
    answer = await read_answer(port, post(port, PATH, orjson.dumps(body), token))
    if b'"errors"' in answer:
        raise Wrong(answer.decode())
    put = post(bare, PATH, answer).replace(b"POST", b"PUT", 1)
    await read_answer(bare, put)


def posted(port: int, token: str, bodies: Iterator[dict[str, Any]]) -> Iterator[bytes]:
    for body in bodies:
        yield post(port, PATH, orjson.dumps(body), token)
