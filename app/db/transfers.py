"""Transfers: read by their stores, changed under their own lock; the goods in transit are read
from the ledger."""

from collections.abc import Collection, Sequence
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import ColumnElement, Select, and_, case, func, or_, select

from app.db.core.paging import Span
from app.db.core.snapshot import AnySession
from app.db.core.statement import among
from app.db.core.unit import Unit
from app.db.purchases import on_order
from app.db.reservations import Reservation, free
from app.db.rollups import demand
from app.db.tables import (
    Batch,
    Entry,
    Level,
    Movement,
    Product,
    Store,
    Transfer,
    TransferLine,
)

OPEN = ("REQUESTED", "APPROVED", "SHIPPED", "PARTIAL")


async def transfers_by_id(
    session: AnySession, tenant: UUID, ids: Collection[UUID]
) -> Sequence[Transfer]:
    query = select(Transfer).where(Transfer.tenant_id == tenant, among(Transfer.id, ids))
    return (await session.scalars(query)).all()


async def locked_transfer(unit: Unit, id: UUID) -> Transfer | None:
    query = select(Transfer).where(Transfer.tenant_id == unit.tenant, Transfer.id == id)
    return await unit.session.scalar(query.with_for_update())


async def lines_of(
    session: AnySession, tenant: UUID, transfers: Collection[UUID]
) -> Sequence[TransferLine]:
    query = (
        select(TransferLine)
        .where(TransferLine.tenant_id == tenant, among(TransferLine.transfer_id, transfers))
        .order_by(TransferLine.transfer_id, TransferLine.line)
    )
    return (await session.scalars(query)).all()


async def returns_of(
    session: AnySession, tenant: UUID, transfers: Collection[UUID]
) -> Sequence[Transfer]:
    """The transfers that return goods of these transfers, the oldest first."""
    query = (
        select(Transfer)
        .where(Transfer.tenant_id == tenant, among(Transfer.return_of, transfers))
        .order_by(Transfer.id)
    )
    return (await session.scalars(query)).all()


async def any_shipped(session: AnySession, tenant: UUID) -> bool:
    """Whether the tenant ever shipped a transfer."""
    query = select(Transfer.id).where(
        Transfer.tenant_id == tenant, Transfer.shipped_at.is_not(None)
    )
    return (await session.execute(query.limit(1))).first() is not None


class TransferFilter(NamedTuple):
    """Transfers to or from these stores. `requests`: only those that a store requested; `planned`:
    only those that have a source."""

    stores: Collection[UUID]
    states: Collection[str] | None = None
    requests: bool = False
    planned: bool = False


async def transfers(
    session: AnySession, tenant: UUID, filter: TransferFilter, span: Span
) -> Sequence[Transfer]:
    """A page of transfers, the newest first."""
    query = select(Transfer).where(Transfer.tenant_id == tenant, _concerns(filter.stores))
    if filter.states is not None:
        query = query.where(Transfer.state.in_(filter.states))
    if filter.requests:
        query = query.where(Transfer.requested_by.is_not(None))
    if filter.planned:
        query = query.where(Transfer.from_store.is_not(None))
    return await span.scalars(session, query, Transfer.id, newest=True)


def _concerns(stores: Collection[UUID]) -> ColumnElement[bool]:
    return or_(among(Transfer.to_store, stores), among(Transfer.from_store, stores))


async def open_transfers(
    session: AnySession, tenant: UUID, stores: Collection[UUID], after: UUID | None, limit: int
) -> Sequence[Transfer]:
    """A page of the open requests and transfers to or from these stores, the oldest first."""
    query = select(Transfer).where(
        Transfer.tenant_id == tenant, _concerns(stores), Transfer.state.in_(OPEN)
    )
    if after is not None:
        query = query.where(Transfer.id > after)
    return (await session.scalars(query.order_by(Transfer.id).limit(limit))).all()


async def in_transit(unit: Unit, transfer: Transfer) -> list[Reservation]:
    """Goods of this transfer that are still in transit; its row is locked by the caller.

    They are in FEFO order within a product. Goods sent back have left by the movement of the
    return.
    """
    E, M = Entry, Movement
    here = (E.to_store == transfer.to_store) & (E.to_bin == "transit")
    gone = (E.from_store == transfer.to_store) & (E.from_bin == "transit")
    total = func.sum(case((here, E.quantity), else_=0) - case((gone, E.quantity), else_=0))
    what = (E.product_id, E.batch_id, Batch.expires_on, E.scale)
    query = (
        select(*what, total)
        .join(M, and_(M.tenant_id == E.tenant_id, M.id == E.movement_id))
        .join(Transfer, and_(Transfer.tenant_id == M.tenant_id, Transfer.id == M.document_id))
        .outerjoin(Batch, and_(Batch.tenant_id == E.tenant_id, Batch.id == E.batch_id))
        .where(M.tenant_id == unit.tenant, or_(here, gone))
        .where(or_(Transfer.id == transfer.id, Transfer.return_of == transfer.id))
        .group_by(*what)
        .having(total > 0)
        .order_by(E.product_id, Batch.expires_on, E.batch_id)
    )
    rows = await unit.session.execute(query)
    return [Reservation(transfer.id, *row[:-1], int(row[-1])) for row in rows]


class Need(NamedTuple):
    """Figures of a product in a store for its next replenishment request, in base units. `there` is
    on the shelf; `coming` is in transit, approved, requested or on order; `sold` was sold in the
    period."""

    product_id: UUID
    scale: int
    lead_days: int
    reorder_point: int
    there: int
    coming: int
    sold: int


async def needs(session: AnySession, tenant: UUID, store: UUID, days: int) -> list[Need]:
    """The goods of a store, with the quantities sold in the last `days` of the store."""
    sold = demand(tenant, store, days)
    waiting = awaited(tenant).where(Transfer.to_store == store).subquery()
    L = Level.__table__.c
    query = (
        select(
            Level.product_id,
            Level.scale,
            Store.lead_days,
            Level.reorder_point,
            free(L),
            Level.transit + func.coalesce(waiting.c.quantity, 0),
            func.greatest(func.coalesce(sold.c.quantity, 0), 0),
        )
        .join(Store, and_(Store.tenant_id == Level.tenant_id, Store.id == Level.store_id))
        .join(Product, and_(Product.tenant_id == Level.tenant_id, Product.id == Level.product_id))
        .outerjoin(sold, sold.c.product_id == Level.product_id)
        .outerjoin(waiting, waiting.c.product_id == Level.product_id)
        .where(Level.tenant_id == tenant, Level.store_id == store, Level.shown)
        .where(Product.kind == "GOODS", Product.archived_at.is_(None))
        .order_by(Product.pinyin, Product.id)
    )
    rows: Any = await session.execute(query)
    goods = [Need(*row[:2], *map(int, row[2:])) for row in rows]
    ordered = await on_order(session, tenant, [(store, need.product_id) for need in goods])
    return [
        need._replace(coming=need.coming + ordered.get((store, need.product_id), 0))
        for need in goods
    ]


def awaited(tenant: UUID) -> Select[UUID, UUID, Any]:
    """SQL: base units requested or approved for stores that are not shipped yet, by store and
    product."""
    T, L = Transfer, TransferLine
    waits = func.sum(case((T.state == "REQUESTED", L.requested), else_=L.approved))
    return (
        select(T.to_store, L.product_id, func.coalesce(waits, 0).label("quantity"))
        .join(T, and_(T.tenant_id == L.tenant_id, T.id == L.transfer_id))
        .where(T.tenant_id == tenant, T.state.in_(("REQUESTED", "APPROVED")))
        .group_by(T.to_store, L.product_id)
    )
