"""Boards: one read for all questions of a store, shared answers, and the right numbers."""

import asyncio
import random
from collections.abc import AsyncIterator, Sequence
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import pytest

from app.db.core.bus import Bus
from app.db.core.lane import Lane
from app.db.core.unit import Database
from app.domain.catalog.cookbook import ORDERED, Cookbook
from app.domain.catalog.menu import Board, Serving, board, set_sold_out
from app.domain.channels.rules import Subject, set_channel_quota
from app.domain.errors import RateLimited
from app.domain.feed import AvailabilityChange
from app.domain.ledger.post import PostDrafts
from app.live import board as boards
from app.live.follower import Follower
from app.live.hub import Hub
from app.run.embedded import Urls
from tests.live.test_hub import Watched, soon
from tests.live.test_recovery import until
from tests.support.identity import eventually
from tests.support.shop import a_shop


@pytest.fixture
async def watched(db: Database, urls: Urls) -> AsyncIterator[Watched]:
    """A hub on a bus that reaches its own process only."""
    bus = Bus(urls.redis)
    lane = Lane(urls.database, PostDrafts(), bus.nudge)
    hub = Hub(db, bus, Cookbook(db))
    yield Watched(hub, bus, await a_shop(db, lane))
    await hub.close()
    await lane.close()


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The products of every read of a board; None for all dishes and services."""
    seen: list[Any] = []

    async def counted(*arguments: Any) -> Board:
        seen.append(arguments[4])
        return await board(*arguments)

    monkeypatch.setattr(boards, "board", counted)
    return seen


class Copy:
    """What one client shows: the first event, and every later one put in place."""

    def __init__(self, follower: Follower) -> None:
        self.follower = follower
        self.shown: dict[UUID, Serving] = {}
        self.events: list[AvailabilityChange] = []

    async def open(self) -> "Copy":
        async for event in self.follower.opening():
            self.hear(event)
        self.follower.direct(self.hear)
        return self

    def hear(self, event: Any) -> None:
        assert isinstance(event, AvailabilityChange)
        self.events.append(event)
        for product in event.gone:
            self.shown.pop(product, None)
        self.shown.update(event.shown)

    def labels(self) -> dict[str, str]:
        return {each.name: each.availability.label.value for each in self.shown.values()}


async def labels_of(watched: Watched, products: Sequence[UUID], channel: str | None = None) -> Copy:
    shop = watched.shop
    return await Copy(watched.hub.follow_labels(shop.tenant, shop.store, products, channel)).open()


async def stocked(watched: Watched, count: int, quantity: int = 100) -> list[UUID]:
    names = [f"商品{number}" for number in range(count)]
    for name in names:
        await watched.shop.receive(name, quantity)
    return [await watched.shop.product(name) for name in names]


def lists_of(products: Sequence[UUID], count: int) -> list[list[UUID]]:
    """So many different lists, each with the first product."""
    rng = random.Random(count)
    lists: set[tuple[UUID, ...]] = set()
    while len(lists) < count:
        others = rng.sample(products[1:], rng.randint(3, 12))
        lists.add((products[0], *sorted(others)))
    return [list(each) for each in lists]


@pytest.mark.parametrize(("channel", "expected"), [(None, 0), ("WECHAT", 1)])
async def test_hundreds_of_questions_read_the_board_once_a_change(
    watched: Watched, reads: list[Any], channel: str | None, expected: int
) -> None:
    """A channel's labels depend on its rules, so they are read; all others follow the levels."""
    products = await stocked(watched, 20)
    lists = lists_of(products, 300)
    copies = await asyncio.gather(*(labels_of(watched, each, channel) for each in lists))
    # Those that join together are read together.
    assert len(reads) < 10
    reads.clear()
    await watched.shop.sell("商品0", 98)
    await until(lambda: all(len(copy.events) == 2 for copy in copies))
    assert len(reads) == expected
    assert {copy.labels()["商品0"] for copy in copies} == {"FEW"}
    # One answer serves them all: they show the same product.
    assert len({id(copy.events[1].answers) for copy in copies}) == 1
    for copy in copies:
        copy.follower.close()
    assert not watched.hub._boards
    assert not watched.hub._menus


async def test_a_change_that_shows_nothing_new_reaches_no_follower(
    watched: Watched, reads: list[Any]
) -> None:
    products = await stocked(watched, 5)
    copies = [await labels_of(watched, products[:count]) for count in range(1, 5)]
    reads.clear()
    await watched.shop.sell("商品0", 1)
    # What is sold last is heard last.
    await watched.shop.sell("商品3", 98)
    await until(lambda: len(copies[3].events) == 2)
    assert [len(copy.events) for copy in copies] == [1, 1, 1, 2]
    assert not reads


async def test_staff_guests_and_labels_share_a_board(watched: Watched, reads: list[Any]) -> None:
    shop = watched.shop
    await shop.receive("蛋", 12)
    await shop.cook("炒蛋", 蛋=2)
    follow = watched.hub.follow_menu
    staff = await Copy(follow(shop.tenant, shop.store, exact=True)).open()
    guest = await Copy(follow(shop.tenant, shop.store, exact=False)).open()
    labels = await labels_of(watched, [await shop.product("蛋"), await shop.product("炒蛋")])
    assert len(watched.hub._boards) == 1
    reads.clear()
    await shop.cook("炒蛋", 蛋=4)
    await until(lambda: all(len(copy.events) == 2 for copy in (staff, guest, labels)))
    assert [set(read) for read in reads] == [{await shop.product("炒蛋")}]
    assert [each.makeable for each in staff.shown.values()] == [3]
    assert [each.makeable for each in guest.shown.values()] == [None]
    assert guest.labels() == {"炒蛋": "FEW"}
    assert labels.labels() == {"炒蛋": "FEW", "蛋": "PLENTY"}


async def test_unknown_products_are_not_kept(watched: Watched, reads: list[Any]) -> None:
    [product] = await stocked(watched, 1)
    copy = await labels_of(watched, [product, *(uuid4() for _ in range(199))])
    assert list(copy.shown) == [product]
    [held] = watched.hub._boards.values()
    assert list(held._followed) == [product]
    assert len(reads[0]) == 200


async def test_a_board_has_a_limit(watched: Watched, monkeypatch: pytest.MonkeyPatch) -> None:
    products = await stocked(watched, 4)
    monkeypatch.setattr(boards, "MOST_PRODUCTS", 3)
    kept = await labels_of(watched, products[:3])
    refused = watched.hub.follow_labels(watched.shop.tenant, watched.shop.store, products)
    with pytest.raises(RateLimited) as refusal:
        await refused.first()
    assert refusal.value.retry_after > 0
    refused.close()
    await watched.shop.sell("商品0", 100)
    await until(lambda: len(kept.events) == 2)
    kept.follower.close()
    assert not watched.hub._boards


async def test_what_is_followed_no_longer_is_let_go(
    watched: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(boards, "MOST_UNUSED", 2)
    products = await stocked(watched, 6)
    stays = await labels_of(watched, products[:1])
    leaves = await labels_of(watched, products)
    [held] = watched.hub._boards.values()
    leaves.follower.close()
    await until(lambda: len(held._display) == 1)
    assert len(stays.events) == 1


async def test_a_change_while_a_list_is_read_is_not_lost(
    watched: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both the products that are held already and the new ones end with the newest labels."""
    products = await stocked(watched, 2)
    held = await labels_of(watched, products[:1])
    reading, go = asyncio.Event(), asyncio.Event()

    async def slow(*arguments: Any) -> Board:
        answer = await board(*arguments)
        reading.set()
        await go.wait()
        return answer

    monkeypatch.setattr(boards, "board", slow)
    joining = asyncio.create_task(labels_of(watched, products))
    await reading.wait()
    for name in ("商品0", "商品1"):
        await watched.shop.sell(name, 100)
    go.set()
    joined = await joining
    await until(lambda: {*held.labels().values(), *joined.labels().values()} == {"SOLD_OUT"})


async def test_many_questions_agree_with_the_store(watched: Watched) -> None:
    """After hundreds of random changes each copy equals the board that is read as a whole."""
    shop, rng = watched.shop, random.Random(11)
    goods = [f"料{number}" for number in range(8)]
    dishes = [f"菜{number}" for number in range(5)]
    for name in goods:
        await shop.receive(name, 30)
    for name in dishes:
        await shop.cook(name, **{part: rng.randint(1, 3) for part in rng.sample(goods, 3)})
    products = [await shop.product(name) for name in (*goods, *dishes)]
    channels = (None, "WECHAT")
    copies: list[tuple[Copy, str | None, list[UUID] | None, bool]] = []

    async def join() -> None:
        channel, exact = rng.choice(channels), rng.random() < 0.5
        if rng.random() < 0.3:
            follower = watched.hub.follow_menu(shop.tenant, shop.store, exact, channel)
            copies.append((await Copy(follower).open(), channel, None, exact))
        else:
            some = rng.sample(products, rng.randint(1, 6))
            copies.append((await labels_of(watched, some, channel), channel, some, False))

    async def step() -> None:
        name, product = rng.choice(goods), rng.choice(products)
        match rng.randrange(7):
            case 0:
                await shop.receive(name, rng.randint(1, 20))
            case 1 | 2:
                await shop.sell(name, rng.randint(1, 6))
            case 3:
                parts = {part: rng.randint(1, 3) for part in rng.sample(goods, 2)}
                await shop.cook(rng.choice(dishes), **parts)
            case 4:
                marked = rng.random() < 0.5
                await set_sold_out(shop.db, shop.owner, uuid4(), shop.store, product, marked)
            case 5:
                subject = Subject("WECHAT", product, shop.store)
                quota = rng.choice([None, Decimal(2), Decimal(10)])
                await set_channel_quota(shop.db, shop.owner, uuid4(), subject, quota)
            case _:
                if copies and rng.random() < 0.4:
                    copies.pop(rng.randrange(len(copies)))[0].follower.close()
                await join()

    for _ in range(60):
        await asyncio.gather(*(step() for _ in range(3)))
    cookbook = Cookbook(shop.db)

    async def settled() -> bool:
        await asyncio.sleep(0.05)
        for copy, channel, some, exact in copies:
            whole = await board(cookbook, shop.tenant, shop.store, channel, some)
            expected = {each.id: each for each in whole.servings(whole.dishes, exact)}
            if copy.shown != expected:
                return False
        return True

    await eventually(settled, 5)
    menus = [copy for copy, _, some, _ in copies if some is None]
    assert {each.kind for copy in menus for each in copy.shown.values()} <= set(ORDERED)


async def test_joiners_of_one_question_share_the_first_event(watched: Watched) -> None:
    products = await stocked(watched, 2)
    follow = watched.hub.follow_labels
    shop = watched.shop
    one, two = [follow(shop.tenant, shop.store, products) for _ in range(2)]
    assert await soon(one.__aiter__()) is await soon(two.__aiter__())
