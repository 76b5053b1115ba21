"""The process that approves a movement is killed at each of its statements: nothing is half done,
and the same request, sent again, has the same answer."""

import asyncio
from collections.abc import Callable
from decimal import Decimal
from random import Random
from typing import NamedTuple
from uuid import UUID, uuid4

import pytest
from sqlalchemy import func, select

from app.db.core.lane import Lane
from app.db.core.unit import Database
from app.db.tables import Approval, AuditRecord, Movement
from app.domain.access import Role, Viewer
from app.domain.catalog.cookbook import Cookbook
from app.domain.documents import approvals
from app.domain.documents.writeoffs import set_limit
from app.domain.ledger.limits import SecondPersonNeeded
from app.domain.ledger.post import PostDrafts
from app.domain.movements.record import Books, MovementHead, prepare, record
from app.domain.rules.kinds import Kind
from app.run.embedded import Urls
from tests.conftest import VAULT, unheard
from tests.support.killed import kill_after, killing
from tests.support.shop import Shop
from tests.support.stocktakes import CountDesk, Counted

USED, LIMIT = 15, 10_000
FEWEST = 12
"""Statements of an approval, at least."""


class Deciding(NamedTuple):
    """A decision as a client sends it."""

    viewer: Viewer
    key: UUID
    approval_id: UUID

    async def send(self, books: Books) -> Approval:
        return await approvals.approve(books, self.viewer, self.key, self.approval_id, "同意")


def decide_and_die(url: str, deciding: Deciding, statements: int) -> None:
    async def work() -> None:
        db = Database(url, unheard, vault=VAULT)
        kill_after(db, statements)
        lane = Lane(url, PostDrafts(), unheard)
        await deciding.send(Books(db, lane, Cookbook(db)))
        await lane.close()
        await db.close()

    asyncio.run(work())


@pytest.fixture(scope="session")
def killed() -> Callable[..., bool]:
    return killing(decide_and_die)


async def requested(shop: Shop, books: Books, cashier: Viewer) -> UUID:
    """An approval that waits: own use above the limit of the role."""
    line = Counted(await shop.product("蛋"), Decimal(USED))
    head = MovementHead(uuid4(), "试吃")
    prepared = await prepare(books.db, cashier, Kind.CONSUMPTION, shop.store, [line], head)
    outcome = await approvals.book(books, cashier, prepared)
    assert isinstance(outcome, SecondPersonNeeded), outcome
    assert outcome.approval_id is not None
    return outcome.approval_id


async def facts(shop: Shop, id: UUID) -> tuple[str, int, int, int]:
    """The state of the approval, its movements, its decisions in the audit log, and the shelf."""
    async with shop.db.read(shop.tenant) as session:
        row = (await session.scalars(select(Approval).where(Approval.id == id))).one()
        mine = Movement.tenant_id == shop.tenant, Movement.kind == "CONSUMPTION"
        moved = await session.scalar(select(func.count()).select_from(Movement).where(*mine))
        decided = await session.scalar(
            select(func.count()).select_from(AuditRecord).where(AuditRecord.subject_id == id)
        )
    return row.state, moved or 0, decided or 0, (await shop.level("蛋")).shelf


async def interrupted(
    shop: Shop, people: CountDesk, books: Books, urls: Urls, killed: Callable[..., bool], after: int
) -> bool:
    """Approve in a process that is killed, and send the same decision again, twice at once.

    Returns whether it was killed before its end.
    """
    id = await requested(shop, books, people.cashier)
    _, moved, _, shelf = await facts(shop, id)
    deciding = Deciding(people.manager, uuid4(), id)
    died = await asyncio.to_thread(killed, urls.database, deciding, after)
    whole = ("APPROVED", moved + 1, 1, shelf - USED)
    assert await facts(shop, id) in (("WAITING", moved, 0, shelf), whole)
    first, second = await asyncio.gather(*(deciding.send(books) for _ in range(2)))
    assert first.state == second.state == "APPROVED"
    assert first.movement_id == second.movement_id is not None
    assert await facts(shop, id) == whole
    return died


@pytest.mark.widened
async def test_a_killed_approval_is_never_half_done(
    shop: Shop, urls: Urls, seed: str, wide: bool, killed: Callable[..., bool]
) -> None:
    people, books = CountDesk(shop), Books(shop.db, shop.lane, Cookbook(shop.db))
    line = Counted(await shop.product("蛋"), Decimal(10_000), unit_cost=30_000)
    what = Kind.RECEIPT, shop.store, [line], MovementHead(uuid4())
    assert isinstance(await record(books, shop.owner, *what), Movement)
    await set_limit(shop.db, shop.owner, uuid4(), Role.CASHIER, LIMIT)
    if not wide:
        for statements in Random(seed).sample(range(1, FEWEST), 3):
            assert await interrupted(shop, people, books, urls, killed, statements)
        return
    statements = 1
    while await interrupted(shop, people, books, urls, killed, statements):
        statements += 1
    assert statements > FEWEST
