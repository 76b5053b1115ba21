"""Deletes of rows that are kept for a limited time: changes of feeds, clients' keys and scans."""

from datetime import datetime
from typing import Any, cast
from uuid import UUID

from sqlalchemy import CursorResult, delete, func, select, tuple_

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
    """Delete at most `limit` scans of sessions that ended before this time. Returns the number."""
    C, S = Scan, ScanSession
    old = (
        select(C.tenant_id, C.id)
        .join(S, (S.tenant_id == C.tenant_id) & (S.id == C.session_id))
        .where(C.tenant_id == unit.tenant, S.ended_at < before)
        .limit(limit)
    )
    trimmed = delete(C).where(tuple_(C.tenant_id, C.id).in_(old))
    return cast(CursorResult[Any], await unit.session.execute(trimmed)).rowcount
