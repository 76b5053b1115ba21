"""Use cases of the identity topic: the people of a tenant, and its API keys."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from uuid import UUID

from uuid_utils.compat import uuid7

from app.db import identity as rows
from app.db import tables
from app.db.core.unit import Database, Unit
from app.db.sms import remove_addresses
from app.domain.access import SCOPES, Role, Viewer
from app.domain.audit_log import Act, Subject, record_act
from app.domain.claims import claim
from app.domain.errors import (
    AlreadyTaken,
    Malformed,
    Refused,
    UnknownApiKey,
    UnknownStaff,
    UnknownStore,
    WrongState,
    WrongStateReason,
)
from app.domain.people import tokens
from app.domain.people.hashing import hashed
from app.domain.people.management import check_managed, require_managed
from app.domain.people.sessions import Gate
from app.domain.rules.logins import normal_login
from app.domain.rules.texts import clean

HIRED = frozenset({Role.CASHIER, Role.MANAGER, Role.PURCHASER, Role.OWNER})
MOST_STORES = 1000


async def invite_staff(
    gate: Gate,
    viewer: Viewer,
    key: UUID,
    login: str,
    name: str,
    password: str,
    role: Role,
    store_ids: Sequence[UUID],
) -> tables.Staff:
    """A new person, who can sign in at once.

    Raises Refused: AlreadyTaken for a login that another account of the chain has, UnknownStore;
    Denied for a role or stores that the viewer does not manage. The password is no part of the
    key's input: a fingerprint of it would be a way to guess it.
    """
    login, name = normal_login(login), clean(name, "name", 100, required=True)
    stores = _stores(viewer, role, store_ids)
    secret = await first_hash(gate.db, password, login, name)
    async with gate.db.unit(viewer.tenant) as unit:
        request = ("inviteStaff", login, name, role.name, stores)
        id_ = uuid7()
        if earlier := await claim(unit, viewer.actor, key, id_, *request):
            return await _person(unit, earlier)
        person = await hire(unit, id_, login, name, secret, role, stores)
        invited = Act.INVITE_STAFF, Subject.STAFF, id_
        await record_act(unit, viewer, *invited, role=role.name, stores=_texts(stores))
        return person


async def first_hash(db: Database, password: str, login: str, name: str) -> str:
    """The hash of a new account's password. Raises InvalidText for a weak one."""
    # Accounts of one login share their salt, see `matching`.
    others = await rows.accounts(db, login)
    return await hashed(password, login, name, like=others[0].password_hash if others else None)


async def hire(
    unit: Unit,
    id: UUID,
    login: str,
    name: str,
    password_hash: str,
    role: Role,
    stores: Collection[UUID],
) -> tables.Staff:
    """Adds a person. Raises Refused(AlreadyTaken) for a login that the chain has already."""
    if not await rows.add_login(unit, login, id):
        raise Refused(AlreadyTaken("login", login))
    person = tables.Staff(
        tenant_id=unit.tenant,
        id=id,
        login=login,
        name=name,
        password_hash=password_hash,
        role=role.name,
    )
    unit.session.add(person)
    await unit.session.flush()
    await rows.assign(unit, id, stores)
    return person


async def set_staff_role(
    gate: Gate,
    viewer: Viewer,
    key: UUID,
    staff_id: UUID,
    role: Role,
    store_ids: Sequence[UUID],
) -> tables.Staff:
    """Gives a person another role and other stores, within a second on every terminal.

    Raises Refused(UnknownStaff), Refused(UnknownStore), and Refused(WrongState): a person
    keeps their own role, and the last owner stays one. Raises Denied for a role or stores that
    the viewer does not manage.
    """
    stores = _stores(viewer, role, store_ids)
    async with gate.db.unit(viewer.tenant) as unit:
        request = ("setStaffRole", staff_id, role.name, stores)
        if earlier := await claim(unit, viewer.actor, key, staff_id, *request):
            return await _person(unit, earlier)
        person = await _changeable(unit, viewer, staff_id, stays_owner=role is Role.OWNER)
        changed = Act.SET_STAFF_ROLE, Subject.STAFF, staff_id
        await record_act(
            unit,
            viewer,
            *changed,
            role=role.name,
            role_before=person.role,
            stores=_texts(stores),
        )
        person.role = role.name
        await rows.assign(unit, staff_id, stores)
    gate.forget(viewer.tenant)
    return person


async def remove_staff(gate: Gate, viewer: Viewer, key: UUID, staff_id: UUID) -> tables.Staff:
    """Ends a person's sessions and frees their login; what they did keeps their name.

    Raises Refused(UnknownStaff) and, for oneself and the last owner, Refused(WrongState).
    """
    async with gate.db.unit(viewer.tenant) as unit:
        if earlier := await claim(unit, viewer.actor, key, staff_id, "removeStaff", staff_id):
            return await _person(unit, earlier)
        person = await _changeable(unit, viewer, staff_id, stays_owner=False)
        await rows.dismiss(unit, person)
        await remove_addresses(unit, staff_id)
        await record_act(unit, viewer, Act.REMOVE_STAFF, Subject.STAFF, staff_id)
    gate.forget(viewer.tenant)
    return person


async def _changeable(
    unit: Unit, viewer: Viewer, staff_id: UUID, *, stays_owner: bool
) -> tables.Staff:
    person, owners = await rows.locked_staff(unit, staff_id)
    if person is None:
        raise Refused(UnknownStaff(str(staff_id)))
    await check_managed(unit.session, viewer, person)
    if not stays_owner and staff_id == viewer.actor:
        raise Refused(WrongState(WrongStateReason.SELF))
    if not stays_owner and owners == [staff_id]:
        raise Refused(WrongState(WrongStateReason.LAST_OWNER))
    return person


async def _person(unit: Unit, staff_id: UUID) -> tables.Staff:
    person = await rows.staff_by_id(unit.session, unit.tenant, staff_id)
    assert person is not None, "staff are never deleted, and a claim commits with its row"
    return person


def _texts(ids: Sequence[UUID]) -> list[str]:
    return [str(id) for id in ids]


def _stores(viewer: Viewer, role: Role, store_ids: Sequence[UUID]) -> list[UUID]:
    if role not in HIRED:
        raise Malformed(
            "role",
            "员工角色须为店员、店长、采购或老板",
            "Staff are cashiers, managers, purchasers or owners.",
        )
    if len(store_ids) > MOST_STORES:
        raise Malformed(
            "storeIds", f"门店最多 {MOST_STORES} 个", f"Stores: give at most {MOST_STORES}."
        )
    for store in store_ids:
        if store not in viewer.stores:
            raise Refused(UnknownStore(str(store)))
    require_managed(viewer, role, store_ids)
    return sorted(set(store_ids))


@dataclass(frozen=True, slots=True)
class NewApiKey:
    """`secret` is the whole key as it is sent; None when it was shown before."""

    api_key: tables.ApiKey
    secret: str | None


async def create_api_key(
    gate: Gate, viewer: Viewer, key: UUID, name: str, scopes: Sequence[str]
) -> NewApiKey:
    """A key for a program. Its secret is returned this once: only its hash is kept.

    Raises Malformed for a scope that does not exist, and for none at all.
    """
    name = clean(name, "name", 100, required=True)
    granted = sorted(set(scopes))
    if not granted or not SCOPES.issuperset(granted):
        raise Malformed(
            "scopes", "请至少选择一个有效的权限范围", "Choose at least one valid scope."
        )
    shown = tokens.ApiKey(viewer.tenant, uuid7(), tokens.fresh_secret())
    async with gate.db.unit(viewer.tenant) as unit:
        request = ("createApiKey", name, granted)
        if earlier := await claim(unit, viewer.actor, key, shown.id, *request):
            return NewApiKey(await _api_key(unit, earlier), None)
        api_key = tables.ApiKey(
            tenant_id=viewer.tenant,
            id=shown.id,
            name=name,
            secret_hash=shown.hash,
            scopes=granted,
            created_by=viewer.actor,
        )
        unit.session.add(api_key)
        created = Act.CREATE_API_KEY, Subject.API_KEY, shown.id
        await record_act(unit, viewer, *created, scopes=granted)
    return NewApiKey(api_key, str(shown))


async def revoke_api_key(gate: Gate, viewer: Viewer, key: UUID, api_key_id: UUID) -> tables.ApiKey:
    """Makes an API key worthless; again is harmless. Raises Refused(UnknownApiKey)."""
    async with gate.db.unit(viewer.tenant) as unit:
        await claim(unit, viewer.actor, key, api_key_id, "revokeApiKey", api_key_id)
        api_key = await _api_key(unit, api_key_id)
        if api_key.revoked_at is None:
            api_key.revoked_at = unit.now
            await record_act(unit, viewer, Act.REVOKE_API_KEY, Subject.API_KEY, api_key_id)
    gate.forget(viewer.tenant)
    return api_key


async def _api_key(unit: Unit, id: UUID) -> tables.ApiKey:
    api_key = await rows.locked_api_key(unit, id)
    if api_key is None:
        raise Refused(UnknownApiKey(str(id)))
    return api_key
