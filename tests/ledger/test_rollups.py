"""Roll-ups: each flow is counted once, in the hour of the shop's clock when it happened."""

import asyncio
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import asyncpg
from sqlalchemy import func, select

from app.db.core.audit import audit
from app.db.core.lane import Lane
from app.db.core.unit import Database
from app.db.rollups import rebuild
from app.db.tables import Movement, RollUp
from app.domain.ledger.post import PostDrafts
from app.domain.reports.report_sums import keep_sums
from app.domain.rules.kinds import Kind
from app.run.embedded import Urls
from tests.conftest import VAULT, Cloning, unheard
from tests.ledger.test_dishes import costed
from tests.support.shop import Shop, a_shop

U = RollUp


async def totals(shop: Shop, name: str, *by: Any) -> dict[Any, int]:
    """Quantities of a product by flow, or by the flow and these columns."""
    keys = (U.flow, *by)
    query = (
        select(*keys, func.sum(U.quantity))
        .where(U.tenant_id == shop.tenant, U.product_id == shop.products[name])
        .group_by(*keys)
    )
    async with shop.db.read(shop.tenant) as session:
        rows = await session.execute(query)
        return {row[0] if not by else tuple(row[:-1]): int(row[-1]) for row in rows}


async def test_each_flow_of_a_product(shop: Shop) -> None:
    await costed(shop, Kind.RECEIPT, 20, 10_000)
    sale = await shop.sell("米", 6, channel="WECHAT")
    assert isinstance(sale, Movement)
    await shop.do(Kind.RETURN_WASTED, ("米", 2), sale_id=sale.id, channel="WECHAT")
    await shop.do(Kind.LOSS, ("米", 1), reason="盘点")
    await shop.do(Kind.QUARANTINE, ("米", 3))
    await shop.do(Kind.WRITE_OFF, ("米", 3), reason="破损")
    await shop.do(Kind.CONSUMPTION, ("米", 1))
    assert await totals(shop, "米", U.channel, U.reason) == {
        ("RECEIVED", "", ""): 20,
        ("SOLD", "WECHAT", ""): 6,
        ("RETURNED", "WECHAT", ""): 2,
        ("WASTED", "WECHAT", ""): 2,
        ("WASTED", "", "破损"): 3,
        ("MISSING", "", "盘点"): 1,
        ("USED", "", ""): 1,
    }


async def test_a_reversal_subtracts_from_the_flow_it_undoes(shop: Shop) -> None:
    await shop.receive("米", 20)
    sale = await shop.sell("米", 6)
    assert isinstance(await shop.reverse(sale), Movement)
    assert await totals(shop, "米") == {"RECEIVED": 20, "SOLD": 0}


async def test_a_dish_is_sold_and_its_parts_are_used(shop: Shop) -> None:
    await shop.receive("鸡蛋", 9)
    await shop.cook("煎蛋", 鸡蛋=2)
    await shop.order(("煎蛋", 3))
    assert await totals(shop, "煎蛋") == {"MADE": 3, "SOLD": 3}
    assert (await totals(shop, "鸡蛋"))["USED"] == 6


async def test_a_late_sale_counts_in_its_own_hour(shop: Shop) -> None:
    await shop.receive("米", 20)
    then = datetime(2026, 3, 1, 17, 30, tzinfo=UTC)
    late = replace(await shop.draft(Kind.SALE, ("米", 1)), occurred_at=then, dated=True)
    await shop.post(late)
    of_sales = await totals(shop, "米", U.day, U.hour)
    assert of_sales["SOLD", date(2026, 3, 2), 1] == 1


async def test_sales_at_once_are_all_counted(shop: Shop, urls: Urls) -> None:
    await shop.receive("米", 50)
    other = Lane(urls.database, PostDrafts(), unheard, 1)
    drafts = [await shop.draft(Kind.SALE, ("米", 1)) for _ in range(60)]
    lanes = (shop.lane, other)
    sales = [lanes[n % 2].submit(shop.tenant, draft) for n, draft in enumerate(drafts)]
    await asyncio.gather(*sales)
    await other.close()
    assert (await totals(shop, "米"))["SOLD"] == 50


async def test_a_rebuild_while_the_shop_sells(clone: Cloning) -> None:
    urls = await clone()
    db = Database(urls.database, unheard, 1, VAULT)
    lane = Lane(urls.database, PostDrafts(), unheard, 1)
    shop = await a_shop(db, lane)
    await shop.receive("米", 500)
    await keep_sums(db, shop.tenant)
    owner = await asyncpg.connect(urls.owner)
    await owner.execute("UPDATE rollups SET quantity = 1; DELETE FROM rollups WHERE hour > 12")
    await owner.execute("UPDATE level_sums SET value = 1; UPDATE category_sums SET low = 1")
    await owner.close()

    async def sales() -> None:
        for _ in range(40):
            await shop.sell("米", 1)

    await asyncio.gather(sales(), sales(), rebuild(urls.owner))
    await lane.close()
    await db.close()
    assert await audit(urls.owner) == []
