"""Who is notified of an alert, and why others are not."""

from collections.abc import Collection, Iterable
from datetime import datetime, time, timedelta
from enum import Enum
from typing import NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo

BUYING_RULES = ("LOW_STOCK", "OUT_OF_STOCK", "PURCHASE_WAITING", "EXPECTED_NOT_ARRIVED")
URGENT_RULES = ("OUT_OF_STOCK", "EXPIRED", "DISH_UNAVAILABLE", "DISCREPANCY")
"""Rules whose alerts are sent during quiet hours too."""


class Reason(Enum):
    """Why a person is notified, or not."""

    BY_ROLE = "Has a role that is notified of this rule. 角色在通知范围内"
    BY_NAME = "Is named in the recipients of this rule. 已指定为接收人"
    FALLBACK = "Owns the chain, and no one else is notified. 无其他接收人，通知老板"
    OTHER_ROLE = "Has a role that is not notified of this rule. 角色不在通知范围内"
    OTHER_STORE = "Does not work in this store. 不在该门店工作"


NOTIFIED = (Reason.BY_ROLE, Reason.BY_NAME, Reason.FALLBACK)


class Person(NamedTuple):
    """A member of staff, and whether they work in the store or reach all stores."""

    id: UUID
    role: str
    here: bool


class Choice(NamedTuple):
    """The roles and people who are set as recipients of a rule."""

    roles: Collection[str]
    people: Collection[UUID] = ()


def default_choice(rule: str) -> Choice:
    """The default recipients: managers for every rule, purchasers for rules about purchases and
    transfers, owners for faults of the ledger."""
    if rule == "AUDIT_DRIFT":
        return Choice(("OWNER",))
    buys = rule in BUYING_RULES or rule == "TRANSFER_WAITING"
    return Choice(("MANAGER", "PURCHASER") if buys else ("MANAGER",))


def reasons(people: Iterable[Person], choice: Choice) -> dict[UUID, Reason]:
    """Why each person is notified or not. Owners are notified if no one else would be."""
    everyone = list(people)
    recipients = {person.id: _reason(person, choice) for person in everyone}
    if not any(reason in NOTIFIED for reason in recipients.values()):
        recipients |= {each.id: Reason.FALLBACK for each in everyone if each.role == "OWNER"}
    return recipients


LADDER = ("CASHIER", "MANAGER", "PURCHASER", "OWNER")


def next_role(people: Iterable[Person], reached: Collection[UUID]) -> str | None:
    """The lowest role above those of all reached people that has someone to notify; None if there
    is none."""
    everyone = list(people)
    highest = max((LADDER.index(each.role) for each in everyone if each.id in reached), default=-1)
    left = {each.role for each in everyone if each.id not in reached}
    return next((role for role in LADDER[highest + 1 :] if role in left), None)


def _reason(person: Person, choice: Choice) -> Reason:
    if not person.here:
        return Reason.OTHER_STORE
    if person.id in choice.people:
        return Reason.BY_NAME
    return Reason.BY_ROLE if person.role in choice.roles else Reason.OTHER_ROLE


def next_loud_moment(
    now: datetime, timezone: str, quiet_from: time | None, quiet_until: time | None
) -> datetime:
    """When a message may be sent: now, or at the end of the store's quiet hours."""
    if quiet_from is None or quiet_until is None or quiet_from == quiet_until:
        return now
    local = now.astimezone(ZoneInfo(timezone))
    clock = local.time()
    if quiet_from < quiet_until:
        quiet = quiet_from <= clock < quiet_until
    else:
        quiet = clock >= quiet_from or clock < quiet_until
    if not quiet:
        return now
    day = local.date() if clock < quiet_until else local.date() + timedelta(days=1)
    return datetime.combine(day, quiet_until, ZoneInfo(timezone))
