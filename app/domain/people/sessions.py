"""The gate: tokens become viewers, for as long as their session or API key is valid."""

import asyncio
import hashlib
import time
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import partial
from hmac import compare_digest
from uuid import UUID

from app.db import identity as rows
from app.db.core.counters import Counters
from app.db.core.outage import wait_out
from app.db.core.unit import Database
from app.db.identity import Admitted
from app.domain.access import Role, Scope, Viewer
from app.domain.people import tokens
from app.domain.people.attempts import Attempts
from app.domain.people.tokens import SessionClaim, Signer
from app.settings import Settings

Claim = SessionClaim | tokens.ApiKey

FRESH_SECONDS = 0.5
"""How long an answer of the database is believed: with its query, changes are seen within 1 s."""

MOST_KNOWN = 10_000


@dataclass(frozen=True, slots=True)
class Known:
    """The viewer of a token as it was at `read_at`; None for a token that is not valid."""

    claim: Claim
    viewer: Viewer | None
    read_at: float


class Gate:
    """Turns tokens into viewers. One per process.

    A hot token costs a hash: its signature was checked once, and what it is worth is read from
    the database at most every 0.5 s, in one query for all who wait.
    """

    def __init__(self, db: Database, settings: Settings) -> None:
        self.db = db
        self.signer = Signer(settings.secret, settings.former_secret)
        self._counters = Counters(settings.redis_url)
        self.attempts = Attempts(self._counters)
        self._known: dict[bytes, Known] = {}
        self._asking: dict[bytes, asyncio.Task[Known]] = {}

    async def close(self) -> None:
        await self._counters.close()

    async def viewer(self, token: str | None) -> Viewer | None:
        """The viewer of this token; None without a token.

        Raises Denied(UNAUTHENTICATED) for one that is malformed, forged, expired or revoked.
        """
        if token is None:
            return None
        name = hashlib.sha256(token.encode("utf-8", "replace")).digest()
        known = self._known.get(name)
        if known is None or time.monotonic() - known.read_at > FRESH_SECONDS:
            known = await self._ask(name, known.claim if known else self.signer.read(token))
        if known.viewer is None:
            raise tokens.unknown()
        if _expired(known.viewer):
            raise tokens.expired()
        return known.viewer

    def forget(self, tenant: UUID) -> None:
        """Lets this process see a change of the tenant's people, keys or stores at once."""
        for name in [name for name, each in self._known.items() if each.claim.tenant == tenant]:
            del self._known[name]
        # Later callers must not get what was read before the change.
        self._asking.clear()

    async def recheck(self, viewers: Iterable[Viewer]) -> dict[Viewer, Viewer]:
        """Each viewer as it is now, with the stores that were opened since.

        Left out are those that ended, were revoked, expired, or have other rights. It reads the
        database once per tenant, and raises what the database raises.
        """
        current: dict[Viewer, Viewer] = {}
        tenants: dict[UUID, set[Viewer]] = defaultdict(set)
        for viewer in viewers:
            if not _expired(viewer):
                tenants[viewer.tenant].add(viewer)
        for tenant, present in tenants.items():
            sessions = {each.session for each in present if each.session}
            keys = {each.actor for each in present if not each.session}
            good, stores = await self._read(tenant, sessions, keys)
            for old in present:
                credential = good.get(old.session or old.actor)
                new = credential and _viewer(
                    tenant, credential, stores, old.session, old.expires_at
                )
                if new and old.stores <= new.stores and replace(new, stores=old.stores) == old:
                    current[old] = new
        return current

    async def _ask(self, name: bytes, claim: Claim) -> Known:
        task = self._asking.get(name)
        if task is None:
            task = self._asking[name] = asyncio.create_task(self._look(name, claim))
            # Callers that wait get the error; without one, asyncio would log it as lost.
            task.add_done_callback(lambda done: done.cancelled() or done.exception())
        # A caller who leaves does not take the answer from the others.
        return await asyncio.shield(task)

    async def _look(self, name: bytes, claim: Claim) -> Known:
        read_at = time.monotonic()
        try:
            viewer = await wait_out(partial(self._admitted, claim))
        finally:
            newest = self._asking.get(name) is asyncio.current_task()
            if newest:
                del self._asking[name]
        known = Known(claim, viewer, read_at)
        if newest:
            # The tokens that were not shown for longest are dropped first.
            self._known.pop(name, None)
            self._known[name] = known
            if len(self._known) > MOST_KNOWN:
                del self._known[next(iter(self._known))]
        return known

    async def _admitted(self, claim: Claim) -> Viewer | None:
        if isinstance(claim, SessionClaim):
            good, stores = await self._read(claim.tenant, {claim.session}, ())
            credential = good.get(claim.session)
            if credential is None or credential.actor != claim.staff:
                return None
            return _viewer(claim.tenant, credential, stores, claim.session, claim.expires_at)
        good, stores = await self._read(claim.tenant, (), {claim.id})
        credential = good.get(claim.id)
        if credential is None or not compare_digest(credential.secret_hash, claim.hash):
            return None
        return _viewer(claim.tenant, credential, stores)

    async def _read(
        self, tenant: UUID, sessions: Iterable[UUID], keys: Iterable[UUID]
    ) -> tuple[dict[UUID, Admitted], frozenset[UUID]]:
        async with self.db.read(tenant) as session:
            good = await rows.admitted(session, tenant, list(sessions), list(keys))
            return good, await rows.store_ids(session, tenant) if good else frozenset()


def _viewer(
    tenant: UUID,
    credential: Admitted,
    stores: frozenset[UUID],
    session: UUID | None = None,
    expires_at: float | None = None,
) -> Viewer:
    scope = Scope(tenant, Role[credential.role], credential.scopes, credential.own)
    return Viewer(scope, credential.actor, credential.name, stores, session, expires_at)


def _expired(viewer: Viewer) -> bool:
    return viewer.expires_at is not None and viewer.expires_at <= time.time()
