"""Suppliers and purchase orders: changed under their own locks, listed by expected date."""

from collections.abc import Collection, Sequence
from datetime import date
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import BigInteger, and_, case, cast, extract, func, select
from sqlalchemy.exc import IntegrityError

from app.db.catalog import insert_unique
from app.db.core.paging import Span
from app.db.core.snapshot import AnySession
from app.db.core.statement import among
from app.db.core.unit import Unit
from app.db.levels import Pair
from app.db.tables import PurchaseLine, PurchaseOrder, Supplier

OPEN = PurchaseOrder.ended_at.is_(None)


async def suppliers_by_id(
    session: AnySession, tenant: UUID, ids: Collection[UUID]
) -> Sequence[Supplier]:
    query = select(Supplier).where(Supplier.tenant_id == tenant, among(Supplier.id, ids))
    return (await session.scalars(query)).all()


async def locked_supplier(unit: Unit, id: UUID, read: bool = False) -> Supplier | None:
    """The supplier, locked for a change. With `read` a shared lock that only keeps it from being
    changed, so that any number of units can order from it at once."""
    query = select(Supplier).where(Supplier.tenant_id == unit.tenant, Supplier.id == id)
    return await unit.session.scalar(query.with_for_update(read=read, key_share=not read))


async def renamed(unit: Unit, row: Supplier) -> bool:
    """Write the supplier's new name. False when another supplier has it; the transaction may be
    aborted then."""
    mine = Supplier.tenant_id == unit.tenant, Supplier.name == row.name
    # Read first, so that two units that swap the names of two suppliers do not deadlock.
    if (await unit.session.scalars(select(Supplier.id).where(*mine))).first() not in (None, row.id):
        return False
    try:
        await unit.session.flush()
    except IntegrityError:
        return False
    return True


class SupplierFilter(NamedTuple):
    search: str | None = None
    archived: bool = False


async def suppliers(
    session: AnySession,
    tenant: UUID,
    filter: SupplierFilter,
    span: Span,
) -> Sequence[Supplier]:
    """A page of suppliers by name; its keys are (pinyin, id)."""
    order = Supplier.pinyin, Supplier.id
    there = Supplier.archived_at.is_not(None) if filter.archived else Supplier.archived_at.is_(None)
    query = select(Supplier).where(Supplier.tenant_id == tenant, there)
    if filter.search:
        query = query.where(Supplier.search.contains(filter.search, autoescape=True))
    return await span.scalars(session, query, *order)


async def numbered(unit: Unit, row: PurchaseOrder, prefix: str) -> None:
    """Insert the order with the first free number that has this prefix.

    No counter is locked: the insert waits only for a transaction that is inserting the same number.
    """
    mine = PurchaseOrder.tenant_id == unit.tenant, PurchaseOrder.number.startswith(prefix)
    taken = select(func.count()).select_from(PurchaseOrder).where(*mine)
    tried = 0
    while True:
        tried = max(tried, await unit.session.scalar(taken) or 0) + 1
        row.number = f"{prefix}{tried:04}"
        if await insert_unique(unit, row):
            return


async def purchases_by_id(
    session: AnySession, tenant: UUID, ids: Collection[UUID]
) -> Sequence[PurchaseOrder]:
    query = select(PurchaseOrder).where(
        PurchaseOrder.tenant_id == tenant, among(PurchaseOrder.id, ids)
    )
    return (await session.scalars(query)).all()


async def locked_purchase(unit: Unit, id: UUID) -> PurchaseOrder | None:
    query = select(PurchaseOrder).where(
        PurchaseOrder.tenant_id == unit.tenant, PurchaseOrder.id == id
    )
    return await unit.session.scalar(query.with_for_update())


async def lines_of(
    session: AnySession, tenant: UUID, purchases: Collection[UUID]
) -> Sequence[PurchaseLine]:
    query = (
        select(PurchaseLine)
        .where(PurchaseLine.tenant_id == tenant, among(PurchaseLine.purchase_id, purchases))
        .order_by(PurchaseLine.purchase_id, PurchaseLine.line)
    )
    return (await session.scalars(query)).all()


class PurchaseFilter(NamedTuple):
    stores: Collection[UUID]
    states: Collection[str] | None = None
    supplier_id: UUID | None = None
    expected_until: date | None = None


class Listed(NamedTuple):
    """An order and its sort key in `purchases`."""

    row: PurchaseOrder
    over: int
    place: int


async def purchases(
    session: AnySession,
    tenant: UUID,
    filter: PurchaseFilter,
    span: Span,
) -> list[Listed]:
    """A page of orders: open ones by expected date, then ended ones, the latest first; its keys
    are (over, place, id)."""
    P = PurchaseOrder
    moment = case((OPEN, extract("epoch", P.expected_on)), else_=-extract("epoch", P.ended_at))
    order = case((OPEN, 0), else_=1), cast(moment * 1_000_000, BigInteger), P.id
    query = select(P, *order[:2]).where(P.tenant_id == tenant, among(P.store_id, filter.stores))
    if filter.states is not None:
        query = query.where(among(P.state, filter.states))
    if filter.supplier_id is not None:
        query = query.where(P.supplier_id == filter.supplier_id)
    if filter.expected_until is not None:
        query = query.where(P.expected_on <= filter.expected_until)
    return [Listed(*row) for row in await span.execute(session, query, *order)]


async def open_purchases(
    session: AnySession, tenant: UUID, stores: Collection[UUID], after: UUID | None, limit: int
) -> Sequence[PurchaseOrder]:
    """A page of these stores' open purchase orders, the oldest first."""
    P = PurchaseOrder
    query = select(P).where(P.tenant_id == tenant, among(P.store_id, stores), OPEN)
    if after is not None:
        query = query.where(P.id > after)
    return (await session.scalars(query.order_by(P.id).limit(limit))).all()


async def on_order(session: AnySession, tenant: UUID, pairs: Collection[Pair]) -> dict[Pair, int]:
    """Base units that open purchase orders still lack, by (store, product); pairs without an open
    order are left out."""
    mine = and_(
        PurchaseLine.tenant_id == PurchaseOrder.tenant_id,
        PurchaseLine.purchase_id == PurchaseOrder.id,
    )
    missing = func.sum(func.greatest(PurchaseLine.ordered - PurchaseLine.received, 0))
    query = (
        select(PurchaseOrder.store_id, PurchaseLine.product_id, missing)
        .join_from(PurchaseOrder, PurchaseLine, mine)
        .where(PurchaseOrder.tenant_id == tenant, OPEN)
        # Not joined to the pairs, which would look up each pair in each order.
        .where(among(PurchaseOrder.store_id, {store for store, _ in pairs}))
        .where(among(PurchaseLine.product_id, {product for _, product in pairs}))
        .group_by(PurchaseOrder.store_id, PurchaseLine.product_id)
    )
    missing_by_pair = {(row[0], row[1]): int(row[2]) for row in await session.execute(query)}
    return {pair: missing_by_pair[pair] for pair in pairs if pair in missing_by_pair}
