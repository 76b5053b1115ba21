"""Dispatch: each alert becomes one delivery for each recipient, and each change of a store one for
each webhook. An alert's row is the outbox: it is written with the movement that raised it."""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import orjson
from uuid_utils.compat import uuid7

from app.db import notices as rows
from app.db.alert_facts import AlertFacts, alert_facts
from app.db.core.unit import Database, Unit
from app.db.identity import stores_by_id
from app.db.tables import Alert, Store, Webhook
from app.domain.notices.personal import personal_delivery, reach_of
from app.domain.notices.texts import parts_of, text_of
from app.domain.rules.recipients import (
    NOTIFIED,
    URGENT_RULES,
    default_choice,
    next_loud_moment,
    reasons,
)

ALERT_RAISED, STORE_CHANGED = "ALERT_RAISED", "STORE_CHANGED"


async def dispatch(db: Database, tenant: UUID) -> None:
    """Write the deliveries of alerts that are not notified yet, and of what webhooks follow."""
    async with db.unit(tenant) as unit:
        hooks = await rows.webhooks(unit.session, tenant)
        alerts = await rows.unnotified(unit)
        if alerts:
            await _dispatch_alerts(unit, alerts, hooks)
        for hook in hooks:
            if STORE_CHANGED in hook.events:
                await _dispatch_changes(unit, hook)


async def _dispatch_alerts(unit: Unit, alerts: Sequence[Alert], hooks: Sequence[Webhook]) -> None:
    facts = await alert_facts(unit.session, unit.tenant, [alert.id for alert in alerts])
    stores = {
        store.id: store
        for store in await stores_by_id(
            unit.session, unit.tenant, {alert.store_id for alert in alerts}
        )
    }
    listening = [hook for hook in hooks if ALERT_RAISED in hook.events]
    for alert in alerts:
        fact, store = facts[alert.id], stores[alert.store_id]
        deliveries = [*await _to_people(unit, alert, store, fact)]
        deliveries += [_to_webhook(alert, fact, hook, unit.now) for hook in listening]
        await rows.add_deliveries(unit, deliveries)
        alert.notified_at = unit.now


async def _to_people(
    unit: Unit, alert: Alert, store: Store, facts: AlertFacts
) -> Iterable[dict[str, Any]]:
    """In the application and by message for each person, and to the targets of these people and
    of the store."""
    people = await notified_people(unit, alert.rule, store.id)
    loud = unit.now
    if alert.rule not in URGENT_RULES:
        hours = store.quiet_from, store.quiet_until
        loud = next_loud_moment(unit.now, store.timezone, *hours)
    body = f"{store.name}：{text_of(facts, 'zh')}"
    delivered = {"state": "DELIVERED", "delivered_at": unit.now}
    deliveries = [
        _delivery(alert, "IN_APP", person, body, unit.now) | delivered for person in people
    ]
    for target in await rows.targets(unit.session, unit.tenant, [store.id]):
        if target.staff_id is None or target.staff_id in people:
            deliveries.append(_delivery(alert, "MESSAGE", target.id, body, loud))
    return [*deliveries, *await _personal(unit, alert, store, facts, people, loud)]


async def _personal(
    unit: Unit,
    alert: Alert,
    store: Store,
    facts: AlertFacts,
    people: Collection[UUID],
    at: datetime,
) -> list[dict[str, Any]]:
    """By WeChat, Douyin or SMS: one message for each person whom one of these reaches."""
    reach = await reach_of(unit, people)
    if not reach.people:
        return []
    parts = parts_of(facts, store.name, alert.raised_at.astimezone(ZoneInfo(store.timezone)))
    deliveries = [
        await personal_delivery(unit, reach, person, parts, _delivery(alert, "", person, "", at))
        for person in sorted(people)
    ]
    return [each for each in deliveries if each is not None]


async def notified_people(unit: Unit, rule: str, store: UUID) -> set[UUID]:
    """The members of staff who are notified of the rule in the store."""
    choice = await rows.choice_of(unit.session, unit.tenant, rule, store) or default_choice(rule)
    people = await rows.people_of(unit.session, unit.tenant, store)
    chosen = reasons((person for person, _ in people), choice)
    return {person for person, reason in chosen.items() if reason in NOTIFIED}


def _to_webhook(alert: Alert, facts: AlertFacts, hook: Webhook, now: datetime) -> dict[str, Any]:
    id = uuid7()
    content: dict[str, Any] = {
        "id": id,
        "event": ALERT_RAISED,
        "at": alert.raised_at,
        "storeId": alert.store_id,
        "alert": {
            "id": alert.id,
            "rule": alert.rule,
            "productId": alert.product_id,
            "batchId": alert.batch_id,
            "documentId": alert.document_id,
            "text": text_of(facts, "zh"),
        },
    }
    body = orjson.dumps(content, default=str).decode()
    return _delivery(alert, "WEBHOOK", hook.id, body, now) | {"id": id}


def _delivery(
    alert: Alert, channel: str, recipient: UUID, body: str, at: datetime
) -> dict[str, Any]:
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


async def _dispatch_changes(unit: Unit, hook: Webhook) -> None:
    """One delivery a store at a time, with all that changed since the one before it."""
    await rows.begin_cursors(unit, hook.id)
    for store, after, head in await rows.behind(unit, hook.id):
        revision, products, documents = await rows.changes_between(unit, store, after, head)
        id = uuid7()
        content: dict[str, Any] = {
            "id": id,
            "event": STORE_CHANGED,
            "at": unit.now,
            "storeId": store,
            "fromRevision": str(after),
            "revision": str(revision),
            "productIds": sorted(map(str, products)),
            "documentIds": sorted(map(str, documents)),
        }
        delivery: dict[str, Any] = {
            "tenant_id": unit.tenant,
            "id": id,
            "channel": "WEBHOOK",
            "recipient_id": hook.id,
            "event": STORE_CHANGED,
            "store_id": store,
            "revision": revision,
            "body": orjson.dumps(content, default=str).decode(),
            "next_at": unit.now,
        }
        await rows.add_deliveries(unit, [delivery])
        await rows.move_cursor(unit, hook.id, store, revision)
