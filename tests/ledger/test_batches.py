"""Batches in the ledger: FEFO, expiry by the store's own clock, returns to their batch."""

import asyncio
from collections import Counter
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from random import Random
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest

from app.db.core.lane import Lane
from app.db.core.unit import Database
from app.db.tables import Movement
from app.domain.errors import BatchExpired, InvalidQuantity, OutOfStock, ReturnExceedsSale
from app.domain.ledger.draft import batch_id
from app.domain.ledger.post import PostDrafts
from app.domain.rules.kinds import Kind
from app.run.embedded import Urls
from tests.conftest import unheard
from tests.support.shop import Shop


def day(days: int) -> date:
    return datetime.now(ZoneInfo("Asia/Shanghai")).date() + timedelta(days=days)


async def milk(shop: Shop) -> None:
    """Four batches, not delivered in the order of their expiry."""
    for number, quantity, days in (("B", 4, 9), ("A", 3, 2), ("D", 5, None), ("C", 2, 30)):
        await shop.deliver("奶", quantity, number, *([] if days is None else [day(days)]))


def expect(outcome: object, kind: type) -> None:
    assert isinstance(outcome, kind), outcome


async def test_what_expires_first_leaves_first(shop: Shop) -> None:
    await milk(shop)
    assert await shop.batches("奶") == {"A": 3, "B": 4, "C": 2, "D": 5}
    expect(await shop.sell("奶", 4), Movement)
    assert await shop.batches("奶") == {"B": 3, "C": 2, "D": 5}
    expect(await shop.sell("奶", 6), Movement)
    assert await shop.batches("奶") == {"D": 4}
    expect(await shop.sell("奶", 5), OutOfStock)
    expect(await shop.sell("奶", 4), Movement)
    assert await shop.batches("奶") == {}
    assert await shop.bins("奶") == (0, 0, 0, 0)


async def test_lines_of_one_sale_share_the_batches(shop: Shop) -> None:
    await milk(shop)
    expect(await shop.do(Kind.SALE, ("奶", 2), ("奶", 2)), Movement)
    assert await shop.batches("奶") == {"B": 3, "C": 2, "D": 5}
    outcome = await shop.do(Kind.SALE, ("奶", 8), ("奶", 3))
    assert isinstance(outcome, OutOfStock)
    assert [(s.requested, s.available) for s in outcome.shortages] == [(11, 10)]


async def test_expired_goods_are_not_sold(shop: Shop) -> None:
    await shop.deliver("奶", 3, "old", day(-1))
    await shop.deliver("奶", 2, "last day", day(0))
    outcome = await shop.sell("奶", 3)
    assert isinstance(outcome, OutOfStock)
    assert [(s.requested, s.available) for s in outcome.shortages] == [(3, 2)]
    expect(await shop.do(Kind.CONSUMPTION, ("奶", 3)), OutOfStock)
    expect(await shop.sell("奶", 2), Movement)
    old = batch_id(await shop.product("奶"), "old", day(-1))
    outcome = await shop.take(Kind.SALE, "奶", 1, old)
    assert isinstance(outcome, BatchExpired)
    assert outcome.expired_on == day(-1)
    # It may be written off, returned to the supplier, or moved to quarantine.
    expect(await shop.do(Kind.QUARANTINE, ("奶", 1)), Movement)
    expect(await shop.do(Kind.SUPPLIER_RETURN, ("奶", 2)), Movement)
    assert await shop.bins("奶") == (0, 0, 1, 0)


async def test_a_named_batch_is_honoured(shop: Shop) -> None:
    await milk(shop)
    later = batch_id(await shop.product("奶"), "C", day(30))
    expect(await shop.take(Kind.SALE, "奶", 1, later), Movement)
    assert await shop.batches("奶") == {"A": 3, "B": 4, "C": 1, "D": 5}
    outcome = await shop.take(Kind.SALE, "奶", 2, later)
    assert isinstance(outcome, OutOfStock)
    assert [(s.requested, s.available) for s in outcome.shortages] == [(2, 1)]


async def test_goods_come_back_to_their_batch(shop: Shop) -> None:
    await milk(shop)
    sale = await shop.sell("奶", 5)
    assert isinstance(sale, Movement)
    assert await shop.batches("奶") == {"B": 2, "C": 2, "D": 5}
    expect(await shop.do(Kind.RETURN, ("奶", 3), sale_id=sale.id), Movement)
    assert await shop.batches("奶") == {"A": 1, "B": 4, "C": 2, "D": 5}
    expect(await shop.do(Kind.RETURN, ("奶", 3), sale_id=sale.id), ReturnExceedsSale)
    expect(await shop.do(Kind.RETURN, ("奶", 1), ("奶", 1), sale_id=sale.id), Movement)
    assert await shop.batches("奶") == {"A": 3, "B": 4, "C": 2, "D": 5}


async def test_a_reversal_gives_back_each_batch(shop: Shop) -> None:
    await milk(shop)
    sale = await shop.sell("奶", 8)
    expect(await shop.reverse(sale), Movement)
    assert await shop.batches("奶") == {"A": 3, "B": 4, "C": 2, "D": 5}
    receipt = await shop.deliver("奶", 6, "E", day(1))
    expect(await shop.sell("奶", 1), Movement)
    # One of the six has been sold.
    expect(await shop.reverse(receipt), OutOfStock)


async def test_what_is_found_joins_the_last_batch(shop: Shop) -> None:
    await shop.product("奶", batches=True)
    expect(await shop.do(Kind.GAIN, ("奶", 1)), Movement)
    assert await shop.batches("奶") == {"": 1}
    expect(await shop.sell("奶", 1), Movement)
    await shop.deliver("奶", 1, "A", day(3))
    expect(await shop.do(Kind.GAIN, ("奶", 2)), Movement)
    assert await shop.batches("奶") == {"A": 3}


async def test_many_batches_stand_behind(shop: Shop) -> None:
    """A sale reads only the first batches, unless it needs more of them or names a batch."""
    for number in range(20):
        await shop.deliver("奶", 1, f"{number:02}", day(number))
    await shop.deliver("奶", 5, "old", day(-3))
    outcome = await shop.sell("奶", 21)
    assert isinstance(outcome, OutOfStock)
    assert [(s.requested, s.available) for s in outcome.shortages] == [(21, 20)]
    sale = await shop.sell("奶", 9)
    assert isinstance(sale, Movement)
    assert list(await shop.batches("奶")) == ["old", *(f"{n:02}" for n in range(9, 20))]
    last = batch_id(await shop.product("奶"), "19", day(19))
    outcomes = await asyncio.gather(
        *(shop.sell("奶", 1) for _ in range(3)),
        shop.take(Kind.SALE, "奶", 1, last),
        shop.do(Kind.RETURN, ("奶", 1), sale_id=sale.id),
    )
    assert all(isinstance(each, Movement) for each in outcomes)
    left = await shop.batches("奶")
    assert sum(left.values()) == 5 + 11 - 4 + 1
    assert "19" not in left


async def test_a_neighbour_who_asks_for_less_than_nothing(shop: Shop) -> None:
    """An impossible draft is refused alone, and does not hide batches that other drafts need."""
    for number in range(20):
        await shop.deliver("奶", 1, f"{number:02}", day(number))
    drafts = [await shop.draft(Kind.SALE, ("奶", quantity)) for quantity in (-100, 12)]
    impossible, sale = await asyncio.gather(*map(shop.post, drafts))
    expect(impossible, InvalidQuantity)
    expect(sale, Movement)


ZONES = ["Asia/Shanghai", "America/New_York", "Pacific/Auckland"]


@pytest.mark.parametrize("zone", ZONES)
async def test_midnight_is_the_stores_own(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, zone: str
) -> None:
    """The last day ends at local midnight, to the second, also on days when the clock changes."""
    store = await shop.another_store(zone)
    last = changes_clock(zone)
    await shop.deliver("奶", 5, "A", last, store=store)
    midnight = datetime.combine(last + timedelta(days=1), datetime.min.time(), ZoneInfo(zone))
    for seconds, kind in ((-3600 * 23, Movement), (-1, Movement), (0, OutOfStock), (1, OutOfStock)):
        now = midnight.astimezone(UTC) + timedelta(seconds=seconds)
        monkeypatch.setattr("app.db.core.unit.clock", lambda now=now: now)
        sale = await shop.draft(Kind.SALE, ("奶", 1), store=store)
        expect(await shop.post(replace(sale, occurred_at=now)), kind)


def changes_clock(zone: str) -> date:
    """The next day whose length is not 24 hours, or a day in the next month."""
    first = datetime.now(ZoneInfo(zone)).date() + timedelta(days=2)
    for days in range(370):
        day = first + timedelta(days=days)
        start = datetime.combine(day, datetime.min.time(), ZoneInfo(zone))
        end = datetime.combine(day + timedelta(days=1), datetime.min.time(), ZoneInfo(zone))
        if end.astimezone(UTC) - start.astimezone(UTC) != timedelta(days=1):
            return day
    return first + timedelta(days=30)


async def test_of_equal_days_the_first_receipt_leaves_first(shop: Shop) -> None:
    numbers = ["D", "A", "C", "B", "F", "E"]
    for number in numbers:
        await shop.deliver("奶", 1, number, day(5))
    for left in range(1, 6):
        await shop.sell("奶", 1)
        assert sorted(await shop.batches("奶")) == sorted(numbers[left:])


async def test_many_buyers_of_few_batches_over_two_processes(shop: Shop, urls: Urls) -> None:
    for number in range(5):
        await shop.deliver("奶", 7, str(number), day(number))
    other = Lane(urls.database, PostDrafts(), unheard)
    drafts = [await shop.draft(Kind.SALE, ("奶", 1)) for _ in range(60)]
    lanes = [shop.lane, other]
    outcomes = await asyncio.gather(
        *(lanes[n % 2].submit(shop.tenant, draft) for n, draft in enumerate(drafts))
    )
    await other.close()
    assert Counter(isinstance(each, Movement) for each in outcomes) == {True: 35, False: 25}
    assert all(isinstance(each, Movement | OutOfStock) for each in outcomes)
    assert await shop.batches("奶") == {}


async def test_two_stores_receive_the_same_batches_at_once(
    shop: Shop, db: Database, urls: Urls
) -> None:
    """Two stores that receive the same batch at once create one batch, without a deadlock."""
    stores: list[UUID] = [shop.store, await shop.another_store()]
    other = Lane(urls.database, PostDrafts(), unheard)
    here, there = shop, Shop(db, other, shop.tenant, shop.actor, stores[1], shop.products)
    await shop.product("奶", batches=True)
    for round in range(5):
        numbers = [f"{round}-{n}" for n in range(8)]
        outcomes = await asyncio.gather(
            *(here.deliver("奶", 1, number, day(9)) for number in numbers),
            *(there.deliver("奶", 1, number, day(9)) for number in reversed(numbers)),
        )
        assert all(isinstance(outcome, Movement) for outcome in outcomes)
    await other.close()
    for store in stores:
        assert len(await shop.batches("奶", store)) == 40


class Model:
    """The shelf and the quarantine of one product as lists of single pieces: (expiry, number)."""

    def __init__(self) -> None:
        self.shelf: list[tuple[date, str]] = []
        self.held: list[tuple[date, str]] = []
        self.sold: dict[UUID, list[tuple[date, str]]] = {}

    def fresh(self) -> list[tuple[date, str]]:
        return [piece for piece in sorted(self.shelf) if piece[0] >= day(0)]

    def sell(self, sale: UUID, quantity: int) -> None:
        self.sold[sale] = self.fresh()[:quantity]
        for piece in self.sold[sale]:
            self.shelf.remove(piece)

    def take_back(self, sale: UUID, quantity: int) -> None:
        for piece in sorted(self.sold[sale], reverse=True)[:quantity]:
            self.sold[sale].remove(piece)
            self.shelf.append(piece)

    def set_aside(self, quantity: int) -> None:
        for piece in sorted(self.shelf)[:quantity]:
            self.shelf.remove(piece)
            self.held.append(piece)

    def release(self, quantity: int) -> None:
        for piece in sorted(self.held)[:quantity]:
            self.held.remove(piece)
            self.shelf.append(piece)


@pytest.mark.parametrize("seed", range(6))
async def test_a_long_day_against_single_pieces(shop: Shop, seed: int) -> None:
    chance, model = Random(seed), Model()
    await shop.product("奶", batches=True)
    for _ in range(50):
        quantity = chance.randint(1, 6)
        step = chance.choice(["deliver", "deliver", "sell", "sell", "return", "aside", "release"])
        if step == "deliver":
            days = chance.randint(-2, 4)
            expect(await shop.deliver("奶", quantity, f"N{days}", day(days)), Movement)
            model.shelf += [(day(days), f"N{days}")] * quantity
        elif step == "sell":
            outcome = await shop.sell("奶", quantity)
            expect(outcome, Movement if quantity <= len(model.fresh()) else OutOfStock)
            if isinstance(outcome, Movement):
                model.sell(outcome.id, quantity)
        elif step == "return" and model.sold:
            sale = chance.choice(sorted(model.sold))
            outcome = await shop.do(Kind.RETURN, ("奶", quantity), sale_id=sale)
            enough = quantity <= len(model.sold[sale])
            expect(outcome, Movement if enough else ReturnExceedsSale)
            if enough:
                model.take_back(sale, quantity)
        elif step == "aside":
            enough = quantity <= len(model.shelf)
            outcome = await shop.do(Kind.QUARANTINE, ("奶", quantity))
            expect(outcome, Movement if enough else OutOfStock)
            if enough:
                model.set_aside(quantity)
        elif step == "release":
            enough = quantity <= len(model.held)
            expect(
                await shop.do(Kind.RELEASE, ("奶", quantity)), Movement if enough else OutOfStock
            )
            if enough:
                model.release(quantity)
        shelf = {name: count for name, count in (await shop.batches("奶")).items() if count}
        assert shelf == Counter(number for _, number in model.shelf)
