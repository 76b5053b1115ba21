"""Deliveries of an alert to people: in the application, by message, and to targets."""

from collections.abc import Collection
from datetime import datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from uuid_utils.compat import uuid7

from app.db import notices as rows
from app.db.alert_facts import AlertFacts
from app.db.core.unit import Unit
from app.db.tables import Alert, Store
from app.domain.notices.personal import personal_delivery, reach_of
from app.domain.notices.texts import parts_of, text_of
from app.domain.rules.recipients import (
    NOTIFIED,
    URGENT_RULES,
    default_choice,
    next_loud_moment,
    reasons,
)

ALERT_RAISED, REPORT_READY = "ALERT_RAISED", "REPORT_READY"


async def notified_people(
    unit: Unit, rule: str, store: UUID, category: UUID | None = None
) -> set[UUID]:
    """The members of staff who are notified of the rule in the store, for a product's category."""
    choice = await rows.choice_of(unit.session, unit.tenant, rule, store, category)
    people = await rows.people_of(unit.session, unit.tenant, store)
    route = reasons((person for person, _ in people), choice or default_choice(rule))
    return {person for person, reason in route.items() if reason in NOTIFIED}


async def people_deliveries(
    unit: Unit,
    alert: Alert,
    store: Store,
    facts: AlertFacts,
    people: Collection[UUID],
    overdue: int | None = None,
    reached: Collection[UUID] | None = None,
) -> list[dict[str, Any]]:
    """In the application and by message for each person, and to their targets.

    `overdue` are the minutes for which the alert was not acknowledged, when it goes to the next
    role; then the store's shared targets are left out, which have it already. `reached` are the
    people who receive another alert with the same text, as shared targets do: they get no second
    message. What the store's digest holds is not sent one by one.
    """
    text = text_of(facts, "zh")
    if overdue is not None:
        text = f"{overdue} 分钟无人处理：{text}"
    body = f"{store.name}：{text}"
    shown = {"state": "DELIVERED", "delivered_at": unit.now}
    deliveries = [
        alert_delivery(alert, "IN_APP", person, body, unit.now) | shown for person in sorted(people)
    ]
    urgent = alert.rule in URGENT_RULES
    if not urgent and overdue is None and store.digest_hour is not None:
        return deliveries
    at = unit.now if urgent else loud_moment(store, unit.now)
    people = set(people).difference(reached or ())
    shared = overdue is None and reached is None
    for target in await rows.targets(unit.session, unit.tenant, [store.id]):
        if target.staff_id in people or (target.staff_id is None and shared):
            deliveries.append(alert_delivery(alert, "MESSAGE", target.id, body, at))
    reach = await reach_of(unit.session, unit.tenant, people)
    raised_at = alert.raised_at.astimezone(ZoneInfo(store.timezone))
    parts = parts_of(facts, store.name, raised_at) | {"TEXT": text}
    for person in sorted(people):
        values = alert_delivery(alert, "", person, "", at)
        if message := await personal_delivery(unit, reach, person, parts, values):
            deliveries.append(message)
    return deliveries


def loud_moment(store: Store, now: datetime) -> datetime:
    """When a message that is not urgent may be sent in the store."""
    return next_loud_moment(now, store.timezone, store.quiet_from, store.quiet_until)


def alert_delivery(
    alert: Alert, channel: str, recipient: UUID, body: str, at: datetime
) -> dict[str, Any]:
    """A delivery of an alert that is to be sent at this time."""
    return {
        "tenant_id": alert.tenant_id,
        "id": uuid7(),
        "channel": channel,
        "recipient_id": recipient,
        "event": ALERT_RAISED,
        "store_id": alert.store_id,
        "alert_id": alert.id,
        "occasion": alert.raised_at,
        "revision": None,
        "body": body,
        "template": None,
        "parts": None,
        "state": "PENDING",
        "next_at": at,
        "delivered_at": None,
    }
