"""How many statements the server's own queries need, and what they join."""

from pathlib import Path

import pytest

import app
from tests.api.test_catalog import sku
from tests.api.test_orders import place, stocked
from tests.support.api import Desk
from tests.support.statements import read_statements

OPERATIONS = Path(app.__file__).parent / "operations"
STATEMENTS = {
    "scan": 1,
    "stock": 1,
    "alerts": 1,
    "menu": 1,
    "cart": 1,
    "order": 1,
    # The days of the stores; and what they hold, sold and wait for.
    "overview": 2,
    # The answer of the storefront is kept until the store changes.
    "storefront": 0,
}


@pytest.mark.parametrize("name", STATEMENTS)
async def test_an_own_query_needs_few_statements(fresh: Desk, name: str) -> None:
    """In a store with goods, an alert and a dish."""
    await stocked(fresh, 米=10)
    code, number, product = fresh.chain.founded.store.code, sku(), await fresh.product("米")
    await fresh.do("updateProduct", productId=product, sku=number)
    await fresh.do("setReorderPoint", productId=product, storeId=fresh.store, quantity="20")
    dish = await fresh.product("粥", unit="碗", kind="DISH", price="5")
    part = {"productId": product, "quantity": "1"}
    await fresh.do("setRecipe", productId=dish, components=[part])
    order = await place(fresh, ("米", 1))
    variables = {
        "cart": {"store": code, "lines": [part, {"productId": dish, "quantity": "1"}]},
        "menu": {"store": code},
        "order": {"id": order["id"]},
        "scan": {"storeId": fresh.store, "code": number},
        "stock": {"storeIds": [fresh.store], "first": 20},
        "storefront": {"store": code, "first": 20},
    }.get(name, {})
    text, counts = (OPERATIONS / f"{name}.graphql").read_text(), list[int]()
    # A token is looked up at most every half second, for all who wait.
    for _ in range(3):
        with read_statements() as statements:
            answer = await fresh.asking.raw(text, fresh.owner, **variables)
        assert "errors" not in answer, answer
        counts.append(len(statements))
    assert min(counts) == STATEMENTS[name]


FIELDS = {
    "levels": "available store { id name } product { id name }",
    "alerts": "rule text daysLeft store { id name } product { id name } limiting { name }",
}


@pytest.mark.parametrize("root", FIELDS)
async def test_joined_rows_are_those_that_loaders_read(fresh: Desk, root: str) -> None:
    """The fields of a fragment are not joined, but loaded."""
    await stocked(fresh, 米=10, 油=3)
    for name in ("米", "油"):
        product = await fresh.product(name)
        await fresh.do("setReorderPoint", productId=product, storeId=fresh.store, quantity="20")
    await fresh.post("sell", ("米", 2))
    type_, fields = {"levels": "Level", "alerts": "Alert"}[root], FIELDS[root]
    joined = await fresh.asking(f"{{ {root} {{ nodes {{ {fields} }} }} }}", fresh.owner)
    fragment = f"fragment Fields on {type_} {{ {fields} }}"
    loaded = await fresh.asking(f"{{ {root} {{ nodes {{ ...Fields }} }} }} {fragment}", fresh.owner)
    assert joined == loaded
    assert len(joined["nodes"]) == 2
