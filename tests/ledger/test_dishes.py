"""Dishes in the ledger: shared ingredients under load, opened bottles, channels' wishes, costs."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from random import Random
from uuid import UUID, uuid4

import pytest

from app.db.channels import Subject
from app.db.core.lane import Lane
from app.db.core.unit import Database
from app.db.tables import Movement
from app.domain.catalog.units import Pack, set_units
from app.domain.channels.rules import set_channel_freshness
from app.domain.errors import InvalidQuantity, OutOfStock
from app.domain.ledger.draft import Line, Place, RecipeChanged
from app.domain.ledger.post import PostDrafts
from app.domain.rules.kinds import Kind
from app.run.embedded import Urls
from tests.conftest import unheard
from tests.support.shop import Shop, day


async def test_500_orders_sell_exactly_what_the_shelf_allows(shop: Shop, urls: Urls) -> None:
    await shop.cook("炒蛋", 西红柿=300, 蛋=2)
    await shop.cook("蛋汤", 西红柿=200, 蛋=1)
    await shop.cook("凉拌", 西红柿=500)
    tomatoes = 50_000
    await shop.receive("西红柿", tomatoes)
    await shop.receive("蛋", 10_000)
    elsewhere = Lane(urls.database, PostDrafts(), unheard)
    random = Random(7)
    takes = {"炒蛋": 300, "蛋汤": 200, "凉拌": 500}
    try:
        dishes = [random.choice(list(takes)) for _ in range(500)]
        outcomes = await asyncio.gather(
            *(
                shop.order((dish, 1), lane=lane)
                for dish, lane in zip(dishes, [shop.lane, elsewhere] * 250, strict=True)
            )
        )
    finally:
        await elsewhere.close()
    sold = [d for d, outcome in zip(dishes, outcomes, strict=True) if isinstance(outcome, Movement)]
    refused = [o for o in outcomes if not isinstance(o, Movement)]
    assert all(isinstance(outcome, OutOfStock) for outcome in refused), refused
    left = (await shop.level("西红柿")).shelf
    assert left == tomatoes - sum(takes[dish] for dish in sold)
    # The refusals were right: what is left does not make the smallest dish.
    assert 0 <= left < max(takes.values())
    assert len(sold) > 100


async def test_one_tomato_and_many_who_want_it(shop: Shop) -> None:
    await shop.cook("一", 西红柿=1)
    await shop.cook("二", 西红柿=1, 蛋=1)
    await shop.receive("西红柿", 100)
    await shop.receive("蛋", 500)
    outcomes = await asyncio.gather(*(shop.order((dish, 1)) for dish in ["一", "二"] * 250))
    assert sum(isinstance(outcome, Movement) for outcome in outcomes) == 100
    assert await shop.bins("西红柿") == (0, 0, 0, 0)


async def test_a_recipe_that_changed_is_not_followed(shop: Shop) -> None:
    await shop.cook("炒蛋", 蛋=2)
    await shop.receive("蛋", 10)
    draft = await shop.draft(Kind.SALE, ("炒蛋", 1))
    egg, kitchen = await shop.product("蛋"), Place(shop.store, "kitchen")
    shelf, customer = Place(shop.store, "shelf"), Place(shop.store, "customer")
    dish = await shop.product("炒蛋")
    lines = (Line(egg, Decimal(2), shelf, kitchen), Line(dish, Decimal(1), kitchen, customer))
    outcome = await shop.post(replace(draft, lines=lines, recipes={dish: uuid4()}))
    assert outcome == RecipeChanged(dish)
    assert await shop.bins("蛋") == (10, 0, 0, 0)
    # The key can be used again: nothing was written.
    assert isinstance(await shop.order(("炒蛋", 1), key=draft.key), Movement)


async def bottles(shop: Shop, *batches: tuple[str, int, int]) -> UUID:
    """A shampoo in bottles of 500 ml, delivered by (number, ml, days left)."""
    product = await shop.product("洗发水", unit="ml", batches=True)
    packs = [Pack("瓶", Decimal(500)), Pack("箱", Decimal(12), "瓶")]
    await set_units(shop.db, shop.owner, uuid4(), product, packs, "瓶", "瓶")
    for number, quantity, days in batches:
        await shop.deliver("洗发水", quantity, number, day(days))
    return product


async def test_the_opened_bottle_is_used_first(shop: Shop) -> None:
    await bottles(shop, ("B", 1000, 40))
    assert isinstance(await shop.do(Kind.CONSUMPTION, ("洗发水", 30)), Movement)
    # A later delivery that expires sooner stays closed while another bottle is open.
    await shop.deliver("洗发水", 1000, "A", day(10))
    await shop.do(Kind.CONSUMPTION, ("洗发水", 400))
    assert await shop.batches("洗发水") == {"A": 1000, "B": 570}
    await shop.do(Kind.CONSUMPTION, ("洗发水", 100))
    assert await shop.batches("洗发水") == {"A": 970, "B": 500}


async def test_whole_bottles_are_sold_closed(shop: Shop) -> None:
    await bottles(shop, ("A", 500, 10), ("B", 1000, 40))
    await shop.do(Kind.CONSUMPTION, ("洗发水", 30))
    assert await shop.batches("洗发水") == {"A": 470, "B": 1000}
    assert isinstance(await shop.sell("洗发水", 500), Movement)
    assert await shop.batches("洗发水") == {"A": 470, "B": 500}
    outcome = await shop.sell("洗发水", 1000)
    assert isinstance(outcome, OutOfStock)
    assert [(s.requested, s.available) for s in outcome.shortages] == [(1000, 500)]


@pytest.mark.parametrize(("cases", "bottle"), [(3, 330), (7, 1), (1, 999)])
async def test_cases_in_and_bottles_out_end_at_nothing(shop: Shop, cases: int, bottle: int) -> None:
    product = await shop.product("可乐", unit="ml")
    packs = [Pack("瓶", Decimal(bottle)), Pack("箱", Decimal(24), "瓶")]
    await set_units(shop.db, shop.owner, uuid4(), product, packs, None, None)
    await shop.receive("可乐", cases * 24 * bottle)
    outcomes = await shop.sell_at_once(cases * 24 + 5, "可乐", bottle)
    assert sum(isinstance(outcome, Movement) for outcome in outcomes) == cases * 24
    assert await shop.bins("可乐") == (0, 0, 0, 0)


async def fresh(shop: Shop) -> UUID:
    """Milk for which WeChat needs 5 days of shelf life: 3 pieces with 2 days, 4 with 20."""
    for number, quantity, days in (("old", 3, 2), ("new", 4, 20)):
        await shop.deliver("奶", quantity, number, day(days))
    product = await shop.product("奶")
    await set_channel_freshness(shop.db, shop.owner, uuid4(), Subject("WECHAT", product), 5)
    return product


async def test_a_channel_sells_what_lasts(shop: Shop) -> None:
    await fresh(shop)
    assert isinstance(await shop.sell("奶", 1, channel="WECHAT"), Movement)
    assert await shop.batches("奶") == {"old": 3, "new": 3}
    assert isinstance(await shop.sell("奶", 1, channel="DELIVERY"), Movement)
    assert isinstance(await shop.sell("奶", 1, channel="COUNTER"), Movement)
    assert await shop.batches("奶") == {"old": 1, "new": 3}
    outcome = await shop.sell("奶", 4, channel="WECHAT")
    assert isinstance(outcome, OutOfStock)
    assert [(s.requested, s.available) for s in outcome.shortages] == [(4, 3)]


async def test_channels_at_once_share_the_shelf(shop: Shop) -> None:
    await fresh(shop)
    channels: Sequence[str] = ["WECHAT"] * 10 + ["COUNTER"] * 10
    outcomes = await asyncio.gather(*(shop.sell("奶", 1, channel=c) for c in channels))
    assert sum(isinstance(outcome, Movement) for outcome in outcomes) == 7
    assert await shop.batches("奶") == {}


async def costed(shop: Shop, kind: Kind, quantity: int, cost: int) -> Movement:
    draft = await shop.draft(kind, ("米", quantity))
    [line] = draft.lines
    movement = await shop.post(replace(draft, lines=(replace(line, unit_cost=cost),)))
    assert isinstance(movement, Movement), movement
    return movement


async def worth(shop: Shop) -> tuple[int, int, int | None]:
    level = await shop.level("米")
    return level.shelf, level.value, level.unit_cost


async def test_the_average_moves_with_what_comes_in(shop: Shop) -> None:
    await costed(shop, Kind.RECEIPT, 10, 50_000)
    await costed(shop, Kind.RECEIPT, 20, 80_000)
    assert await worth(shop) == (30, 2_100_000, 70_000)
    sale = await shop.sell("米", 7)
    assert isinstance(sale, Movement)
    assert await worth(shop) == (23, 1_610_000, 70_000)
    await costed(shop, Kind.RECEIPT, 1, 700_000)
    # Returned goods have the cost at which they were sold.
    await shop.do(Kind.RETURN, ("米", 3), sale_id=sale.id)
    assert await worth(shop) == (27, 2_520_000, 93_333)
    await shop.do(Kind.RETURN, ("米", 4), sale_id=sale.id)
    assert await worth(shop) == (31, 2_800_000, 90_323)


async def test_nothing_left_is_worth_nothing(shop: Shop) -> None:
    await costed(shop, Kind.RECEIPT, 3, 33_333)
    for _ in range(3):
        await shop.sell("米", 1)
    assert await worth(shop) == (0, 0, 33_333)
    # Goods that are found again have the last unit cost of the level.
    await shop.do(Kind.GAIN, ("米", 2))
    assert await worth(shop) == (2, 66_666, 33_333)


async def test_a_reversal_takes_stock_at_the_average(shop: Shop) -> None:
    dear = await costed(shop, Kind.RECEIPT, 10, 90_000)
    await costed(shop, Kind.RECEIPT, 10, 10_000)
    await shop.sell("米", 10)
    assert isinstance(await shop.reverse(dear), Movement)
    assert await worth(shop) == (0, 0, 50_000)


async def test_a_cost_beyond_all_sums_is_refused(shop: Shop) -> None:
    draft = await shop.draft(Kind.RECEIPT, ("米", 10**9))
    [line] = draft.lines
    outcome = await shop.post(replace(draft, lines=(replace(line, unit_cost=10**12),)))
    assert isinstance(outcome, InvalidQuantity)


async def test_random_days_keep_their_value(shop: Shop, db: Database) -> None:
    random = Random(11)
    sales: list[UUID] = []
    for _ in range(60):
        step = random.choice(["in", "in", "out", "out", "back", "aside"])
        if step == "in":
            await costed(shop, Kind.RECEIPT, random.randint(1, 9), random.randint(0, 99_999))
        elif step == "out":
            outcome = await shop.sell("米", random.randint(1, 9))
            sales += [outcome.id] if isinstance(outcome, Movement) else []
        elif step == "back" and sales:
            await shop.do(Kind.RETURN_HELD, ("米", 1), sale_id=random.choice(sales))
        elif step == "aside":
            await shop.do(Kind.QUARANTINE, ("米", 1))
    level = await shop.level("米")
    assert level.value >= 0
    assert (level.value == 0) or level.shelf + level.quarantine > 0
