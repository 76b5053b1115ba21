"""Changes since a moment: a program that polls misses none, however late a change commits."""

import asyncio
from random import Random
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import update

from app.db.catalog import locked_product
from app.db.core.unit import Database, closing
from app.db.tables import Level, Order
from tests.support.api import Desk

LONG_AGO = "2020-01-01T00:00:00Z"
PRODUCTS = """
query($since: DateTime!, $after: String) { products(updatedSince: $since, after: $after) {
  nodes { name archivedAt } pageInfo { asOf endCursor hasNextPage }
} }
"""
LEVELS = """
query($since: DateTime!) { levels(updatedSince: $since) {
  nodes { onHand available product { name } } pageInfo { asOf }
} }
"""
ORDERS = """
query($since: DateTime!) { orders(updatedSince: $since) {
  nodes { id state } pageInfo { asOf }
} }
"""
ALL = """
query($since: DateTime!) {
  stores { id }
  products(updatedSince: $since) { nodes { name } pageInfo { asOf } }
  levels(updatedSince: $since) { nodes { version } pageInfo { asOf } }
}
"""


class Poll:
    """A program that polls a list with the moment of its last answer."""

    def __init__(self, desk: Desk, text: str) -> None:
        self.desk, self.text, self.since = desk, text, LONG_AGO

    async def __call__(self) -> list[Any]:
        page = await self.desk.ask(self.text, since=self.since)
        self.since = page["pageInfo"]["asOf"]
        return page["nodes"]

    async def names(self) -> set[str]:
        return {each.get("name") or each["product"]["name"] for each in await self()}


async def order_of(desk: Desk, name: str) -> Any:
    """An order of two of the product."""
    return await desk.do(
        "placeOrder",
        store=desk.chain.founded.store.code,
        channel="WECHAT",
        contact="13800138000",
        lines=[await desk.line(name, 2)],
    )


async def test_each_list_has_what_changed(fresh: Desk, db: Database) -> None:
    products, levels, orders = (Poll(fresh, text) for text in (PRODUCTS, LEVELS, ORDERS))
    for name in "甲乙丙丁":
        await fresh.product(name)
        await fresh.receive(name, 5)
    assert await products.names() == await levels.names() == set("甲乙丙丁")
    assert await products() == await levels() == await orders() == []
    await fresh.do("updateProduct", productId=await fresh.product("甲"), spec="大")
    await fresh.do("addBarcode", productId=await fresh.product("乙"), code="6901234567892")
    await fresh.do(
        "archiveProduct", productId=await fresh.product("丙"), archived=True, withStock=True
    )
    assert await products.names() == set("甲乙丙")
    # Terminals show a product beside its level, so that has changed as well.
    assert await levels.names() == set("甲乙丙")
    order = await order_of(fresh, "丁")
    assert await levels.names() == {"丁"}
    assert [row["id"] for row in await orders()] == [order["id"]]
    await fresh.do("payOrder", orderId=order["id"], reference="1")
    assert [row["state"] for row in await orders()] == ["PAID"]
    await order_of(fresh, "甲")
    assert (len(await orders()), await levels.names()) == (1, {"甲"})
    async with db.unit(fresh.chain.founded.tenant.tenant_id) as unit:
        # Its time is over; nothing is written.
        held = update(Order).where(Order.state == "HELD").values(expires_at=unit.now)
        await unit.session.execute(held)
        held = update(Level).where(Level.held_until.is_not(None)).values(held_until=unit.now)
        await unit.session.execute(held)
    assert [row["state"] for row in await orders()] == ["EXPIRED"]
    [level] = await levels()
    assert (level["product"]["name"], level["available"]) == ("甲", "5")


async def test_a_change_that_commits_late_is_in_the_next_poll(fresh: Desk, db: Database) -> None:
    poll, product = Poll(fresh, PRODUCTS), UUID(await fresh.product("米"))
    async with db.unit(fresh.chain.founded.tenant.tenant_id) as unit:
        row = await locked_product(unit, product)
        assert row is not None
        row.spec = "新"
        await unit.session.flush()
        assert len(await poll()) == 1
        assert await poll() == []
    assert await poll.names() == {"米"}


async def test_a_poll_waits_for_what_is_committing(fresh: Desk, db: Database) -> None:
    await fresh.receive("米", 5)
    poll, tenant = Poll(fresh, LEVELS), fresh.chain.founded.tenant.tenant_id
    assert await poll.names() == {"米"}
    async with db.unit(tenant) as unit:
        unit.changed(UUID(fresh.store), UUID(await fresh.product("米")))
        stamped = closing(tenant, unit._changed).removesuffix("COMMIT")
        unit._changed.clear()
        await unit.raw.execute(stamped)
        polling = asyncio.create_task(poll.names())
        _, waiting = await asyncio.wait([polling], timeout=0.3)
        assert waiting
    assert await polling == {"米"}


async def test_no_change_of_many_writers_is_missed(fresh: Desk, db: Database) -> None:
    tenant, chance = fresh.chain.founded.tenant.tenant_id, Random(7)
    names = [f"商品{number}" for number in range(40)]
    ids = [UUID(await fresh.product(name)) for name in names]
    products, levels = Poll(fresh, PRODUCTS), Poll(fresh, LEVELS)
    assert len(await products()) == 40
    assert await levels() == []

    async def write(place: int) -> None:
        await asyncio.sleep(chance.random() / 2)
        async with db.unit(tenant) as unit:
            row = await locked_product(unit, ids[place])
            assert row is not None
            row.spec = uuid4().hex
            await unit.session.flush()
            await asyncio.sleep(chance.random() / 5)
        await fresh.receive(names[place], 1)

    async def poll() -> tuple[set[str], set[str]]:
        seen: tuple[set[str], set[str]] = (set(), set())
        while True:
            done = writing.done()
            seen[0].update(await products.names())
            seen[1].update(await levels.names())
            if done:
                return seen

    writing = asyncio.gather(*map(write, range(len(ids))))
    seen, _ = await asyncio.gather(poll(), writing)
    assert seen == (set(names), set(names))


async def test_a_poll_beside_other_roots_goes_back_a_little(fresh: Desk) -> None:
    await fresh.receive("米", 5)
    answer = await fresh.asking.raw(ALL, fresh.owner, since=LONG_AGO)
    assert len(answer["data"]["levels"]["nodes"]) == 1
    moments = {answer["data"][name]["pageInfo"]["asOf"] for name in ("products", "levels")}
    assert len(moments) == 1
    again = await fresh.asking.raw(ALL, fresh.owner, since=moments.pop())
    assert "errors" not in again
