"""Dispatch: each alert becomes one delivery for each recipient and webhook. An alert's row is the
outbox: it is written with the movement that raised it."""

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
from app.domain.notices.webhook_scopes import listeners


async def dispatch(db: Database, tenant: UUID) -> None:
    """Write the deliveries of alerts that are not notified yet."""
    async with db.unit(tenant) as unit:
        alerts = await rows.unnotified(unit)
        if alerts:
            await _dispatch_alerts(unit, alerts)


async def _dispatch_alerts(unit: Unit, alerts: Sequence[Alert]) -> None:
    facts = await alert_facts(unit.session, unit.tenant, [alert.id for alert in alerts])
    stores = {
        store.id: store
        for store in await stores_by_id(
            unit.session, unit.tenant, {alert.store_id for alert in alerts}
        )
    }
    products = {alert.product_id for alert in alerts if alert.product_id}
    categories = await rows.categories_of(unit.session, unit.tenant, products)
    empty = await rows.out_of_stock(unit, products)
    listening = await listeners(unit.session, unit.tenant, ALERT_RAISED)
    for alert in alerts:
        fact, store = facts[alert.id], stores[alert.store_id]
        category = categories.get(alert.product_id)
        people = await notified_people(unit, alert.rule, store.id, category)
        reached = None
        if alert.rule == "LOW_STOCK" and (store.id, alert.product_id) in empty:
            # Both alerts say that nothing is left.
            reached = await notified_people(unit, "OUT_OF_STOCK", store.id, category)
        deliveries = await people_deliveries(unit, alert, store, fact, people, reached=reached)
        deliveries += [_to_webhook(alert, fact, hook, unit.now) for hook, _ in listening]
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
