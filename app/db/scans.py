"""Scan sessions and their scans."""

from collections.abc import Collection, Sequence
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import Uuid, and_, column, func, select, true

from app.db.core.paging import Span
from app.db.core.snapshot import AnySession
from app.db.core.statement import among, table_of
from app.db.core.unit import Unit
from app.db.tables import Scan, ScanSession

S, C = ScanSession, Scan.__table__.alias("of_page").c


async def sessions_by_id(
    session: AnySession, tenant: UUID, ids: Collection[UUID]
) -> Sequence[ScanSession]:
    return (await session.scalars(select(S).where(S.tenant_id == tenant, among(S.id, ids)))).all()


async def open_sessions(
    session: AnySession, tenant: UUID, stores: Collection[UUID], after: UUID | None, limit: int
) -> Sequence[ScanSession]:
    """A page of the open sessions of these stores, the oldest first."""
    query = select(S).where(S.tenant_id == tenant, among(S.store_id, stores), S.state == "OPEN")
    if after is not None:
        query = query.where(S.id > after)
    return (await session.scalars(query.order_by(S.id).limit(limit))).all()


class ScanSessionFilter(NamedTuple):
    """Which sessions a list shows; `state` None is all."""

    stores: Collection[UUID]
    state: str | None = None


async def sessions(
    session: AnySession, tenant: UUID, filter: ScanSessionFilter, span: Span
) -> Sequence[ScanSession]:
    """A page of sessions, the newest first."""
    query = select(S).where(S.tenant_id == tenant, among(S.store_id, filter.stores))
    if filter.state is not None:
        query = query.where(S.state == filter.state)
    return await span.scalars(session, query, S.id, newest=True)


async def locked_session(unit: Unit, id: UUID) -> ScanSession | None:
    query = select(S).where(S.tenant_id == unit.tenant, S.id == id)
    return await unit.session.scalar(query.with_for_update())


async def scans_of(session: AnySession, tenant: UUID, sessions: Collection[UUID]) -> Sequence[Scan]:
    """The scans of these sessions in their order, removed ones too."""
    query = select(Scan).where(Scan.tenant_id == tenant, among(Scan.session_id, sessions))
    return (await session.scalars(query.order_by(Scan.session_id, Scan.id))).all()


class ScanSpan(NamedTuple):
    """A part of the scans of a session, in their order."""

    session_id: UUID
    span: Span


async def scan_pages(
    session: AnySession, tenant: UUID, parts: Collection[ScanSpan]
) -> dict[ScanSpan, list[Scan]]:
    """The scans of each of these parts, removed ones too: one query for all sessions of a span."""
    pages: dict[ScanSpan, list[Scan]] = {part: [] for part in parts}
    for span in {part.span for part in parts}:
        ids = [(part.session_id,) for part in parts if part.span == span]
        sessions = table_of("sessions", [column("id", Uuid())], ids)
        theirs = select(C.id).where(C.tenant_id == tenant, C.session_id == sessions.c.id)
        page = span.query(theirs, C.id).lateral("page")
        order = Scan.id.desc() if span.backward else Scan.id
        query = (
            select(Scan)
            .join_from(sessions, page, true())
            .join(Scan, and_(Scan.tenant_id == tenant, Scan.id == page.c.id))
            .order_by(Scan.session_id, order)
        )
        for [scan] in await span.fetch(session, query, {}):
            pages[ScanSpan(scan.session_id, span)].append(scan)
    return pages


async def count_scans(unit: Unit, id: UUID) -> int:
    """The number of scans of a session, removed ones too."""
    query = select(func.count()).select_from(Scan)
    query = query.where(Scan.tenant_id == unit.tenant, Scan.session_id == id)
    return await unit.session.scalar(query) or 0


async def scan_by_id(session: AnySession, tenant: UUID, id: UUID) -> Scan | None:
    query = select(Scan).where(Scan.tenant_id == tenant, Scan.id == id)
    return (await session.scalars(query)).first()
