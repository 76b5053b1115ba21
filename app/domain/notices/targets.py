"""Notification targets, recipients and quiet hours: how they are set."""

from collections.abc import Collection, Sequence
from datetime import time
from typing import NamedTuple
from uuid import UUID

from uuid_utils.compat import uuid7

from app.db import notices as rows
from app.db.categories import categories_by_id
from app.db.core.snapshot import Reads
from app.db.core.unit import Database, Unit
from app.db.escalations import escalation_of
from app.db.identity import staff_by_id, stores_by_id
from app.db.subscriptions import spend_credit
from app.db.tables import Delivery, NotificationTarget, Store
from app.domain import access
from app.domain.access import Can, Role, Viewer
from app.domain.claims import claim
from app.domain.errors import (
    Malformed,
    Refused,
    UnknownCategory,
    UnknownNotification,
    UnknownStaff,
)
from app.domain.notices.findings import WITHOUT_PRODUCTS
from app.domain.notices.personal import channels_of
from app.domain.rules.recipients import (
    URGENT_RULES,
    Choice,
    Person,
    Reason,
    default_choice,
    reasons,
)
from app.domain.rules.texts import InvalidText, clean
from app.platforms import messages

MOST_PEOPLE = 100


class TargetDescription(NamedTuple):
    """A target: its name and apprise URL, and the person or the store that it belongs to."""

    name: str
    url: str
    staff_id: UUID | None
    store_id: UUID | None


async def add_target(
    db: Database,
    viewer: Viewer,
    key: UUID,
    described: TargetDescription,
    private_hosts: Collection[str],
) -> NotificationTarget:
    """Adds a group robot or an e-mail address. Its URL is sealed and never shown.

    Raises Refused: UnknownStore, UnknownStaff; Malformed for a URL of no supported service.
    """
    name = clean(described.name, "name", 100, required=True)
    url = messages.library_url(clean(described.url, "url", 1000, required=True))
    _check_store(viewer, described.store_id)
    service = messages.provider_of(url, private_hosts)
    if service is None:
        raise Malformed(
            "url",
            "不支持这个通知地址，请粘贴企业微信、钉钉或飞书群机器人的 Webhook 地址",
            "The address is not supported. Give the address of a robot of WeCom, DingTalk or "
            "Feishu, or one such as mailtos://user:password@example.com.",
        )
    id = uuid7()
    async with db.unit(viewer.tenant) as unit:
        printed = db.vault.index(viewer.tenant, url).hex()
        request = ("addNotificationTarget", name, printed, described.staff_id, described.store_id)
        earlier = await claim(unit, viewer.claimant, key, id, *request)
        if earlier is not None:
            return await rows.locked(unit, NotificationTarget, earlier)
        await _check_people(unit, [described.staff_id] if described.staff_id else [])
        target = NotificationTarget(
            tenant_id=viewer.tenant,
            id=id,
            name=name,
            service=service,
            sealed_url=db.vault.seal(viewer.tenant, id, url),
            staff_id=described.staff_id,
            store_id=described.store_id,
            created_by=viewer.actor,
            created_at=unit.now,
        )
        unit.session.add(target)
    return target


async def remove_target(db: Database, viewer: Viewer, key: UUID, id: UUID) -> NotificationTarget:
    """Ends a target; again is harmless. Raises Refused(UnknownNotification)."""
    async with db.unit(viewer.tenant) as unit:
        await claim(unit, viewer.claimant, key, id, "removeNotificationTarget", id)
        target = await rows.locked(unit, NotificationTarget, id)
        if target is None or not _reaches(viewer, target.store_id):
            raise Refused(UnknownNotification(str(id)))
        target.ended_at = target.ended_at or unit.now
    return target


async def set_recipients(
    db: Database,
    viewer: Viewer,
    key: UUID,
    rule: str,
    store: UUID | None,
    choice: Choice,
    category: UUID | None = None,
) -> Choice:
    """Sets the roles and people who are notified of a rule, in place of the default; for a
    category and those below it, or for all.

    Raises Refused: UnknownStore, UnknownCategory, UnknownStaff; Malformed.
    """
    _check_store(viewer, store)
    if category is not None and rule in WITHOUT_PRODUCTS:
        raise Malformed(
            "categoryId", "单据类预警不能按分类设置", "Rules of documents have no categories."
        )
    if len(choice.people) > MOST_PEOPLE or not (choice.roles or choice.people):
        raise Malformed(
            "staffIds",
            f"请选择角色或至多 {MOST_PEOPLE} 位员工",
            f"Choose roles, or at most {MOST_PEOPLE} members of staff.",
        )
    id = uuid7()
    async with db.unit(viewer.tenant) as unit:
        request = ("setRecipients", rule, store, category, choice.roles, choice.people)
        if await claim(unit, viewer.claimant, key, id, *request) is None:
            await _check_people(unit, choice.people)
            if category and not await categories_by_id(unit.session, unit.tenant, [category]):
                raise Refused(UnknownCategory(str(category)))
            await rows.put_recipients(unit, id, viewer.actor, rule, store, category, choice)
    return choice


async def set_quiet_hours(
    db: Database, viewer: Viewer, key: UUID, store_id: UUID, hours: tuple[time, time] | None
) -> Store:
    """Sets the hours, by the store's clock, in which only urgent messages are sent; None ends them.

    Raises Refused(UnknownStore), and Malformed for hours that end when they start.
    """
    access.at(viewer, Can.SET_ALERT_RULES, store_id)
    if hours is not None and hours[0] == hours[1]:
        raise Malformed(
            "end", "开始和结束不能相同，取消免打扰请都留空", "Give two different times, or none."
        )
    async with db.unit(viewer.tenant) as unit:
        request = ("setQuietHours", store_id, hours)
        earlier = await claim(unit, viewer.claimant, key, store_id, *request)
        [store] = await stores_by_id(unit.session, viewer.tenant, [store_id])
        if earlier is None:
            store.quiet_from, store.quiet_until = hours or (None, None)
    return store


async def redeliver(db: Database, viewer: Viewer, key: UUID, id: UUID) -> Delivery:
    """Sends a delivery again at once. Raises Refused(UnknownNotification)."""
    async with db.unit(viewer.tenant) as unit:
        earlier = await claim(unit, viewer.claimant, key, id, "redeliver", id)
        delivery: Delivery | None = await rows.locked(unit, Delivery, id)
        if (
            delivery is None
            or delivery.channel == "IN_APP"
            or not _reaches(viewer, delivery.store_id)
        ):
            raise Refused(UnknownNotification(str(id)))
        if earlier is None:
            if delivery.template is not None:
                await spend_credit(unit, delivery.recipient_id, delivery.template)
            rows.send_again(unit, delivery)
    return delivery


class Route(NamedTuple):
    """A person with the reason why they are notified or not, their targets, and the channels
    that reach them now."""

    staff_id: UUID
    reason: Reason
    targets: Sequence[NotificationTarget]
    channels: Sequence[str]


class Routes(NamedTuple):
    """Who is notified of a rule and who is not, the targets that all share, the hour of the
    store's digest, the hours in which messages wait, and the minutes after which an alert goes to
    the next role."""

    people: list[Route]
    targets: list[NotificationTarget]
    digest_hour: int | None
    quiet: tuple[time, time] | None
    escalates_after_minutes: int | None


async def alert_route(
    reads: Reads, viewer: Viewer, rule: str, store: UUID, category: UUID | None = None
) -> Routes:
    """By what people are notified of a rule in a store.

    Staff of other stores are left out for a viewer who does not set the rules of all stores.
    Raises Refused(UnknownStore).
    """
    access.at(viewer, Can.SEE_ALERTS, store)
    async with reads.read(viewer.tenant) as session:
        choice = await rows.choice_of(session, viewer.tenant, rule, store, category)
        people = await rows.people_of(session, viewer.tenant, store)
        targets = await rows.targets(session, viewer.tenant, [store])
        ids = [person.id for person, _ in people]
        channels = await channels_of(session, viewer.tenant, ids)
        minutes = await escalation_of(session, viewer.tenant, rule, store)
        [place] = await stores_by_id(session, viewer.tenant, [store])
    shows_others = _reaches(viewer, None)
    staff: list[Person] = [person for person, _ in people if person.here or shows_others]
    chosen = reasons(staff, choice or default_choice(rule))
    routes = [
        Route(id, reason, [each for each in targets if each.staff_id == id], channels[id])
        for id, reason in chosen.items()
    ]
    shared = [each for each in targets if each.staff_id is None]
    if rule in URGENT_RULES:
        return Routes(routes, shared, None, None, minutes)
    return Routes(routes, shared, place.digest_hour, _quiet_hours(place), minutes)


def _quiet_hours(store: Store) -> tuple[time, time] | None:
    if store.quiet_from is None or store.quiet_until is None:
        return None
    return store.quiet_from, store.quiet_until


def _check_store(viewer: Viewer, store: UUID | None) -> None:
    if store is not None:
        access.at(viewer, Can.SET_ALERT_RULES, store)
    elif not _reaches(viewer, None):
        raise Malformed("storeId", "请选择您负责的门店", "Choose one of your stores.")


def _reaches(viewer: Viewer, store: UUID | None) -> bool:
    if store is not None:
        return bool(access.within(viewer, Can.SET_ALERT_RULES, [store]))
    return viewer.scope.reach(Can.SET_ALERT_RULES) is access.Reach.ALL


async def _check_people(unit: Unit, people: Collection[UUID]) -> None:
    for id in people:
        staff = await staff_by_id(unit.session, unit.tenant, id)
        if staff is None or staff.removed_at is not None or staff.role == Role.CUSTOMER.name:
            raise Refused(UnknownStaff(str(id)))


def clock_time(text: str, field: str) -> time:
    """A time of day such as 22:00. Raises InvalidText."""
    try:
        hours, minutes = text.strip().split(":")
        return time(int(hours), int(minutes))
    except ValueError:
        raise InvalidText(field, "须为时刻，例如 22:00", "must be a time such as 22:00") from None
