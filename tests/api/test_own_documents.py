"""How many statements the server's own queries need."""

from pathlib import Path
from uuid import uuid4

import pytest

import app
from tests.api.test_orders import stocked
from tests.support.api import Desk
from tests.support.statements import read_statements

OPERATIONS = Path(app.__file__).parent / "operations"
STATEMENTS = {
    "alerts": 1,
    "stock": 1,
    "scan": 1,
    # The chain of the store's code, the store, its dishes, and their ingredients.
    "menu": 4,
    "cart": 4,
    # Levels, batches, alerts, days, sales, the sums that are kept, and the stores.
    "overview": 7,
    # The answer of the storefront is kept until the store changes.
    "storefront": 0,
}


@pytest.mark.parametrize("name", STATEMENTS)
async def test_an_own_query_needs_few_statements(desk: Desk, name: str) -> None:
    await stocked(desk)
    number, code = uuid4().hex[:12], desk.chain.founded.store.code
    product = (await desk.do("createProduct", sku=number, name="盐", unit="袋"))["id"]
    variables = {
        "cart": {"store": code, "lines": [{"productId": product, "quantity": "1"}]},
        "menu": {"store": code},
        "scan": {"storeId": desk.store, "code": number},
        "stock": {"storeIds": [desk.store], "first": 20},
        "storefront": {"store": code, "first": 20},
    }.get(name, {})
    text, counts = (OPERATIONS / f"{name}.graphql").read_text(), list[int]()
    # A token is looked up at most every half second, for all who wait.
    for _ in range(3):
        with read_statements() as statements:
            answer = await desk.asking.raw(text, desk.owner, **variables)
        assert "errors" not in answer, answer
        counts.append(len(statements))
    assert min(counts) == STATEMENTS[name]
