"""Sessions: opened by a sign-in, refreshed, listed and ended."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hmac import compare_digest
from uuid import UUID, uuid4

from uuid_utils.compat import uuid7

from app.db import identity as rows
from app.db import tables
from app.db.core.snapshot import Reads
from app.db.core.unit import Database, Unit
from app.domain import access
from app.domain.access import Can, Viewer
from app.domain.audit_log import Act, Subject, record_act
from app.domain.claims import claim
from app.domain.errors import Refused, SessionEnded, SignInFailed, UnknownSession
from app.domain.people import tokens
from app.domain.people.hashing import matching
from app.domain.people.management import manages_staff
from app.domain.people.sessions import Gate
from app.domain.people.tokens import DeviceClaim, Refresh, Signer
from app.domain.rules.logins import folded, normal_login
from app.domain.rules.texts import clean

SESSION_LASTS = timedelta(days=30)
"""How long a session lasts without a refresh."""

SESSION_LASTS_AT_MOST = timedelta(days=90)
"""After this the password is needed again, however often the session was refreshed."""

GRACE = timedelta(seconds=30)


@dataclass(frozen=True, slots=True)
class SignedIn:
    """The tokens of a session; `expires_at` is the access token's."""

    access_token: str
    refresh_token: str
    expires_at: datetime
    device_token: str


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a client signs in with. `tenant` is the code of the chain; `device_token` is from an
    earlier sign-in or refresh on the same device."""

    login: str
    password: str
    tenant: str | None = None
    device_token: str | None = None
    device_name: str | None = None


async def sign_in(gate: Gate, credentials: Credentials, address: str) -> SignedIn:
    """Opens a session.

    Raises Refused(SignInFailed) for an unknown login and a wrong password alike, which also
    take the same steps, and Refused(TooManyAttempts).
    """
    login = normal_login(credentials.login)
    code = folded(clean(credentials.tenant, "tenant", 50) or "")
    device_name = clean(credentials.device_name, "deviceName", 100)
    claim = gate.signer.read_device(credentials.device_token or "")
    accounts = await _accounts(gate.db, login, code)
    known = [each for each in accounts if claim and each.id == claim.staff]
    if claim and known:
        accounts, turn = known, gate.attempts.of_device(claim.session)
    else:
        turn = gate.attempts.of_stranger(login, code, address)
    async with turn:
        person = await _matching(gate, accounts, credentials.password)
        if person is None:
            raise Refused(SignInFailed())
    async with gate.db.unit(person.tenant_id) as unit:
        return await open_session(gate.signer, unit, device_name, staff_id=person.id)


async def _accounts(db: Database, login: str, code: str) -> list[tables.Staff]:
    """The accounts with this login in the chain, or without a code the oldest in all chains."""
    if not code:
        return await rows.accounts(db, login)
    chain = await rows.resolve_name(db, "tenant", code)
    # A chain that does not exist costs the same reads.
    return await rows.accounts(db, login, chain.tenant_id if chain else uuid4())


async def _matching(
    gate: Gate, accounts: Sequence[tables.Staff], password: str
) -> tables.Staff | None:
    """The oldest account that has this password.

    Accounts of several chains may share a login. Of a sign-in that matches a later account, the
    earlier ones count an attempt: a chain that takes a login for itself cannot try passwords of
    another chain's account without being counted. Where too many were tried, the account needs
    the code of its chain or a known device.
    """
    matches = await matching(password, [each.password_hash for each in accounts])
    spared = {each.id for each in accounts}
    if len(accounts) > 1:
        spared = await gate.attempts.spared([each.id for each in accounts])
    for number, (account, match) in enumerate(zip(accounts, matches, strict=True)):
        if match and account.id in spared:
            await gate.attempts.tried([each.id for each in accounts[:number]])
            return account
    return None


async def open_session(
    signer: Signer,
    unit: Unit,
    device_name: str | None,
    *,
    staff_id: UUID | None = None,
    customer_id: UUID | None = None,
) -> SignedIn:
    """A session of a member of staff or of a customer: exactly one of the two."""
    opened = Refresh(unit.tenant, uuid7(), tokens.fresh_secret())
    session = tables.Session(
        tenant_id=unit.tenant,
        id=opened.session,
        staff_id=staff_id,
        customer_id=customer_id,
        token_hash=opened.hash,
        device_name=device_name,
        created_at=unit.now,
        expires_at=unit.now + SESSION_LASTS,
    )
    await rows.clear_sessions(unit, session.account)
    unit.session.add(session)
    return _signed_in(signer, opened, session.account)


async def refresh_session(gate: Gate, token: str) -> SignedIn:
    """Rotates a refresh token. Raises Refused(SessionEnded)."""
    shown = tokens.read_refresh(token)
    if shown is None:
        raise Refused(SessionEnded())
    async with gate.db.unit(shown.tenant) as unit:
        session = await rows.locked_session(unit, shown.session)
        following = session and _rotated(gate.signer, session, shown, unit.now)
    # The refusal comes after the commit: a session that a reuse has ended stays ended.
    if session is None or following is None:
        gate.forget(shown.tenant)
        raise Refused(SessionEnded())
    return _signed_in(gate.signer, following, session.account)


def _rotated(
    signer: Signer, session: tables.Session, shown: Refresh, now: datetime
) -> Refresh | None:
    """The token that follows the one shown; None when it is not valid.

    The session row is locked, so of many who show the same token one rotates it. The others,
    and a client that never got its answer, are given the same successor for 30 s: it is
    derived from the token shown, so the chain of tokens never splits. After that, a token shown
    twice has two owners, one of them a thief, and the session ends.
    """
    following = signer.successors(shown)
    if compare_digest(shown.hash, session.token_hash):
        session.previous_hash, session.token_hash = session.token_hash, following[0].hash
        latest = session.created_at + SESSION_LASTS_AT_MOST
        session.rotated_at, session.expires_at = now, min(now + SESSION_LASTS, latest)
        return following[0]
    recent = session.rotated_at is not None and now - session.rotated_at <= GRACE
    if recent and compare_digest(shown.hash, session.previous_hash or b""):
        return next((each for each in following if each.hash == session.token_hash), None)
    session.ended_at = now
    return None


def _signed_in(signer: Signer, refresh: Refresh, staff: UUID) -> SignedIn:
    token, expires_at = signer.access(refresh.tenant, staff, refresh.session, time.time())
    device = signer.device_token(DeviceClaim(refresh.tenant, staff, refresh.session))
    return SignedIn(token, str(refresh), datetime.fromtimestamp(expires_at, UTC), device)


async def listed_staff(reads: Reads, viewer: Viewer, staff_id: UUID | None) -> UUID | None:
    """The account whose sessions the viewer may list: their own, or one that they manage; None
    for an account out of reach. Raises Denied."""
    if staff_id is None or staff_id == viewer.actor:
        return viewer.actor
    access.require(viewer, Can.MANAGE_STAFF)
    return staff_id if await manages_staff(reads, viewer, staff_id) else None


async def sign_out(gate: Gate, viewer: Viewer) -> tables.Session:
    """Ends the session of the viewer. Raises Refused(SessionEnded) when it has just ended."""
    assert viewer.session is not None, "API keys lack the permission"
    async with gate.db.unit(viewer.tenant) as unit:
        session = await rows.locked_session(unit, viewer.session)
        if session is None:
            raise Refused(SessionEnded())
        session.ended_at = unit.now
    gate.forget(viewer.tenant)
    return session


async def revoke_session(gate: Gate, viewer: Viewer, key: UUID, session_id: UUID) -> tables.Session:
    """Ends a session of one's own, or of an account that the viewer manages.

    Raises Refused(UnknownSession), also for a session that has ended already.
    """
    async with gate.db.unit(viewer.tenant) as unit:
        request = ("revokeSession", session_id)
        earlier = await claim(unit, viewer.actor, key, session_id, *request)
        session = await rows.session_by_id(unit, session_id)
        if session is None or not await _may_end(gate.db, viewer, session):
            raise Refused(UnknownSession(str(session_id)))
        if earlier is None:
            if session.ended_at is not None or session.expires_at <= unit.now:
                raise Refused(UnknownSession(str(session_id)))
            session.ended_at = unit.now
            await record_act(unit, viewer, Act.REVOKE_SESSION, Subject.SESSION, session_id)
    gate.forget(viewer.tenant)
    return session


async def _may_end(reads: Reads, viewer: Viewer, session: tables.Session) -> bool:
    own = session.account == viewer.actor
    return own or await manages_staff(reads, viewer, session.account)
