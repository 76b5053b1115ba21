"""Pages of lists: forwards and backwards give the same rows, and lists count theirs."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from app.schema import paging
from tests.support.api import Desk

LISTS = {
    "products": "id",
    "levels": "version product { id }",
    "levels(sort: AVAILABLE)": "product { id }",
    "movements": "id",
    "suppliers": "id",
    "batches": "batch { id }",
}


def query(list_: str, fields: str) -> str:
    name, _, own = list_.partition("(")
    arguments = f"{own.removesuffix(')')}, first: $first, after: $after, last: $last"
    return f"""query($first: Int, $after: String, $last: Int, $before: String) {{
      {name}({arguments.removeprefix(", ")}, before: $before) {{
        nodes {{ {fields} }} totalCount totalIsCapped
        pageInfo {{ hasNextPage endCursor hasPreviousPage startCursor }}
      }}
    }}"""


async def walked(desk: Desk, text: str, size: str, cursor: str) -> AsyncIterator[Any]:
    more, place = {"first": "hasNextPage", "last": "hasPreviousPage"}[size], None
    while True:
        page = await desk.ask(text, **{size: 2, cursor: place})
        yield page
        if not page["pageInfo"][more]:
            return
        place = page["pageInfo"]["endCursor" if size == "first" else "startCursor"]


async def test_pages_backwards_are_those_forwards(fresh: Desk) -> None:
    for number, name in enumerate("甲甲乙乙丙"):
        await fresh.product(f"{name}{number}", tracksBatches=True)
        line = await fresh.line(f"{name}{number}", 3, batchNo="A", expiresOn="2099-01-01")
        await fresh.do("receive", storeId=fresh.store, lines=[line])
    for name in ("一厂", "一厂分店", "二厂", "三厂", "四厂"):
        await fresh.do("createSupplier", name=name)
    for list_, fields in LISTS.items():
        text = query(list_, fields)
        forwards = [page async for page in walked(fresh, text, "first", "after")]
        backwards = [page async for page in walked(fresh, text, "last", "before")]
        rows = [row for page in forwards for row in page["nodes"]]
        assert len(rows) == 5, (list_, rows)
        assert [row for page in reversed(backwards) for row in page["nodes"]] == rows, list_
        assert [page["pageInfo"]["hasPreviousPage"] for page in forwards] == [False, True, True]
        assert [page["pageInfo"]["hasNextPage"] for page in backwards] == [False, True, True]
        assert {(page["totalCount"], page["totalIsCapped"]) for page in forwards} == {(5, False)}


async def test_a_long_list_is_counted_up_to_a_limit(
    fresh: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in "甲乙丙":
        await fresh.product(name)
    monkeypatch.setattr(paging, "MOST_COUNTED", 2)
    page = await fresh.ask(query("products(search: null)", "id"), first=1)
    assert (page["totalCount"], page["totalIsCapped"]) == (2, True)
    page = await fresh.ask(query('products(search: "甲")', "id"))
    assert (page["totalCount"], page["totalIsCapped"]) == (1, False)


REFUSED = [
    ({"first": 1, "last": 1}, "last"),
    ({"last": 1, "after": "W10="}, "last"),
    ({"last": 0}, "last"),
    ({"last": 201}, "last"),
    ({"before": "nonsense"}, "before"),
]


async def test_pages_that_are_refused(desk: Desk) -> None:
    for arguments, field in REFUSED:
        answer = await desk.asking.raw(query("products", "id"), desk.owner, **arguments)
        [error] = answer["errors"]
        assert error["extensions"] == {"code": "BAD_INPUT", "path": [field]}
