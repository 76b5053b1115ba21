"""Alerts: how staff acknowledge them."""

from uuid import UUID

from app.db import alerts as rows
from app.db.core.unit import Database
from app.db.tables import Alert
from app.domain import access
from app.domain.access import Can, Viewer
from app.domain.claims import claim
from app.domain.errors import Refused, UnknownAlert


async def acknowledge(db: Database, viewer: Viewer, key: UUID, alert_id: UUID) -> Alert:
    """Closes an open alert; one that is closed already stays as it is.

    Raises Refused(UnknownAlert).
    """
    async with db.unit(viewer.tenant) as unit:
        earlier = await claim(unit, viewer.claimant, key, alert_id, "acknowledgeAlert", alert_id)
        row = await rows.locked_alert(unit, alert_id)
        if row is None or not access.within(viewer, Can.ACKNOWLEDGE_ALERT, [row.store_id]):
            raise Refused(UnknownAlert(str(alert_id)))
        if earlier is None and row.state == "OPEN":
            row.state = "ACKNOWLEDGED"
            row.acknowledged_at, row.acknowledged_by = unit.now, viewer.actor
            unit.document_changed(row.store_id, row.id)
    return row
