"""Persisted documents: named by their hash, sent once with their text, or known to the server."""

from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from graphql import parse, validate

from app.resolvers import SCHEMA
from app.schema.persisted import FOLDER, PersistedDocuments, hash_of
from tests.support.api import Desk

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
