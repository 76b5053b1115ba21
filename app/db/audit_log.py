"""Rows of the audit log: added in the transaction of the act, read in pages."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import Text, Uuid, bindparam, cast, insert, select
from sqlalchemy.dialects.postgresql import JSONB

from app.db.core.paging import Span
from app.db.core.snapshot import AnySession
from app.db.core.statement import Statement, among, arrays, rows
from app.db.core.unit import Unit
from app.db.tables import AuditRecord

A = AuditRecord.__table__.c


class AuditRow(NamedTuple):
    """One act as it is written; `details` is a JSON object."""

    id: UUID
    act: str
    actor_id: UUID
    role: str
    subject: str
    subject_id: UUID
    store_id: UUID | None
    details: str
    address: str | None
    at: datetime


ROW = list(AuditRow._fields)


def _writing() -> Statement:
    # A session's driver and a lane's send JSON differently, and text alike.
    texts = (A[name].cast(Text).label(name) if name == "details" else A[name] for name in ROW)
    acts = rows("acts", *texts)
    values = (cast(acts.c[name], JSONB) if name == "details" else acts.c[name] for name in ROW)
    tenant = bindparam("tenant", type_=Uuid())
    put = insert(AuditRecord).from_select(["tenant_id", *ROW], select(tenant, *values))
    return Statement(put.returning(A.id))


WRITE = _writing()


async def write(unit: Unit, acts: Sequence[AuditRow]) -> None:
    """Add these acts to the log, in the unit's transaction."""
    await WRITE.fetch(unit.raw, tenant=unit.tenant, **arrays("acts", ROW, acts))


async def record_by_id(session: AnySession, tenant: UUID, id: UUID) -> AuditRecord:
    """An act that is known to be in the log."""
    query = select(AuditRecord).where(AuditRecord.tenant_id == tenant, AuditRecord.id == id)
    return (await session.scalars(query)).one()


class AuditFilter(NamedTuple):
    """Acts in these stores; with `chain` also those that concern the whole chain."""

    stores: Collection[UUID]
    chain: bool
    act: str | None = None
    since: datetime | None = None
    until: datetime | None = None


async def records(
    session: AnySession, tenant: UUID, chosen: AuditFilter, span: Span
) -> Sequence[AuditRecord]:
    """A page of the audit log, the newest first."""
    within = among(AuditRecord.store_id, chosen.stores)
    if chosen.chain:
        within |= AuditRecord.store_id.is_(None)
    query = select(AuditRecord).where(AuditRecord.tenant_id == tenant, within)
    if chosen.act is not None:
        query = query.where(AuditRecord.act == chosen.act)
    if chosen.since is not None:
        query = query.where(AuditRecord.at >= chosen.since)
    if chosen.until is not None:
        query = query.where(AuditRecord.at < chosen.until)
    return await span.scalars(session, query, AuditRecord.id, newest=True)
