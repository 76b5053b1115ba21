"""Dispatch: each alert becomes one delivery for each recipient, and each change of a store one for
each webhook. An alert's row is the outbox: it is written with the movement that raised it."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
from uuid_utils.compat import uuid7

from app.db import notices as rows
from app.db.alert_facts import AlertFacts, alert_facts
from app.db.core.unit import Database, Unit
from app.db.identity import stores_by_id
from app.db.tables import Alert, Webhook
from app.domain.notices.people import (
    ALERT_RAISED,
    alert_delivery,
    notified_people,
    people_deliveries,
)
from app.domain.notices.texts import text_of

STORE_CHANGED = "STORE_CHANGED"


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
    products = {alert.product_id for alert in alerts if alert.product_id}
    categories = await rows.categories_of(unit.session, unit.tenant, products)
    listening = [hook for hook in hooks if ALERT_RAISED in hook.events]
    for alert in alerts:
        fact, store = facts[alert.id], stores[alert.store_id]
        category = categories.get(alert.product_id)
        people = await notified_people(unit, alert.rule, store.id, category)
        deliveries = await people_deliveries(unit, alert, store, fact, people)
        deliveries += [_to_webhook(alert, fact, hook, unit.now) for hook in listening]
        await rows.add_deliveries(unit, deliveries)
        alert.notified_at, alert.escalations = unit.now, 0


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
    return alert_delivery(alert, "WEBHOOK", hook.id, body, now) | {"id": id}


async def _dispatch_changes(unit: Unit, hook: Webhook) -> None:
    """One delivery a store at a time, with all that changed since the one before it."""
    await rows.begin_cursors(unit, hook.id)
    for store, after, head, replays in await rows.behind(unit, hook.id):
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
            "replay": replays,
            "body": orjson.dumps(content, default=str).decode(),
            "next_at": unit.now,
        }
        await rows.add_deliveries(unit, [delivery])
        await rows.move_cursor(unit, hook.id, store, revision)
