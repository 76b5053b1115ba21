"""Channels share one stock: buffers, quotas and pauses, the most specific first, and at once."""

import asyncio
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import pytest

from app.db.channels import Subject
from app.db.core.lane import Lane
from app.db.tables import Movement, Order
from app.domain.channels import previews, rules
from app.domain.errors import Malformed, OutOfStock
from app.domain.ledger.post import PostDrafts, post
from app.domain.rules.kinds import Kind
from app.run.embedded import Urls
from tests.conftest import unheard
from tests.support.orders import OrderDesk
from tests.support.shop import Shop, day


async def buffer(shop: Shop, name: str, quantity: Any, **more: Any) -> None:
    value = None if quantity is None else Decimal(quantity)
    subject = await about(shop, name, **more)
    await rules.set_channel_buffer(shop.db, shop.owner, uuid4(), subject, value)


async def quota(shop: Shop, name: str, quantity: Any, **more: Any) -> None:
    value = None if quantity is None else Decimal(quantity)
    subject = await about(shop, name, **more)
    await rules.set_channel_quota(shop.db, shop.owner, uuid4(), subject, value)


async def pause(shop: Shop, paused: bool | None, name: str | None = None, **more: Any) -> None:
    subject = await about(shop, name, **more)
    await rules.set_channel_pause(shop.db, shop.owner, uuid4(), subject, paused)


async def about(
    shop: Shop, name: str | None, channel: str = "WECHAT", store: UUID | None = None
) -> Subject:
    return Subject(channel, await shop.product(name) if name else None, store)


async def sells(shop: Shop, name: str, quantity: Any, channel: str = "WECHAT") -> Any:
    """None when it was sold; else the requested and the available quantity."""
    outcome = await shop.sell(name, quantity, channel=channel)
    if isinstance(outcome, Movement):
        return None
    assert isinstance(outcome, OutOfStock), outcome
    [short] = outcome.shortages
    return short.requested, short.available


async def test_a_buffer_is_left_for_the_counter(shop: Shop) -> None:
    await shop.receive("米", 10)
    await buffer(shop, "米", 4)
    assert await sells(shop, "米", 7) == (7, 6)
    assert await sells(shop, "米", 6) is None
    assert await sells(shop, "米", 1) == (1, 0)
    assert await sells(shop, "米", 1, "DOUYIN") is None
    assert await sells(shop, "米", 3, "COUNTER") is None
    assert await shop.bins("米") == (0, 0, 0, 0)


async def test_a_buffer_of_batches_counts_what_is_fresh(shop: Shop) -> None:
    await shop.deliver("奶", 3, "old", day(-2))
    await shop.deliver("奶", 3, "near", day(2))
    await shop.deliver("奶", 3, "far", day(20))
    await buffer(shop, "奶", 2)
    product = await shop.product("奶")
    assert await sells(shop, "奶", 5) == (5, 4)
    subject = Subject("WECHAT", product)
    await rules.set_channel_freshness(shop.db, shop.owner, uuid4(), subject, 5)
    assert await sells(shop, "奶", 2) == (2, 1)
    assert await sells(shop, "奶", 1) is None
    assert await shop.batches("奶") == {"old": 3, "near": 3, "far": 2}


async def test_a_dish_leaves_the_buffer_of_what_it_is_made_of(shop: Shop) -> None:
    await shop.cook("蛋糕", 蛋=2)
    await shop.receive("蛋", 10)
    await buffer(shop, "蛋", 5)
    assert isinstance(await shop.order(("蛋糕", 2), channel="WECHAT"), Movement)
    assert isinstance(await shop.order(("蛋糕", 1), channel="WECHAT"), OutOfStock)
    assert isinstance(await shop.order(("蛋糕", 1), channel="COUNTER"), Movement)
    with pytest.raises(Malformed, match="no stock of its own"):
        await buffer(shop, "蛋糕", 1)


async def test_a_quota_is_of_the_day_and_the_channel(shop: Shop) -> None:
    await shop.receive("米", 50)
    await quota(shop, "米", 5)
    assert await sells(shop, "米", 4) is None
    assert await sells(shop, "米", 2) == (2, 1)
    assert await sells(shop, "米", 9, "DOUYIN") is None
    assert await sells(shop, "米", 1) is None
    await quota(shop, "米", None)
    assert await sells(shop, "米", 9) is None


async def test_a_quota_counts_orders_that_stand(shop: Shop) -> None:
    desk = OrderDesk(shop)
    await shop.cook("蛋糕", 蛋=2)
    await shop.receive("蛋", 50)
    await quota(shop, "蛋糕", 3)
    held = await desk.place(("蛋糕", 2))
    assert isinstance(held, Order)
    assert isinstance(await desk.place(("蛋糕", 2)), OutOfStock)
    await desk.cancel(held)
    over = await desk.place(("蛋糕", 3))
    assert isinstance(over, Order)
    await desk.time_passes(over)
    # Orders that were not paid in time do not count against the quota.
    assert isinstance(await desk.place(("蛋糕", 3)), Order)
    assert isinstance(await desk.place(("蛋糕", 1)), OutOfStock)


async def test_neighbours_share_a_quota(shop: Shop) -> None:
    desk = OrderDesk(shop)
    await shop.receive("米", 100)
    await quota(shop, "米", 10)
    await buffer(shop, "米", 50)
    placed = await asyncio.gather(*(desk.place(("米", 1)) for _ in range(40)))
    assert sum(isinstance(each, Order) for each in placed) == 10
    sold = await asyncio.gather(*(sells(shop, "米", 1, "DOUYIN") for _ in range(100)))
    assert sold.count(None) == 90


async def test_a_limit_does_not_bind_a_promised_neighbour(shop: Shop) -> None:
    """A confirmed sale of a channel is posted, even beside one that the limit refuses."""
    await shop.receive("米", 10)
    await pause(shop, True)
    drafts = [
        await shop.draft(Kind.SALE, ("米", 1), channel="WECHAT", promised=promised)
        for promised in (False, True)
    ]
    async with shop.db.unit(shop.tenant) as unit:
        refused, posted = await post(unit, drafts)
    assert isinstance(refused, OutOfStock)
    assert isinstance(posted, Movement)


async def test_the_most_specific_rule_wins(shop: Shop) -> None:
    await shop.receive("米", 10)
    await shop.receive("油", 10)
    await pause(shop, True)
    assert await sells(shop, "米", 1) == (1, 0)
    await pause(shop, False, store=shop.store)
    assert await sells(shop, "米", 1) is None
    await pause(shop, True, "米")
    assert await sells(shop, "米", 1) == (1, 0)
    assert await sells(shop, "油", 1) is None
    await pause(shop, False, "米", store=shop.store)
    assert await sells(shop, "米", 1) is None
    await pause(shop, None, "米", store=shop.store)
    assert await sells(shop, "米", 1) == (1, 0)
    await buffer(shop, "油", 9)
    await buffer(shop, "油", 2, store=shop.store)
    assert await sells(shop, "油", 7) is None


async def test_what_was_promised_is_handed_over(shop: Shop) -> None:
    desk = OrderDesk(shop)
    await shop.receive("米", 5)
    order = await desk.place(("米", 5))
    await desk.pay(order)
    await pause(shop, True)
    await buffer(shop, "米", 5)
    assert (await desk.fulfil(order)).state == "FULFILLED"


async def test_a_preview_writes_nothing(shop: Shop) -> None:
    await shop.receive("米", 10)
    await buffer(shop, "米", 1)
    subject = await about(shop, "米")
    arguments = shop.db, shop.owner, subject
    [effect] = await previews.channel_preview(
        *arguments, {"buffer": Decimal(4), "quota": Decimal(20)}
    )
    assert (effect.available, effect.offered, effect.would_offer) == (10, 9, 6)
    [effect] = await previews.channel_preview(*arguments, {"paused": True})
    assert (effect.available, effect.offered, effect.would_offer) == (10, 9, 0)
    assert await sells(shop, "米", 9) is None


async def test_a_preview_is_what_then_happens(shop: Shop) -> None:
    """Each rule alone and with wider rules, for goods with batches and reservations."""
    desk = OrderDesk(shop)
    await shop.deliver("奶", 9, "near", day(2))
    await shop.deliver("奶", 9, "far", day(20))
    over = await desk.place(("奶", 2))
    await desk.time_passes(over)
    await desk.place(("奶", 3))
    subject = await about(shop, "奶", store=shop.store)
    rules: list[dict[str, Any]] = [
        {"buffer": Decimal(4)},
        {"quota": Decimal(7)},
        {"buffer": Decimal(14), "quota": Decimal(6)},
        {"quota": Decimal(2)},
        {"paused": True},
    ]
    for said in rules:
        arguments = shop.db, shop.owner, subject
        [effect] = await previews.channel_preview(*arguments, said)
        for name, value in said.items():
            if name == "paused":
                await pause(shop, value, "奶", store=shop.store)
            else:
                rule = {"buffer": buffer, "quota": quota}[name]
                await rule(shop, "奶", value, store=shop.store)
        [now] = await previews.channel_preview(*arguments, {})
        assert now.offered == effect.would_offer, said
        assert now.offered is not None
        sale = await shop.draft(Kind.SALE, ("奶", now.offered + 1), channel="WECHAT")
        short = await desk.books.post(shop.tenant, sale)
        assert isinstance(short, OutOfStock), said
        assert short.shortages[0].available == now.offered, said
    await shop.cook("蛋糕", 蛋=2)
    dish = await about(shop, "蛋糕")
    with pytest.raises(Malformed, match="no stock of its own"):
        await previews.channel_preview(shop.db, shop.owner, dish, {"buffer": Decimal(1)})


async def test_two_processes_share_a_quota_and_a_buffer(shop: Shop, urls: Urls) -> None:
    """Also for a dish, whose own level row is the lock."""
    lane = Lane(urls.database, PostDrafts(), unheard)
    there = Shop(shop.db, lane, shop.tenant, shop.actor, shop.store, shop.products)
    await shop.cook("蛋糕", 蛋=1)
    await shop.receive("蛋", 100)
    await shop.receive("米", 100)
    await quota(shop, "蛋糕", 10)
    await quota(shop, "米", 20)
    await buffer(shop, "米", 90)
    desks = OrderDesk(shop), OrderDesk(there)
    placed = await asyncio.gather(
        *(desks[i % 2].place((("蛋糕", "米")[i // 2 % 2], 1)) for i in range(120))
    )
    await lane.close()
    assert sum(isinstance(each, Order) for each in placed) == 20
    assert [(await shop.bins(name))[1] for name in ("蛋", "米")] == [10, 10]


async def test_the_counter_has_no_rules(shop: Shop) -> None:
    with pytest.raises(Malformed, match="counter"):
        await buffer(shop, "米", 1, channel="COUNTER")
