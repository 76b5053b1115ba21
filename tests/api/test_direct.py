"""A plain JSON body is answered directly; the same body in chunks passes all layers."""

from collections.abc import AsyncIterator

import orjson
import pytest

from tests.support.identity import Asking

LONG = f"{{ {'a' * 600}: __typename {'b' * 600}: __typename }}"
BODIES = {
    "query": {"query": "{ __typename }"},
    "long": {"query": LONG},
    "refused": {"query": "{ me { id } }"},
    "wrong": {"query": "{ nothing }"},
    "syntax": {"query": "{"},
    "subscription": {"query": "subscription { nothing }"},
    "name": {"query": "{ __typename }", "operationName": "Other"},
    "variables": {"query": "{ __typename }", "variables": []},
    "unknown": {"id": "0" * 64},
    "empty": {},
    "list": [{"query": "{ __typename }"}],
}
FORMS = {name: orjson.dumps(body) for name, body in BODIES.items()} | {"broken": b'{"query": '}


@pytest.mark.parametrize("encoding", ["identity", "gzip", "zstd"])
@pytest.mark.parametrize("form", FORMS)
async def test_both_ways_have_the_same_answer(asking: Asking, form: str, encoding: str) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        yield FORMS[form]

    headers = {"content-type": "application/json", "accept-encoding": encoding}
    direct = await asking.http.post("/graphql", content=FORMS[form], headers=headers)
    other = await asking.http.post("/graphql", content=chunks(), headers=headers)
    assert "content-length" in direct.request.headers
    assert "content-length" not in other.request.headers
    assert direct.status_code == other.status_code
    assert direct.content == other.content
    assert without_date(direct.headers.multi_items()) == without_date(other.headers.multi_items())


async def test_a_long_answer_is_compressed(asking: Asking) -> None:
    headers = {"content-type": "application/json", "accept-encoding": "gzip"}
    answer = await asking.http.post("/graphql", content=FORMS["long"], headers=headers)
    assert answer.headers["content-encoding"] == "gzip"
    assert answer.headers["vary"] == "Accept-Encoding"
    assert answer.json()["data"]["b" * 600] == "Query"


def without_date(headers: list[tuple[str, str]]) -> list[tuple[str, str]]:
    return sorted((name, value) for name, value in headers if name != "date")
