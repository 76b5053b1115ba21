"""Escalation: an alert that is not acknowledged in time goes to the next role, once to each."""

from uuid import UUID

from uuid_utils.compat import uuid7

from app.db import escalations as rows
from app.db import notices
from app.db.alert_facts import alert_facts
from app.db.core.unit import Database
from app.db.identity import stores_by_id
from app.domain import access
from app.domain.access import Can, Viewer
from app.domain.claims import claim
from app.domain.errors import Malformed
from app.domain.notices.people import people_deliveries
from app.domain.rules.recipients import next_role

MINUTES = range(1, 7 * 24 * 60 + 1)


async def set_escalation(
    db: Database, viewer: Viewer, key: UUID, rule: str, store: UUID | None, minutes: int | None
) -> None:
    """Sets after how many minutes a rule escalates, in a store or in all; None: never.

    Raises Refused(UnknownStore), and Malformed for a number out of range.
    """
    if store is not None:
        access.at(viewer, Can.SET_ALERT_RULES, store)
    elif viewer.scope.reach(Can.SET_ALERT_RULES) is not access.Reach.ALL:
        raise Malformed("storeId", "请选择您负责的门店", "Choose one of your stores.")
    if minutes is not None and minutes not in MINUTES:
        raise Malformed(
            "minutes", "分钟数须为 1 至 10080", "Give 1 to 10080 minutes, which are seven days."
        )
    id = uuid7()
    async with db.unit(viewer.tenant) as unit:
        request = ("setEscalation", rule, store, minutes)
        if await claim(unit, viewer.claimant, key, id, *request) is None:
            await rows.put_escalation(unit, id, viewer.actor, rule, store, minutes)


async def escalate(db: Database, tenant: UUID) -> None:
    """Write the deliveries of alerts that wait for too long, to the next role of each."""
    async with db.unit(tenant) as unit:
        waiting = await rows.overdue_alerts(unit)
        alerts = [each.alert for each in waiting]
        facts = await alert_facts(unit.session, tenant, [alert.id for alert in alerts])
        stores = await stores_by_id(unit.session, tenant, {alert.store_id for alert in alerts})
        by_id = {store.id: store for store in stores}
        for alert, minutes in waiting:
            staff = [
                person
                for person, _ in await notices.people_of(unit.session, tenant, alert.store_id)
                if person.here
            ]
            reached = await notices.people_reached(unit.session, tenant, alert.id, alert.raised_at)
            role = next_role(staff, reached)
            if role is None:
                alert.escalations = rows.MOST_STEPS
                continue
            people = {person.id for person in staff if person.role == role} - reached
            alert.escalations += 1
            overdue = minutes * alert.escalations
            place = by_id[alert.store_id]
            deliveries = await people_deliveries(
                unit, alert, place, facts[alert.id], people, overdue
            )
            await notices.add_deliveries(unit, deliveries)
