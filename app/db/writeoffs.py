"""Write-offs: read by store, decided under their own lock; the goods that open ones earmark."""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import String, Uuid, and_, bindparam, func, literal_column, select
from sqlalchemy.dialects.postgresql import insert

from app.db.core.paging import Span
from app.db.core.snapshot import AnySession
from app.db.core.statement import Statement, among
from app.db.core.unit import Unit
from app.db.levels import Pair, bind_levels, level_keys
from app.db.tables import Entry, Movement, WriteOff, WriteOffLimit, WriteOffLine

W, L = WriteOff.__table__.c, WriteOffLine.__table__.c
REQUESTED = literal_column("'REQUESTED'", String())
"""A literal instead of a parameter, so that every plan can use the index of open write-offs."""


class Earmark(NamedTuple):
    """Base units in a level's quarantine that an open write-off will take when it is approved."""

    store_id: UUID
    product_id: UUID
    batch_id: UUID | None
    write_off_id: UUID
    quantity: int


def _earmarking() -> Statement:
    keys = level_keys()
    theirs = and_(L.tenant_id == W.tenant_id, L.write_off_id == W.id)
    here = and_(keys.c.store_id == W.store_id, keys.c.product_id == L.product_id)
    return Statement(
        select(W.store_id, L.product_id, L.batch_id, W.id, L.quantity)
        .join_from(WriteOff.__table__, WriteOffLine.__table__, theirs)
        .join(keys, here)
        .where(W.tenant_id == bindparam("tenant", type_=Uuid()), W.state == REQUESTED)
    )


EARMARKING = _earmarking()


async def earmarks(unit: Unit, pairs: Iterable[Pair]) -> list[Earmark]:
    """The earmarks of open write-offs at these levels; their locks are held, so none is added."""
    rows = await EARMARKING.fetch(unit.raw, tenant=unit.tenant, **bind_levels(pairs))
    return [Earmark(*row) for row in rows]


async def write_offs_by_id(
    session: AnySession, tenant: UUID, ids: Collection[UUID]
) -> Sequence[WriteOff]:
    query = select(WriteOff).where(WriteOff.tenant_id == tenant, among(WriteOff.id, ids))
    return (await session.scalars(query)).all()


async def locked_write_off(unit: Unit, id: UUID) -> WriteOff | None:
    query = select(WriteOff).where(WriteOff.tenant_id == unit.tenant, WriteOff.id == id)
    return await unit.session.scalar(query.with_for_update())


async def lines_of(
    session: AnySession, tenant: UUID, write_offs: Collection[UUID]
) -> Sequence[WriteOffLine]:
    query = (
        select(WriteOffLine)
        .where(WriteOffLine.tenant_id == tenant, among(WriteOffLine.write_off_id, write_offs))
        .order_by(WriteOffLine.write_off_id, WriteOffLine.line)
    )
    return (await session.scalars(query)).all()


class Wasted(NamedTuple):
    """Cost of a line of an approved write-off, in 1/10000 yuan."""

    write_off_id: UUID
    line: int
    cost: int


async def wasted_of(
    session: AnySession, tenant: UUID, write_offs: Collection[UUID]
) -> list[Wasted]:
    """Costs of approved write-offs by the ledger, one entry per line."""
    query = (
        select(Movement.document_id, Entry.line, Entry.cost)
        .join(Entry, and_(Entry.tenant_id == Movement.tenant_id, Entry.movement_id == Movement.id))
        .where(Movement.tenant_id == tenant, among(Movement.document_id, write_offs))
        .where(Entry.to_bin == "waste")
        .order_by(Movement.document_id, Entry.line)
    )
    return [Wasted(*row) for row in await session.execute(query)]


async def wasted_by_line(
    session: AnySession, tenant: UUID, lines: Collection[tuple[UUID, int]]
) -> list[Wasted]:
    """Costs of all lines of the approved write-offs that these lines (write-off, number) belong
    to."""
    return await wasted_of(session, tenant, {write_off for write_off, _ in lines})


class WriteOffFilter(NamedTuple):
    stores: Collection[UUID]
    state: str | None = None


async def write_offs(
    session: AnySession, tenant: UUID, filter: WriteOffFilter, span: Span
) -> Sequence[WriteOff]:
    """A page of write-offs, the newest first."""
    query = select(WriteOff).where(
        WriteOff.tenant_id == tenant, among(WriteOff.store_id, filter.stores)
    )
    if filter.state is not None:
        query = query.where(WriteOff.state == filter.state)
    return await span.scalars(session, query, WriteOff.id, newest=True)


async def open_write_offs(
    session: AnySession, tenant: UUID, stores: Collection[UUID], after: UUID | None, limit: int
) -> Sequence[WriteOff]:
    """A page of the write-offs that wait for a decision in these stores, the oldest first."""
    W = WriteOff
    query = select(W).where(
        W.tenant_id == tenant, among(W.store_id, stores), W.state == "REQUESTED"
    )
    if after is not None:
        query = query.where(W.id > after)
    return (await session.scalars(query.order_by(W.id).limit(limit))).all()


async def limits(session: AnySession, tenant: UUID) -> Sequence[WriteOffLimit]:
    """The limits that were ever set."""
    query = select(WriteOffLimit).where(WriteOffLimit.tenant_id == tenant)
    return (await session.scalars(query)).all()


async def put_limit(
    unit: Unit, role: str, amount: int | None, set_by: UUID, set_at: datetime
) -> None:
    """Set the largest cost that a role can approve, in 1/10000 yuan; None for no limit."""
    columns = {"amount": amount, "set_by": set_by, "set_at": set_at}
    put = insert(WriteOffLimit).values(tenant_id=unit.tenant, role=role, **columns)
    await unit.session.execute(
        put.on_conflict_do_update(index_elements=["tenant_id", "role"], set_=columns)
    )


async def requested_of_batches(
    session: AnySession, tenant: UUID, stores: Collection[UUID]
) -> dict[tuple[UUID, UUID], int]:
    """Base units of each batch in undecided write-offs of these stores, by store and batch."""
    query = (
        select(W.store_id, L.batch_id, func.sum(L.quantity))
        .join_from(
            WriteOff.__table__,
            WriteOffLine.__table__,
            and_(L.tenant_id == W.tenant_id, L.write_off_id == W.id),
        )
        .where(W.tenant_id == tenant, among(W.store_id, stores), W.state == "REQUESTED")
        .where(L.batch_id.is_not(None))
        .group_by(W.store_id, L.batch_id)
    )
    rows = await session.execute(query)
    return {(store, batch): int(quantity) for store, batch, quantity in rows}
