"""The live menu: one event per change, with every dish that uses the changed ingredient."""

import asyncio
from typing import Any

from app.domain.rules.kinds import Kind
from tests.support.identity import Chain
from tests.support.live import Line as Wire
from tests.support.live import dialled
from tests.support.shop import Shop

FEED = """
subscription($store: String!) { menuFeed(store: $store) {
  revision gone dishes { name makeable limiting { name } soldOut availability { label } }
} }
"""


async def next_makeable(wire: Wire) -> dict[str, Any]:
    event = await wire.next()
    return {dish["name"]: dish["makeable"] for dish in event["dishes"]}


async def labels(wire: Wire) -> dict[str, str]:
    event = await wire.next()
    return {dish["name"]: dish["availability"]["label"] for dish in event["dishes"]}


async def test_each_dish_that_shares_an_ingredient_is_sent_once(
    open_shop: Shop, chain: Chain
) -> None:
    shop = open_shop
    await shop.cook("炒蛋", 蛋=2)
    await shop.cook("蛋汤", 蛋=1)
    await shop.cook("米饭", 米=1)
    await shop.receive("蛋", 20)
    await shop.receive("米", 20)
    store = chain.founded.store.code
    async with dialled(shop.base_url, shop.token) as staff, dialled(shop.base_url) as customer:
        await staff.subscribe(FEED, store=store)
        await customer.subscribe(FEED, store=store)
        assert await next_makeable(staff) == {"炒蛋": 10, "蛋汤": 20, "米饭": 20}
        assert set((await labels(customer)).values()) == {"PLENTY"}
        await shop.sell("蛋", 2)
        assert await next_makeable(staff) == {"炒蛋": 9, "蛋汤": 18}
        # No label changed, so customers receive no event.
        assert await customer.silent()
        await shop.sell("蛋", 10)
        assert await next_makeable(staff) == {"炒蛋": 4, "蛋汤": 8}
        assert await labels(customer) == {"炒蛋": "FEW"}
        # One change of two ingredients is one event.
        await shop.do(Kind.SALE, ("蛋", 1), ("米", 1))
        assert await next_makeable(staff) == {"炒蛋": 3, "蛋汤": 7, "米饭": 19}
        await shop.sell("蛋", 1)
        assert await next_makeable(staff) == {"蛋汤": 6}
        assert await staff.silent()


async def test_a_new_recipe_reaches_the_menu(open_shop: Shop, chain: Chain) -> None:
    shop = open_shop
    await shop.receive("蛋", 12)
    async with dialled(shop.base_url, shop.token) as staff:
        await staff.subscribe(FEED, store=chain.founded.store.code)
        assert await next_makeable(staff) == {}
        await shop.cook("炒蛋", 蛋=2)
        assert await next_makeable(staff) == {"炒蛋": 6}
        await shop.cook("炒蛋", 蛋=3)
        assert await next_makeable(staff) == {"炒蛋": 4}


async def test_many_changes_end_where_the_shelf_is(open_shop: Shop, chain: Chain) -> None:
    shop = open_shop
    for number in range(5):
        await shop.cook(f"菜{number}", 蛋=number + 1, 米=1)
    await shop.receive("蛋", 500)
    await shop.receive("米", 500)
    seen: dict[str, int] = {}
    async with dialled(shop.base_url, shop.token) as staff:
        await staff.subscribe(FEED, store=chain.founded.store.code)
        seen |= await next_makeable(staff)
        sales = [shop.sell(name, 1) for name in ("蛋", "米") for _ in range(60)]
        await asyncio.gather(*sales)
        while (seen["菜0"], seen["菜4"]) != (440, 88):
            seen |= await next_makeable(staff)
        assert seen == {f"菜{n}": min(440, 440 // (n + 1)) for n in range(5)}
        assert await staff.silent()
