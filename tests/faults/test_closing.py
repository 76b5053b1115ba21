"""The process that closes a stocktake is killed at each of its statements: a job goes on."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from random import Random
from uuid import UUID, uuid4

import pytest

from app.db.core.unit import Database
from app.db.stocktakes import stocktakes_by_id
from app.db.tables import Movement, Stocktake
from app.domain.access import Viewer
from app.domain.documents import stocktake_close
from app.domain.documents.stocktake_close import close, resume_closings
from app.run.embedded import Urls
from tests.conftest import VAULT, unheard
from tests.support.killed import kill_after, killing
from tests.support.shop import Shop
from tests.support.stocktakes import CountDesk

STEP = 3
GOODS = [f"货{number}" for number in range(8)]
COUNTED = {name: (18, 20, 23)[place % 3] for place, name in enumerate(GOODS)}
FEWEST = 30
"""Statements of a closing in three steps, at least."""


def close_and_die(url: str, viewer: Viewer, id: UUID, statements: int) -> None:
    """Close the stocktake in a process of its own, which is killed after so many statements."""
    stocktake_close.STEP = STEP

    async def work() -> None:
        db = Database(url, unheard, vault=VAULT)
        kill_after(db, statements)
        await close(db, viewer, uuid4(), id)
        await db.close()

    asyncio.run(work())


@pytest.fixture(scope="session")
def killed() -> Callable[..., bool]:
    """Runs a closing in another process; whether it was killed before its end."""
    return killing(close_and_die)


async def state(shop: Shop, row: Stocktake) -> str:
    async with shop.db.read(shop.tenant) as session:
        [current] = await stocktakes_by_id(session, shop.tenant, [row.id])
    return current.state


async def interrupted(
    shop: Shop, desk: CountDesk, urls: Urls, killed: Callable[..., bool], statements: int
) -> bool:
    """Close a stocktake in a process that is killed, sell, and let the job go on.

    Returns whether the closing was killed before its end.
    """
    for name in GOODS:
        now = await shop.level(name) if name in shop.products else None
        await shop.receive(name, 20 - (now.shelf if now else 0))
    row = await desk.open(*GOODS)
    for name, quantity in COUNTED.items():
        await desk.count(row, name, quantity)
    died = await asyncio.to_thread(killed, urls.database, desk.manager, row.id, statements)
    began = await state(shop, row) != "OPEN"
    for name in GOODS:
        assert isinstance(await shop.sell(name, 1), Movement)
    now = datetime.now(UTC)
    await resume_closings(shop.db, shop.tenant, now - timedelta(minutes=1))
    assert await state(shop, row) in (["CLOSING", "CLOSED"] if began else ["OPEN"])
    await asyncio.gather(*(resume_closings(shop.db, shop.tenant, now) for _ in range(2)))
    if not began:
        # Nothing was posted yet: the person closes it again.
        assert await state(shop, row) == "OPEN"
        assert (await desk.close(row)).state == "CLOSED"
    assert await state(shop, row) == "CLOSED"
    book = {name: (await shop.level(name)).shelf for name in GOODS}
    assert book == {name: quantity - 1 for name, quantity in COUNTED.items()}
    return died


@pytest.mark.widened
async def test_a_killed_closing_goes_on(
    shop: Shop,
    urls: Urls,
    seed: str,
    wide: bool,
    killed: Callable[..., bool],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(stocktake_close, "STEP", STEP)
    desk = CountDesk(shop)
    if not wide:
        for statements in Random(seed).sample(range(5, FEWEST), 4):
            assert await interrupted(shop, desk, urls, killed, statements)
        return
    statements = 1
    while await interrupted(shop, desk, urls, killed, statements):
        statements += 1
    assert statements > FEWEST
