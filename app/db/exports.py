"""Exports: read by id, and held by one worker at a time."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import func, or_, select, update

from app.db.core.snapshot import AnySession
from app.db.core.statement import among
from app.db.core.unit import Unit
from app.db.tables import Export

OPEN = ("QUEUED", "RUNNING")


async def exports_by_id(
    session: AnySession, tenant: UUID, ids: Collection[UUID]
) -> Sequence[Export]:
    query = select(Export).where(Export.tenant_id == tenant, among(Export.id, ids))
    return (await session.scalars(query)).all()


async def open_exports(
    session: AnySession, tenant: UUID, stores: Collection[UUID], after: UUID | None, limit: int
) -> Sequence[Export]:
    """A page of the exports of these stores that are not finished, the oldest first."""
    query = select(Export).where(
        Export.tenant_id == tenant, Export.state.in_(OPEN), Export.stores.overlap(list(stores))
    )
    if after is not None:
        query = query.where(Export.id > after)
    return (await session.scalars(query.order_by(Export.id).limit(limit))).all()


async def waiting(session: AnySession, tenant: UUID, requester: UUID) -> int:
    """How many exports of this person are not finished."""
    query = select(func.count()).select_from(Export)
    query = query.where(Export.tenant_id == tenant, Export.state.in_(OPEN))
    return await session.scalar(query.where(Export.requested_by == requester)) or 0


def _due(tenant: UUID, now: datetime) -> Any:
    """Exports that no worker holds, the oldest first."""
    free = or_(Export.leased_until.is_(None), Export.leased_until < now)
    query = select(Export).where(Export.tenant_id == tenant, Export.state.in_(OPEN), free)
    return query.order_by(Export.id).limit(1)


def _expired(tenant: UUID, now: datetime) -> Any:
    mine = Export.tenant_id == tenant, Export.state == "READY", Export.expires_at < now
    return select(Export).where(*mine).order_by(Export.expires_at).limit(1)


async def has_work(session: AnySession, tenant: UUID, now: datetime) -> bool:
    """Whether the tenant has an export to make, or an expired file to delete."""
    for query in (_due(tenant, now), _expired(tenant, now)):
        if (await session.scalars(query)).first() is not None:
            return True
    return False


async def take(unit: Unit, lease: timedelta) -> Export | None:
    """Take the oldest export that no worker holds, for the time of the lease; None if there is
    none."""
    export = await unit.session.scalar(
        _due(unit.tenant, unit.now).with_for_update(skip_locked=True)
    )
    if export is not None:
        export.attempts += 1
        export.state, export.progress = "RUNNING", 0
        export.leased_until = unit.now + lease
    return export


async def change(unit: Unit, export: Export, **values: Any) -> bool:
    """Change an export if the worker of this attempt still holds it. Returns whether it does."""
    answer = await unit.session.execute(
        update(Export)
        .where(Export.tenant_id == unit.tenant, Export.id == export.id)
        .where(Export.state == "RUNNING", Export.attempts == export.attempts)
        .values(**values)
        .returning(Export.id)
    )
    return answer.first() is not None


async def take_expired(unit: Unit) -> Export | None:
    """An export whose file may be deleted, locked."""
    query = _expired(unit.tenant, unit.now).with_for_update(skip_locked=True)
    return await unit.session.scalar(query)
