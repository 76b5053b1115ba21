"""Documents that a chain registers, and runs by their hash."""

import asyncio
from typing import Any
from uuid import uuid4

import pytest

from app.db.core.unit import Database
from app.domain import registered_operations as operations
from app.domain.registered_operations import hash_of
from tests.support.identity import Asking, Chain, a_chain, eventually
from tests.support.registered import (
    LIST,
    REGISTER,
    REMOVE,
    STORES,
    api_key,
    register,
    remove,
    run,
    send,
)

UNKNOWN = "PERSISTED_QUERY_NOT_FOUND"
RECORDS = "{ auditLog { nodes { act subject actor { name } details { name values } } } }"


def persisted(text: str) -> dict[str, Any]:
    return {"extensions": {"persistedQuery": {"version": 1, "sha256Hash": hash_of(text)}}}


async def is_unknown(asking: Asking, text: str, token: str | None) -> bool:
    errors = (await run(asking, text, token)).get("errors")
    return errors is not None and errors[0]["extensions"]["code"] == UNKNOWN


async def test_a_registered_document_runs_by_its_hash(chain: Chain, elsewhere: Asking) -> None:
    """In every process, at once."""
    assert await is_unknown(chain.asking, STORES, chain.token)
    registered = await register(chain, STORES)
    assert registered["sha256"] == hash_of(STORES)
    assert (registered["document"], registered["forGuests"]) == (STORES, False)
    assert registered["cost"] > 0
    code = chain.founded.store.code
    for asking in (chain.asking, elsewhere):
        for body in ({"id": hash_of(STORES)}, persisted(STORES)):
            answer = (await send(asking, body, chain.token)).json()
            assert answer["data"] == {"stores": [{"code": code}]}, answer
            assert answer["extensions"]["cost"]["requested"] == registered["cost"]


async def test_another_chain_gets_the_answer_of_an_absent_document(
    chain: Chain, db: Database, asking: Asking
) -> None:
    other = await a_chain(db, asking)
    text = f"query Shops {{ stores {{ code name }} }} # {uuid4()}"
    absent = f"query Shops {{ stores {{ code name }} }} # {uuid4()}"
    await register(chain, text)
    for token in (other.token, None):
        answers = [await send(asking, {"id": hash_of(each)}, token) for each in (text, absent)]
        assert answers[0].content == answers[1].content
        assert answers[0].json()["errors"][0]["extensions"]["code"] == UNKNOWN
    # Both may register the same text; each removes its own.
    await register(other, text)
    await remove(chain, text)
    assert "errors" not in await run(asking, text, other.token)
    await eventually(lambda: is_unknown(asking, text, chain.token))


async def test_a_removed_document_is_unknown_within_a_second(
    chain: Chain, elsewhere: Asking
) -> None:
    await register(chain, STORES)
    both = (chain.asking, elsewhere)
    for asking in both:
        assert "errors" not in await run(asking, STORES, chain.token)
    assert await remove(chain, STORES) == {"sha256": hash_of(STORES)}
    for asking in both:
        await eventually(lambda asking=asking: is_unknown(asking, STORES, chain.token), 2)
    assert (await remove(chain, STORES))["code"] == "UNKNOWN_OPERATION"


async def test_registering_and_removing_leave_one_record_each(chain: Chain) -> None:
    key, again = str(uuid4()), str(uuid4())
    for _ in range(2):
        await register(chain, STORES, key=key)
        await register(chain, STORES)
    for _ in range(2):
        assert await remove(chain, STORES, key=again) == {"sha256": hash_of(STORES)}
    # A retry does not bring the document back.
    assert (await register(chain, STORES, key=key))["code"] == "UNKNOWN_OPERATION"
    assert (await register(chain, "{ __typename }", key=key))["code"] == "KEY_REUSED"
    records = (await chain.asking(RECORDS, chain.token))["nodes"]
    acts = [each for each in records if each["subject"] == "OPERATION"]
    assert [each["act"] for each in acts] == ["REMOVE_OPERATION", "REGISTER_OPERATION"]
    assert {"name": "sha256", "values": [hash_of(STORES)]} in acts[0]["details"]


async def test_a_document_that_is_refused_leaves_no_record(chain: Chain) -> None:
    before = await chain.asking(RECORDS, chain.token)
    await register(chain, "{ nonsense }")
    await remove(chain, "{ nonsense }")
    assert await chain.asking(RECORDS, chain.token) == before


async def test_a_hash_that_no_text_has_is_unknown(chain: Chain) -> None:
    for name in ("x" * 64, "\x00" * 64, "é" * 64, "A" * 64, "1\n" + "0" * 62):
        body = {"id": name, "variables": {}}
        for token in (None, chain.token):
            headers = {"authorization": f"Bearer {token}"} if token else {}
            answer = await chain.asking.http.post("/graphql", json=body, headers=headers)
            [error] = answer.json()["errors"]
            assert error["extensions"]["code"] == UNKNOWN, (name, error)
    given = {"key": str(uuid4()), "sha256": "a\x00b"}
    assert await chain.asking.code(REMOVE, chain.token, input=given) == "BAD_INPUT"


async def test_documents_are_listed_the_newest_first(chain: Chain) -> None:
    texts = [f"query Shops{number} {{ stores {{ code }} }}" for number in range(3)]
    for text in texts:
        await register(chain, text)
    page = await chain.asking(LIST, chain.token, first=2)
    assert [each["document"] for each in page["nodes"]] == texts[:0:-1]
    assert page["totalCount"] == 3
    more = await chain.asking(LIST, chain.token, first=2, after=page["pageInfo"]["endCursor"])
    assert [each["document"] for each in more["nodes"]] == texts[:1]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("{", "Syntax Error: Expected Name, found <EOF>."),
        ("{ nonsense }", "Cannot query field 'nonsense' on type 'Query'."),
        ("fragment F on Query { __typename }", "Fragment 'F' is never used."),
        (f"{{ stores {{ {'code ' * 2000} }} }}", "more than 2000 tokens"),
    ],
)
async def test_an_invalid_document_is_refused_with_reasons(
    chain: Chain, text: str, reason: str
) -> None:
    answer = await register(chain, text)
    assert answer["code"] == "INVALID_DOCUMENT"
    assert any(reason in each for each in answer["reasons"]), answer


async def test_a_document_is_costed_with_the_budget_of_those_who_may_run_it(chain: Chain) -> None:
    roots = " ".join(f"s{number}: stores {{ code }}" for number in range(230))
    given = {"key": str(uuid4()), "document": f"{{ {roots} }}"}
    assert await chain.asking.code(REGISTER, chain.token, input=given) == "COST_EXCEEDED"
    roots = " ".join(f's{number}: storefront(store: "x") {{ __typename }}' for number in range(45))
    given["document"] = f"{{ {roots} }}"
    code = await chain.asking.code(REGISTER, chain.token, input={**given, "forGuests": True})
    assert code == "COST_EXCEEDED"
    assert (await register(chain, given["document"]))["sha256"] == hash_of(given["document"])


async def test_a_key_registers_only_what_it_may_run(chain: Chain) -> None:
    """Roots of customers may be registered by all: they are checked when they run."""
    poor = await api_key(chain, "STOCK_READ")
    given = {"key": str(uuid4()), "document": "{ viewer { name } }"}
    assert await chain.asking.code(REGISTER, poor, input=given) == "FORBIDDEN"
    key = await api_key(chain, "OPERATION_WRITE", "VIEWER_READ")
    assert (await register(chain, STORES, token=key))["registeredBy"]["name"] == "ERP"
    nested = "query { ...F } fragment F on Query { ... { apiKeys { nodes { name } } } }"
    given["document"] = nested
    assert await chain.asking.code(REGISTER, key, input=given) == "FORBIDDEN"
    assert (await register(chain, nested))["sha256"] == hash_of(nested)
    mine = "{ myOrders { nodes { id } } }"
    assert (await register(chain, mine, token=key))["sha256"] == hash_of(mine)


async def test_a_registered_document_is_run_with_the_readers_own_permissions(chain: Chain) -> None:
    text = "{ apiKeys { nodes { name } } }"
    await register(chain, text)
    _, cashier = await chain.hired()
    [error] = (await run(chain.asking, text, cashier["accessToken"]))["errors"]
    assert error["extensions"]["code"] == "FORBIDDEN"


async def test_a_wrong_token_is_the_reason_why_a_document_is_unknown(chain: Chain) -> None:
    await register(chain, STORES)
    [error] = (await run(chain.asking, STORES, "wrong"))["errors"]
    assert error["extensions"]["code"] == "UNAUTHENTICATED"


async def test_the_size_and_the_number_of_documents_are_bounded(
    chain: Chain, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also if several are registered at once. A large one can be sent as a variable."""
    comment = f"# {'店' * 21_000}\n"
    large = comment + STORES
    assert (await register(chain, large))["sha256"] == hash_of(large)
    given = {"key": str(uuid4()), "document": comment + large}
    assert await chain.asking.code(REGISTER, chain.token, input=given) == "BAD_INPUT"
    monkeypatch.setattr(operations, "MOST_OPERATIONS", 3)
    texts = [f"query Shops{number} {{ stores {{ code }} }}" for number in range(6)]
    answers = await asyncio.gather(*(register(chain, text) for text in texts))
    refusals = [each for each in answers if "code" in each]
    assert [each["code"] for each in refusals] == ["TOO_MANY_OPERATIONS"] * 4
    assert (await chain.asking(LIST, chain.token))["totalCount"] == 3


async def test_one_text_that_is_registered_at_once_is_one_document(chain: Chain) -> None:
    answers = await asyncio.gather(*(register(chain, STORES) for _ in range(5)))
    assert {each["sha256"] for each in answers} == {hash_of(STORES)}
    assert (await chain.asking(LIST, chain.token))["totalCount"] == 1


async def test_row_security_hides_documents_of_other_chains(
    chain: Chain, db: Database, asking: Asking
) -> None:
    other = await a_chain(db, asking)
    await register(chain, STORES)
    count = "SELECT count(*) FROM registered_operations"
    numbers = []
    for tenant in (chain.founded.store.tenant_id, other.founded.store.tenant_id, None):
        async with db.read(tenant) as session:
            [row] = await session.fetch(f"{count} WHERE sha256 = $1", hash_of(STORES))
            numbers.append(row[0])
    assert numbers == [1, 0, 0]


async def test_texts_in_memory_are_bounded_and_read_again_in_time(
    chain: Chain, db: Database
) -> None:
    texts = [f"query Shops{number} {{ stores {{ code }} }}" for number in range(3)]
    for text in texts:
        await register(chain, text)
    tenant, now = chain.founded.store.tenant_id, 0.0
    room = 2 * (len(texts[0]) + operations.ENTRY_BYTES)
    registry = operations.Registry(db, most_bytes=room, clock=lambda: now)

    async def known() -> list[bool]:
        return [await registry.find(tenant, hash_of(text)) is not None for text in texts]

    for _ in range(2):
        assert await known() == [True] * 3
        assert registry.bytes == room
    for text in texts:
        await remove(chain, text)
    # The last two stay in memory until they are too old.
    texts.reverse()
    assert await known() == [True, True, False]
    now = operations.FRESH_SECONDS
    assert await known() == [False] * 3
    assert registry.bytes == 0
