"""Alerts that are not acknowledged in time, and stores whose daily digest is due."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import and_, func, or_, select
from sqlalchemy.dialects.postgresql import insert

from app.db.core.snapshot import AnySession
from app.db.core.unit import Unit
from app.db.days import store_day
from app.db.tables import Alert, Escalation, Product, Store

MOST_ALERTS = 200
MOST_STEPS = 3
"""The most escalations of an alert: there are three roles above a cashier."""
MINUTE = timedelta(minutes=1)


class Waiting(NamedTuple):
    """A locked alert that was not acknowledged in time, and the minutes after which it
    escalates."""

    alert: Alert
    minutes: int


async def put_escalation(
    unit: Unit, id: UUID, actor: UUID, rule: str, store: UUID | None, minutes: int | None
) -> None:
    """Set after how many minutes a rule escalates, in a store or in all; None: never."""
    values: dict[str, Any] = {"minutes": minutes, "set_by": actor, "set_at": unit.now}
    new = insert(Escalation).values(
        tenant_id=unit.tenant, id=id, rule=rule, store_id=store, **values
    )
    keys = ["tenant_id", "rule", "store_id"]
    await unit.session.execute(new.on_conflict_do_update(index_elements=keys, set_=values))


async def escalation_of(session: AnySession, tenant: UUID, rule: str, store: UUID) -> int | None:
    """After how many minutes a rule escalates in the store; None: never."""
    E = Escalation
    query = select(E.minutes).where(E.tenant_id == tenant, E.rule == rule)
    query = query.where(or_(E.store_id.is_(None), E.store_id == store))
    return await session.scalar(query.order_by(E.store_id.is_(None)).limit(1))


def _minutes() -> Any:
    E = Escalation
    return (
        select(E.minutes)
        .where(E.tenant_id == Alert.tenant_id, E.rule == Alert.rule)
        .where(or_(E.store_id.is_(None), E.store_id == Alert.store_id))
        .order_by(E.store_id.is_(None))
        .limit(1)
        .correlate(Alert)
        .scalar_subquery()
    )


def _is_overdue(minutes: Any) -> Any:
    """Whether an open alert was notified and has waited `minutes` since its latest escalation."""
    A = Alert
    return and_(
        A.state == "OPEN",
        A.notified_at >= A.raised_at,
        or_(A.snoozed_until.is_(None), A.snoozed_until <= func.now()),
        A.escalations < MOST_STEPS,
        A.notified_at + minutes * (A.escalations + 1) * MINUTE <= func.now(),
    )


async def overdue_alerts(unit: Unit) -> list[Waiting]:
    """Alerts that go to the next role now, locked; the longest waiting first."""
    minutes = _minutes()
    query = (
        select(Alert, minutes)
        .where(Alert.tenant_id == unit.tenant, _is_overdue(minutes))
        .order_by(Alert.notified_at)
        .limit(MOST_ALERTS)
        .with_for_update(of=Alert, skip_locked=True)
    )
    rows: Any = await unit.session.execute(query)
    return [Waiting(*row) for row in rows]


def _wants_digest() -> Any:
    S = Store
    today = store_day(S.timezone, func.now())
    hour = func.extract("hour", func.timezone(S.timezone, func.now()))
    return and_(S.digest_hour <= hour, or_(S.digest_on.is_(None), S.digest_on < today))


async def due_digests(unit: Unit) -> Sequence[Store]:
    """Stores whose digest of today is due, locked."""
    query = select(Store).where(Store.tenant_id == unit.tenant, _wants_digest())
    locked = query.order_by(Store.id).with_for_update(skip_locked=True)
    return (await unit.session.scalars(locked)).all()


async def digest_alerts(unit: Unit, store: UUID) -> list[tuple[Alert, UUID | None]]:
    """Open alerts of the store with the categories of their products, the most urgent first."""
    A, P = Alert, Product
    query = (
        select(A, P.category_id)
        .outerjoin(P, and_(P.tenant_id == A.tenant_id, P.id == A.product_id))
        .where(A.tenant_id == unit.tenant, A.store_id == store, A.state == "OPEN", ~A.closed)
        .where(or_(A.snoozed_until.is_(None), A.snoozed_until <= unit.now))
        .order_by(A.urgency, A.due_on, A.id)
    )
    rows: Any = await unit.session.execute(query)
    return [tuple(row) for row in rows]


async def is_due(session: AnySession, tenant: UUID) -> bool:
    """Whether an alert goes to the next role, or a digest is to be written."""
    alerts = select(Alert.id).where(Alert.tenant_id == tenant, _is_overdue(_minutes()))
    stores = select(Store.id).where(Store.tenant_id == tenant, _wants_digest())
    return bool(await session.scalar(select(or_(alerts.exists(), stores.exists()))))
