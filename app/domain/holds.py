"""Holds: goods that are reserved for a document, and what becomes of those nobody came for.

A hold ends at its moment: from then on whoever reads counts it as free, and whoever needs it
settles it first. What nobody needs is settled by those who watch the store, and by a job.
"""

from collections.abc import Awaitable, Callable, Collection, Iterable
from datetime import timedelta
from typing import TypeVar
from uuid import UUID, uuid5

from app.db import holds as rows
from app.db.holds import Held
from app.db.levels import Pair
from app.db.tables import Order, WriteOffLine
from app.db.unit import Database, Unit, clock
from app.domain.documents import movement_of
from app.domain.draft import NOBODY, Draft, Line, Place
from app.domain.errors import OutOfStock, Refusal, Refused
from app.domain.ledger import post
from app.domain.rules.kinds import Kind
from app.domain.rules.units import from_base

AT_ONCE = 20
"""Orders settled in one unit: their levels are locked no longer than a sale's neighbour is."""

LATELY = timedelta(seconds=15)
"""Nobody waits longer than this between being short and asking why."""

T = TypeVar("T")


def put_back(store: UUID, held: Iterable[Held]) -> list[Line]:
    """The lines that put what is held back on the shelf, batch by batch."""
    reserved, shelf = Place(store, "reserved"), Place(store, "shelf")
    return [moved(each, each.quantity, reserved, shelf) for each in held]


def moved(held: Held | WriteOffLine, quantity: int, source: Place, target: Place) -> Line:
    """So many base units of what is held, of its own batch."""
    batches = None if held.batch_id is None else (held.batch_id,)
    told = from_base(quantity, held.scale)
    return Line(held.product_id, told, source, target, batches=batches)


def release(row: Order, key: UUID, actor: UUID, held: Iterable[Held], reason: str) -> Draft:
    """The movement that gives up what an order holds."""
    lines = put_back(row.store_id, held)
    told = {"channel": row.channel, "reason": reason}
    return movement_of(row.id, Kind.ORDER_RELEASE, row.store_id, key, actor, lines, **told)


async def settle(db: Database, tenant: UUID) -> None:
    """Ends the orders whose time is over, a few a unit. Run at once or twice, each ends once."""
    while True:
        async with db.unit(tenant) as unit:
            ended = await rows.overdue_orders(unit, AT_ONCE)
            await _expire(unit, ended)
        if len(ended) < AT_ONCE:
            return


async def settle_for(db: Database, tenant: UUID, pairs: Collection[Pair]) -> bool:
    """Ends the orders whose time is over and that hold any of these levels.

    Whether any did, or did until a moment ago: somebody else may have ended them since the
    caller was short of what they held.
    """
    async with db.read(tenant) as session:
        if not await rows.over_lately(session, tenant, pairs, clock() - LATELY):
            return False
    while True:
        async with db.unit(tenant) as unit:
            ended = await rows.overdue_orders_of(unit, pairs, AT_ONCE)
            await _expire(unit, ended)
        if len(ended) < AT_ONCE:
            return True


async def _expire(unit: Unit, orders: Collection[Order]) -> None:
    if not orders:
        return
    held = await rows.held(unit, [row.id for row in orders])
    drafts = []
    for row in orders:
        mine = [each for each in held if each.document_id == row.id]
        drafts.append(release(row, uuid5(row.id, "expire"), NOBODY, mine, "超时释放"))
        row.state, row.ended_at = "EXPIRED", unit.now
        unit.filed(row.store_id, row.id)
    for outcome in await post(unit, [draft for draft in drafts if draft.lines]):
        if isinstance(outcome, Refusal):
            raise Refused(outcome)


async def with_overdue(
    db: Database, tenant: UUID, store: UUID, work: Callable[[], Awaitable[T]]
) -> T:
    """Does the work; once more when it was short of what is held for orders that are over."""
    try:
        return await work()
    except Refused as refused:
        if not isinstance(refused.refusal, OutOfStock):
            raise
        if not await settle_for(db, tenant, short_of(store, refused.refusal)):
            raise
    return await work()


def short_of(store: UUID, refusal: OutOfStock) -> set[Pair]:
    return {(store, shortage.product_id) for shortage in refusal.shortages}
