"""Alerts: how staff acknowledge, resolve and snooze them."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from app.db import alerts as rows
from app.db.core.unit import Database, Unit
from app.db.tables import Alert
from app.domain import access
from app.domain.access import Can, Viewer
from app.domain.claims import claim
from app.domain.errors import Malformed, Refused, UnknownAlert

CLOSED_WHEN_SEEN = {"DISCREPANCY"}
"""Rules of single facts: what is acknowledged never recovers, and the next fact is a new alert."""
LONGEST_SNOOZE = timedelta(days=30)


async def acknowledge(db: Database, viewer: Viewer, key: UUID, alert_id: UUID) -> Alert:
    """Acknowledges an open alert; any other one stays as it is.

    Raises Refused(UnknownAlert).
    """
    async with _changing(db, viewer, key, alert_id, "acknowledgeAlert") as (unit, row, first):
        if first and row.state == "OPEN":
            row.state = "ACKNOWLEDGED"
            row.acknowledged_at, row.acknowledged_by = unit.now, viewer.actor
            row.closed = row.rule in CLOSED_WHEN_SEEN
            unit.document_changed(row.store_id, row.id)
    return row


async def resolve(db: Database, viewer: Viewer, key: UUID, alert_id: UUID) -> Alert:
    """Resolves an alert by hand; it is raised again only after the subject has recovered.

    Raises Refused(UnknownAlert).
    """
    async with _changing(db, viewer, key, alert_id, "resolveAlert") as (unit, row, first):
        if first and row.state != "RESOLVED":
            row.state = "RESOLVED"
            row.resolved_at, row.resolved_by = unit.now, viewer.actor
            row.closed = row.closed or row.rule in CLOSED_WHEN_SEEN
            unit.document_changed(row.store_id, row.id)
    return row


async def snooze(
    db: Database, viewer: Viewer, key: UUID, alert_id: UUID, until: datetime | None
) -> Alert:
    """Suspends the notifications of an alert for at most 30 days; None resumes them.

    Raises Refused(UnknownAlert), and Malformed for a time that is past or too late.
    """
    request = "snoozeAlert", until
    async with _changing(db, viewer, key, alert_id, *request) as (unit, row, first):
        if first:
            if until is not None and not unit.now < until <= unit.now + LONGEST_SNOOZE:
                raise Malformed(
                    "until",
                    "暂停时间须在今后 30 天内",
                    "Give a time within the next 30 days.",
                )
            row.snoozed_until = until
            unit.document_changed(row.store_id, row.id)
    return row


@asynccontextmanager
async def _changing(
    db: Database, viewer: Viewer, key: UUID, alert_id: UUID, *request: Any
) -> AsyncGenerator[tuple[Unit, Alert, bool]]:
    """A unit with the locked alert, and whether the key is used for the first time."""
    async with db.unit(viewer.tenant) as unit:
        name, *rest = request
        earlier = await claim(unit, viewer.claimant, key, alert_id, name, alert_id, *rest)
        row = await rows.locked_alert(unit, alert_id)
        if row is None or not access.within(viewer, Can.ACKNOWLEDGE_ALERT, [row.store_id]):
            raise Refused(UnknownAlert(str(alert_id)))
        yield unit, row, earlier is None
