"""A level that is locked for long: writes answer UNAVAILABLE, and their keys are good later."""

import asyncio
from typing import Any
from uuid import uuid4

import asyncpg

from app.run.embedded import Urls
from tests.api.conftest import asking, chain, fresh
from tests.api.test_orders import place, stocked
from tests.support.api import Desk, mutation

__all__ = ["asking", "chain", "fresh"]

LOCKED = "SELECT FROM levels WHERE product_id = $1 FOR UPDATE"


class Requests:
    """Mutations of one desk, each with a key that is sent again."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.inputs: list[tuple[str, str, dict[str, Any]]] = []

    def add(self, name: str, by: str, **input: Any) -> None:
        self.inputs.append((name, by, {"key": str(uuid4()), **input}))

    async def send(self) -> list[dict[str, Any]]:
        return await asyncio.gather(
            *(
                self.desk.asking.raw(mutation(name), by, input=input)
                for name, by, input in self.inputs
            )
        )


async def test_a_locked_level_is_said_to_be_unavailable(fresh: Desk, urls: Urls) -> None:
    await stocked(fresh, 米=100, 油=100)
    requests, till, owner = Requests(fresh), fresh.cashier, fresh.owner
    placed, paid = await place(fresh, ("米", 1)), await place(fresh, ("米", 1))
    await fresh.do("payOrder", orderId=paid["id"])
    requests.add("sell", till, storeId=fresh.store, lines=[await fresh.line("米", 1)])
    requests.add("cancelOrder", owner, orderId=placed["id"])
    requests.add("fulfilOrder", owner, orderId=paid["id"])
    holder = await asyncpg.connect(urls.owner)
    async with holder.transaction():
        await holder.execute(LOCKED, await fresh.product("米"))
        waiting = asyncio.create_task(requests.send())
        # Meanwhile other goods of the store are sold.
        await asyncio.sleep(0.1)
        assert "id" in await fresh.post("sell", ("油", 1))
        answers = await waiting
    for answer in answers:
        [error] = answer["errors"]
        assert error["extensions"] == {"code": "UNAVAILABLE", "retryAfter": 2}, error
        assert "原样重试" in error["message"]
    again = await requests.send()
    assert not [answer for answer in again if "errors" in answer]
    assert await requests.send() == again
    assert (await fresh.level("米"))["onHand"] == "98"
    await holder.close()


SELL = """
mutation($input: SellInput!) { sell(input: $input) {
  ... on Movement { id lines { quantity product { name category { name } } } }
} }
"""


async def test_a_field_that_cannot_be_read_does_not_lose_the_sale(fresh: Desk, urls: Urls) -> None:
    category = await fresh.do("createCategory", name="粮油")
    await fresh.product("米", categoryId=category["id"])
    await fresh.receive("米", 10)
    lines = [await fresh.line("米", 1)]
    request = {"key": str(uuid4()), "storeId": fresh.store, "lines": lines}
    holder = await asyncpg.connect(urls.owner)
    async with holder.transaction():
        await holder.execute("LOCK TABLE categories IN ACCESS EXCLUSIVE MODE")
        answer = await fresh.asking.raw(SELL, fresh.cashier, input=request)
    await holder.close()
    [line] = answer["data"]["sell"]["lines"]
    assert line == {"quantity": "1", "product": {"name": "米", "category": None}}
    [error] = answer["errors"]
    assert error["path"] == ["sell", "lines", 0, "product", "category"]
    assert error["extensions"] == {"code": "UNAVAILABLE", "retryAfter": 2}
    again = await fresh.asking(SELL, fresh.cashier, input=request)
    assert again["id"] == answer["data"]["sell"]["id"]
    assert again["lines"][0]["product"]["category"] == {"name": "粮油"}
    assert (await fresh.level("米"))["onHand"] == "9"
