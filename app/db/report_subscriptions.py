"""Subscriptions to monthly reports, and the latest file of each."""

from collections.abc import Collection, Sequence
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import distinct_on

from app.db.core.snapshot import AnySession
from app.db.core.statement import among
from app.db.core.unit import Unit
from app.db.tables import Export, ReportSubscription


async def subscriptions(
    session: AnySession, tenant: UUID, staff: UUID
) -> Sequence[ReportSubscription]:
    """This person's subscriptions, in the order in which they were created."""
    R = ReportSubscription
    query = select(R).where(R.tenant_id == tenant, R.staff_id == staff, R.ended_at.is_(None))
    return (await session.scalars(query.order_by(R.id))).all()


def _due(tenant: UUID, before: date) -> Any:
    R = ReportSubscription
    return select(R).where(R.tenant_id == tenant, R.ended_at.is_(None), R.month < before)


async def due(session: AnySession, tenant: UUID, before: date) -> Sequence[UUID]:
    """The subscriptions whose latest month is before this one."""
    return [each.id for each in await session.scalars(_due(tenant, before))]


async def take_due(unit: Unit, id: UUID, before: date) -> ReportSubscription | None:
    """The subscription, locked; None if it is not due any longer or another process has it."""
    query = _due(unit.tenant, before).where(ReportSubscription.id == id)
    return await unit.session.scalar(query.with_for_update(skip_locked=True))


async def latest_exports(
    session: AnySession, tenant: UUID, subscriptions: Collection[UUID]
) -> dict[UUID | None, Export]:
    """The latest file of each subscription."""
    query = (
        select(Export)
        .ext(distinct_on(Export.subscription_id))
        .where(Export.tenant_id == tenant, among(Export.subscription_id, subscriptions))
        .order_by(Export.subscription_id, Export.id.desc())
    )
    return {each.subscription_id: each for each in await session.scalars(query)}
