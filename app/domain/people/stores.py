"""Use cases of the identity topic: the stores of a tenant, and tenants themselves."""

import re
from dataclasses import dataclass
from typing import NamedTuple
from uuid import UUID

from uuid_utils.compat import uuid7

from app.db import identity as rows
from app.db import tables
from app.db.core.unit import Database, Unit
from app.domain.access import Role, Viewer
from app.domain.audit_log import Act, Subject, record_act
from app.domain.claims import claim
from app.domain.errors import AlreadyTaken, Malformed, Refused, UnknownStore
from app.domain.people.sessions import Gate
from app.domain.people.staff import first_hash, hire
from app.domain.people.timezones import check_timezone
from app.domain.rules.logins import normal_login
from app.domain.rules.scales import layout_ok
from app.domain.rules.texts import clean

CODE = re.compile(r"[a-z0-9][a-z0-9-]{1,31}")
TIMEZONE = "Asia/Shanghai"
FEW = 5
MOST_FEW = 1000
MOST_LAYOUTS = 10
LONGEST_HOLD = 7 * 24 * 60
LONGEST_LEAD = 90


async def create_store(
    gate: Gate,
    viewer: Viewer,
    key: UUID,
    code: str,
    name: str,
    timezone: str | None = None,
    few_threshold: int | None = None,
) -> tables.Store:
    """Opens a store. Its code is public, and unique among all tenants.

    Raises Refused(AlreadyTaken), and Malformed for a bad code, time zone or threshold.
    """
    store = await _drafted(gate.db, viewer.tenant, code, name, timezone, few_threshold)
    async with gate.db.unit(viewer.tenant) as unit:
        request = ("createStore", store.code, store.name, store.timezone, store.few_threshold)
        if earlier := await claim(unit, viewer.actor, key, store.id, *request):
            return await _locked_store(unit, earlier)
        await _open(unit, store)
        await record_act(unit, viewer, Act.CREATE_STORE, Subject.STORE, store.id, store.id)
    gate.forget(viewer.tenant)
    return store


class StoreChanges(NamedTuple):
    """Settings of a store to change; None leaves one as it is."""

    name: str | None = None
    timezone: str | None = None
    few_threshold: int | None = None
    scale_labels: list[str] | None = None
    hold_minutes: int | None = None
    lead_days: int | None = None
    guest_share: int | None = None


async def update_store(
    gate: Gate, viewer: Viewer, key: UUID, store_id: UUID, changes: StoreChanges
) -> tables.Store:
    """The store with the changes applied.

    Raises Refused(UnknownStore), and Malformed as `create_store`, for a layout that no scale has
    (see `rules.scales`), and for a hold or lead time out of bounds.
    """
    changes = _checked(changes)
    if changes.timezone is not None:
        await check_timezone(gate.db, viewer.tenant, changes.timezone)
    async with gate.db.unit(viewer.tenant) as unit:
        earlier = await claim(unit, viewer.actor, key, store_id, "updateStore", store_id, *changes)
        store = await _locked_store(unit, store_id)
        if earlier is None:
            given = {name: each for name, each in changes._asdict().items() if each is not None}
            for name, setting in given.items():
                setattr(store, name, setting)
            updated = Act.UPDATE_STORE, Subject.STORE, store_id, store_id
            await record_act(unit, viewer, *updated, settings=list(given))
    return store


def _checked(changes: StoreChanges) -> StoreChanges:
    """The changes with cleaned texts. Raises Malformed and InvalidText."""
    hold, lead = changes.hold_minutes, changes.lead_days
    if hold is not None and not 1 <= hold <= LONGEST_HOLD:
        raise Malformed(
            "holdMinutes",
            f"预占时间须为 1 至 {LONGEST_HOLD} 分钟",
            f"The hold is 1 to {LONGEST_HOLD} minutes.",
        )
    if lead is not None and not 0 <= lead <= LONGEST_LEAD:
        raise Malformed(
            "leadDays", f"在途天数须为 0 至 {LONGEST_LEAD}", f"Lead days: give 0 to {LONGEST_LEAD}."
        )
    if changes.guest_share is not None and not 0 <= changes.guest_share <= 100:
        raise Malformed(
            "guestShare", "未登录预订比例须为 0 至 100", "The guest share is 0 to 100 percent."
        )
    if changes.few_threshold is not None:
        _few(changes.few_threshold)
    _layouts(changes.scale_labels or [])
    if changes.name is None:
        return changes
    return changes._replace(name=clean(changes.name, "name", 100, required=True))


@dataclass(frozen=True, slots=True)
class Founded:
    """A new tenant with its first owner and store."""

    tenant: tables.Tenant
    owner: tables.Staff
    store: tables.Store


async def create_tenant(
    db: Database,
    name: str,
    login: str,
    password: str,
    store_code: str,
    store_name: str,
    *,
    code: str | None = None,
    owner_name: str | None = None,
    timezone: str | None = None,
) -> Founded:
    """A new chain with its first store and owner; its code is the store's by default.

    Raises Refused(AlreadyTaken) for a code of the chain or the store, and as `create_store` and
    `invite_staff` do.
    """
    id = uuid7()
    store = await _drafted(db, id, store_code, store_name, timezone, None)
    code = store.code if code is None else _code(code)
    tenant = tables.Tenant(tenant_id=id, code=code, name=clean(name, "name", 100, required=True))
    login = normal_login(login)
    called = clean(owner_name, "ownerName", 100) or login
    secret = await first_hash(db, password, login, called)
    async with db.unit(id) as unit:
        if not await rows.reserve_name(unit, "tenant", code, id):
            raise Refused(AlreadyTaken("code", code))
        unit.session.add(tenant)
        await _open(unit, store)
        owner = await hire(unit, uuid7(), login, called, secret, Role.OWNER, [store.id])
    return Founded(tenant, owner, store)


async def _drafted(
    db: Database,
    tenant: UUID,
    code: str,
    name: str,
    timezone: str | None,
    few_threshold: int | None,
) -> tables.Store:
    zone = TIMEZONE if timezone is None else await check_timezone(db, tenant, timezone)
    return tables.Store(
        tenant_id=tenant,
        id=uuid7(),
        code=_code(code),
        name=clean(name, "name", 100, required=True),
        timezone=zone,
        few_threshold=_few(FEW if few_threshold is None else few_threshold),
        scale_labels=[],
    )


def _code(code: str) -> str:
    code = clean(code, "code", 32, required=True).lower()
    if not CODE.fullmatch(code):
        raise Malformed(
            "code",
            "编码须为 2 至 32 个小写字母、数字或连字符",
            "A code has 2 to 32 letters a-z, digits and hyphens.",
        )
    return code


async def _open(unit: Unit, store: tables.Store) -> None:
    if not await rows.reserve_name(unit, "store", store.code, store.id):
        raise Refused(AlreadyTaken("code", store.code))
    unit.session.add(store)
    await unit.session.flush()
    # I6: a store has its feed from its first moment on.
    unit.session.add(tables.Feed(tenant_id=unit.tenant, store_id=store.id))
    await unit.session.flush()


async def _locked_store(unit: Unit, store_id: UUID) -> tables.Store:
    store = await rows.locked_store(unit, store_id)
    if store is None:
        raise Refused(UnknownStore(str(store_id)))
    return store


def _layouts(layouts: list[str]) -> None:
    wrong = next((each for each in layouts if not layout_ok(each)), None)
    if wrong is not None or len(layouts) > MOST_LAYOUTS:
        raise Malformed(
            "scaleLabels",
            f"电子秤标签最多 {MOST_LAYOUTS} 种格式，每种 13 或 18 位：数字前缀，加 P（PLU）、"
            "W（克）、A（分）、C（校验位），例如 21PPPPPWWWWWC",
            f"Give at most {MOST_LAYOUTS} label layouts of 13 or 18 characters: a prefix in "
            "digits, then P (PLU), W (grams), A (fen) and C (check digit), such as 21PPPPPWWWWWC.",
        )


def _few(threshold: int) -> int:
    if not 0 <= threshold <= MOST_FEW:
        raise Malformed(
            "fewThreshold",
            f"仅剩提示阈值须为 0 至 {MOST_FEW}",
            f"The few-left threshold is 0 to {MOST_FEW}.",
        )
    return threshold
