"""The hub: the events that followers receive, their order, and what followers share."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import asyncpg
import pytest

from app.db import feed
from app.db.core.bus import Bus
from app.db.core.lane import Lane
from app.db.core.unit import Database
from app.domain.catalog.cookbook import Cookbook
from app.domain.feed import AvailabilityChange, Change, Event, Resync, Snapshot
from app.domain.ledger.post import PostDrafts
from app.live.follower import Follower
from app.live.hub import Hub
from app.run.embedded import Urls
from tests.support.identity import eventually
from tests.support.shop import Shop, a_shop


@dataclass
class Watched:
    hub: Hub
    bus: Bus
    shop: Shop

    def follow(self, after: int | None = None) -> Follower:
        return self.hub.follow(self.shop.tenant, self.shop.store, after)

    @asynccontextmanager
    async def following(self, after: int | None = None) -> AsyncIterator[Any]:
        stream = self.follow(after).__aiter__()
        try:
            yield stream
        finally:
            await stream.aclose()


@pytest.fixture
async def watched(db: Database, urls: Urls) -> AsyncIterator[Watched]:
    """A hub on a bus that reaches its own process only."""
    bus = Bus(urls.redis)
    lane = Lane(urls.database, PostDrafts(), bus.nudge)
    hub = Hub(db, bus, Cookbook(db))
    yield Watched(hub, bus, await a_shop(db, lane))
    await hub.close()
    await lane.close()


async def soon(stream: Any) -> Any:
    async with asyncio.timeout(3):
        return await anext(stream)


def amounts(event: Snapshot | Change) -> list[int]:
    return [level.shelf for level in event.levels]


async def result_of(holds: Callable[[], object]) -> object:
    await asyncio.sleep(0.01)
    return holds()


class Pause:
    """Delays the result of a real read until `go` is set."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
        self._read = getattr(feed, name)
        self.on = False
        self.held = asyncio.Event()
        self.go = asyncio.Event()
        monkeypatch.setattr(feed, name, self)

    async def __call__(self, *arguments: Any) -> Any:
        answer = await self._read(*arguments)
        if self.on:
            self.on = False
            self.held.set()
            await self.go.wait()
        return answer


async def test_an_unread_mailbox_holds_one_event(watched: Watched) -> None:
    shop = watched.shop
    for name in ("米", "油"):
        await shop.receive(name, 100)
    async with watched.following() as behind, watched.following() as reader:
        first = await soon(behind)
        await soon(reader)
        for name in ("米", "油", "米"):
            await shop.sell(name, 1)
            await soon(reader)
        event = await soon(behind)
        assert isinstance(event, Change)
        assert (event.from_revision, event.revision) == (first.revision, first.revision + 3)
        assert sorted(amounts(event)) == [98, 99]


async def test_followers_equally_behind_share_one_event(watched: Watched) -> None:
    shop = watched.shop
    await shop.receive("米", 100)
    async with (
        watched.following() as one,
        watched.following() as two,
        watched.following() as reader,
    ):
        for stream in (one, two, reader):
            await soon(stream)
        for _ in range(3):
            await shop.sell("米", 1)
            await soon(reader)
        assert await soon(one) is await soon(two)


async def test_joiners_share_one_snapshot(watched: Watched) -> None:
    await watched.shop.receive("米", 100)
    streams = [watched.follow().__aiter__() for _ in range(20)]
    first, *others = await asyncio.gather(*(soon(stream) for stream in streams))
    assert all(event is first for event in others)
    assert watched.hub.followers == 20
    for stream in streams:
        await stream.aclose()
    assert watched.hub.followers == 0


async def test_who_joins_during_a_slow_snapshot_misses_nothing(
    watched: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A new follower gets no snapshot that is older than a change already delivered to others."""
    shop = watched.shop
    await shop.receive("米", 100)
    pause = Pause(monkeypatch, "levels")
    async with watched.following() as reader, watched.following() as early:
        await soon(reader)
        pause.on = True
        waiting = asyncio.create_task(soon(early))
        await pause.held.wait()
        await shop.sell("米", 1)
        await soon(reader)
        async with watched.following() as late:
            joining = asyncio.create_task(soon(late))
            await asyncio.sleep(0.05)
            pause.go.set()
            assert amounts(await joining) == [99]
        # A follower that joined before the sale may get the old snapshot, and then the change.
        assert amounts(await waiting) == [100]
        assert amounts(await soon(early)) == [99]


async def test_nothing_older_follows_a_snapshot(
    watched: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop = watched.shop
    await shop.receive("米", 100)
    pause = Pause(monkeypatch, "changes_after")
    async with watched.following() as reader, watched.following() as late:
        await soon(reader)
        pause.on = True
        await shop.sell("米", 1)
        await pause.held.wait()
        # The tail has read 99 but not delivered it. Now another sale commits, and a follower joins.
        await shop.sell("米", 1)
        assert amounts(await soon(late)) == [98]
        pause.go.set()
        assert amounts(await soon(reader)) == [99]
        await shop.sell("米", 1)
        assert amounts(await soon(late)) == [97]


async def test_a_resume_reads_only_what_came_after(watched: Watched) -> None:
    shop = watched.shop
    for name in ("米", "油"):
        await shop.receive(name, 100)
    kept = await feed.head(shop.db, shop.tenant, shop.store)
    async with watched.following(after=kept) as stream:
        event = await soon(stream)
        assert (event.from_revision, event.revision, amounts(event)) == (kept, kept, [])
        await shop.sell("油", 1)
        assert amounts(await soon(stream)) == [99]
    async with watched.following(after=kept) as stream:
        assert amounts(await soon(stream)) == [99]


@pytest.mark.parametrize("after", [-1, 7, 2**62])
async def test_an_unknown_revision_is_a_resync(watched: Watched, after: int) -> None:
    await watched.shop.receive("米", 1)
    async with watched.following(after=after) as stream:
        assert isinstance(await soon(stream), Resync)


async def test_what_was_pruned_is_a_resync(watched: Watched, urls: Urls) -> None:
    shop = watched.shop
    for _ in range(3):
        await shop.receive("米", 100)
    head = await feed.head(shop.db, shop.tenant, shop.store)
    owner = await asyncpg.connect(urls.owner)
    pruned = "DELETE FROM changes WHERE store_id = $1 AND revision < $2 RETURNING *"
    kept = await owner.fetch(pruned, shop.store, head)
    try:
        async with watched.following(after=head - 2) as stream:
            event = await soon(stream)
            assert isinstance(event, Resync)
            assert event.revision == head
        async with watched.following(after=head - 1) as stream:
            assert isinstance(await soon(stream), Change)
    finally:
        # Put the rows back: the audit checks that revisions have no gaps (I6).
        await owner.copy_records_to_table("changes", records=[tuple(row) for row in kept])
        await owner.close()


async def test_a_tail_outlives_every_failure_of_the_database(watched: Watched, urls: Urls) -> None:
    """The database refuses connections for a while; a second later the reader is up to date."""
    shop = watched.shop
    await shop.receive("米", 100)
    owner = await asyncpg.connect(urls.owner)
    name = urls.database.rsplit("/", 1)[1]
    async with watched.following() as stream:
        await soon(stream)
        await shop.sell("米", 1)
        assert amounts(await soon(stream)) == [99]
        try:
            await owner.execute(f'ALTER DATABASE "{name}" CONNECTION LIMIT 0')
            await owner.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = $1 AND pid <> pg_backend_pid()",
                name,
            )
            await asyncio.sleep(1.5)
        finally:
            await owner.execute(f'ALTER DATABASE "{name}" CONNECTION LIMIT -1')
            await owner.close()
        await shop.sell("米", 1)
        async with asyncio.timeout(1):
            assert amounts(await anext(stream)) == [98]


async def test_labels_tell_only_what_customers_see(watched: Watched) -> None:
    shop = watched.shop
    for name in ("米", "油", "盐"):
        await shop.receive(name, 100)
    products = [await shop.product("米"), await shop.product("油")]
    labels = watched.hub.follow_labels(shop.tenant, shop.store, products).__aiter__()
    seen: list[Event] = [await soon(labels)]
    assert isinstance(seen[0], AvailabilityChange)
    assert set(seen[0].shown) == set(products)
    # Still plenty, and a product that is not followed: no event.
    await shop.sell("米", 1)
    await shop.sell("盐", 99)
    telling = asyncio.create_task(soon(labels))
    await asyncio.sleep(0.2)
    assert not telling.done()
    await shop.sell("米", 98)
    event = await telling
    assert [shown.availability.label.value for shown in event.shown.values()] == ["FEW"]
    assert list(event.shown) == products[:1]
    await labels.aclose()
    assert watched.hub.followers == 0


async def test_labels_are_looked_up_again_after_a_resync(watched: Watched) -> None:
    shop = watched.shop
    await shop.receive("米", 100)
    product = await shop.product("米")
    labels = watched.hub.follow_labels(shop.tenant, shop.store, [product]).__aiter__()
    await soon(labels)
    [tail] = watched.hub._tails.values()
    # As after restoring a backup: the tail has a revision that does not exist.
    tail.revision = 99
    await shop.sell("米", 100)
    event = await soon(labels)
    assert [shown.availability.label.value for shown in event.shown.values()] == ["SOLD_OUT"]
    await labels.aclose()


async def test_customers_of_the_same_products_share_one_event(watched: Watched) -> None:
    shop = watched.shop
    await shop.receive("米", 100)
    await shop.receive("油", 100)
    rice, oil = await shop.product("米"), await shop.product("油")
    follow = watched.hub.follow_labels
    one = follow(shop.tenant, shop.store, [rice, oil]).__aiter__()
    two = follow(shop.tenant, shop.store, [oil, rice]).__aiter__()
    other = follow(shop.tenant, shop.store, [rice]).__aiter__()
    first = await soon(one)
    assert await soon(two) is first
    assert await soon(other) is not first
    await shop.sell("米", 100)
    event = await soon(one)
    assert await soon(two) is event
    assert await soon(other) is not event
    for stream in (one, two, other):
        await stream.aclose()


async def test_a_tail_ends_with_its_last_follower(watched: Watched) -> None:
    await watched.shop.receive("米", 1)
    before = len(asyncio.all_tasks())
    for _ in range(3):
        async with watched.following() as one, watched.following() as two:
            await asyncio.gather(soon(one), soon(two))
    await eventually(lambda: result_of(lambda: len(asyncio.all_tasks()) <= before))
    assert not watched.hub._tails
