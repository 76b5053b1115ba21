"""Batches: read under the level locks, written with the movements, listed by their expiry."""

from collections.abc import Collection, Iterable, Sequence
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    Date,
    Uuid,
    and_,
    bindparam,
    delete,
    func,
    literal_column,
    select,
    true,
    tuple_,
)
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from app.db.core.statement import Statement, among, arrays, rows
from app.db.core.unit import Unit
from app.db.days import store_day
from app.db.levels import Pair, want, wanted_levels
from app.db.tables import Batch, BatchLevel, Level, Store

TENANT = bindparam("tenant", type_=Uuid())
B, H = Batch.__table__.c, BatchLevel.__table__.c
FEW = 8
BINS = ["shelf", "reserved", "quarantine", "transit"]
KEY = ["store_id", "product_id", "expires_on", "batch_id"]
BATCH = [c.name for c in B if c.name != "tenant_id"]


class BatchQuantity(NamedTuple):
    """How much of one batch lies in one store."""

    store_id: UUID
    product_id: UUID
    expires_on: date
    batch_id: UUID
    shelf: int
    reserved: int
    quarantine: int
    transit: int


class ArrivingBatch(NamedTuple):
    """A batch as it comes in; one that is known already stays what it is."""

    id: UUID
    product_id: UUID
    number: str
    expires_on: date
    produced_on: date | None
    supplier: str | None
    unit_cost: int | None
    received_at: datetime


def _holding() -> Statement:
    wanted = wanted_levels()
    theirs = and_(
        H.tenant_id == TENANT,
        H.store_id == wanted.c.store_id,
        H.product_id == wanted.c.product_id,
    )
    held = select(*(H[name] for name in BatchQuantity._fields)).join_from(
        wanted, BatchLevel, theirs
    )
    return Statement(held.order_by(H.store_id, H.product_id, H.expires_on, H.batch_id))


def _beginning() -> Statement:
    wanted = wanted_levels()
    first = (
        select(*(H[name] for name in BatchQuantity._fields))
        .where(
            H.tenant_id == TENANT,
            H.store_id == wanted.c.store_id,
            H.product_id == wanted.c.product_id,
            H.expires_on >= bindparam("since", type_=Date()),
            H.shelf > literal_column("0"),
        )
        .order_by(H.expires_on, H.batch_id)
        .limit(literal_column(str(FEW)))
        .subquery()
        .lateral()
    )
    return Statement(select(*first.c).select_from(wanted).join(first, true()))


def _zones() -> Statement:
    stores = func.any(bindparam("stores", type_=ARRAY(Uuid())))
    return Statement(
        select(Store.id, Store.timezone).where(Store.tenant_id == TENANT, Store.id == stores)
    )


def _naming() -> Statement:
    ids = func.any(bindparam("ids", type_=ARRAY(Uuid())))
    return Statement(select(B.id, B.expires_on).where(B.tenant_id == TENANT, B.id == ids))


def _writing() -> Statement:
    made = rows("made", *(B[name] for name in BATCH))
    batches = (
        insert(Batch)
        .from_select(["tenant_id", *BATCH], select(TENANT, *(made.c[name] for name in BATCH)))
        .on_conflict_do_nothing()
        .cte("batched")
    )
    state = rows("held", *(H[name] for name in BatchQuantity._fields))
    put = insert(BatchLevel).from_select(
        ["tenant_id", *BatchQuantity._fields],
        select(TENANT, *(state.c[name] for name in BatchQuantity._fields)),
    )
    levels = put.on_conflict_do_update(
        index_elements=["tenant_id", *KEY], set_={name: put.excluded[name] for name in BINS}
    ).cte("levelled")
    gone = rows("gone", *(H[name] for name in KEY))
    drained = (
        delete(BatchLevel)
        .where(H.tenant_id == TENANT, *(H[name] == gone.c[name] for name in KEY))
        .cte("drained")
    )
    return Statement(select(func.now()).add_cte(batches, levels, drained))


HOLDING, BEGINNING, WRITE = _holding(), _beginning(), _writing()
ZONES, NAMING = _zones(), _naming()


async def held(unit: Unit, pairs: Iterable[Pair]) -> list[BatchQuantity]:
    """What lies where of these levels' batches, in the order of FEFO.

    The level locks are held, so nobody changes these rows; they need no lock of their own.
    """
    found = await HOLDING.fetch(unit.raw, tenant=unit.tenant, **want(pairs))
    return [BatchQuantity(*row) for row in found]


async def beginnings(unit: Unit, pairs: Iterable[Pair], since: date) -> list[BatchQuantity]:
    """The few batches of each level that stand on the shelf and expire first, from this day on."""
    found = await BEGINNING.fetch(unit.raw, tenant=unit.tenant, since=since, **want(pairs))
    return [BatchQuantity(*row) for row in found]


async def zones(unit: Unit, stores: Collection[UUID]) -> dict[UUID, str]:
    """The stores' time zones: each has a day of its own."""
    found = await ZONES.fetch(unit.raw, tenant=unit.tenant, stores=list(stores))
    return {store: zone for store, zone in found}


async def expiries(unit: Unit, ids: Collection[UUID]) -> dict[UUID, date]:
    """The last days of sale of these batches."""
    found = await NAMING.fetch(unit.raw, tenant=unit.tenant, ids=list(ids))
    return {batch: expires_on for batch, expires_on in found}


async def write(unit: Unit, made: list[ArrivingBatch], levels: list[BatchQuantity]) -> None:
    """Writes the batches that came in and what is held of each now; nothing held, no row."""
    kept = [held for held in levels if any(held[4:])]
    gone: list[tuple[Any, ...]] = [held[:4] for held in levels if not any(held[4:])]
    await WRITE.fetch(
        unit.raw,
        tenant=unit.tenant,
        **arrays("made", list(ArrivingBatch._fields), made),
        **arrays("held", list(BatchQuantity._fields), kept),
        **arrays("gone", KEY, gone),
    )


async def by_number(
    session: AsyncSession, tenant: UUID, product: UUID, number: str
) -> Sequence[UUID]:
    """The batches of a product with this number: as many as it had expiries."""
    named = (Batch.tenant_id == tenant, Batch.product_id == product, Batch.number == number)
    return (await session.scalars(select(Batch.id).where(*named).order_by(Batch.expires_on))).all()


async def batches_by_id(
    session: AsyncSession, tenant: UUID, ids: Collection[UUID]
) -> Sequence[Batch]:
    query = select(Batch).where(Batch.tenant_id == tenant, among(Batch.id, ids))
    return (await session.scalars(query)).all()


async def batches_of(
    session: AsyncSession, tenant: UUID, pairs: Collection[Pair]
) -> Sequence[BatchLevel]:
    """What these levels hold of each batch, what expires first before the others."""
    wanted = wanted_levels()
    theirs = and_(
        BatchLevel.store_id == wanted.c.store_id, BatchLevel.product_id == wanted.c.product_id
    )
    query = select(BatchLevel).join(wanted, theirs).where(BatchLevel.tenant_id == tenant)
    order = BatchLevel.expires_on, BatchLevel.batch_id
    return (await session.scalars(query.order_by(*order), want(pairs))).all()


async def expiring(
    session: AsyncSession,
    tenant: UUID,
    stores: Collection[UUID],
    product: UUID | None,
    within_days: int | None,
    after: tuple[date, UUID, UUID] | None,
    limit: int,
) -> Sequence[BatchLevel]:
    """Batches of these stores that expire within so many days of each store's own clock.

    What expires first stands before the others.
    """
    order = BatchLevel.expires_on, BatchLevel.store_id, BatchLevel.batch_id
    query = select(BatchLevel).where(
        BatchLevel.tenant_id == tenant, among(BatchLevel.store_id, stores)
    )
    if product is not None:
        query = query.where(BatchLevel.product_id == product)
    if within_days is not None:
        today = store_day(Store.timezone, func.now())
        mine = and_(Store.tenant_id == tenant, Store.id == BatchLevel.store_id)
        query = query.join(Store, mine).where(BatchLevel.expires_on <= today + within_days)
    if after is not None:
        query = query.where(tuple_(*order) > after)
    return (await session.scalars(query.order_by(*order).limit(limit))).all()


async def expired(session: AsyncSession, tenant: UUID, now: datetime) -> Sequence[Any]:
    """What stands on a shelf past its last day, by its store's clock: (batch level, scale)."""
    today = store_day(Store.timezone, now)
    mine = and_(Store.tenant_id == BatchLevel.tenant_id, Store.id == BatchLevel.store_id)
    theirs = and_(
        Level.tenant_id == BatchLevel.tenant_id,
        Level.store_id == BatchLevel.store_id,
        Level.product_id == BatchLevel.product_id,
    )
    query = (
        select(BatchLevel, Level.scale)
        .join(Store, mine)
        .join(Level, theirs)
        .where(BatchLevel.tenant_id == tenant, BatchLevel.expires_on < today, BatchLevel.shelf > 0)
        # No clock is a day ahead of UTC by more than this: an index finds the few there are.
        .where(BatchLevel.expires_on <= now.date() + timedelta(days=1))
        .order_by(BatchLevel.store_id, BatchLevel.product_id, BatchLevel.expires_on)
    )
    return (await session.execute(query)).all()
