"""Two stocked stores of one business, and a cashier of both, for clients of every kind."""

from dataclasses import asdict, dataclass
from typing import Any
from uuid import uuid4

import pytest

from app.db.core.unit import Database
from tests.api.conftest import asking, chain
from tests.support.api import a_desk
from tests.support.identity import CREATE_STORE, Chain

__all__ = ["asking", "chain"]


@dataclass(frozen=True)
class Shopfront:
    """What a client needs to know."""

    url: str
    token: str
    stores: tuple[str, str]
    product: str

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


@pytest.fixture
async def shopfront(db: Database, chain: Chain) -> Shopfront:
    desk = await a_desk(chain)
    second = await chain.do(CREATE_STORE, code=uuid4().hex, name="福田店")
    stores = (desk.store, second["id"])
    for store in stores:
        await desk.post("receive", ("米", 1000), storeId=store)
    _, cashier = await chain.hired(storeIds=list(stores))
    url = str(chain.asking.http.base_url).rstrip("/")
    return Shopfront(url, cashier["accessToken"], stores, await desk.product("米"))
