"""Input is limited before anything converts it: lists, values, nesting, texts, documents."""

from typing import Any
from uuid import uuid4

import pytest

from app.domain.movements.batches import MOST_LINES
from app.schema.documents import LONGEST, MOST_TOKENS
from app.schema.input_limits import DEEPEST_VALUE, LONGEST_TEXT, MOST_VALUES
from tests.support.api import Desk
from tests.support.live import dialled

PLACE = """
mutation($input: PlaceOrderInput!) {
  placeOrder(input: $input) { ... on Order { id } ... on Problem { code } }
}
"""
CAN_MAKE = """
query($store: String!, $lines: [CartLineInput!]!) {
  canMake(store: $store, lines: $lines) { __typename }
}
"""


def line(**more: Any) -> dict[str, Any]:
    return {"productId": str(uuid4()), "quantity": "1", **more}


def order(desk: Desk, lines: list[Any]) -> dict[str, Any]:
    store = desk.chain.founded.store.code
    contact = "13800138000"
    return {
        "key": str(uuid4()),
        "store": store,
        "channel": "WECHAT",
        "contact": contact,
        "lines": lines,
    }


async def refusal(desk: Desk, text: str, **variables: Any) -> dict[str, Any]:
    """The only error of a signed-in owner, who reads English."""
    headers = {"authorization": f"Bearer {desk.owner}", "accept-language": "en"}
    body = {"query": text, "variables": variables}
    answer = (await desk.asking.http.post("/graphql", json=body, headers=headers)).json()
    [error] = answer["errors"]
    return error


async def test_a_list_takes_as_many_values_as_its_description_says(desk: Desk) -> None:
    lines = [line()] * (MOST_LINES + 1)
    error = await refusal(desk, PLACE, input=order(desk, lines))
    assert error["extensions"] == {"code": "BAD_INPUT", "path": ["input", "lines"]}
    assert "at most 500" in error["message"]
    assert "501" in error["message"]
    answer = await desk.asking.raw(PLACE, desk.owner, input=order(desk, lines[1:]))
    assert "errors" not in answer


async def test_a_variable_takes_the_limit_of_the_argument_that_uses_it(desk: Desk) -> None:
    error = await refusal(desk, CAN_MAKE, store="x", lines=[line()] * 101)
    assert error["extensions"] == {"code": "BAD_INPUT", "path": ["lines"]}
    assert "errors" not in await desk.asking.raw(CAN_MAKE, store="x", lines=[line()] * 100)


async def test_a_list_within_a_list_is_named_by_its_position(desk: Desk) -> None:
    lines = [line(), line(without=[str(uuid4())] * (MOST_LINES + 1))]
    error = await refusal(desk, PLACE, input=order(desk, lines))
    assert error["extensions"]["path"] == ["input", "lines", "1", "without"]


@pytest.mark.parametrize("count", [10, 11])
async def test_literals_and_defaults_have_the_same_limits(desk: Desk, count: int) -> None:
    units = ", ".join('{name: "箱", quantity: "2"}' for _ in range(count))
    head = f'productId: "{uuid4()}", key: "{uuid4()}", units'
    literal = f"mutation {{ setUnits(input: {{{head}: [{units}]}}) {{ __typename }} }}"
    default = (
        f"mutation($i: SetUnitsInput! = {{{head}: [{units}]}})"
        " { setUnits(input: $i) { __typename } }"
    )
    for text, name in ((literal, "input"), (default, "i")):
        answer = await desk.asking.raw(text, desk.owner)
        paths = [each["extensions"].get("path") for each in answer.get("errors", ())]
        assert ([name, "units"] in paths) is (count == 11), answer


async def test_values_are_counted(desk: Desk) -> None:
    sale = {"key": str(uuid4()), "lines": [line()] * 10}
    text = "mutation($input: SyncSalesInput!) { syncSales(input: $input) { __typename } }"
    # A sale holds its two fields and ten lines of two fields each; the list counts it too.
    each = 1 + 2 + 10 * 3
    most = (MOST_VALUES - 1) // each
    error = await refusal(desk, text, input={"operations": [sale] * (most + 1)})
    assert error["extensions"]["path"][:2] == ["input", "operations"]
    assert str(MOST_VALUES) in error["message"]
    error = await refusal(desk, text, input={"operations": [sale] * most})
    assert str(MOST_VALUES) not in error["message"]


async def test_nesting_is_limited_where_a_type_expects_none(desk: Desk) -> None:
    text = "query($s: String!) { storefront(store: $s) { store { name } } }"
    value: Any = "x"
    for depth in range(1, DEEPEST_VALUE + 2):
        value = [value]
        error = await refusal(desk, text, s=value)
        assert error["extensions"]["code"] == "BAD_INPUT"
        assert ("nest at most" in error["message"]) is (depth > DEEPEST_VALUE)


async def test_a_text_has_an_end(desk: Desk) -> None:
    text = "query($s: String!) { storefront(store: $s) { store { name } } }"
    error = await refusal(desk, text, s="x" * LONGEST_TEXT)
    assert str(LONGEST_TEXT) not in error["message"]
    error = await refusal(desk, text, s="x" * (LONGEST_TEXT + 1))
    assert error["extensions"] == {"code": "BAD_INPUT", "path": ["s"]}
    assert str(LONGEST_TEXT) in error["message"]


async def test_a_document_has_an_end(desk: Desk) -> None:
    text = "{ __typename } #"
    longest = text + "x" * (LONGEST - len(text))
    assert "errors" not in await desk.asking.raw(longest)
    assert await desk.asking.code(longest + "x") == "BAD_INPUT"
    # The first of these tokens is the document's start, the last its end.
    most = "query(" + "$v: Int " * ((MOST_TOKENS - 6) // 4) + "){x}"
    assert "tokens" not in str(await desk.asking.raw(most))
    assert "tokens" in str(await desk.asking.raw(most + "{x}" * 4))


async def test_sockets_and_streams_have_the_same_limits(desk: Desk) -> None:
    variables = {"input": order(desk, [1] * (MOST_LINES + 1))}
    expected = {"code": "BAD_INPUT", "path": ["input", "lines"]}
    async with dialled(str(desk.asking.http.base_url), desk.owner) as line:
        await line.subscribe(PLACE, input=variables["input"])
        message = await line.receive()
        assert message["type"] == "error"
        assert message["payload"][0]["extensions"] == expected
    response = await desk.asking.http.post(
        "/graphql",
        json={"query": PLACE, "variables": variables},
        headers={"accept": "text/event-stream"},
    )
    assert '"path":["input","lines"]' in response.text
