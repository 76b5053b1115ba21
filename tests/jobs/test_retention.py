"""Old changes and keys are deleted in batches; a feed resumes only from what is kept."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest

from app.db import feed
from app.db.core.audit import audit
from app.db.core.bus import Bus
from app.db.core.lane import Lane
from app.db.core.unit import Database
from app.db.tables import Movement
from app.domain.catalog.cookbook import Cookbook
from app.domain.feed import Change, Resync
from app.domain.ledger.post import PostDrafts
from app.domain.rules.kinds import Kind
from app.jobs import retention
from app.jobs.retention import CHANGES_KEPT, KEYS_KEPT, trim_before
from app.live.hub import Hub
from app.run.embedded import Urls
from tests.conftest import VAULT, Cloning, unheard
from tests.support.shop import Shop, a_shop


@dataclass
class Kept:
    """A shop on a database of its own, whose rows may be made old."""

    shop: Shop
    hub: Hub
    owner: asyncpg.Connection
    urls: Urls

    async def age(self, table: str, column: str, days: float) -> None:
        older = f"UPDATE {table} SET {column} = {column} - $1::interval"
        await self.owner.execute(older, timedelta(days))

    async def count(self, table: str) -> int:
        return len(await self.owner.fetch(f"SELECT FROM {table}"))

    async def receive(self, key: UUID) -> UUID:
        """Receive goods under this key; the movement's id."""
        draft = await self.shop.draft(Kind.RECEIPT, ("米", 1), key=key)
        outcome = await self.shop.post(draft)
        assert isinstance(outcome, Movement)
        return outcome.id

    async def trim(self, after: timedelta = timedelta()) -> None:
        await trim_before(self.shop.db, self.shop.tenant, datetime.now(UTC) + after)

    async def first(self, after: int | None) -> Any:
        stream = self.hub.follow(self.shop.tenant, self.shop.store, after).__aiter__()
        try:
            return await anext(stream)
        finally:
            await stream.aclose()

    async def head(self) -> int:
        return await feed.head(self.shop.db, self.shop.tenant, self.shop.store)


@pytest.fixture
async def kept(clone: Cloning) -> AsyncIterator[Kept]:
    urls = await clone()
    db = Database(urls.database, unheard, 4, VAULT)
    lane = Lane(urls.database, PostDrafts(), unheard)
    hub = Hub(db, Bus(urls.redis), Cookbook(db))
    owner = await asyncpg.connect(urls.owner)
    yield Kept(await a_shop(db, lane), hub, owner, urls)
    await owner.close()
    await hub.close()
    await lane.close()
    await db.close()


async def test_changes_are_kept_for_seven_days(kept: Kept, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "BATCH", 2)
    for _ in range(5):
        await kept.shop.receive("米", 1)
    old = await kept.head()
    await kept.age("changes", "at", 3)
    for _ in range(2):
        await kept.shop.receive("米", 1)
    await kept.trim(CHANGES_KEPT - timedelta(days=3, minutes=1))
    assert await kept.count("changes") == old + 2
    await kept.trim(CHANGES_KEPT - timedelta(days=3, minutes=-1))
    assert await kept.count("changes") == 2
    # A revision whose successors are kept resumes; an older one starts over.
    event = await kept.first(old)
    assert isinstance(event, Change)
    assert (event.from_revision, event.revision) == (old, old + 2)
    assert isinstance(await kept.first(old - 1), Resync)
    assert await audit(kept.urls.owner) == []


async def test_the_newest_change_stays_however_old(kept: Kept) -> None:
    for _ in range(3):
        await kept.shop.receive("米", 1)
    head = await kept.head()
    await kept.trim(timedelta(days=30))
    assert await kept.count("changes") == 1
    assert isinstance(await kept.first(head), Change)
    assert isinstance(await kept.first(head - 1), Change)
    assert isinstance(await kept.first(head - 2), Resync)
    assert await audit(kept.urls.owner) == []
    await kept.shop.receive("米", 1)
    assert (await kept.first(head)).revision == head + 1


async def test_a_resume_is_right_when_no_change_is_kept(kept: Kept) -> None:
    await kept.shop.receive("米", 1)
    await kept.shop.receive("米", 1)
    head = await kept.head()
    await kept.owner.execute("DELETE FROM changes")
    event = await kept.first(head)
    assert isinstance(event, Change)
    assert (event.revision, event.levels) == (head, [])
    for after in (head - 1, 0, head + 1):
        event = await kept.first(after)
        assert isinstance(event, Resync)
        assert event.revision == head


async def test_keys_are_recognized_for_ninety_days(
    kept: Kept, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "BATCH", 2)
    keys = [uuid4() for _ in range(5)]
    movements = [await kept.receive(key) for key in keys]
    await kept.age("requests", "claimed_at", 90)
    fresh = uuid4()
    await kept.receive(fresh)
    await kept.trim(timedelta(minutes=-1))
    assert await kept.count("requests") == 6
    assert await kept.receive(keys[0]) == movements[0]
    await kept.trim(timedelta(minutes=1))
    assert await kept.owner.fetch("SELECT key FROM requests") == [(fresh,)]
    # A forgotten key counts as a new request.
    assert await kept.receive(keys[0]) not in movements
    assert timedelta(days=90) == KEYS_KEPT
