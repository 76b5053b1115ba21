"""Passes and their redemptions; goods that were consumed before a use are read from the ledger."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import and_, literal, select

from app.db.core.paging import Span
from app.db.core.snapshot import AnySession
from app.db.core.statement import among
from app.db.core.unit import Unit
from app.db.days import store_day
from app.db.tables import Entry, Movement, Pass, Redemption, Store


async def passes_by_id(session: AnySession, tenant: UUID, ids: Collection[UUID]) -> Sequence[Pass]:
    query = select(Pass).where(Pass.tenant_id == tenant, among(Pass.id, ids))
    return (await session.scalars(query)).all()


async def locked_pass(unit: Unit, id: UUID) -> Pass | None:
    query = select(Pass).where(Pass.tenant_id == unit.tenant, Pass.id == id)
    return await unit.session.scalar(query.with_for_update())


async def passes_of_orders(
    session: AnySession, tenant: UUID, orders: Collection[UUID]
) -> Sequence[Pass]:
    """The passes that these orders sold."""
    query = select(Pass).where(Pass.tenant_id == tenant, among(Pass.order_id, orders))
    return (await session.scalars(query.order_by(Pass.order_id, Pass.order_line))).all()


async def locked_passes_of(unit: Unit, order: UUID) -> Sequence[Pass]:
    """The passes that this order sold, locked."""
    query = select(Pass).where(Pass.tenant_id == unit.tenant, Pass.order_id == order)
    return (await unit.session.scalars(query.order_by(Pass.id).with_for_update())).all()


class PassFilter(NamedTuple):
    ids: Collection[UUID] | None
    stores: Collection[UUID]
    contacts: Collection[bytes] | None
    """Blind indexes of one customer, one a key."""
    state: str | None


async def passes(
    session: AnySession, tenant: UUID, filter: PassFilter, span: Span
) -> Sequence[Pass]:
    """A page of passes, the newest first."""
    query = select(Pass).where(Pass.tenant_id == tenant, among(Pass.store_id, filter.stores))
    if filter.ids is not None:
        query = query.where(among(Pass.id, filter.ids))
    if filter.contacts is not None:
        query = query.where(among(Pass.contact_index, filter.contacts))
    if filter.state is not None:
        query = query.where(Pass.state == filter.state)
    return await span.scalars(session, query, Pass.id, newest=True)


async def redemptions_by_id(
    session: AnySession, tenant: UUID, ids: Collection[UUID]
) -> Sequence[Redemption]:
    query = select(Redemption).where(Redemption.tenant_id == tenant, among(Redemption.id, ids))
    return (await session.scalars(query)).all()


async def redemptions_of(
    session: AnySession, tenant: UUID, passes: Collection[UUID]
) -> Sequence[Redemption]:
    query = (
        select(Redemption)
        .where(Redemption.tenant_id == tenant, among(Redemption.pass_id, passes))
        .order_by(Redemption.pass_id, Redemption.id)
    )
    return (await session.scalars(query)).all()


async def redemption_of(
    session: AnySession, tenant: UUID, movement: UUID, lock: bool = False
) -> Redemption | None:
    """The redemption behind this movement, if there is one; locked for a change with `lock`."""
    query = select(Redemption).where(
        Redemption.tenant_id == tenant, Redemption.movement_id == movement
    )
    return await session.scalar(query.with_for_update() if lock else query)


async def taken_ahead(unit: Unit, id: UUID, kind: str) -> Sequence[Entry]:
    """The entries of the pass's movement of this kind, if it has one."""
    query = (
        select(Entry)
        .join(
            Movement,
            and_(Movement.tenant_id == Entry.tenant_id, Movement.id == Entry.movement_id),
        )
        .where(Movement.tenant_id == unit.tenant, Movement.document_id == id, Movement.kind == kind)
        .order_by(Entry.line)
    )
    return (await unit.session.scalars(query)).all()


async def is_expired(unit: Unit, row: Pass) -> bool:
    """Whether its last day is past, by the clock of the store that sold it."""
    over = literal(row.expires_on) < store_day(Store.timezone, unit.now)
    query = select(over).where(Store.tenant_id == unit.tenant, Store.id == row.store_id)
    return bool(await unit.session.scalar(query))


async def expired_passes(session: AnySession, tenant: UUID, now: datetime) -> Sequence[UUID]:
    """Active passes whose last day is past, by the clock of the store that sold them."""
    today = store_day(Store.timezone, now)
    mine = and_(Store.tenant_id == Pass.tenant_id, Store.id == Pass.store_id)
    query = (
        select(Pass.id)
        .join(Store, mine)
        .where(Pass.tenant_id == tenant, Pass.state == "ACTIVE", Pass.expires_on < today)
        .order_by(Pass.expires_on, Pass.id)
    )
    return (await session.scalars(query)).all()
