"""Reservations: goods held for a document, and how holds end when their time is over.

From that moment on reads count the goods as available, and a sale that needs them ends the
order first. A job, and the tail of a store that is watched, end the other overdue orders.
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
from app.domain.errors import GuestLimitReached, OutOfStock, Refused
from app.domain.ledger.documents import movement_of, post_movements
from app.domain.ledger.draft import SYSTEM_ACTOR, Draft, Line, Place
from app.domain.rules.kinds import Kind
from app.domain.rules.units import from_base

AT_ONCE = 20
"""Orders ended in one transaction. A sale of their goods waits for one such step at most."""

LATELY = timedelta(seconds=15)
"""Longer than any sale takes from its shortage until it looks for overdue orders."""

T = TypeVar("T")


def release_lines(store: UUID, held: Iterable[Reservation]) -> list[Line]:
    """The lines that move reserved goods back to the shelf, batch by batch."""
    reserved, shelf = Place(store, "reserved"), Place(store, "shelf")
    return [move_line(each, each.quantity, reserved, shelf) for each in held]


def move_line(
    held: Reservation | WriteOffLine, quantity: int, source: Place, target: Place
) -> Line:
    """A line that moves `quantity` base units of these goods and their batch."""
    batches = None if held.batch_id is None else (held.batch_id,)
    return Line(held.product_id, from_base(quantity, held.scale), source, target, batches=batches)


def release(row: Order, key: UUID, actor: UUID, held: Iterable[Reservation], reason: str) -> Draft:
    """The movement that puts back what an order reserves."""
    lines = release_lines(row.store_id, held)
    kind, channel = Kind.ORDER_RELEASE, row.channel
    return movement_of(
        row.id, kind, row.store_id, key, actor, lines, channel=channel, reason=reason
    )


async def end_overdue(db: Database, tenant: UUID) -> None:
    """Ends the tenant's orders whose time is over, AT_ONCE in a unit. Each order ends once, even
    when two processes do this at the same time.

    After each unit it pauses for as long as the unit took, so that sales are not held up.
    """
    while True:
        began = time.monotonic()
        async with db.unit(tenant) as unit:
            ended = await rows.end_overdue(unit, AT_ONCE)
            await _release(unit, ended)
        if len(ended) < AT_ONCE:
            return
        await asyncio.sleep(time.monotonic() - began)


async def end_overdue_at(
    db: Database, tenant: UUID, pairs: Collection[Pair]
) -> AsyncIterator[None]:
    """Ends overdue orders that reserve goods of these levels, and yields after each unit.

    The caller was short of these goods: it tries again at each step and stops when it has
    enough. Yields as well when another process has just ended the orders.
    """
    if not await db.coalesce(_over_lately, tenant, pairs):
        return
    more = True
    while more:
        more = await db.coalesce(_end_some, tenant, pairs)
        yield


async def _over_lately(db: Database, tenant: UUID, pairs: Collection[Pair]) -> bool:
    async with db.read_once(tenant) as session:
        return await rows.over_lately(session, tenant, pairs, clock() - LATELY)


async def _end_some(db: Database, tenant: UUID, pairs: Collection[Pair]) -> bool:
    """Ends up to AT_ONCE orders for all callers that are short now. Returns whether there may be
    more to end."""
    async with db.unit(tenant) as unit:
        ended = await rows.end_overdue_of(unit, pairs, AT_ONCE)
        await _release(unit, ended)
    return len(ended) == AT_ONCE


async def _release(unit: Unit, orders: Collection[Order]) -> None:
    """Puts back what these ended orders reserved, and announces them."""
    if not orders:
        return
    held = await rows.held(unit, [row.id for row in orders])
    drafts: list[Draft] = []
    for row in orders:
        mine = [each for each in held if each.document_id == row.id]
        drafts.append(release(row, uuid5(row.id, "expire"), SYSTEM_ACTOR, mine, "超时释放"))
        unit.document_changed(row.store_id, row.id)
    await post_movements(unit, drafts)


async def retry_while_short(
    db: Database, tenant: UUID, store: UUID, work: Callable[[], Awaitable[T]]
) -> T:
    """Does the work, again while it is short of goods that overdue orders reserve.

    Returns the work's result. Raises Refused as the last try did.
    """
    try:
        return await work()
    except Refused as refused:
        short = refused
        if not isinstance(refused.refusal, OutOfStock):
            raise
        pairs = short_of(store, refused.refusal)
    async for _ in end_overdue_at(db, tenant, pairs):
        try:
            return await work()
        except Refused as refused:
            short = refused
            if not isinstance(refused.refusal, OutOfStock):
                raise
    raise short


def short_of(store: UUID, refusal: OutOfStock | GuestLimitReached) -> set[Pair]:
    """The levels of a store that the refusal says are short, or held by guests."""
    if isinstance(refusal, GuestLimitReached):
        return {(store, product) for product in refusal.product_ids}
    return {(store, shortage.product_id) for shortage in refusal.shortages}
