"""Reports that staff receive each month: subscribed to, requested when a month is over, sent.

Each step is one transaction. The request of a month moves the subscription's `month`; the message
is written with the state READY of its file. A process that dies leaves the step to the next one.
"""

from datetime import date, datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo

from uuid_utils.compat import uuid7

from app.db import identity, notices
from app.db import report_subscriptions as rows
from app.db.core.snapshot import AnySession
from app.db.core.unit import Database, Unit, clock
from app.db.core.vault import Vault
from app.db.tables import Export, ReportSubscription
from app.domain import access
from app.domain.access import Can, Viewer
from app.domain.claims import claim
from app.domain.errors import Malformed, Refused, UnknownNotification
from app.domain.notices.people import REPORT_READY, loud_moment
from app.domain.notices.personal import personal_delivery, reach_of
from app.domain.people.viewers import viewer_of
from app.domain.reports.export_rights import has_all, sees_cost
from app.domain.reports.exports import (
    OF_PERIOD,
    TITLES,
    ExportFiles,
    ExportRequest,
    Report,
    check_choice,
    check_format,
    link_of,
)

HOUR = 8
"""The hour of the first day of a month at which the report of the last month is made."""
MOST = 20
"""Subscriptions of one person."""
DAY = timedelta(days=1)


class Subscribed(NamedTuple):
    """A subscription and its latest file, if that is known."""

    subscription: ReportSubscription
    latest: Export | None = None


async def subscribed(session: AnySession, viewer: Viewer) -> list[Subscribed]:
    """What the viewer is subscribed to, with the latest file of each."""
    each = await rows.subscriptions(session, viewer.tenant, viewer.actor)
    latest = await rows.latest_exports(session, viewer.tenant, [row.id for row in each])
    return [Subscribed(row, latest.get(row.id)) for row in each]


async def subscribe(
    db: Database, viewer: Viewer, request: ExportRequest, language: str, origin: str
) -> ReportSubscription:
    """The subscription; the first file is that of the present month, when it is over.

    Raises Denied, Malformed, Refused (UnknownStore, KeyReused).
    """
    choice = request.choice
    access.require(viewer, Can.RECEIVE_MESSAGES)
    month = choice._replace(since=date(2000, 1, 1), until=date(2000, 1, 1))
    check_format(request.format)
    check_choice(viewer, month if choice.report in OF_PERIOD else choice)
    stores = access.some(viewer, choice.report.can, choice.store_ids)
    values = choice.report.name, request.format.name, choice.store_ids, choice.stored()
    async with db.unit(viewer.tenant) as unit:
        id, name = uuid7(), "subscribeReport"
        earlier = await claim(unit, viewer.claimant, request.key, id, name, viewer.actor, *values)
        if earlier is not None:
            return await notices.locked(unit, ReportSubscription, earlier)
        if len(await rows.subscriptions(unit.session, unit.tenant, viewer.actor)) >= MOST:
            raise Malformed(
                "report",
                f"最多订阅 {MOST} 个报表，请先取消不需要的",
                f"You have {MOST} subscriptions: end those that you do not need.",
            )
        [store] = await identity.stores_by_id(unit.session, unit.tenant, stores[:1])
        subscription = ReportSubscription(
            tenant_id=unit.tenant,
            id=id,
            staff_id=viewer.actor,
            report=choice.report.name,
            format=request.format.name,
            language=language,
            origin=origin,
            stores=choice.store_ids and stores,
            choice=choice.stored(),
            month=month_before(unit.now, store.timezone),
            created_at=unit.now,
        )
        unit.session.add(subscription)
    return subscription


async def unsubscribe(db: Database, viewer: Viewer, key: UUID, id: UUID) -> ReportSubscription:
    """End a subscription of the viewer; again is harmless. Raises Refused(UnknownNotification)."""
    async with db.unit(viewer.tenant) as unit:
        await claim(unit, viewer.claimant, key, id, "unsubscribeReport", id)
        subscription = await notices.locked(unit, ReportSubscription, id)
        if subscription is None or subscription.staff_id != viewer.actor:
            raise Refused(UnknownNotification(str(id)))
        subscription.ended_at = subscription.ended_at or unit.now
    return subscription


def month_before(now: datetime, timezone: str) -> date:
    """The first day of the last month that is over by this clock, and whose file may be made."""
    ready = now.astimezone(ZoneInfo(timezone)) - timedelta(hours=HOUR)
    return (ready.date().replace(day=1) - DAY).replace(day=1)


async def request_monthly(db: Database, tenant: UUID) -> None:
    """Request the files of the month that is over, each once: its subscription is locked."""
    # Somewhere the next day has begun.
    before = (clock() + DAY).date().replace(day=1)
    before = (before - DAY).replace(day=1)
    async with db.read(tenant) as session:
        ids = await rows.due(session, tenant, before)
    for id in ids:
        async with db.unit(tenant) as unit:
            subscription = await rows.take_due(unit, id, before)
            if subscription is not None:
                await _request(unit, subscription)


async def _request(unit: Unit, subscription: ReportSubscription) -> None:
    """Request the file for what its reader may see now; end it when that is nothing."""
    report = Report[subscription.report]
    viewer = await viewer_of(unit.session, unit.tenant, subscription.staff_id)
    permissions = report.permissions(subscription.choice["groupBy"])
    if viewer is None or not has_all(viewer, permissions):
        subscription.ended_at = unit.now
        return
    stores = access.within(viewer, report.can, subscription.stores)
    if not stores:
        subscription.ended_at = unit.now
        return
    [store] = await identity.stores_by_id(unit.session, unit.tenant, stores[:1])
    month = month_before(unit.now, store.timezone)
    if month <= subscription.month:
        # It is the first day of a month, and too early in this store.
        return
    subscription.month = month
    choice = dict(subscription.choice)
    if report in OF_PERIOD:
        until = (month + 31 * DAY).replace(day=1) - DAY
        choice |= {"since": month.isoformat(), "until": until.isoformat()}
    unit.session.add(
        Export(
            tenant_id=unit.tenant,
            id=uuid7(),
            requested_by=viewer.actor,
            report=report.name,
            format=subscription.format,
            language=subscription.language,
            origin=subscription.origin,
            stores=stores,
            with_cost=sees_cost(viewer, stores),
            choice=choice,
            subscription_id=subscription.id,
        )
    )


async def announce(unit: Unit, vault: Vault, files: ExportFiles, export: Export) -> None:
    """Write the messages of a file that has just become READY: to the reader's own targets with
    the link, and by the first other channel that reaches them without it."""
    [store] = await identity.stores_by_id(unit.session, unit.tenant, export.stores[:1])
    person, text = export.requested_by, _text(export)
    values: dict[str, Any] = {
        "tenant_id": unit.tenant,
        "event": REPORT_READY,
        "store_id": store.id,
        "alert_id": None,
        "occasion": None,
        "revision": None,
        "state": "PENDING",
        "next_at": loud_moment(store, unit.now),
        "delivered_at": None,
    }
    link = link_of(files, export, unit.now)
    assert link is not None, "it is READY"
    for target in await notices.targets(unit.session, unit.tenant, export.stores):
        if target.staff_id == person:
            id = uuid7()
            sealed = vault.seal(unit.tenant, id, link)
            own = {"id": id, "channel": "MESSAGE", "recipient_id": target.id, "body": text}
            await notices.add_deliveries(unit, [values | own | {"sealed_link": sealed}])
    local = unit.now.astimezone(ZoneInfo(store.timezone))
    parts = {
        "TEXT": text,
        "STORE": store.name,
        "RULE": "月度报表",
        "PRODUCT": _title(export),
        "QUANTITY": f"{export.rows} 行",
        "NUMBER": str(export.rows),
        "TIME": f"{local:%Y年%m月%d日 %H:%M}",
    }
    reach = await reach_of(unit.session, unit.tenant, [person])
    if message := await personal_delivery(unit, reach, person, parts, values):
        await notices.add_deliveries(unit, [message])


def _title(export: Export) -> str:
    """The report and its month."""
    month = export.choice["since"] or export.requested_at.isoformat()
    return f"{TITLES[export.report][export.language == 'en']} {month[:7]}"


def _text(export: Export) -> str:
    if export.language == "en":
        return f"{_title(export)} is ready, {export.rows} rows. The link is valid for 7 days."
    return f"{_title(export)} 已生成，共 {export.rows} 行，链接 7 天内有效"
