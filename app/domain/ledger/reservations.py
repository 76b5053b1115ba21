"""Holds: goods that are reserved for a document, and what becomes of those nobody came for.

A hold ends at its moment: from then on whoever reads counts it as free, and whoever needs it
settles it first. What nobody needs is settled by those who watch the store, and by a job.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterable
from datetime import timedelta
from typing import TypeVar
from uuid import UUID, uuid5

from app.db import reservations as rows
from app.db.core.unit import Database, Unit, clock
from app.db.levels import Pair
from app.db.reservations import Reservation
from app.db.tables import Order, WriteOffLine
from app.domain.errors import OutOfStock, Refusal, Refused
from app.domain.ledger.documents import movement_of
from app.domain.ledger.draft import NOBODY, Draft, Line, Place
from app.domain.ledger.post import post
from app.domain.rules.kinds import Kind
from app.domain.rules.units import from_base

AT_ONCE = 20
"""Orders settled in one unit: whoever sells what they hold waits for no more than these."""

LATELY = timedelta(seconds=15)
"""Nobody waits longer than this between being short and asking why."""

T = TypeVar("T")


def put_back(store: UUID, held: Iterable[Reservation]) -> list[Line]:
    """The lines that put what is held back on the shelf, batch by batch."""
    reserved, shelf = Place(store, "reserved"), Place(store, "shelf")
    return [moved(each, each.quantity, reserved, shelf) for each in held]


def moved(held: Reservation | WriteOffLine, quantity: int, source: Place, target: Place) -> Line:
    """So many base units of what is held, of its own batch."""
    batches = None if held.batch_id is None else (held.batch_id,)
    told = from_base(quantity, held.scale)
    return Line(held.product_id, told, source, target, batches=batches)


def release(row: Order, key: UUID, actor: UUID, held: Iterable[Reservation], reason: str) -> Draft:
    """The movement that gives up what an order holds."""
    lines = put_back(row.store_id, held)
    kind, channel = Kind.ORDER_RELEASE, row.channel
    return movement_of(
        row.id, kind, row.store_id, key, actor, lines, channel=channel, reason=reason
    )


async def end_overdue(db: Database, tenant: UUID) -> None:
    """Ends the orders whose time is over, a few a unit. Run at once or twice, each ends once.

    Whoever sells meanwhile has as much time as it takes: nobody waits for what is no hurry.
    """
    while True:
        began = time.monotonic()
        async with db.unit(tenant) as unit:
            ended = await rows.end_overdue(unit, AT_ONCE)
            await _release(unit, ended)
        if len(ended) < AT_ONCE:
            return
        await asyncio.sleep(time.monotonic() - began)


async def freed(db: Database, tenant: UUID, pairs: Collection[Pair]) -> AsyncIterator[None]:
    """Each time there is more of these levels, which held something for orders that are over.

    Whoever was short of them tries again, and goes on until it has enough; also when somebody
    else has ended these orders since it was short.
    """
    if not await db.together(_over_lately, tenant, pairs):
        return
    more = True
    while more:
        more = await db.together(_end_some, tenant, pairs)
        yield


async def _over_lately(db: Database, tenant: UUID, pairs: Collection[Pair]) -> bool:
    async with db.read(tenant) as session:
        return await rows.over_lately(session, tenant, pairs, clock() - LATELY)


async def _end_some(db: Database, tenant: UUID, pairs: Collection[Pair]) -> bool:
    """For all who are short at this time; whether there may be more to end."""
    async with db.unit(tenant) as unit:
        ended = await rows.end_overdue_of(unit, pairs, AT_ONCE)
        await _release(unit, ended)
    return len(ended) == AT_ONCE


async def _release(unit: Unit, orders: Collection[Order]) -> None:
    """Puts back what orders held that were just ended."""
    if not orders:
        return
    held = await rows.held(unit, [row.id for row in orders])
    drafts = []
    for row in orders:
        mine = [each for each in held if each.document_id == row.id]
        drafts.append(release(row, uuid5(row.id, "expire"), NOBODY, mine, "超时释放"))
        unit.filed(row.store_id, row.id)
    for outcome in await post(unit, [draft for draft in drafts if draft.lines]):
        if isinstance(outcome, Refusal):
            raise Refused(outcome)


async def with_overdue(
    db: Database, tenant: UUID, store: UUID, work: Callable[[], Awaitable[T]]
) -> T:
    """Does the work; again while it is short of what is held for orders that are over.

    Raises Refused as the last try did.
    """
    try:
        return await work()
    except Refused as refused:
        short = refused
        if not isinstance(refused.refusal, OutOfStock):
            raise
        pairs = short_of(store, refused.refusal)
    async for _ in freed(db, tenant, pairs):
        try:
            return await work()
        except Refused as refused:
            short = refused
            if not isinstance(refused.refusal, OutOfStock):
                raise
    raise short


def short_of(store: UUID, refusal: OutOfStock) -> set[Pair]:
    return {(store, shortage.product_id) for shortage in refusal.shortages}
