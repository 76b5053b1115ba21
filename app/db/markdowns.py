"""Markdowns of batches: written by staff, read with the batches that are sold next."""

from collections.abc import Collection
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, and_, case, delete, func, literal_column, select, tuple_
from sqlalchemy.dialects.postgresql import aggregate_order_by, insert

from app.db.core.snapshot import AnySession
from app.db.core.unit import Unit
from app.db.fefo import BATCH_OF, FEFO
from app.db.tables import Batch, BatchLevel, Markdown

D, H = Markdown.__table__.c, BatchLevel.__table__.c
ZERO = literal_column("0", BigInteger())
KEY = ["tenant_id", "store_id", "product_id", "batch_id"]


def is_of(tenant: Any, held: Any) -> Any:
    """SQL: whether a markdown is in force for a batch level with these columns."""
    return and_(
        D.tenant_id == tenant,
        D.store_id == held.store_id,
        D.product_id == held.product_id,
        D.batch_id == held.batch_id,
        D.ends_at > func.now(),
    )


def _marked_down(tenant: Any) -> Any:
    """SQL: batch levels with their batches, and their markdowns if they have one."""
    held = BatchLevel.__table__.join(Batch.__table__, BATCH_OF)
    return held.outerjoin(Markdown.__table__, is_of(tenant, H))


def next_percent(tenant: Any, store: Any, product: Any, day: Any) -> Any:
    """SQL: percent off the batch that a customer gets next on `day`; null without a markdown."""
    return (
        select(D.percent)
        .select_from(_marked_down(tenant))
        .where(H.tenant_id == tenant, H.store_id == store, H.product_id == product)
        .where(H.expires_on >= day, H.shelf > 0)
        .order_by(*FEFO)
        .limit(1)
        .scalar_subquery()
    )


def marked_down(tenant: Any, store: Any, product: Any, day: Any) -> Any:
    """SQL: the same, but 0 if only batches that are sold later have a markdown; null if none
    has."""
    percent = func.coalesce(next_percent(tenant, store, product, day), ZERO)
    return case((_has_any(tenant, store, product), percent))


NEXT = 8
"""How many of the batches that are sold next lower the price of an order."""


def next_batches(tenant: Any, store: Any, product: Any, day: Any) -> Any:
    """SQL: one row with two arrays: the quantities on the shelf and the percents off of the next
    batches that do not expire before `day`. Both are null when the product has no markdown in the
    store."""
    first = (
        select(*FEFO, H.shelf, func.coalesce(D.percent, ZERO).label("percent"))
        .select_from(_marked_down(tenant))
        .where(H.tenant_id == tenant, H.store_id == store, H.product_id == product)
        .where(H.expires_on >= day, H.shelf > ZERO)
        .where(_has_any(tenant, store, product))
        .order_by(*FEFO)
        .limit(literal_column(str(NEXT)))
        .correlate_except(Batch, BatchLevel, Markdown)
        .subquery()
        .lateral()
    )
    order = first.c.expires_on, first.c.received_at, first.c.batch_id
    shelves = func.array_agg(aggregate_order_by(first.c.shelf, *order))
    percents = func.array_agg(aggregate_order_by(first.c.percent, *order))
    return select(shelves.label("shelves"), percents.label("percents")).lateral("next_batches")


def _has_any(tenant: Any, store: Any, product: Any) -> Any:
    """SQL: whether any batch of the product has a markdown in the store; few have."""
    any_of = Markdown.__table__.alias("any_of").c
    return (
        select(any_of.percent)
        .where(any_of.tenant_id == tenant, any_of.store_id == store)
        .where(any_of.product_id == product, any_of.ends_at > func.now())
        .exists()
    )


async def put(unit: Unit, row: Markdown) -> None:
    """Write the markdown; it replaces the batch's earlier one in the store."""
    names = ("percent", "until", "ends_at", "set_by")
    new = insert(Markdown).values(
        **{name: getattr(row, name) for name in (*KEY, *names)}, set_at=func.now()
    )
    set_ = {name: new.excluded[name] for name in (*names, "set_at")}
    await unit.session.execute(new.on_conflict_do_update(index_elements=KEY, set_=set_))


async def remove(unit: Unit, store: UUID, batch: UUID) -> None:
    """Delete the markdown of a batch in a store, if there is one."""
    mine = Markdown.tenant_id == unit.tenant, Markdown.store_id == store
    await unit.session.execute(delete(Markdown).where(*mine, Markdown.batch_id == batch))


async def end_lapsed(unit: Unit) -> None:
    """Delete the markdowns whose last day is over, and record their products as changed in the
    feeds."""
    lapsed = delete(Markdown).where(Markdown.tenant_id == unit.tenant, Markdown.ends_at <= unit.now)
    ended = await unit.session.execute(lapsed.returning(Markdown.store_id, Markdown.product_id))
    for store, product in ended:
        unit.changed(store, product)
        unit.document_changed(store, product)


async def any_lapsed(session: AnySession, tenant: UUID, now: datetime) -> bool:
    """Whether the last day of any markdown is over."""
    query = select(D.product_id).where(D.tenant_id == tenant, D.ends_at <= now).limit(1)
    return (await session.execute(query)).first() is not None


async def markdowns_of(
    session: AnySession, tenant: UUID, triples: Collection[tuple[UUID, UUID, UUID]]
) -> dict[tuple[UUID, UUID, UUID], Markdown]:
    """The markdowns in force, by store, product and batch."""
    M = Markdown
    query = select(M).where(M.tenant_id == tenant, M.ends_at > func.now())
    query = query.where(tuple_(M.store_id, M.product_id, M.batch_id).in_(list(triples)))
    return {
        (row.store_id, row.product_id, row.batch_id): row for row in await session.scalars(query)
    }


async def batch_level(session: AnySession, tenant: UUID, store: UUID, batch: UUID) -> Any:
    """The store's level of the batch; None if it holds none of it."""
    query = select(BatchLevel).where(BatchLevel.tenant_id == tenant)
    query = query.where(BatchLevel.store_id == store, BatchLevel.batch_id == batch)
    return (await session.scalars(query)).first()
