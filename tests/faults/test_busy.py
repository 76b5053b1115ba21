"""A busy lane: sales beyond its room are BUSY and lose nothing, and chains take turns."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from uuid import uuid4

import asyncpg
import pytest

from app.db.core.lane import Lane
from app.db.core.unit import Unit
from app.run.embedded import Urls
from tests.api.conftest import asking, chain, fresh
from tests.support.api import Desk
from tests.support.importer import unheard

__all__ = ["asking", "chain", "fresh"]

HELD = "SELECT FROM levels WHERE product_id = $1 FOR UPDATE"
SALES = 8
ROOM = 3


async def test_a_full_lane_says_so_and_takes_the_same_key_later(
    fresh: Desk, urls: Urls, monkeypatch: pytest.MonkeyPatch
) -> None:
    await fresh.receive("米", 100)
    monkeypatch.setattr("app.db.core.lane.WAITING", ROOM)
    holder = await asyncpg.connect(urls.owner)
    keys = [str(uuid4()) for _ in range(SALES)]
    async with holder.transaction():
        # The first sale waits for this row, and the others for the first.
        await holder.execute(HELD, fresh.products["米"])
        selling = [asyncio.create_task(fresh.post("sell", ("米", 1), key=key)) for key in keys]
        done, waiting = await asyncio.wait(selling, timeout=2)
        assert {task.result()["code"] for task in done} == {"BUSY"}
        assert ROOM <= len(waiting) <= ROOM + 1
    outcomes = Counter(answer.get("code", "sold") for answer in await asyncio.gather(*selling))
    assert outcomes == {"sold": len(waiting), "BUSY": len(done)}
    assert (await fresh.level("米"))["available"] == str(100 - len(waiting))
    again = [await fresh.post("sell", ("米", 1), key=key) for key in keys]
    assert all("id" in answer for answer in again), again
    assert (await fresh.level("米"))["available"] == str(100 - SALES)
    await holder.close()


async def test_a_busy_chain_lets_another_chain_use_the_connection(urls: Urls) -> None:
    """The queue of the busy chain is never empty: each of its units queues the next item."""
    busy, other, more = uuid4(), uuid4(), list[asyncio.Task[int]]()
    is_busy, other_is_done = asyncio.Event(), asyncio.Event()

    async def work(unit: Unit, items: Sequence[int]) -> list[int]:
        if unit.tenant == busy and not other_is_done.is_set():
            more.append(asyncio.create_task(lane.submit(busy, len(more))))
            is_busy.set()
            await asyncio.sleep(0)
        return list(items)

    lane: Lane[int, int] = Lane(urls.database, work, unheard, connections=1)
    first = asyncio.create_task(lane.submit(busy, -1))
    await is_busy.wait()
    try:
        assert await asyncio.wait_for(lane.submit(other, 7), 5) == 7
    finally:
        other_is_done.set()
        await lane.close()
    assert [await each for each in more] == list(range(len(more)))
    assert await first == -1
