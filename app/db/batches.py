"""Batches: read under the level locks, written with movements, listed by expiry."""

from collections.abc import Collection, Iterable, Mapping, Sequence
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
)
from sqlalchemy.dialects.postgresql import insert

from app.db import markdowns
from app.db.core.paging import Span
from app.db.core.snapshot import AnySession
from app.db.core.statement import Statement, among, arrays, rows
from app.db.core.unit import Unit
from app.db.days import store_day
from app.db.fefo import BATCH_OF, FEFO
from app.db.levels import Pair, bind_levels, level_keys
from app.db.tables import Batch, BatchLevel, Level, Markdown, Store

TENANT = bindparam("tenant", type_=Uuid())
B, H, D = (table.__table__.c for table in (Batch, BatchLevel, Markdown))
FEW = 8
"""How many batches of a level are first read for a sale; all are read when these are not enough."""
BINS = ["shelf", "reserved", "quarantine", "transit"]
KEY = ["store_id", "product_id", "expires_on", "batch_id"]


class BatchQuantity(NamedTuple):
    """Stock of one batch in one store, in base units by bin."""

    store_id: UUID
    product_id: UUID
    expires_on: date
    batch_id: UUID
    shelf: int
    reserved: int
    quarantine: int
    transit: int


class HeldBatch(NamedTuple):
    """A `BatchQuantity`, with the time of the batch's first receipt and the percent off its price;
    None without a markdown."""

    store_id: UUID
    product_id: UUID
    expires_on: date
    batch_id: UUID
    shelf: int
    reserved: int
    quarantine: int
    transit: int
    received_at: datetime
    markdown: int | None


class ArrivingBatch(NamedTuple):
    """A batch that is received; a batch that exists already is not changed."""

    id: UUID
    product_id: UUID
    number: str
    expires_on: date
    produced_on: date | None
    supplier: str | None
    unit_cost: int | None
    received_at: datetime


def _holding() -> Statement:
    keys = level_keys()
    theirs = and_(
        H.tenant_id == TENANT,
        H.store_id == keys.c.store_id,
        H.product_id == keys.c.product_id,
    )
    columns = (*(H[name] for name in BatchQuantity._fields), B.received_at, D.percent)
    held = select(*columns).join_from(keys, BatchLevel, theirs).join(Batch, BATCH_OF)
    held = held.outerjoin(Markdown, markdowns.is_of(TENANT, H))
    return Statement(held.order_by(H.store_id, H.product_id, *FEFO))


def _beginning() -> Statement:
    keys = level_keys()
    first = (
        select(*(H[name] for name in BatchQuantity._fields), B.received_at)
        .join_from(BatchLevel, Batch, BATCH_OF)
        .where(
            H.tenant_id == TENANT,
            H.store_id == keys.c.store_id,
            H.product_id == keys.c.product_id,
            H.expires_on >= bindparam("since", type_=Date()),
            H.shelf > literal_column("0"),
        )
        .order_by(*FEFO)
        .limit(literal_column(str(FEW)))
        .subquery()
        .lateral()
    )
    return Statement(
        select(*first.c, D.percent)
        .select_from(keys)
        .join(first, true())
        .outerjoin(Markdown, markdowns.is_of(TENANT, first.c))
    )


def _timezones() -> Statement:
    stores = func.any(bindparam("stores", type_=ARRAY(Uuid())))
    return Statement(
        select(Store.id, Store.timezone).where(Store.tenant_id == TENANT, Store.id == stores)
    )


def _expiries() -> Statement:
    ids = func.any(bindparam("ids", type_=ARRAY(Uuid())))
    return Statement(select(B.id, B.expires_on).where(B.tenant_id == TENANT, B.id == ids))


def _writing() -> Statement:
    names = ArrivingBatch._fields
    arriving = rows("arriving", *(B[name] for name in names))
    batches = (
        insert(Batch)
        .from_select(["tenant_id", *names], select(TENANT, *(arriving.c[name] for name in names)))
        .on_conflict_do_nothing()
        .cte("batched")
    )
    state = rows("quantities", *(H[name] for name in BatchQuantity._fields))
    put = insert(BatchLevel).from_select(
        ["tenant_id", *BatchQuantity._fields],
        select(TENANT, *(state.c[name] for name in BatchQuantity._fields)),
    )
    levels = put.on_conflict_do_update(
        index_elements=["tenant_id", *KEY], set_={name: put.excluded[name] for name in BINS}
    ).cte("levelled")
    drained = rows("drained", *(H[name] for name in KEY))
    removed = (
        delete(BatchLevel)
        .where(H.tenant_id == TENANT, *(H[name] == drained.c[name] for name in KEY))
        .cte("removed")
    )
    return Statement(select(func.now()).add_cte(batches, levels, removed))


HOLDING, BEGINNING, WRITE = _holding(), _beginning(), _writing()
TIMEZONES, EXPIRIES = _timezones(), _expiries()


async def held(unit: Unit, pairs: Iterable[Pair]) -> list[HeldBatch]:
    """Stock of every batch at these levels, in FEFO order.

    The level locks are held, so these rows cannot change; they need no lock of their own.
    """
    records = await HOLDING.fetch(unit.raw, tenant=unit.tenant, **bind_levels(pairs))
    return [HeldBatch(*row) for row in records]


async def beginnings(unit: Unit, pairs: Iterable[Pair], since: date) -> list[HeldBatch]:
    """The first FEW batches on each level's shelf that expire on `since` or later."""
    records = await BEGINNING.fetch(unit.raw, tenant=unit.tenant, since=since, **bind_levels(pairs))
    return [HeldBatch(*row) for row in records]


async def timezones(unit: Unit, stores: Collection[UUID]) -> dict[UUID, str]:
    """The time zone of each store."""
    records = await TIMEZONES.fetch(unit.raw, tenant=unit.tenant, stores=list(stores))
    return {store: timezone for store, timezone in records}


async def expiries(unit: Unit, ids: Collection[UUID]) -> dict[UUID, date]:
    """The last days of sale of these batches."""
    records = await EXPIRIES.fetch(unit.raw, tenant=unit.tenant, ids=list(ids))
    return {batch: expires_on for batch, expires_on in records}


async def write(
    unit: Unit, arriving: Sequence[ArrivingBatch], quantities: Sequence[BatchQuantity]
) -> None:
    """Insert arriving batches, and set the stock of batches; the row of a batch without stock is
    deleted."""
    kept = [each for each in quantities if any(each[4:])]
    drained = [each[:4] for each in quantities if not any(each[4:])]
    await WRITE.fetch(
        unit.raw,
        tenant=unit.tenant,
        **arrays("arriving", list(ArrivingBatch._fields), arriving),
        **arrays("quantities", list(BatchQuantity._fields), kept),
        **arrays("drained", KEY, drained),
    )


async def received_last(unit: Unit, batches: Mapping[UUID, Collection[UUID]]) -> dict[UUID, UUID]:
    """The batch that was received last among these batches of each product."""
    ids = [batch for several in batches.values() for batch in several]
    query = (
        select(Batch.product_id, Batch.id)
        .where(Batch.tenant_id == unit.tenant, among(Batch.id, ids))
        .order_by(Batch.received_at, Batch.expires_on, Batch.id)
    )
    return {product: batch for product, batch in await unit.session.execute(query)}


async def matching(
    session: AnySession,
    tenant: UUID,
    product: UUID,
    number: str | None,
    expires_on: date | None,
) -> Sequence[UUID]:
    """The batches of a product with this number and this expiry, in FEFO order; None matches
    any."""
    query = select(Batch.id).where(Batch.tenant_id == tenant, Batch.product_id == product)
    if number is not None:
        query = query.where(Batch.number == number)
    if expires_on is not None:
        query = query.where(Batch.expires_on == expires_on)
    return (await session.scalars(query.order_by(Batch.expires_on))).all()


async def batches_by_id(
    session: AnySession, tenant: UUID, ids: Collection[UUID]
) -> Sequence[Batch]:
    query = select(Batch).where(Batch.tenant_id == tenant, among(Batch.id, ids))
    return (await session.scalars(query)).all()


async def batches_of(
    session: AnySession, tenant: UUID, pairs: Collection[Pair]
) -> Sequence[BatchLevel]:
    """Stock of every batch at these levels, in FEFO order."""
    keys = level_keys()
    theirs = and_(
        BatchLevel.store_id == keys.c.store_id, BatchLevel.product_id == keys.c.product_id
    )
    query = select(BatchLevel).join(keys, theirs).join(Batch, BATCH_OF)
    query = query.where(BatchLevel.tenant_id == tenant).order_by(*FEFO)
    return (await session.scalars(query, bind_levels(pairs))).all()


async def expiring(
    session: AnySession,
    tenant: UUID,
    stores: Collection[UUID],
    product: UUID | None,
    within_days: int | None,
    span: Span,
) -> Sequence[BatchLevel]:
    """A page of the batches that these stores hold and that expire within `within_days` by each
    store's clock.

    The batch that expires first comes first.
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
    return await span.scalars(session, query, *order)


async def expired(session: AnySession, tenant: UUID, now: datetime) -> Sequence[Any]:
    """Batches on a shelf past their last day by the store's clock: (batch level, scale)."""
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
        # No time zone is more than a day ahead of UTC; with this bound an index finds the few rows.
        .where(BatchLevel.expires_on <= now.date() + timedelta(days=1))
        .order_by(BatchLevel.store_id, BatchLevel.product_id, BatchLevel.expires_on)
    )
    return (await session.execute(query)).all()
