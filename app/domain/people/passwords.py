"""Passwords of staff: changed by themselves, or reset by those who manage the account."""

from uuid import UUID

from app.db import identity as rows
from app.db import tables
from app.db.core.unit import Unit
from app.domain.access import Viewer
from app.domain.audit_log import Act, Subject, record_act
from app.domain.claims import claim
from app.domain.errors import Refused, UnknownStaff, WrongPassword, WrongState, WrongStateReason
from app.domain.people.hashing import hashed, matching
from app.domain.people.management import check_managed
from app.domain.people.sessions import Gate


async def change_password(
    gate: Gate, viewer: Viewer, key: UUID, old_password: str, new_password: str
) -> tables.Staff:
    """The viewer's account, whose other sessions have ended.

    The passwords are no part of the key's input: a fingerprint of them would be a way to guess
    them. Raises Refused: WrongPassword, TooManyAttempts; and InvalidText for a weak password.
    """
    person = await _account(gate, viewer, viewer.actor)
    secret = await _new_hash(person, new_password)
    try:
        async with gate.attempts.of_account(person.id):
            if await matching(old_password, [person.password_hash]) != [True]:
                raise Refused(WrongPassword())
        wrong = None
    except Refused as refused:
        wrong = refused
    async with gate.db.unit(viewer.tenant) as unit:
        if await claim(unit, viewer.actor, key, person.id, "changePassword") is not None:
            return person
        if wrong is not None:
            raise wrong
        current, _ = await rows.locked_staff(unit, person.id)
        # Of two changes at the same time the second no longer knows the password.
        if current is None or current.password_hash != person.password_hash:
            raise Refused(WrongPassword())
        await _set_password(unit, current, secret, but=viewer.session)
        await record_act(unit, viewer, Act.CHANGE_PASSWORD, Subject.STAFF, current.id)
    gate.forget(viewer.tenant)
    return current


async def reset_password(
    gate: Gate, viewer: Viewer, key: UUID, staff_id: UUID, password: str
) -> tables.Staff:
    """A staff account with a new password; all of its sessions have ended.

    Raises Refused: UnknownStaff, and WrongState for one's own account, whose password is changed
    with the old one; and InvalidText for a weak password.
    """
    if staff_id == viewer.actor:
        raise Refused(WrongState(WrongStateReason.SELF))
    person = await _account(gate, viewer, staff_id)
    secret = await _new_hash(person, password)
    async with gate.db.unit(viewer.tenant) as unit:
        if await claim(unit, viewer.actor, key, staff_id, "resetStaffPassword", staff_id):
            return person
        current, _ = await rows.locked_staff(unit, staff_id)
        if current is None:
            raise Refused(UnknownStaff(str(staff_id)))
        await check_managed(unit.session, viewer, current)
        await _set_password(unit, current, secret)
        await record_act(unit, viewer, Act.RESET_PASSWORD, Subject.STAFF, staff_id)
    gate.forget(viewer.tenant)
    return current


async def _account(gate: Gate, viewer: Viewer, staff_id: UUID) -> tables.Staff:
    async with gate.db.read(viewer.tenant) as session:
        person = await rows.staff_by_id(session, viewer.tenant, staff_id)
    if person is None:
        raise Refused(UnknownStaff(str(staff_id)))
    return person


async def _new_hash(person: tables.Staff, password: str) -> str:
    return await hashed(password, person.login, person.name, like=person.password_hash)


async def _set_password(
    unit: Unit, person: tables.Staff, password_hash: str, but: UUID | None = None
) -> None:
    person.password_hash = password_hash
    await rows.end_sessions(unit, person.id, but=but)
