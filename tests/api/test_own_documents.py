"""How many statements the server's own queries need, and what they join."""

from pathlib import Path
from uuid import uuid4

import asyncpg
import pytest

import app
from app.run.embedded import Urls
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
OF_ORDER = "id state total store { code name } lines { product { id name } quantity returned }"


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


async def test_an_order_is_the_one_that_loaders_read(fresh: Desk) -> None:
    """Before anything came back, and after."""
    await stocked(fresh, 米=10, 油=3)
    id = (await place(fresh, ("米", 2), ("油", 1)))["id"]
    await fresh.do("payOrder", orderId=id, reference="1")
    await fresh.do("fulfilOrder", orderId=id)
    assert await read_twice(fresh, id) == "FULFILLED"
    lines = [await fresh.line("米", 1)]
    assert "code" not in await fresh.do("returnOrder", orderId=id, lines=lines, disposition="SHELF")
    assert await read_twice(fresh, id) == "PARTLY_RETURNED"


async def read_twice(desk: Desk, id: str) -> str:
    """The state of the desk's only order, which is the same joined and loaded."""
    joined = await desk.ask(f"query($id: UUID!) {{ order(id: $id) {{ {OF_ORDER} }} }}", id=id)
    loaded = await desk.ask(f"{{ orders {{ nodes {{ {OF_ORDER} }} }} }}")
    assert [joined] == loaded["nodes"]
    return joined["state"]


async def test_a_store_of_the_overview_is_the_one_that_loaders_read(fresh: Desk) -> None:
    overview = await fresh.ask("{ overview { stores { store { id code name } } } }")
    stores = await fresh.ask("{ stores { id code name } }")
    assert [each["store"] for each in overview["stores"]] == stores


async def test_a_name_without_a_store_is_unknown(fresh: Desk, urls: Urls) -> None:
    """As in a process that has kept a name when an older copy of the database is restored."""
    code, query = sku().lower(), "query($store: String!) { %s }"
    owner = await asyncpg.connect(urls.owner)
    await owner.execute(
        "INSERT INTO directory (kind, name, tenant_id, subject_id) VALUES ('store', $1, $2, $2)",
        code,
        uuid4(),
    )
    await owner.close()
    menu = query % "menu(store: $store) { dishes { id } }"
    storefront = query % "storefront(store: $store) { store { name } }"
    cart = (OPERATIONS / "cart.graphql").read_text()
    lines = [{"productId": await fresh.product("米"), "quantity": "1"}]
    assert await fresh.asking(menu, store=code) is None
    assert await fresh.asking(storefront, store=code) is None
    assert (await fresh.asking(cart, store=code, lines=lines))["code"] == "UNKNOWN_STORE"
