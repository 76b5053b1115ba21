"""Simulated days: goods move and are lost while people count; the books end as the shelf is."""

import asyncio
import os
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from random import Random

import pytest

from app.db.stock import levels_by_pair
from app.db.tables import Movement, Stocktake
from app.domain.ledger.draft import batch_id
from app.domain.rules.kinds import Kind
from tests.support.shop import Shop, day
from tests.support.stocktakes import CountDesk

GOODS = ("米", "面", "油")
RUNS = max(12, int(os.environ.get("SIMULATION_RUNS", "0")) // 100)
"""Runs on a real database; `make simulate` runs more."""


@dataclass
class LiveDay:
    """A shop, what is really in it, and the sales that a till has not synchronized."""

    shop: Shop
    rng: Random
    desk: CountDesk = field(init=False)
    shelf: dict[str, int] = field(default_factory=dict)
    planted: dict[str, int] = field(default_factory=dict)
    offline: list[tuple[str, int, datetime]] = field(default_factory=list)
    counted: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.desk = CountDesk(self.shop)

    async def open(self) -> Stocktake:
        for name in GOODS:
            self.shelf[name] = self.rng.randint(20, 60)
            await self.shop.receive(name, self.shelf[name])
            self.planted[name] = self.rng.choice((0, 0, -1, -3, 2))
            self.shelf[name] += self.planted[name]
        return await self.desk.open(*GOODS)

    async def move(self) -> None:
        """A sale, a receipt, or a sale of a till that is offline."""
        name = self.rng.choice(GOODS)
        what = self.rng.choice(("sell", "sell", "receive", "offline", "synchronize"))
        if what == "receive":
            quantity = self.rng.randint(1, 9)
            await self.shop.receive(name, quantity)
            self.shelf[name] += quantity
        elif what == "synchronize":
            await self.synchronize()
        elif self.shelf[name] > 10:
            quantity = self.rng.randint(1, 3)
            self.shelf[name] -= quantity
            if what == "offline":
                self.offline.append((name, quantity, datetime.now(UTC)))
            else:
                assert isinstance(await self.shop.sell(name, quantity), Movement)

    async def synchronize(self) -> None:
        self.rng.shuffle(self.offline)
        while self.offline:
            name, quantity, at = self.offline.pop()
            sale = await self.shop.draft(Kind.SALE, (name, quantity))
            late = replace(sale, occurred_at=at, dated=True, accept_shortage=True)
            assert isinstance(await self.shop.post(late), Movement)

    async def count(self, row: Stocktake, name: str) -> None:
        """One person counts all of a product."""
        await self.desk.count(row, name, self.shelf[name])
        self.counted.add(name)

    async def book(self) -> dict[str, int]:
        pairs = {(self.shop.store, id): name for name, id in self.shop.products.items()}
        async with self.shop.db.read(self.shop.tenant) as session:
            levels = await levels_by_pair(session, self.shop.tenant, list(pairs))
        return {pairs[pair]: each.shelf + each.reserved for pair, each in levels.items()}


@pytest.mark.parametrize("run", range(RUNS))
async def test_the_books_end_as_the_shelf(shop: Shop, seed: str, run: int) -> None:
    """Sales, receipts and late sales around every count; each planted difference, and no other."""
    live = LiveDay(shop, Random(f"{seed} {run}"))
    row = await live.open()
    waiting = list(GOODS)
    live.rng.shuffle(waiting)
    while waiting:
        for _ in range(live.rng.randint(0, 4)):
            await live.move()
        await live.count(row, waiting.pop())
    for _ in range(live.rng.randint(0, 6)):
        await live.move()
    if live.rng.random() < 0.5:
        await live.synchronize()
    if not live.offline:
        lines = await live.desk.lines(row)
        assert {name: line.variance for name, line in lines.items()} == live.planted
    closed = await live.desk.close(row)
    assert closed.state == "CLOSED", closed
    for _ in range(3):
        await live.move()
    await live.synchronize()
    assert await live.book() == live.shelf


async def test_closed_by_two_while_it_sells(shop: Shop) -> None:
    """Two people close at once while sales and counts go on: each variance is posted once."""
    desk = CountDesk(shop)
    names = [f"货{number}" for number in range(12)]
    for name in names:
        await shop.receive(name, 20)
    row = await desk.open(*names)
    for name in names:
        await desk.count(row, name, 18)
    # A sale between two counts of a product would make its line ambiguous, and block the close.
    again, sold = names[:3], names[3:]
    sales = [shop.sell(name, 1) for name in sold]
    closes = [desk.close(row), desk.close(row, by=desk.person(desk.manager.scope.role))]
    late = [desk.count(row, name, 1) for name in again]
    await asyncio.gather(*sales, *closes, *late)
    book = {name: line.now.on_hand for name, line in (await desk.lines(row)).items()}
    added = {
        name
        for name, line in (await desk.lines(row)).items()
        if sum(each.quantity for each in line.counts) > 18
    }
    counted = {name: 19 if name in added else 18 for name in again}
    assert book == counted | dict.fromkeys(sold, 17)


async def test_a_loss_is_of_the_counted_batch_wherever_it_lies(shop: Shop) -> None:
    """Goods that expired lie in quarantine: their loss leaves other batches on the shelf alone."""
    desk = CountDesk(shop)
    await shop.deliver("奶", 10, "旧", day(-1))
    await shop.deliver("奶", 10, "新", day(30))
    expired = batch_id(await shop.product("奶"), "旧", day(-1))
    assert isinstance(await shop.take(Kind.EXPIRE, "奶", 10, expired), Movement)
    row = await desk.open("奶")
    await desk.count(row, "奶", 7, batch_no="旧", expires_on=day(-1))
    assert (await desk.close(row)).state == "CLOSED"
    assert await shop.batches("奶") == {"旧": 0, "新": 10}
    assert await shop.bins("奶") == (10, 0, 7, 0)
