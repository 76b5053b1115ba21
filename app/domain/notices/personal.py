"""Messages to one person: by the first channel that reaches them, and by the next when it fails.

A message by a mini-program takes one of the person's credits in the transaction that writes it,
and gives it back when it ends unsent: two alerts never count on the same credit.
"""

from collections.abc import Collection, Iterable, Mapping
from typing import Any, NamedTuple
from uuid import UUID

import orjson
from uuid_utils.compat import uuid7

from app.db import notices, sms
from app.db import subscriptions as rows
from app.db.core.snapshot import AnySession
from app.db.core.unit import Unit
from app.db.tables import Delivery, MessageTemplate
from app.domain.notices.subscriptions import CHANNELS, MOST_CREDITS
from app.domain.rules.message_fields import Part, filled
from app.platforms.sending import NotSubscribed, SendError

MINI_APPS = ("WECHAT", "DOUYIN")


class Reach(NamedTuple):
    """The chain's templates by channel, and which people each channel reaches."""

    templates: Mapping[str, MessageTemplate]
    people: Collection[tuple[UUID, str]]


async def reach_of(session: AnySession, tenant: UUID, people: Collection[UUID]) -> Reach:
    """By which channels these members of staff can be reached."""
    templates = await rows.templates(session, tenant)
    listed: Collection[UUID] = people if templates else ()
    bound = await rows.bound(session, tenant, listed)
    phones = {(id, "SMS") for id in await sms.with_phone(session, tenant, listed)}
    return Reach({each.channel: each for each in templates}, bound | phones)


async def channels_of(
    session: AnySession, tenant: UUID, people: Collection[UUID]
) -> dict[UUID, list[str]]:
    """The channels that reach each person now, in the order in which they are tried."""
    reach = await reach_of(session, tenant, people)
    credits = await rows.with_credit(session, tenant, people)

    def reaches(person: UUID, channel: str) -> bool:
        template = reach.templates.get(channel)
        if template is None or (person, channel) not in reach.people:
            return False
        return channel not in MINI_APPS or (person, template.template) in credits

    return {person: [each for each in CHANNELS if reaches(person, each)] for person in people}


async def personal_delivery(
    unit: Unit,
    reach: Reach,
    person: UUID,
    parts: Mapping[str, str],
    values: Mapping[str, Any],
    channels: Iterable[str] = CHANNELS,
) -> dict[str, Any] | None:
    """The delivery by the first of the channels that reaches the person, with these other values;
    None when none does."""
    for channel in channels:
        template = reach.templates.get(channel)
        if template is None or (person, channel) not in reach.people:
            continue
        if channel in MINI_APPS and not await rows.spend_credit(unit, person, template.template):
            continue
        fields = dict(zip(template.fields, map(Part.__getitem__, template.parts), strict=True))
        return {
            **values,
            "id": uuid7(),
            "channel": channel,
            "recipient_id": person,
            "template": template.template,
            "parts": orjson.dumps(parts).decode(),
            "body": orjson.dumps(filled(channel, fields, parts)).decode(),
            "state": "PENDING",
            "delivered_at": None,
        }
    return None


async def try_next_channel(unit: Unit, failed: Delivery, error: SendError) -> None:
    """Settle the credit of a message that ended unsent, and write it for the next channel."""
    if failed.channel not in CHANNELS or failed.parts is None:
        return
    person, template = failed.recipient_id, failed.template or ""
    if isinstance(error, NotSubscribed):
        await rows.end_credits(unit, person, template)
    elif failed.channel in MINI_APPS:
        await rows.add_credits(unit, person, template, 1, MOST_CREDITS)
    values = {
        "tenant_id": failed.tenant_id,
        "event": failed.event,
        "store_id": failed.store_id,
        "alert_id": failed.alert_id,
        "occasion": failed.occasion,
        "revision": None,
        "next_at": unit.now,
    }
    later = CHANNELS[CHANNELS.index(failed.channel) + 1 :]
    reach = await reach_of(unit.session, unit.tenant, [person])
    parts = orjson.loads(failed.parts)
    delivery = await personal_delivery(unit, reach, person, parts, values, later)
    await notices.add_deliveries(unit, [delivery] if delivery else [])
