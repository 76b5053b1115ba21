"""Malformed and huge requests over HTTP are refused at once and never cause an internal error."""

import time
from collections.abc import AsyncIterator

import httpx2
import orjson
import pytest

from tests.support.api import Desk
from tests.support.identity import Asking

JSON = {"content-type": "application/json"}
BROKEN = {
    "empty": b"",
    "null": b"null",
    "list": b"[]",
    "text": b'"x"',
    "number": b"1",
    "half": b'{"query": "{ viewer',
    "broken UTF-8": b'{"query": "\xff\xfe"}',
    "broken UTF-8 whole": b"\xff\xff\xff",
    "NUL": b"\0",
    "NUL in text": b'{"query": "{ viewer { name } }\0"}',
    "deep list": b'{"query": "{ a }", "variables": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    "deep object": b'{"a":' * 40_000 + b"1" + b"}" * 40_000,
    "huge integer": b'{"query": "{ a }", "variables": {"a": ' + b"9" * 5000 + b"}}",
    "huge float": b'{"query": "{ a }", "variables": {"a": 1e400}}',
    "NaN": b'{"query": "{ a }", "variables": {"a": NaN}}',
    "lone surrogate": b'{"query": "\\ud800"}',
    "batch": b'[{"query": "{ viewer { name } }"}, {"query": "{ viewer { name } }"}]',
    "no query": b"{}",
    "null query": b'{"query": null}',
    "list query": b'{"query": ["{ viewer { name } }"]}',
    "number query": b'{"query": 1}',
    "text variables": b'{"query": "{ viewer { name } }", "variables": "x"}',
    "list variables": b'{"query": "{ viewer { name } }", "variables": []}',
    "list extensions": b'{"query": "{ viewer { name } }", "extensions": []}',
    "number operation": b'{"query": "{ viewer { name } }", "operationName": 1}',
    "unknown operation": b'{"query": "{ viewer { name } }", "operationName": "x"}',
    "no operation": b'{"query": "fragment A on Query { viewer { name } }"}',
    "named, list extensions": b'{"id": "x", "extensions": []}',
    "persisted": b'{"extensions": {"persistedQuery": {"version": 1, "sha256Hash": "x"}}}',
}


async def answered(asking: Asking, body: bytes, **headers: str) -> httpx2.Response:
    return await asking.http.post("/graphql", content=body, headers={**JSON, **headers})


def calm(response: httpx2.Response) -> None:
    """Verify a refusal with a client error, without internal details."""
    assert response.status_code in (200, 400, 405, 413, 415), response.text
    assert "Traceback" not in response.text
    assert "INTERNAL" not in response.text


@pytest.mark.parametrize("name", BROKEN)
async def test_a_broken_body_is_refused(desk: Desk, name: str) -> None:
    response = await answered(desk.asking, BROKEN[name], authorization=f"Bearer {desk.owner}")
    calm(response)
    if response.status_code == 200:
        assert "errors" in response.json(), response.text
    assert (await desk.ask("{ viewer { name } }"))["name"]


async def test_a_body_has_an_end(asking: Asking) -> None:
    body = orjson.dumps({"query": "{ a }", "variables": {"a": "x" * 1100 * 1024}})
    assert (await answered(asking, body)).status_code == 413

    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(1100):
            yield b" " * 1024

    response = await asking.http.post("/graphql", content=pieces(), headers=JSON)
    assert response.status_code == 413


@pytest.mark.parametrize(
    "kind",
    ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", ""],
)
async def test_what_a_form_can_send_is_refused(desk: Desk, kind: str) -> None:
    """A page on another site can make a browser send these requests without a preflight."""
    body = orjson.dumps({"query": "{ viewer { name } }"})
    headers = {"authorization": f"Bearer {desk.owner}", "content-type": kind}
    response = await desk.asking.http.post("/graphql", content=body, headers=headers)
    calm(response)
    assert response.status_code in (400, 415)


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH", "HEAD", "TRACE", "X"])
async def test_only_post_is_answered(asking: Asking, method: str) -> None:
    query = {"query": "{ __typename }"}
    response = await asking.http.request(method, "/graphql", params=query)
    assert response.status_code in (400, 404, 405), response.status_code
    assert "__typename" not in response.text


def fan_out(width: int) -> str:
    """A document of a kilobyte that expands to 2^width fields."""
    spread = " ".join(f"fragment F{n} on Query {{ ...F{n + 1} ...F{n + 1} }}" for n in range(width))
    return f"{{ ...F0 }} {spread} fragment F{width} on Query {{ __typename }}"


TWISTED = {
    "fan-out 60": fan_out(60),
    "fan-out 150": fan_out(150),
    "circular": "{ ...A } fragment A on Query { ...B } fragment B on Query { ...A }",
    "self": "{ ...A } fragment A on Query { ...A }",
    "aliases": f"{{ {' '.join(f'a{n}: __typename' for n in range(2000))} }}",
    "aliased fragments": "{ "
    + " ".join(["...A"] * 300)
    + " } fragment A on Query { a: __typename b: __typename c: __typename d: __typename }",
    "depth 5,000": "{ a" * 5000 + " }" * 5000,
    "depth 15": "{ movements { nodes " + "{ reverses " * 25 + "{ id }" + " }" * 25 + " } }",
    "introspection depth": "{ __schema { types { fields { type "
    + "{ ofType " * 25
    + "{ name }"
    + " }" * 25
    + " } } } }",
    "directives": "{ __typename " + "@include(if: true) " * 5000 + "}",
    "unknown directives": "{ __typename " + "@x " * 5000 + "}",
    "tokens": "{ " + "viewer { name } " * 15_000 + "}",
    "overlapping": "{ " + "viewer { name role } " * 1500 + "}",
    "many mutations": "mutation { "
    + " ".join(
        f'a{n}: refreshSession(input: {{refreshToken: "x"}}) {{ __typename }}' for n in range(60)
    )
    + " }",
    "many operations": " ".join(f"query Q{n} {{ __typename }}" for n in range(500)),
    "comments": "#" * 200_000,
    "long name": "{ " + "a" * 200_000 + " }",
    "block string": '{ a(b: """' + "\\n" * 50_000 + '""") }',
    "list literal": "{ movements(kinds: " + "[" * 3000 + "]" * 3000 + ") { nodes { id } } }",
}


@pytest.mark.parametrize("name", TWISTED)
async def test_a_twisted_document_costs_little(desk: Desk, name: str) -> None:
    body = orjson.dumps({"query": TWISTED[name]})
    begun = time.process_time()
    response = await answered(desk.asking, body, authorization=f"Bearer {desk.owner}")
    # Of this process, which is the server as well: other people's load does not count.
    assert time.process_time() - begun < 1
    calm(response)
    answer = response.json() if response.status_code == 200 else {"errors": []}
    assert "errors" in answer
    assert len(answer["errors"]) <= 100
    assert len(response.content) < len(body) + 64 * 1024


async def test_a_misspelled_field_is_not_helped(desk: Desk) -> None:
    for query in (
        "{ viewr { name } }",
        "{ products { nodes { nme } } }",
        "{ product(idd: 1) { id } }",
    ):
        answer = await desk.asking.raw(query, desk.owner)
        assert "Did you mean" not in answer["errors"][0]["message"]


async def test_errors_tell_nothing_of_the_inside(desk: Desk) -> None:
    response = await answered(desk.asking, b'{"query": "{ a }"}')
    assert "server" not in response.headers
