"""What an operation costs, over every transport, and who may spend how much."""

import time
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest

from app.db.core.unit import Database
from app.run.embedded import Urls
from app.schema.paging import DEFAULT_ROWS
from app.schema.query_cost import (
    GUEST_BUDGET,
    KEY_BUDGET,
    MOST_MUTATIONS,
    PAGE_ROW,
    STAFF_BUDGET,
    TOKEN,
    VALUE,
)
from tests.api.conftest import served
from tests.support.api import Desk
from tests.support.cpu import slowness
from tests.support.identity import CREATE_KEY, Asking
from tests.support.live import dialled

GUEST_CPU, STAFF_CPU = 0.1, 0.5
TYPENAME = "{ __typename }"
PLACE = """
mutation($input: PlaceOrderInput!) {
  placeOrder(input: $input) { ... on Order { id } ... on Problem { code } }
}
"""


async def cost(asking: Asking, text: str, token: str | None = None, **variables: Any) -> Any:
    answer = await asking.raw(text, token, **variables)
    return answer["extensions"]["cost"]


async def test_every_answer_tells_its_cost(desk: Desk) -> None:
    spent = await cost(desk.asking, TYPENAME)
    assert spent["budget"] == GUEST_BUDGET
    assert 0 < spent["requested"] < 3000
    assert await cost(desk.asking, TYPENAME, desk.owner) == {**spent, "budget": STAFF_BUDGET}


async def test_a_refused_document_tells_its_cost(desk: Desk) -> None:
    assert await cost(desk.asking, "{ x") == {"requested": 0, "budget": GUEST_BUDGET}
    assert (await cost(desk.asking, "{ x }"))["requested"] > 0


async def test_an_api_key_may_spend_most(desk: Desk) -> None:
    answer = await desk.asking(
        CREATE_KEY, desk.owner, input={"key": str(uuid4()), "name": "x", "scopes": ["STOCK_READ"]}
    )
    spent = await cost(desk.asking, TYPENAME, answer["secret"])
    assert spent["budget"] == KEY_BUDGET > STAFF_BUDGET > GUEST_BUDGET


async def test_a_socket_tells_the_cost(desk: Desk) -> None:
    async with dialled(str(desk.asking.http.base_url), desk.owner) as line:
        await line.subscribe(TYPENAME)
        payload = (await line.receive())["payload"]
    assert payload["extensions"] == {"cost": await cost(desk.asking, TYPENAME, desk.owner)}


FEED = "subscription($s: UUID!) { storeFeed(storeId: $s) { ... on StoreChange { revision } } }"


async def test_every_event_of_a_feed_tells_the_cost(desk: Desk) -> None:
    async with dialled(str(desk.asking.http.base_url), desk.owner) as line:
        await line.subscribe(FEED, s=desk.store)
        first = (await line.receive())["payload"]["extensions"]["cost"]
        assert first["budget"] == STAFF_BUDGET
        await desk.receive("米", 1)
        assert (await line.receive())["payload"]["extensions"] == {"cost": first}


async def test_a_stream_tells_the_cost(desk: Desk) -> None:
    response = await desk.asking.http.post(
        "/graphql", json={"query": TYPENAME}, headers={"accept": "text/event-stream"}
    )
    assert '"cost":{"requested"' in response.text


async def requested(desk: Desk, text: str, **variables: Any) -> int:
    return (await cost(desk.asking, text, desk.owner, **variables))["requested"]


async def test_rows_multiply_as_literals_and_as_variables(desk: Desk) -> None:
    text = "query($n: Int%s) { levels(first: %s) { nodes { onHand available } } }"
    few, many = [await requested(desk, text % ("", n)) for n in (1, 200)]
    row, rest = divmod(many - few, 199)
    assert rest == 0
    assert row > PAGE_ROW
    # A variable is one token more than a number, and its default value two.
    assert await requested(desk, text % ("", "$n"), n=200) == many + TOKEN
    assert await requested(desk, text % (" = 200", "$n")) == many + 3 * TOKEN
    usual = await requested(desk, text % ("", DEFAULT_ROWS))
    assert await requested(desk, text % ("", "$n")) == usual + TOKEN


async def test_aliases_below_lists_multiply(desk: Desk) -> None:
    def text(count: int) -> str:
        fields = " ".join(f"a{n}: product {{ name }}" for n in range(count))
        return f"{{ levels(first: 100) {{ nodes {{ {fields} }} }} }}"

    one, two, three = [await requested(desk, text(count)) for count in (1, 2, 3)]
    assert three - two == two - one >= 100 * 5


async def test_only_the_largest_member_of_a_union_counts(desk: Desk) -> None:
    small, large = "... on OutOfStock { message }", "... on Order { id state total }"
    call = "mutation($input: PlaceOrderInput!) { placeOrder(input: $input) { %s } }"
    alone = await requested(desk, call % large, input={})
    assert await requested(desk, call % f"{large} {small}", input={}) == alone + TOKEN * 6


async def test_the_values_of_a_variable_count_for_each_use(desk: Desk) -> None:
    call = "canMake(store: $s, lines: $l) { ... on Cart { possible } }"
    line = {"productId": str(uuid4()), "quantity": "1"}

    async def extra(fields: str) -> int:
        text = f"query($s: String!, $l: [CartLineInput!]!) {{ {fields} }}"
        few, many = [await requested(desk, text, s="x", l=[line] * n) for n in (1, 11)]
        return many - few

    assert await extra(f"a: {call}") == 10 * 3 * VALUE
    assert await extra(f"a: {call} b: {call}") == 2 * 10 * 3 * VALUE


def doubling(levels: int, step: str) -> str:
    """A document whose fragments spread the next one twice: 2^levels fields when spread out."""
    parts = [
        f"fragment F{n} on Product {{ {step.replace('NEXT', f'...F{n + 1}')} }}"
        for n in range(levels)
    ]
    head = "query($s: UUID!) { products { nodes { sku ...F0 } } }"
    return f"{head} {' '.join(parts)} fragment F{levels} on Product {{ id }}"


LEVEL = "level(storeId: $s) { product { NEXT } }"


@pytest.mark.parametrize("levels", [10, 30, 50])
async def test_fragments_that_fan_out_are_measured_at_once(desk: Desk, levels: int) -> None:
    text = doubling(levels, f"x: {LEVEL} y: {LEVEL}")
    began = time.process_time()
    assert await desk.asking.code(text, desk.owner, s=desk.store) == "COST_EXCEEDED"
    assert time.process_time() - began < GUEST_CPU * slowness()


async def test_a_document_that_doubles_is_refused(desk: Desk) -> None:
    began = time.process_time()
    answer = await desk.asking.raw(doubling(8, f"x: {LEVEL} y: {LEVEL}"), desk.owner, s=desk.store)
    assert time.process_time() - began < GUEST_CPU * slowness()
    [error] = answer["errors"]
    assert error["extensions"]["code"] == "COST_EXCEEDED"
    spent = answer["extensions"]["cost"]
    assert str(spent["requested"]) in error["message"]
    assert str(spent["budget"]) in error["message"]


ARCHIVE = 'archiveSupplier(input: {key: "%s", supplierId: "%s"}) { __typename }'


def mutations(count: int) -> Iterator[str]:
    for n in range(count):
        yield f"a{n}: {ARCHIVE % (uuid4(), uuid4())}"


@pytest.mark.parametrize("wrap", ["mutation {{ {0} }}",
                                  "mutation {{ ...F }} fragment F on Mutation {{ {0} }}",
                                  "mutation {{ ... on Mutation {{ {0} }} }}"])  # fmt: skip
async def test_mutations_count_through_fragments(desk: Desk, wrap: str) -> None:
    most = wrap.format(" ".join(mutations(MOST_MUTATIONS)))
    assert "errors" not in await desk.asking.raw(most, desk.owner)
    more = wrap.format(" ".join(mutations(MOST_MUTATIONS + 1)))
    assert await desk.asking.code(more, desk.owner) == "COST_EXCEEDED"


async def test_guests_read_the_schema_only_where_graphiql_is_on(
    db: Database, urls: Urls, desk: Desk
) -> None:
    async with served(urls, graphiql=False) as closed:
        for text in ("{ __schema { types { name } } }", '{ __type(name: "Store") { name } }'):
            assert await closed.code(text) == "UNAUTHENTICATED"
            assert "errors" not in await closed.raw(text, desk.owner)
            assert "errors" not in await desk.asking.raw(text)
        assert "errors" not in await closed.raw(TYPENAME)
        assert (await closed.http.get("/graphiql")).status_code == 404
