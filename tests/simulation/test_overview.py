"""The overview equals sums over the whole ledger on random histories."""

from collections import Counter
from datetime import timedelta

import pytest
from sqlalchemy import delete

from app.db.overview import store_days
from app.db.report_sums import current_moments, stores_of
from app.db.tables import StoreSums
from app.domain.reports.overview import WEEKS, Overview, overview_of
from app.domain.reports.report_sums import keep_sums
from app.domain.rules.periods import Period
from tests.support.report_world import World, held, summed


async def test_the_overview_is_the_ledger(world: World) -> None:
    """Stock by store and category, sales of today, and those of the same weekday before."""
    rows, shop = await world.read(), world.shop
    stores = [shop.store, *world.stores]
    async with shop.db.read(shop.tenant) as session:
        overview = await overview_of(session, shop.tenant, stores)
        days = await store_days(session, shop.tenant, stores)
    moments = {each.store.id: (each.day, each.hour) for each in days}
    for group, shown in (
        ("STORE", {each.store_id: each.stock.value for each in overview.stores}),
        ("CATEGORY", {each.category_id: each.stock.value for each in overview.categories}),
    ):
        sums = held(rows, lambda s, p, g=group: world.key(g, s, p), lambda _: True)
        expected = {key: value for key, (value, _) in sums.items()}
        assert {key: value for key, value in shown.items() if value} == {
            key: value for key, value in expected.items() if value
        }
    for each in overview.stores:
        today, hour = moments[each.store_id]
        sold = summed(rows, lambda s, _p, _m: s, Period(today, today)).get(each.store_id, Counter())
        names = ("revenue", "cost", "sold", "returned")
        assert [getattr(each.sales, name) for name in names] == [sold[name] for name in names]
        usual: list[int] = []
        for weeks in range(1, WEEKS + 1):
            day = today - timedelta(weeks=weeks)
            by_hour = summed(
                rows, lambda s, p, m: (s, world.key("HOUR", s, p, m)), Period(day, day)
            )
            here = {key[1]: sums for key, sums in by_hour.items() if key[0] == each.store_id}
            if any(sums["sold"] or sums["returned"] or sums["revenue"] for sums in here.values()):
                usual.append(sum(sums["revenue"] for at, sums in here.items() if at <= hour))
        assert each.usual == (sum(usual) // len(usual) if usual else None)


async def read(world: World) -> Overview:
    shop = world.shop
    async with shop.db.read(shop.tenant) as session:
        return await overview_of(session, shop.tenant, [shop.store, *world.stores])


@pytest.mark.parametrize("again", [False, True])
async def test_the_overview_of_kept_sums_is_that_of_the_levels(world: World, again: bool) -> None:
    """After changes since the sums were kept, and after these changes were added to them."""
    shop, stores = world.shop, [world.shop.store, *world.stores]
    await keep_sums(shop.db, shop.tenant)
    for _ in range(30):
        await world.step()
    if again:
        await keep_sums(shop.db, shop.tenant)
    async with shop.db.read(shop.tenant) as session:
        assert len(await current_moments(session, shop.tenant, stores)) == len(stores)
        due = (await stores_of(session, shop.tenant)).due
    assert bool(due) is not again, "some stores have changed since their sums were kept"
    kept = await read(world)
    async with shop.db.unit(shop.tenant) as unit:
        await unit.session.execute(delete(StoreSums).where(StoreSums.tenant_id == shop.tenant))
    assert await read(world) == kept
