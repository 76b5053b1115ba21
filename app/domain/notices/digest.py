"""The daily digest of a store: one message for all alerts that are not urgent."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import orjson
from uuid_utils.compat import uuid7

from app.db import escalations as rows
from app.db import notices
from app.db.alert_facts import alert_facts
from app.db.core.unit import Database, Unit
from app.db.identity import stores_by_id
from app.db.tables import Store
from app.domain import access
from app.domain.access import Can, Viewer
from app.domain.claims import claim
from app.domain.errors import Malformed
from app.domain.notices.people import loud_moment, notified_people
from app.domain.notices.personal import personal_delivery, reach_of
from app.domain.notices.texts import text_of
from app.domain.notices.webhook_scopes import DAILY_DIGEST, listeners
from app.domain.rules.days import store_day
from app.domain.rules.digest_texts import DigestLine, counts_text, digest_text
from app.domain.rules.recipients import URGENT_RULES


async def set_digest(
    db: Database, viewer: Viewer, key: UUID, store_id: UUID, hour: int | None
) -> Store:
    """Sets the hour of the store's digest, by its clock; None sends each alert at once.

    Raises Refused(UnknownStore), and Malformed for a number that is no hour.
    """
    access.at(viewer, Can.SET_ALERT_RULES, store_id)
    if hour is not None and hour not in range(24):
        raise Malformed("hour", "须为 0 至 23 点", "Give an hour from 0 to 23.")
    async with db.unit(viewer.tenant) as unit:
        earlier = await claim(unit, viewer.claimant, key, store_id, "setDigest", store_id, hour)
        [store] = await stores_by_id(unit.session, viewer.tenant, [store_id])
        if earlier is None:
            store.digest_hour = hour
            local = unit.now.astimezone(ZoneInfo(store.timezone))
            # The first digest is the next one, not one of an hour that is over.
            is_over = hour is not None and local.hour >= hour
            store.digest_on = local.date() if is_over else None
    return store


async def write_digests(db: Database, tenant: UUID) -> None:
    """Write the digests that are due, each once: its store is locked, and keeps the day."""
    async with db.unit(tenant) as unit:
        for store in await rows.due_digests(unit):
            store.digest_on = store_day(unit.now, store.timezone)
            await notices.add_deliveries(unit, await _deliveries(unit, store))


async def _deliveries(unit: Unit, store: Store) -> list[dict[str, Any]]:
    """To each person what they are notified of, and to shared targets and webhooks all of it."""
    alerts = [
        (alert, category)
        for alert, category in await rows.digest_alerts(unit, store.id)
        if alert.rule not in URGENT_RULES
    ]
    if not alerts:
        return []
    facts = await alert_facts(unit.session, unit.tenant, [alert.id for alert, _ in alerts])
    people: dict[tuple[str, UUID | None], set[UUID]] = {}
    lines: list[DigestLine] = []
    by_person: dict[UUID, list[DigestLine]] = {}
    for alert, category in alerts:
        fact = facts[alert.id]
        line = DigestLine(alert.rule, text_of(fact, "zh"), text_of(fact, "en"))
        lines.append(line)
        subject = alert.rule, category
        if subject not in people:
            people[subject] = await notified_people(unit, alert.rule, store.id, category)
        for person in people[subject]:
            by_person.setdefault(person, []).append(line)
    return [
        *await _to_targets(unit, store, lines, by_person),
        *await _to_phones(unit, store, by_person),
        *await _to_webhooks(unit, store, lines),
    ]


async def _to_targets(
    unit: Unit,
    store: Store,
    lines: Sequence[DigestLine],
    by_person: dict[UUID, list[DigestLine]],
) -> list[dict[str, Any]]:
    deliveries: list[dict[str, Any]] = []
    for target in await notices.targets(unit.session, unit.tenant, [store.id]):
        own = lines if target.staff_id is None else by_person.get(target.staff_id)
        if own:
            body = digest_text(store.name, own)
            deliveries.append(_delivery(unit, store, "MESSAGE", target.id, body))
    return deliveries


async def _to_phones(
    unit: Unit, store: Store, by_person: dict[UUID, list[DigestLine]]
) -> list[dict[str, Any]]:
    reach = await reach_of(unit.session, unit.tenant, list(by_person))
    local = unit.now.astimezone(ZoneInfo(store.timezone))
    deliveries: list[dict[str, Any]] = []
    for person, lines in sorted(by_person.items()):
        parts = {
            "TEXT": counts_text(lines, "zh"),
            "STORE": store.name,
            "RULE": "库存日报",
            "PRODUCT": lines[0].zh,
            "QUANTITY": f"{len(lines)} 条",
            "NUMBER": str(len(lines)),
            "TIME": f"{local:%Y年%m月%d日 %H:%M}",
        }
        values = _delivery(unit, store, "", person, "")
        if message := await personal_delivery(unit, reach, person, parts, values):
            deliveries.append(message)
    return deliveries


async def _to_webhooks(
    unit: Unit, store: Store, lines: Sequence[DigestLine]
) -> list[dict[str, Any]]:
    deliveries: list[dict[str, Any]] = []
    for hook, _ in await listeners(unit.session, unit.tenant, DAILY_DIGEST):
        delivery = _delivery(unit, store, "WEBHOOK", hook.id, "")
        content: dict[str, Any] = {
            "id": delivery["id"],
            "event": DAILY_DIGEST,
            "at": unit.now,
            "storeId": store.id,
            "count": len(lines),
            "text": digest_text(store.name, lines),
        }
        delivery["body"] = orjson.dumps(content, default=str).decode()
        deliveries.append(delivery)
    return deliveries


def _delivery(unit: Unit, store: Store, channel: str, recipient: UUID, body: str) -> dict[str, Any]:
    return {
        "tenant_id": unit.tenant,
        "id": uuid7(),
        "channel": channel,
        "recipient_id": recipient,
        "event": DAILY_DIGEST,
        "store_id": store.id,
        "alert_id": None,
        "occasion": None,
        "revision": None,
        "body": body,
        "template": None,
        "parts": None,
        "state": "PENDING",
        "next_at": unit.now if channel == "WEBHOOK" else loud_moment(store, unit.now),
        "delivered_at": None,
    }
