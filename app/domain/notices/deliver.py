"""Delivery: sends what is due, and tries again later what failed.

A delivery is leased before it is sent: if its process dies, it is sent again, with the same id.
"""

import asyncio
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from app.db import notices as rows
from app.db.core.tally import DELIVERIES
from app.db.core.unit import Database, clock
from app.db.tables import Delivery, NotificationTarget, Webhook
from app.domain.notices.personal import try_next_channel
from app.domain.notices.providers import NO_ANSWER, Providers, report, send
from app.domain.notices.webhook_scopes import scopes_of
from app.platforms.sending import SendError
from app.platforms.sms import Report

AT_ONCE = 20
TURN_SECONDS = 5.0
MOST_ATTEMPTS = 12
MOST_WAITS = 48
"""Attempts of a message that waits for a quota, an hour apart."""
FIRST_REPORT = timedelta(seconds=30)
LONGEST_PAUSE = timedelta(hours=1)
UNCLEAR_PAUSE = timedelta(seconds=60)


async def deliver(db: Database, tenant: UUID, providers: Providers) -> None:
    """Send the tenant's deliveries that are due, `AT_ONCE` at a time, for `TURN_SECONDS`: then
    the tenant's alerts have their turn again."""
    loop = asyncio.get_running_loop()
    end = loop.time() + TURN_SECONDS
    while await _deliver_some(db, tenant, providers) == AT_ONCE and loop.time() < end:
        pass


async def _deliver_some(db: Database, tenant: UUID, providers: Providers) -> int:
    """Send at most `AT_ONCE` deliveries; how many there were."""
    async with db.unit(tenant) as unit:
        due = await rows.take_due(unit, AT_ONCE)
        hooks = await rows.webhooks(unit.session, tenant)
        scopes = await scopes_of(unit.session, tenant, hooks)
        recipients: dict[UUID, NotificationTarget | Webhook] = {
            **{each.id: each for each in await rows.targets(unit.session, tenant)},
            **{hook.id: hook for hook in hooks if scopes[hook.id] is not None},
        }
    await asyncio.gather(
        *(_attempt(db, providers, each, recipients.get(each.recipient_id)) for each in due)
    )
    return len(due)


async def _attempt(
    db: Database,
    providers: Providers,
    delivery: Delivery,
    recipient: NotificationTarget | Webhook | None,
) -> None:
    if delivery.state == "SENT":
        await _read_report(db, providers, delivery)
        return
    try:
        receipt = await send(db, providers, delivery, recipient)
    except SendError as error:
        await _record_failure(db, delivery, error)
        return
    now = clock()
    outcome: dict[str, Any] = {"state": "DELIVERED", "delivered_at": now}
    if delivery.channel == "SMS":
        outcome = {"state": "SENT", "next_at": now + FIRST_REPORT}
    DELIVERIES[delivery.channel, outcome["state"]] += 1
    async with db.unit(delivery.tenant_id) as unit:
        await rows.end_attempt(
            unit, delivery.id, **outcome, receipt=receipt, error=None, sent_at=now
        )


async def _read_report(db: Database, providers: Providers, delivery: Delivery) -> None:
    """Ask what became of an SMS: later and later, for two days."""
    try:
        state, words = await report(db, providers, delivery)
    except SendError as error:
        state, words = Report.WAITING, str(error)[:300]
    now, sent_at = clock(), delivery.sent_at or delivery.created_at
    outcome: dict[str, Any] = {"next_at": now + max(FIRST_REPORT, now - sent_at)}
    if state is Report.DELIVERED:
        outcome = {"state": "DELIVERED", "delivered_at": now, "error": None}
    elif state is Report.FAILED:
        outcome = {"state": "DEAD", "error": words or "the provider could not deliver it"}
    async with db.unit(delivery.tenant_id) as unit:
        await rows.end_attempt(unit, delivery.id, **outcome)


async def _record_failure(db: Database, delivery: Delivery, error: SendError) -> None:
    most = MOST_WAITS if error.waits else MOST_ATTEMPTS
    dead = error.final or delivery.attempts >= most
    pause = clock() + LONGEST_PAUSE if error.waits else retry_at(clock(), delivery.attempts)
    if delivery.channel == "SMS" and str(error).startswith((NO_ANSWER, "HTTP ")):
        # By then the provider reports what it took: a text is not sent twice.
        pause = max(pause, clock() + UNCLEAR_PAUSE)
    async with db.unit(delivery.tenant_id) as unit:
        outcome = {"state": "DEAD" if dead else "PENDING", "error": str(error)[:300]}
        ended = await rows.end_attempt(unit, delivery.id, **outcome, next_at=pause)
        DELIVERIES[delivery.channel, outcome["state"]] += 1
        # Of two processes that tried it, one ends it: it is written for the next channel once.
        if ended and dead:
            await try_next_channel(unit, delivery, error)


def retry_at(now: datetime, attempts: int) -> datetime:
    """The moment of the next attempt: after 5 s, 20 s, 80 s ... and at most an hour."""
    return now + min(LONGEST_PAUSE, timedelta(seconds=5 * 4 ** (attempts - 1)))
