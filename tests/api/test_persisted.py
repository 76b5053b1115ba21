"""Persisted documents: named by their hash, sent once with their text, or known to the server."""

from pathlib import Path
from typing import Any
from uuid import uuid4

import orjson
import pytest
from graphql import parse, validate

from app.resolvers import SCHEMA
from app.run.embedded import Urls
from app.schema.persisted import FOLDER, PersistedDocuments, hash_of
from tests.api.conftest import served
from tests.support.api import Desk
from tests.support.live import dialled

FILES = sorted(FOLDER.glob("*.graphql"))
VIEWER = "query Who { viewer { __typename } }"


async def ask(desk: Desk, body: dict[str, Any]) -> dict[str, Any]:
    headers = {"authorization": f"Bearer {desk.owner}", "accept-language": "en"}
    return (await desk.asking.http.post("/graphql", json=body, headers=headers)).json()


def persisted(name: str) -> dict[str, Any]:
    return {"extensions": {"persistedQuery": {"version": 1, "sha256Hash": name}}}


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_the_servers_documents_are_valid(path: Path) -> None:
    document = parse(path.read_text())
    assert validate(SCHEMA._schema, document) == []
    assert len(document.definitions) == 1


async def test_a_document_of_the_server_is_named_by_its_hash(desk: Desk) -> None:
    name = hash_of((FOLDER / "stock.graphql").read_text())
    for body in ({"id": name}, {"id": f"sha256:{name}"}, persisted(name)):
        answer = await ask(desk, {**body, "variables": {"first": 2}})
        assert "errors" not in answer, answer
        assert len(answer["data"]["levels"]["nodes"]) <= 2


async def test_an_unknown_document_is_sent_once_with_its_text(desk: Desk) -> None:
    body = persisted(hash_of(VIEWER))
    [error] = (await ask(desk, body))["errors"]
    assert error["message"] == "PersistedQueryNotFound"
    assert error["extensions"]["code"] == "PERSISTED_QUERY_NOT_FOUND"
    sent = await ask(desk, {**body, "query": VIEWER})
    assert sent["data"] == {"viewer": {"__typename": "Viewer"}}
    assert (await ask(desk, body))["data"] == sent["data"]


async def test_a_hash_of_another_text_is_refused(desk: Desk) -> None:
    [error] = (await ask(desk, {**persisted(hash_of("x")), "query": VIEWER}))["errors"]
    assert error["extensions"]["code"] == "BAD_INPUT"
    assert error["message"] == "sha256Hash is not the SHA-256 of query."


async def test_a_persisted_document_is_read_with_the_readers_own_eyes(desk: Desk) -> None:
    name = hash_of((FOLDER / "stock.graphql").read_text())
    answer = (await desk.asking.http.post("/graphql", json={"id": name})).json()
    assert answer["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"


def test_texts_of_clients_are_bounded() -> None:
    documents = PersistedDocuments(most_bytes=100)
    texts = [f"{{ a{number:050} }}" for number in range(5)]
    for text in texts:
        documents.keep(hash_of(text), text)
    assert [documents.text(hash_of(text)) is not None for text in texts] == [False] * 4 + [True]
    assert documents.text(hash_of(FILES[0].read_text())) is not None


async def test_guests_run_the_servers_documents_of_an_order(desk: Desk) -> None:
    """Both fit the budget of guests; an unknown store or order gives no top-level error."""
    name = hash_of((FOLDER / "place-order.graphql").read_text())
    line = {"productId": str(uuid4()), "quantity": "1"}
    order = {"key": str(uuid4()), "store": "no-such-store", "channel": "WECHAT", "lines": [line]}
    body = {"id": name, "variables": {"input": {**order, "contact": "13800000000"}}}
    answer = (await desk.asking.http.post("/graphql", json=body)).json()
    assert answer["data"]["placeOrder"]["__typename"] == "UnknownStore", answer
    name = hash_of((FOLDER / "order.graphql").read_text())
    page = {"id": name, "variables": {"id": str(uuid4()), "token": "none"}}
    answer = (await desk.asking.http.post("/graphql", json=page)).json()
    assert (answer["data"], answer.get("errors")) == ({"order": None}, None)


async def get(desk: Desk, headers: dict[str, str] | None = None, **given: Any) -> Any:
    parts = {
        name: value if isinstance(value, str) else orjson.dumps(value).decode()
        for name, value in given.items()
    }
    return await desk.asking.http.get("/graphql", params=parts, headers=headers or {})


def own(stem: str) -> str:
    return hash_of((FOLDER / f"{stem}.graphql").read_text())


async def test_a_public_page_by_get_may_be_cached_for_a_second(fresh: Desk) -> None:
    await fresh.receive("米", 20)
    page = {"id": own("storefront"), "variables": {"store": fresh.chain.founded.store.code}}
    first_read = await get(fresh, **page)
    assert first_read.json()["data"]["storefront"]["store"]["name"] == "南山店"
    assert first_read.headers["cache-control"] == "public, no-cache"
    assert "Accept-Language" in first_read.headers["vary"]
    tag = first_read.headers["etag"]
    again = await get(fresh, {"if-none-match": f'"other", {tag}'}, **page)
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
    english = await get(fresh, {"if-none-match": tag, "accept-language": "en"}, **page)
    assert english.status_code == 200
    await fresh.post("sell", ("米", 18))
    changed = await get(fresh, {"if-none-match": tag}, **page)
    assert (changed.status_code, changed.headers["etag"] == tag) == (200, False)


async def test_an_answer_of_staff_is_kept_by_their_own_client_only(desk: Desk) -> None:
    owner = {"authorization": f"Bearer {desk.owner}"}
    for name in (own("stock"), own("storefront")):
        variables = {"store": desk.chain.founded.store.code} if name == own("storefront") else {}
        answer = await get(desk, owner, id=name, variables=variables)
        assert "errors" not in answer.json()
        assert answer.headers["cache-control"] == "private, no-cache"
        again = await get(
            desk, {**owner, "if-none-match": answer.headers["etag"]}, id=name, variables=variables
        )
        assert again.status_code == 304


async def test_a_browser_follows_a_named_feed_by_get(desk: Desk) -> None:
    variables = {"store": desk.chain.founded.store.code}
    for given in ({"id": own("menu-labels")}, persisted(own("menu-labels"))):
        parts = {name: v if isinstance(v, str) else orjson.dumps(v).decode()
                 for name, v in {**given, "variables": variables}.items()}  # fmt: skip
        stream = desk.asking.http.stream(
            "GET", "/graphql", params=parts, headers={"accept": "text/event-stream"}
        )
        async with stream as events:
            lines = events.aiter_lines()
            while "menuFeed" not in (line := await anext(lines)):
                assert "errors" not in line


async def test_variables_that_nest_too_deeply_are_refused(desk: Desk) -> None:
    text = f'{{ storefront(store: "{desk.chain.founded.store.code}") {{ store {{ name }} }} }}'
    nested = "[" * 500 + "]" * 500
    body = f'{{"query": {orjson.dumps(text).decode()}, "variables": {{"x": {nested}}}}}'
    headers = {"content-type": "application/json"}
    answer = await desk.asking.http.post("/graphql", content=body, headers=headers)
    assert "INTERNAL" not in answer.text


async def test_apollo_names_a_document_by_get(desk: Desk) -> None:
    owner = {"authorization": f"Bearer {desk.owner}"}
    unknown = await get(desk, owner, **persisted(hash_of(f"{VIEWER} #get")))
    assert unknown.json()["errors"][0]["extensions"]["code"] == "PERSISTED_QUERY_NOT_FOUND"
    assert unknown.headers["cache-control"] == "no-store"
    known = await get(desk, owner, **persisted(own("overview")))
    assert "errors" not in known.json()


@pytest.mark.parametrize(
    ("given", "english"),
    [
        ({"id": own("place-order"), "variables": {"input": {}}}, "Send a mutation by POST."),
        (
            {"id": own("changes"), "variables": {"storeId": str(uuid4())}},
            "Send a subscription over WebSocket",
        ),
        ({"id": own("menu"), "variables": "["}, "variables must be a JSON object."),
        ({"id": own("menu"), "variables": "[1]"}, "variables must be a JSON object."),
        ({"extensions": "{}"}, "Give the SHA-256 of a document as id."),
        ({"id": own("menu"), "extensions": "x"}, "extensions must be a JSON object."),
    ],
)
async def test_a_get_is_refused_with_what_to_do(
    desk: Desk, given: dict[str, Any], english: str
) -> None:
    answer = await get(desk, {"accept-language": "en"}, **given)
    [error] = answer.json()["errors"]
    assert (error["extensions"]["code"], answer.status_code) == ("BAD_INPUT", 200)
    assert error["message"].startswith(english)
    assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize("given", [{"query": VIEWER}, {"query": VIEWER, "id": own("menu")}, {}])
async def test_a_text_in_an_address_is_never_run(desk: Desk, given: dict[str, Any]) -> None:
    answer = await get(desk, {"authorization": f"Bearer {desk.owner}"}, **given)
    assert answer.status_code == 405


async def test_guests_run_only_the_servers_documents_where_it_is_set(
    desk: Desk, urls: Urls
) -> None:
    text = '{ storefront(store: "no-such-store") { store { name } } }'
    async with served(urls, guest_documents="own") as closed:
        page = {"id": own("menu"), "variables": {"store": "no-such-store"}}
        assert (await closed.http.post("/graphql", json=page)).json()["data"] == {"menu": None}
        assert await closed.code(text) == "UNAUTHENTICATED"
        stream = {"accept": "text/event-stream"}
        answer = await closed.http.post("/graphql", json={"query": text}, headers=stream)
        assert "UNAUTHENTICATED" in answer.text
        # A text that was sent with its hash does not become the server's own, and is not kept.
        codes = ("UNAUTHENTICATED", "PERSISTED_QUERY_NOT_FOUND")
        for body, code in zip(({"query": text}, {}), codes, strict=True):
            sent = {**body, **persisted(hash_of(text))}
            [error] = (await closed.http.post("/graphql", json=sent)).json()["errors"]
            assert error["extensions"]["code"] == code
        assert "errors" not in await closed.raw(text, desk.owner)
        async with dialled(str(closed.http.base_url)) as line:
            await line.subscribe(text)
            assert (await line.receive())["type"] == "error"
            menu = (FOLDER / "menu-labels.graphql").read_text()
            await line.subscribe(menu, store=desk.chain.founded.store.code)
            assert (await line.receive())["type"] == "next"
