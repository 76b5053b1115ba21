"""Which stores the alert watch must judge, and the products that changed in them since the last
turn."""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import ColumnElement, and_, func, or_, select
from sqlalchemy.dialects.postgresql import insert

from app.db.alerts import Crossing
from app.db.core.snapshot import AnySession
from app.db.core.unit import Unit
from app.db.days import store_day
from app.db.tables import Alert, AlertSetting, AlertWatch, Change, Feed, Level, Product, Store
from app.domain.rules.alert_settings import Setting

DOCUMENTS_EVERY = timedelta(minutes=10)
"""How often the documents of a store without changes are judged."""


def _due() -> ColumnElement[bool]:
    today = store_day(Store.timezone, func.now())
    return or_(
        AlertWatch.store_id.is_(None),
        AlertWatch.revision < Feed.revision,
        AlertWatch.day < today,
        AlertWatch.judged_at < func.now() - DOCUMENTS_EVERY,
    )


async def due_stores(session: AnySession, tenant: UUID) -> Sequence[UUID]:
    """The tenant's stores that changed since they were judged, whose day has changed, or that were
    judged too long ago; those that have waited longest first."""
    query = (
        select(Store.id)
        .join(Feed, and_(Feed.tenant_id == Store.tenant_id, Feed.store_id == Store.id))
        .outerjoin(AlertWatch, _of_store())
        .where(Store.tenant_id == tenant, _due())
        .order_by(AlertWatch.judged_at.nulls_first(), Store.id)
    )
    return (await session.scalars(query)).all()


def _of_store() -> ColumnElement[bool]:
    return and_(AlertWatch.tenant_id == Store.tenant_id, AlertWatch.store_id == Store.id)


class Turn(NamedTuple):
    """A store that this unit judges: its day, and the products that changed since the last turn,
    None for all of them."""

    store: UUID
    today: date
    revision: int
    products: frozenset[UUID] | None


async def take_turn(unit: Unit, store: UUID) -> Turn | None:
    """Lock the watch of a store. None if another unit judges it now, or has just judged it."""
    new = insert(AlertWatch).values(
        tenant_id=unit.tenant, store_id=store, revision=-1, day=date.min, judged_at=unit.now
    )
    await unit.session.execute(new.on_conflict_do_nothing())
    today = store_day(Store.timezone, func.now())
    query = (
        select(AlertWatch.revision, AlertWatch.day, Feed.revision, today)
        .join(Store, _of_store())
        .join(Feed, and_(Feed.tenant_id == Store.tenant_id, Feed.store_id == Store.id))
        .where(AlertWatch.tenant_id == unit.tenant, AlertWatch.store_id == store, _due())
        .with_for_update(of=AlertWatch, skip_locked=True)
    )
    row = (await unit.session.execute(query)).first()
    if row is None:
        return None
    judged, day, head, now = row
    products = await _changed(unit, store, judged, head) if day == now else None
    return Turn(store, now, head, products)


async def whole_store(unit: Unit, store: UUID) -> Turn:
    """A turn for a preview: it covers all products, takes no lock and is not recorded."""
    today = store_day(Store.timezone, func.now())
    query = select(today).where(Store.tenant_id == unit.tenant, Store.id == store)
    return Turn(store, (await unit.session.scalars(query)).one(), 0, None)


async def _changed(unit: Unit, store: UUID, after: int, head: int) -> frozenset[UUID] | None:
    """Products that changed after a revision; None if the changes are not kept."""
    query = select(Change.product_ids).where(
        Change.tenant_id == unit.tenant,
        Change.store_id == store,
        Change.revision > after,
        Change.revision <= head,
    )
    changes = (await unit.session.scalars(query)).all()
    if len(changes) < head - after:
        return None
    return frozenset(product for products in changes for product in products)


async def end_turn(unit: Unit, turn: Turn) -> None:
    """Record the revision and day up to which the store is judged, in the transaction of its
    alerts."""
    watch = await unit.session.get(AlertWatch, (unit.tenant, turn.store))
    assert watch is not None
    watch.revision, watch.day, watch.judged_at = turn.revision, turn.today, unit.now


async def settings(session: AnySession, tenant: UUID) -> list[Setting]:
    """All settings of alert rules of the tenant."""
    query = select(AlertSetting).where(AlertSetting.tenant_id == tenant)
    return [
        Setting(
            row.rule,
            row.store_id,
            row.category_id,
            row.product_id,
            row.enabled,
            None if row.days is None else tuple(row.days),
            row.fewer_than,
            row.hours,
        )
        for row in await session.scalars(query)
    ]


async def lasting_low(unit: Unit, store: UUID) -> list[tuple[Crossing, UUID | None]]:
    """Alerts of low and empty levels that are not closed, as crossings that would close them, each
    with the category of its product."""
    A, P = Alert, Product
    query = (
        select(A.product_id, A.rule, A.quantity, A.scale, P.category_id)
        .join(P, and_(P.tenant_id == A.tenant_id, P.id == A.product_id))
        .where(A.tenant_id == unit.tenant, A.store_id == store, ~A.closed)
        .where(A.rule.in_(("LOW_STOCK", "OUT_OF_STOCK")))
        .order_by(A.product_id)
    )
    rows: Any = await unit.session.execute(query)
    return [
        (Crossing(store, product, rule, "CLOSE", quantity, scale, 0, None), category)
        for product, rule, quantity, scale, category in rows
    ]


async def standing_low(unit: Unit, store: UUID) -> list[Crossing]:
    """Levels that are low and have no alert, as crossings; they are locked.

    They were low before their rule was first judged, or while it was switched off.
    """
    L, P, A = Level, Product, Alert
    known = select(A.rule, A.product_id).where(
        A.tenant_id == unit.tenant, A.store_id == store, ~A.closed
    )
    lasting = {tuple(row) for row in await unit.session.execute(known)}
    query = (
        select(L.product_id, L.shelf, L.scale, L.reorder_point)
        .join(P, and_(P.tenant_id == L.tenant_id, P.id == L.product_id))
        .where(L.tenant_id == unit.tenant, L.store_id == store, L.version > 0)
        .where(L.reorder_point > 0, L.shelf + L.transit <= L.reorder_point)
        .where(P.archived_at.is_(None), L.status.in_(("OUT", "LOW")))
        .order_by(L.store_id, L.product_id)
        # A level that is being written is judged by that write.
        .with_for_update(of=L, read=True, skip_locked=True)
    )
    return [
        Crossing(store, product, rule, "RAISE", shelf, scale, point, None)
        for product, shelf, scale, point in await unit.session.execute(query)
        for rule in (("LOW_STOCK",) if shelf else ("OUT_OF_STOCK", "LOW_STOCK"))
        if (rule, product) not in lasting
    ]


async def first_store(unit: Unit) -> UUID | None:
    """The store that the chain opened first."""
    query = select(Store.id).where(Store.tenant_id == unit.tenant)
    return await unit.session.scalar(query.order_by(Store.created_at, Store.id).limit(1))
