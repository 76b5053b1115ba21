"""Deletes of rows that are kept for a limited time: changes of feeds, clients' keys and scans."""

from datetime import datetime
from typing import Any, cast
from uuid import UUID

from sqlalchemy import CursorResult, delete, func, select, tuple_, update

from app.db.core.unit import Unit
from app.db.tables import Change, Feed, ProductUpsert, Request, Scan, ScanSession


async def delete_changes(unit: Unit, store: UUID, before: datetime, limit: int) -> int:
    """Delete at most `limit` of the store's changes made before this time. Returns the number.

    The oldest are deleted first and the newest change is kept, so that the revisions have no gap
    (I6).
    """
    mine = Change.tenant_id == unit.tenant, Change.store_id == store
    head = select(Feed.revision).where(Feed.tenant_id == unit.tenant, Feed.store_id == store)
    oldest = (
        select(Change.revision, Change.at)
        .where(*mine, Change.revision < head.scalar_subquery())
        .order_by(Change.revision)
        .limit(limit)
        .subquery()
    )
    last = select(func.max(oldest.c.revision)).where(oldest.c.at < before)
    trimmed = delete(Change).where(*mine, Change.revision <= last.scalar_subquery())
    return cast(CursorResult[Any], await unit.session.execute(trimmed)).rowcount


async def delete_requests(unit: Unit, before: datetime, limit: int) -> int:
    """Delete at most `limit` of the oldest claims of keys made before this time. Returns the
    number."""
    R = Request
    oldest = (
        select(R.tenant_id, R.actor_id, R.key)
        .where(R.tenant_id == unit.tenant, R.claimed_at < before)
        .order_by(R.claimed_at)
        .limit(limit)
    )
    trimmed = delete(R).where(tuple_(R.tenant_id, R.actor_id, R.key).in_(oldest))
    return cast(CursorResult[Any], await unit.session.execute(trimmed)).rowcount


async def delete_upserts(unit: Unit, before: datetime, limit: int) -> int:
    """Delete at most `limit` answers of `upsertProducts` made before this time. Returns the
    number."""
    U = ProductUpsert
    old = select(U.tenant_id, U.id).where(U.tenant_id == unit.tenant, U.created_at < before)
    trimmed = delete(U).where(tuple_(U.tenant_id, U.id).in_(old.limit(limit)))
    return cast(CursorResult[Any], await unit.session.execute(trimmed)).rowcount


async def delete_scans(unit: Unit, before: datetime, limit: int) -> int:
    """Delete at most `limit` scans of one session that ended before this time, and mark it when
    none is left. Returns the number of scans and marks: 0 when no such session has scans."""
    C, S = Scan, ScanSession
    ended = select(S.id).where(S.tenant_id == unit.tenant, S.ended_at < before, ~S.scans_deleted)
    id = await unit.session.scalar(ended.order_by(S.ended_at).limit(1))
    if id is None:
        return 0
    old = select(C.id).where(C.tenant_id == unit.tenant, C.session_id == id).limit(limit)
    trimmed = delete(C).where(C.tenant_id == unit.tenant, C.id.in_(old))
    deleted = cast(CursorResult[Any], await unit.session.execute(trimmed)).rowcount
    if deleted == limit:
        return deleted
    mark = update(S).where(S.tenant_id == unit.tenant, S.id == id).values(scans_deleted=True)
    await unit.session.execute(mark)
    return deleted + 1
