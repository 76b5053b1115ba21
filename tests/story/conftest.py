"""The demo's people at their terminals: each story is one day of one trade."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest

from app.db.core.audit import audit
from app.db.core.unit import Database
from app.db.core.vault import Vault
from app.demo import seed
from app.settings import Settings
from tests.api.conftest import served
from tests.conftest import SECRET, Cloning
from tests.support.api import mutation
from tests.support.identity import Asking

STORES = "{ stores { id code } }"
PRODUCT = "query($sku: String!) { product(sku: $sku) { id } }"
LEVEL = """query($sku: String!, $store: UUID!) { product(sku: $sku) { level(storeId: $store) {
  onHand available reserved quarantined incoming status } } }"""
LABEL = """query($store: String!, $search: String!) { storefront(store: $store) {
  products(search: $search) { nodes { name availability { label text } } } } }"""


@dataclass(frozen=True)
class Person:
    """One of the demo's people, or a customer without a sign-in, at a terminal."""

    asking: Asking
    token: str | None = None

    async def ask(self, text: str, **variables: Any) -> Any:
        return await self.asking(text, self.token, **variables)

    async def do(self, name: str, /, **input: Any) -> Any:
        """The answer of a mutation with a new key."""
        values = {"key": str(uuid4()), **input}
        return await self.asking(mutation(name), self.token, input=values)


@dataclass(frozen=True)
class Demo:
    """The seeded demo: its people by login, and its stores by code."""

    owner: Person
    manager: Person
    cashier: Person
    buyer: Person
    customer: Person
    stores: dict[str, str]
    db: Database

    async def product(self, sku: str) -> str:
        return (await self.owner.ask(PRODUCT, sku=sku))["id"]

    async def line(self, sku: str, quantity: str, **more: Any) -> dict[str, Any]:
        return {"productId": await self.product(sku), "quantity": quantity, **more}

    async def level(self, sku: str, store: str) -> Any:
        return (await self.owner.ask(LEVEL, sku=sku, store=self.stores[store]))["level"]

    async def label(self, store: str, name: str) -> str:
        """What a customer reads below this product."""
        front = await self.customer.ask(LABEL, store=store, search=name)
        [product] = front["products"]["nodes"]
        return product["availability"]["text"]


async def unheard(_tenant: UUID, _stores: object) -> None:
    """A worker of a story: nothing follows what it writes."""


@pytest.fixture(scope="session")
async def demo(clone: Cloning, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Demo]:
    urls = await clone()
    folder: Path = tmp_path_factory.mktemp("demo")
    await seed.seed(
        Settings(
            database_url=urls.database,
            owner_url=urls.owner,
            redis_url=urls.redis,
            secret=SECRET,
            data=folder,
        )
    )
    async with served(urls) as asking:
        people = {
            each.login: Person(
                asking, (await asking.sign_in(each.login, each.password))["accessToken"]
            )
            for each in seed.SIGN_INS
        }
        stores = await people["owner"].ask(STORES)
        db = Database(urls.database, unheard, vault=Vault(SECRET))
        yield Demo(
            **people,
            customer=Person(asking),
            stores={each["code"]: each["id"] for each in stores},
            db=db,
        )
        await db.close()
    assert await audit(urls.owner) == []
