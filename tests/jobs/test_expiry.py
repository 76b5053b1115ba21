"""The expiry job moves expired goods off the shelf, once, by each store's own clock."""

import asyncio
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import asyncpg
import pytest

from app.db.core import jobs
from app.db.core.lane import Lane
from app.db.core.unit import Database
from app.db.tables import Movement
from app.domain.errors import OutOfStock, Refusal
from app.domain.ledger.post import PostDrafts
from app.domain.movements.batches import expiring
from app.domain.rules.kinds import Kind
from app.jobs import runner
from app.jobs.expiry import expire
from app.run.embedded import Urls
from tests.conftest import Cloning, unheard
from tests.support.identity import eventually
from tests.support.shop import Shop


def day(days: int, zone: str = "Asia/Shanghai") -> date:
    return datetime.now(ZoneInfo(zone)).date() + timedelta(days=days)


async def expire_all(shop: Shop) -> list[Movement | Refusal]:
    """Run the job for this tenant only; `expire` runs it for all tenants."""
    drafts = await expiring(shop.db, shop.tenant)
    return [await shop.post(draft) for draft in drafts]


async def test_the_expired_part_leaves_the_shelf(shop: Shop) -> None:
    other = await shop.another_store()
    await shop.deliver("奶", 3, "old", day(-1))
    await shop.deliver("奶", 2, "today", day(0))
    await shop.deliver("面", 4, "older", day(-9))
    await shop.deliver("奶", 5, "old", day(-1), store=other)
    movements = await expire_all(shop)
    assert all(isinstance(each, Movement) for each in movements)
    assert len(movements) == 2
    assert await shop.bins("奶") == (2, 0, 3, 0)
    assert await shop.bins("面") == (0, 0, 4, 0)
    assert (await shop.level("奶", other)).quarantine == 5
    assert await expire_all(shop) == []


async def test_run_at_two_places_it_moves_once(shop: Shop, urls: Urls) -> None:
    for number in range(20):
        await shop.deliver(f"商品{number}", 2, "old", day(-1))
    elsewhere = Lane(urls.database, PostDrafts(), unheard)
    there = Shop(shop.db, elsewhere, shop.tenant, shop.actor, shop.store, shop.products)
    await asyncio.gather(*(expire_all(each) for each in (shop, there) * 3))
    await elsewhere.close()
    for number in range(20):
        assert await shop.bins(f"商品{number}") == (0, 0, 2, 0)


@pytest.mark.parametrize("first", ["job", "sale"])
async def test_expired_goods_are_never_sold_before_or_after_the_job(shop: Shop, first: str) -> None:
    await shop.deliver("奶", 3, "old", day(-1))
    await shop.deliver("奶", 1, "fresh", day(1))
    if first == "job":
        await expire_all(shop)
    sales = await asyncio.gather(shop.sell("奶", 1), shop.sell("奶", 1), expire_all(shop))
    assert sorted(type(each).__name__ for each in sales[:2]) == ["Movement", "OutOfStock"]
    await expire_all(shop)
    assert await shop.bins("奶") == (0, 0, 3, 0)


async def test_goods_moved_after_the_draft_are_left_alone(shop: Shop) -> None:
    await shop.deliver("奶", 3, "old", day(-1))
    [draft] = await expiring(shop.db, shop.tenant)
    await shop.do(Kind.LOSS, ("奶", 1))
    assert isinstance(await shop.post(draft), OutOfStock)
    [movement] = await expire_all(shop)
    assert isinstance(movement, Movement)
    assert await shop.bins("奶") == (0, 0, 2, 0)


ZONES = ["Asia/Shanghai", "America/New_York", "Pacific/Auckland"]


async def test_each_store_at_its_own_midnight(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """Three stores with one expiry date: each is due at its own midnight, not a second earlier."""
    last = day(3, "Pacific/Auckland")
    stores = {zone: await shop.another_store(zone) for zone in ZONES}
    for store in stores.values():
        await shop.deliver("奶", 1, "A", last, store=store)
    for zone, store in stores.items():
        midnight = datetime.combine(last + timedelta(days=1), datetime.min.time(), ZoneInfo(zone))
        for seconds, due in ((-1, False), (0, True)):
            now = midnight.astimezone(UTC) + timedelta(seconds=seconds)
            monkeypatch.setattr("app.domain.movements.batches.clock", lambda now=now: now)
            stores_due = {draft.store for draft in await expiring(shop.db, shop.tenant)}
            assert (store in stores_due) is due, (zone, seconds)


async def test_the_runner_does_what_is_due_once(
    clone: Cloning, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of two runners on real pgqueuer, one runs each tick; both recover a lost connection."""
    urls = await clone()
    db, lane = Database(urls.database, unheard, 4), Lane(urls.database, PostDrafts(), unheard)
    ticks, running, most = [0], [0], [0]

    async def tick(db: Database, lane: Lane) -> None:
        ticks[0] += 1
        running[0] += 1
        most[0] = max(most[0], running[0])
        try:
            await expire(db, lane)
            await asyncio.sleep(0.3)
        finally:
            running[0] -= 1

    monkeypatch.setattr(runner, "SCHEDULE", {"expire": ("* * * * * *", tick)})
    monkeypatch.setattr(runner, "RETRY_SECONDS", 0.1)
    opened: list[object] = []
    scheduler = jobs.scheduler

    def counted(url: str):
        opened.append(url)
        return scheduler(url)

    monkeypatch.setattr(jobs, "scheduler", counted)
    working = [asyncio.create_task(runner.work(urls.database, db, lane)) for _ in range(2)]
    await eventually(lambda: enough(ticks, 2), 15)
    # A runner that loses its connection during a job is replaced after a heartbeat of 30 seconds.
    await eventually(lambda: idle(running))
    owner = await asyncpg.connect(urls.owner)
    await owner.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
        "WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    await owner.close()
    [seen] = ticks
    await eventually(lambda: enough(ticks, seen + 2), 20)
    assert len(opened) >= 4
    assert most == [1], "both runners did the same tick"
    for task in working:
        task.cancel()
    await asyncio.gather(*working, return_exceptions=True)
    await lane.close()
    await db.close()


async def enough(ticks: list[int], count: int) -> bool:
    await asyncio.sleep(0.05)
    return ticks[0] >= count


async def idle(running: list[int]) -> bool:
    await asyncio.sleep(0.01)
    return running == [0]
