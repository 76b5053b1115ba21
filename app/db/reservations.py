"""Holds: what is reserved for a document, read from the ledger; an overdue one is nobody's."""

from collections.abc import Collection, Sequence
from datetime import date, datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import and_, case, func, literal_column, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import with_expression

from app.db.core.statement import among
from app.db.core.unit import Unit
from app.db.levels import Pair, want, wanted_levels
from app.db.tables import Batch, Entry, Level, Movement, Order

ORDERS, M, E = Order.__table__.c, Movement.__table__.c, Entry.__table__.c
MADE = and_(M.tenant_id == ORDERS.tenant_id, M.document_id == ORDERS.id)
THEIRS = and_(E.tenant_id == M.tenant_id, E.movement_id == M.id)
HELD = literal_column("'HELD'")
"""Spelled out, so that the index of what is held is found by every plan."""
EXPIRED = literal_column("'EXPIRED'")
RESERVED = or_(E.to_bin == "reserved", E.from_bin == "reserved")
CHANGE = case((E.to_bin == "reserved", E.quantity), else_=0) - case(
    (E.from_bin == "reserved", E.quantity), else_=0
)


class Reservation(NamedTuple):
    """What is reserved for a document of one product and batch, in base units."""

    document_id: UUID
    product_id: UUID
    batch_id: UUID | None
    expires_on: date | None
    scale: int
    quantity: int


async def held(unit: Unit, documents: Collection[UUID]) -> list[Reservation]:
    """What is still reserved for these documents; they are locked, so nobody changes it.

    In the order of FEFO within a product.
    """
    total = func.sum(CHANGE)
    what = (M.document_id, E.product_id, E.batch_id, Batch.expires_on, E.scale)
    query = (
        select(*what, total)
        .join_from(Movement.__table__, Entry.__table__, THEIRS)
        .outerjoin(Batch, and_(Batch.tenant_id == E.tenant_id, Batch.id == E.batch_id))
        .where(M.tenant_id == unit.tenant, among(M.document_id, documents), RESERVED)
        .group_by(*what)
        .having(total > 0)
        .order_by(M.document_id, E.product_id, Batch.expires_on, E.batch_id)
    )
    return [Reservation(*row[:-1], int(row[-1])) for row in await unit.session.execute(query)]


def overdue(level: Any) -> Any:
    """SQL: base units of the level that are reserved for orders whose time is over.

    They can be sold now, whether or not anybody has put them back on the shelf yet.
    """
    mine = (
        select(func.coalesce(func.sum(CHANGE), 0))
        .join_from(Order.__table__, Movement.__table__, MADE)
        .join(Entry.__table__, THEIRS)
        .where(
            ORDERS.tenant_id == level.tenant_id,
            ORDERS.store_id == level.store_id,
            ORDERS.state == HELD,
            ORDERS.expires_at <= func.now(),
            E.product_id == level.product_id,
            RESERVED,
        )
        .correlate(level.tenant_id.table)
        .scalar_subquery()
    )
    # The moment is kept in the level: as long as nothing is overdue, nobody looks for orders.
    return case((level.held_until <= func.now(), mine), else_=0)


def free(level: Any) -> Any:
    """SQL: base units of the level that can be sold now; of a level that may not exist."""
    return func.coalesce(level.shelf, 0) + func.coalesce(overdue(level), 0)


WITH_OVERDUE = with_expression(Level.overdue, overdue(Level.__table__.c))


async def end_overdue(unit: Unit, limit: int) -> Sequence[Order]:
    """Ends orders whose time is over; those that somebody else works on are left to them.

    One does it at a time: while another does, there is nothing to be ended.
    """
    # Whoever sells what is put back waits for one unit, however many processes there are.
    mine = func.pg_try_advisory_xact_lock(func.hashtextextended(f"settle {unit.tenant}", 0))
    due = _due(unit).where(select(mine).scalar_subquery()).limit(limit)
    return await _end(unit, due.with_for_update(skip_locked=True))


def _due(unit: Unit) -> Any:
    # In the order of the index of what is held: no order that ended long ago is looked at.
    return (
        select(ORDERS.id)
        .where(ORDERS.tenant_id == unit.tenant, ORDERS.state == HELD)
        .where(ORDERS.expires_at <= unit.now)
        .order_by(ORDERS.store_id, ORDERS.expires_at, ORDERS.id)
    )


async def _end(unit: Unit, due: Any, **arguments: Any) -> Sequence[Order]:
    """Locks them and ends them, in one statement."""
    locked = due.cte("locked")
    query = (
        update(Order)
        .where(Order.tenant_id == unit.tenant, Order.id == locked.c.id)
        .values(state="EXPIRED", ended_at=unit.now)
        .returning(Order)
        .execution_options(synchronize_session=False)
    )
    return (await unit.session.scalars(query, arguments)).all()


async def over_lately(
    session: AsyncSession, tenant: UUID, pairs: Collection[Pair], since: datetime
) -> bool:
    """Whether an order that held any of these levels is over, or was ended after `since`."""
    wanted = wanted_levels()
    due = and_(ORDERS.state == HELD, ORDERS.expires_at <= func.now())
    ended = and_(ORDERS.state == EXPIRED, ORDERS.ended_at >= since)
    query = (
        select(ORDERS.id)
        .join_from(Order.__table__, Movement.__table__, MADE)
        .join(Entry.__table__, THEIRS)
        .join(
            wanted,
            and_(wanted.c.store_id == ORDERS.store_id, wanted.c.product_id == E.product_id),
        )
        .where(ORDERS.tenant_id == tenant, or_(due, ended), RESERVED)
        .limit(1)
    )
    return (await session.execute(query, want(pairs))).first() is not None


async def end_overdue_of(unit: Unit, pairs: Collection[Pair], limit: int) -> Sequence[Order]:
    """Ends orders whose time is over and that hold any of these levels; waits for those that
    somebody else works on."""
    wanted = wanted_levels()
    theirs = (
        select(M.id)
        .join_from(Movement.__table__, Entry.__table__, THEIRS)
        .join(
            wanted, and_(wanted.c.store_id == ORDERS.store_id, wanted.c.product_id == E.product_id)
        )
        .where(MADE, RESERVED)
        .correlate(Order.__table__)
        .exists()
    )
    stores = among(ORDERS.store_id, {store for store, _ in pairs})
    due = _due(unit).where(stores, theirs).limit(limit).with_for_update()
    return await _end(unit, due, **want(pairs))


def any_overdue(tenant: UUID, store: UUID) -> Any:
    """SQL: whether the store holds anything for orders whose time is over."""
    due = select(ORDERS.id).where(
        ORDERS.tenant_id == tenant, ORDERS.store_id == store, ORDERS.state == HELD
    )
    return due.where(ORDERS.expires_at <= func.now()).exists()
