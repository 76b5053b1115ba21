"""Approvals: read by stores, decided under their own lock."""

from collections.abc import Collection, Sequence
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import select

from app.db.core.paging import Span
from app.db.core.snapshot import AnySession
from app.db.core.statement import among
from app.db.core.unit import Unit
from app.db.tables import Approval


async def approvals_by_id(
    session: AnySession, tenant: UUID, ids: Collection[UUID]
) -> Sequence[Approval]:
    query = select(Approval).where(Approval.tenant_id == tenant, among(Approval.id, ids))
    return (await session.scalars(query)).all()


async def locked_approval(unit: Unit, id: UUID) -> Approval | None:
    query = select(Approval).where(Approval.tenant_id == unit.tenant, Approval.id == id)
    return await unit.session.scalar(query.with_for_update())


class ApprovalFilter(NamedTuple):
    stores: Collection[UUID]
    state: str | None = None


async def approvals(
    session: AnySession, tenant: UUID, filter: ApprovalFilter, span: Span
) -> Sequence[Approval]:
    """A page of approvals, the newest first."""
    query = select(Approval).where(
        Approval.tenant_id == tenant, among(Approval.store_id, filter.stores)
    )
    if filter.state is not None:
        query = query.where(Approval.state == filter.state)
    return await span.scalars(session, query, Approval.id, newest=True)


async def open_approvals(
    session: AnySession, tenant: UUID, stores: Collection[UUID], after: UUID | None, limit: int
) -> Sequence[Approval]:
    """A page of the approvals that wait for a decision in these stores, the oldest first."""
    query = select(Approval).where(
        Approval.tenant_id == tenant, among(Approval.store_id, stores), Approval.state == "WAITING"
    )
    if after is not None:
        query = query.where(Approval.id > after)
    return (await session.scalars(query.order_by(Approval.id).limit(limit))).all()
