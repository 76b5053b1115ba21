"""Documents that a chain registered for guests: over every transport, and in its stores only."""

from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import orjson
import pytest

from app.domain.registered_operations import hash_of
from app.run.embedded import Urls
from tests.api.conftest import served
from tests.support.api import Desk
from tests.support.identity import Asking, Chain, eventually
from tests.support.live import Line, dialled
from tests.support.registered import REGISTER, register, remove, run, send

PAGE = """
query Page($store: String! = "no-such-store") { storefront(store: $store) { store { code } } }
"""
ORDER = """
mutation Buy($input: PlaceOrderInput!) {
  placeOrder(input: $input) { __typename ... on Order { id token } }
}
"""
LOOK = "query Look($id: UUID!, $token: String) { order(id: $id, token: $token) { id state } }"
UNKNOWN = "PERSISTED_QUERY_NOT_FOUND"


@pytest.fixture
async def closed(urls: Urls) -> AsyncIterator[Asking]:
    """A server whose guests run only its own documents and registered ones."""
    async with served(urls, guest_documents="own") as asking:
        yield asking


def code_of(answer: dict[str, Any]) -> str:
    [error] = answer["errors"]
    return error["extensions"]["code"]


async def test_guests_run_what_the_chain_registered_for_them(chain: Chain, closed: Asking) -> None:
    code = chain.founded.store.code
    await register(chain, PAGE)
    assert code_of(await run(closed, PAGE, store=code)) == UNKNOWN
    await register(chain, PAGE, forGuests=True)
    for asking in (closed, chain.asking):
        answer = await run(asking, PAGE, store=code)
        assert answer["data"] == {"storefront": {"store": {"code": code}}}, answer
    # A store that does not exist is of no chain.
    assert (await run(closed, PAGE))["data"] == {"storefront": None}
    await register(chain, PAGE, forGuests=False)

    async def is_unknown() -> bool:
        answer = await run(closed, PAGE, store=code)
        return "errors" in answer and code_of(answer) == UNKNOWN

    await eventually(is_unknown, 2)


async def test_guests_send_no_texts(chain: Chain, closed: Asking) -> None:
    """Not even that of a registered document, with its hash or without."""
    await register(chain, PAGE, forGuests=True)
    named = {"extensions": {"persistedQuery": {"version": 1, "sha256Hash": hash_of(PAGE)}}}
    for body in ({"query": PAGE}, {"query": PAGE, **named}):
        assert code_of((await send(closed, body)).json()) == "UNAUTHENTICATED"


async def test_a_document_of_one_chain_is_unknown_in_the_stores_of_another(
    chain: Chain, stranger: Chain, closed: Asking
) -> None:
    await register(chain, PAGE, forGuests=True)
    await register(stranger, PAGE)
    both = """query Both($one: String!, $two: String!) {
      one: storefront(store: $one) { store { code } } ...Two
    } fragment Two on Query { two: storefront(store: $two) { store { code } } }"""
    await register(chain, both, forGuests=True)
    mine, other = chain.founded.store.code, stranger.founded.store.code
    absent = await send(closed, {"id": hash_of(f"# {uuid4()}"), "variables": {"store": other}})
    for text, variables in (
        (PAGE, {"store": other}),
        (PAGE, {"store": f" {other.upper()} "}),
        (both, {"one": mine, "two": other}),
    ):
        answer = await send(closed, {"id": hash_of(text), "variables": variables})
        assert answer.content == absent.content
    await register(stranger, both, forGuests=True)
    answer = await run(closed, both, one=mine, two=other)
    assert answer["data"]["two"] == {"store": {"code": other}}


async def test_guests_order_and_look_by_registered_documents(
    fresh: Desk, stranger: Chain, closed: Asking
) -> None:
    await fresh.product("米", price="2.50")
    await fresh.receive("米", 20)
    chain = fresh.chain
    for text in (ORDER, LOOK):
        await register(chain, text, forGuests=True)
    line = await fresh.line("米", 1)
    order = {"key": str(uuid4()), "channel": "WECHAT", "lines": [line], "contact": "13800000000"}
    there = {**order, "store": stranger.founded.store.code}
    assert code_of(await run(closed, ORDER, input=there)) == UNKNOWN
    here = {**order, "store": chain.founded.store.code}
    placed = (await run(closed, ORDER, input=here))["data"]["placeOrder"]
    assert placed["__typename"] == "Order"
    looked = await run(closed, LOOK, id=placed["id"], token=placed["token"])
    assert looked["data"]["order"]["id"] == placed["id"]
    # The order's chain no longer has the document, another one has.
    await register(stranger, LOOK, forGuests=True)
    await remove(chain, LOOK)

    async def is_unknown() -> bool:
        answer = await run(closed, LOOK, id=placed["id"], token=placed["token"])
        return "errors" in answer and code_of(answer) == UNKNOWN

    await eventually(is_unknown, 2)


@pytest.mark.parametrize(
    "text",
    [
        "{ stores { code } }",
        "{ myOrders { nodes { id } } }",
        "{ __schema { types { name } } }",
        "query { ...F } fragment F on Query { stores { code } }",
        "mutation($i: RefreshSessionInput!) { refreshSession(input: $i) { __typename } }",
    ],
)
async def test_roots_that_name_no_store_are_not_for_guests(chain: Chain, text: str) -> None:
    given = {"key": str(uuid4()), "document": text, "forGuests": True}
    assert await chain.asking.code(REGISTER, chain.token, input=given) == "BAD_INPUT"


async def test_a_public_page_by_get_has_an_etag(chain: Chain, closed: Asking) -> None:
    await register(chain, PAGE, forGuests=True)
    variables = orjson.dumps({"store": chain.founded.store.code}).decode()
    page = {"id": hash_of(PAGE), "variables": variables}
    answer = await closed.http.get("/graphql", params=page)
    assert answer.headers["cache-control"] == "public, no-cache"
    tag = {"if-none-match": answer.headers["etag"]}
    assert (await closed.http.get("/graphql", params=page, headers=tag)).status_code == 304
    mutation = {"id": hash_of(ORDER), "variables": "{}"}
    await register(chain, ORDER, forGuests=True)
    refusal = (await closed.http.get("/graphql", params=mutation)).json()
    assert code_of(refusal) == "BAD_INPUT"


async def test_unknown_hashes_take_units(urls: Urls) -> None:
    async with served(urls, rate_guest=100_000, guest_documents="own") as asking:
        codes = [code_of(await run(asking, f"# {number}")) for number in range(100)]
    assert set(codes) == {UNKNOWN, "RATE_LIMITED"}


MENU = "subscription Dishes($store: String!) { menuFeed(store: $store) { dishes { id } } }"


async def name_on(line: Line, text: str, **variables: Any) -> dict[str, Any]:
    """The first message after a document was named on a socket."""
    payload = {"id": hash_of(text), "variables": variables}
    await line.send(id=str(uuid4()), type="subscribe", payload=payload)
    return await line.receive()


async def test_documents_are_named_on_a_socket(
    chain: Chain, stranger: Chain, closed: Asking
) -> None:
    code = chain.founded.store.code
    for text in (MENU, PAGE):
        await register(chain, text, forGuests=True)
    shops = "{ stores { code } }"
    await register(chain, shops)
    async with dialled(str(closed.http.base_url)) as line:
        for text in (shops, "# absent", MENU):
            message = await name_on(line, text, store=stranger.founded.store.code)
            assert message["type"] == "error"
            assert message["payload"][0]["extensions"]["code"] == UNKNOWN
        # The socket goes on.
        message = await name_on(line, MENU, store=code)
        assert message["payload"]["data"] == {"menuFeed": {"dishes": []}}
        message = await name_on(line, PAGE, store=code)
        assert message["payload"]["data"] == {"storefront": {"store": {"code": code}}}
    async with dialled(str(chain.asking.http.base_url), chain.token) as line:
        message = await name_on(line, shops)
        assert message["payload"]["data"] == {"stores": [{"code": code}]}


async def test_a_text_that_a_socket_sent_with_its_hash_is_known_afterwards(chain: Chain) -> None:
    text = f"{{ stores {{ code }} }} # {uuid4()}"
    named = {"extensions": {"persistedQuery": {"version": 1, "sha256Hash": hash_of(text)}}}
    async with dialled(str(chain.asking.http.base_url), chain.token) as line:
        wrong = {**named, "query": "{ viewer { name } }"}
        await line.send(id="1", type="subscribe", payload=wrong)
        assert (await line.receive())["payload"][0]["extensions"]["code"] == "BAD_INPUT"
        await line.send(id="1", type="subscribe", payload={**named, "query": text})
        message = await line.receive()
        assert message["payload"]["data"] == {"stores": [{"code": chain.founded.store.code}]}
    assert "errors" not in await run(chain.asking, text, chain.token)


@pytest.mark.parametrize("method", ["POST", "GET"])
async def test_a_named_feed_is_streamed(chain: Chain, closed: Asking, method: str) -> None:
    await register(chain, MENU, forGuests=True)
    body: dict[str, Any] = {"id": hash_of(MENU), "variables": {"store": chain.founded.store.code}}
    query = {"id": body["id"], "variables": orjson.dumps(body["variables"]).decode()}
    sent: dict[str, Any] = {"json": body} if method == "POST" else {"params": query}
    headers = {"accept": "text/event-stream"}
    async with closed.http.stream(method, "/graphql", headers=headers, **sent) as events:
        lines = events.aiter_lines()
        while "menuFeed" not in (line := await anext(lines)):
            assert "errors" not in line
