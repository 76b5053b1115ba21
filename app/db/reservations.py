"""Reservations: goods that documents reserve, read from the ledger, and their end."""

from collections import Counter
from collections.abc import Collection, Sequence
from datetime import date, datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Uuid,
    and_,
    bindparam,
    case,
    func,
    literal_column,
    or_,
    select,
    update,
)

from app.db.core.snapshot import AnySession
from app.db.core.statement import Statement, among
from app.db.core.unit import Unit
from app.db.levels import Pair, bind_levels, level_keys
from app.db.orders import GUEST
from app.db.tables import Batch, Entry, Level, Movement, Order

ORDERS, M, E = Order.__table__.c, Movement.__table__.c, Entry.__table__.c
OF_ORDER = and_(M.tenant_id == ORDERS.tenant_id, M.document_id == ORDERS.id)
THEIRS = and_(E.tenant_id == M.tenant_id, E.movement_id == M.id)
HELD: ColumnElement[str] = literal_column("'HELD'")
"""A literal instead of a parameter, so that every plan can use the partial index of held orders."""
EXPIRED: ColumnElement[str] = literal_column("'EXPIRED'")
RESERVED = or_(E.to_bin == "reserved", E.from_bin == "reserved")
CHANGE = case((E.to_bin == "reserved", E.quantity), else_=0) - case(
    (E.from_bin == "reserved", E.quantity), else_=0
)


class Reservation(NamedTuple):
    """What a document reserves of one product and batch, in base units."""

    document_id: UUID
    product_id: UUID
    batch_id: UUID | None
    expires_on: date | None
    scale: int
    quantity: int


async def held(unit: Unit, documents: Collection[UUID]) -> list[Reservation]:
    """What these documents still reserve, in FEFO order within a product.

    The caller has locked the documents, so the result does not change.
    """
    total = func.sum(CHANGE)
    grouped = (M.document_id, E.product_id, E.batch_id, Batch.expires_on, E.scale)
    query = (
        select(*grouped, total)
        .join_from(Movement.__table__, Entry.__table__, THEIRS)
        .outerjoin(Batch, and_(Batch.tenant_id == E.tenant_id, Batch.id == E.batch_id))
        .where(M.tenant_id == unit.tenant, among(M.document_id, documents), RESERVED)
        .group_by(*grouped)
        .having(total > 0)
        .order_by(M.document_id, E.product_id, Batch.expires_on, E.batch_id)
    )
    return [Reservation(*row[:-1], int(row[-1])) for row in await unit.session.execute(query)]


def _held_by_guests() -> Statement:
    keys = level_keys()
    here = and_(keys.c.store_id == ORDERS.store_id, keys.c.product_id == E.product_id)
    grouped = (ORDERS.store_id, E.product_id)
    return Statement(
        select(*grouped, func.sum(CHANGE))
        .join_from(Order.__table__, Movement.__table__, OF_ORDER)
        .join(Entry.__table__, THEIRS)
        .join(keys, here)
        .where(ORDERS.tenant_id == bindparam("tenant", type_=Uuid()), ORDERS.state == HELD)
        .where(ORDERS.placed_by == literal_column(f"'{GUEST}'"), RESERVED)
        .group_by(*grouped)
    )


HELD_BY_GUESTS = _held_by_guests()


async def held_by_guests(unit: Unit, pairs: Collection[Pair]) -> Counter[Pair]:
    """Base units of each level that are reserved for unpaid orders of guests.

    The caller has locked the levels, so the result does not change.
    """
    held = await HELD_BY_GUESTS.fetch(unit.raw, tenant=unit.tenant, **bind_levels(pairs))
    return Counter({(store, product): int(total) for store, product, total in held})


def overdue(level: Any) -> Any:
    """SQL: base units of the level that are reserved for orders whose hold is over.

    They can be sold now, even before they are moved back to the shelf.
    """
    reserved = (
        select(func.coalesce(func.sum(CHANGE), 0))
        .join_from(Order.__table__, Movement.__table__, OF_ORDER)
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
    # `held_until` is the end of the level's earliest hold: before it, no order is read.
    return case((level.held_until <= func.now(), reserved), else_=0)


def free(level: Any) -> Any:
    """SQL: base units of the level that can be sold now; 0 when its row is missing."""
    return func.coalesce(level.shelf, 0) + func.coalesce(overdue(level), 0)


OVERDUE = overdue(Level.__table__.c).label("overdue")


def with_overdue(level: Any, base: int) -> Any:
    """The level with the value of the column `OVERDUE` that its query read."""
    level.overdue = base
    return level


async def end_overdue(unit: Unit, limit: int) -> Sequence[Order]:
    """Ends orders whose hold is over, and returns them; skips orders that are locked.

    Returns none while another unit does the same for the tenant.
    """
    # A sale of the released goods then waits for one unit only, however many processes run this.
    lock = func.pg_try_advisory_xact_lock(func.hashtextextended(f"settle {unit.tenant}", 0))
    due = _due(unit).where(select(lock).scalar_subquery()).limit(limit)
    return await _end(unit, due.with_for_update(skip_locked=True))


def _due(unit: Unit) -> Any:
    # In the order of the index of held orders, so that ended orders are not read.
    return (
        select(ORDERS.id)
        .where(ORDERS.tenant_id == unit.tenant, ORDERS.state == HELD)
        .where(ORDERS.expires_at <= unit.now)
        .order_by(ORDERS.store_id, ORDERS.expires_at, ORDERS.id)
    )


async def _end(unit: Unit, due: Any, **arguments: Any) -> Sequence[Order]:
    """Locks these orders and ends them, in one statement."""
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
    session: AnySession, tenant: UUID, pairs: Collection[Pair], since: datetime
) -> bool:
    """Whether an order that reserved any of these levels is overdue, or ended after `since`."""
    keys = level_keys()
    due = and_(ORDERS.state == HELD, ORDERS.expires_at <= func.now())
    ended = and_(ORDERS.state == EXPIRED, ORDERS.ended_at >= since)
    query = (
        select(ORDERS.id)
        .join_from(Order.__table__, Movement.__table__, OF_ORDER)
        .join(Entry.__table__, THEIRS)
        .join(
            keys,
            and_(keys.c.store_id == ORDERS.store_id, keys.c.product_id == E.product_id),
        )
        .where(ORDERS.tenant_id == tenant, or_(due, ended), RESERVED)
        .limit(1)
    )
    return (await session.execute(query, bind_levels(pairs))).first() is not None


async def end_overdue_of(unit: Unit, pairs: Collection[Pair], limit: int) -> Sequence[Order]:
    """Ends orders whose hold is over and that reserve any of these levels, and returns them.

    Waits for orders that another unit has locked.
    """
    keys = level_keys()
    reserving = (
        select(M.id)
        .join_from(Movement.__table__, Entry.__table__, THEIRS)
        .join(keys, and_(keys.c.store_id == ORDERS.store_id, keys.c.product_id == E.product_id))
        .where(OF_ORDER, RESERVED)
        .correlate(Order.__table__)
        .exists()
    )
    stores = among(ORDERS.store_id, {store for store, _ in pairs})
    due = _due(unit).where(stores, reserving).limit(limit).with_for_update()
    return await _end(unit, due, **bind_levels(pairs))


def any_overdue(tenant: Any, store: Any) -> Any:
    """SQL: whether the store reserves anything for orders whose hold is over."""
    due = select(ORDERS.id).where(
        ORDERS.tenant_id == tenant, ORDERS.store_id == store, ORDERS.state == HELD
    )
    return due.where(ORDERS.expires_at <= func.now()).exists()
