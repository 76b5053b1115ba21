"""Sign-in attempts: wrong passwords are counted, and passwords are checked in turns."""

import math
from collections.abc import AsyncGenerator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from hashlib import blake2b
from typing import NamedTuple
from uuid import UUID

from app.db.core.counters import Counters
from app.domain.errors import Refused, TooManyAttempts
from app.domain.people.fair_queue import FairQueue, QueueFull

WINDOW_SECONDS = 15 * 60
LOGIN_FAILURES_MAX = 5
ADDRESS_FAILURES_MAX = 50
"""More than for a login: the devices of a shop, or of a street, share one address."""
DEVICE_FAILURES_MAX = 10

Turn = AbstractAsyncContextManager[None]

WAITING_PER_KEY = 50
WAITING_MAX = 500


class Limit(NamedTuple):
    """The most wrong passwords of a name in 15 minutes."""

    name: str
    most: int


class Attempts:
    """Counts wrong passwords in all processes, and gives turns at checking a password.

    An attempt from a device that never signed in to the account counts for its login and for its
    address, each on its own. An attempt from a device that did (see `tokens.DeviceClaim`) counts
    for this device only, so that others cannot lock it out, and has a queue of its own.
    """

    def __init__(self, counters: Counters) -> None:
        self._counters = counters
        self._strangers = FairQueue(WAITING_PER_KEY, WAITING_MAX)
        self._devices = FairQueue(WAITING_PER_KEY, WAITING_MAX)

    def of_stranger(self, login: str, tenant_code: str, address: str) -> Turn:
        """A turn for a device that never signed in to the account."""
        limits = (
            Limit(f"login {tenant_code} {login}", LOGIN_FAILURES_MAX),
            Limit(f"address {address}", ADDRESS_FAILURES_MAX),
        )
        return self._turn(self._strangers, address, limits)

    def of_device(self, session: UUID) -> Turn:
        """A turn for a device that signed in to the account before, with this session."""
        limits = (Limit(f"device {session}", DEVICE_FAILURES_MAX),)
        return self._turn(self._devices, str(session), limits)

    def of_account(self, staff: UUID) -> Turn:
        """A turn for someone who is signed in and has to show the password again."""
        limits = (Limit(f"account {staff}", LOGIN_FAILURES_MAX),)
        return self._turn(self._devices, str(staff), limits)

    @asynccontextmanager
    async def _turn(
        self, queue: FairQueue, key: str, limits: Sequence[Limit]
    ) -> AsyncGenerator[None, None]:
        """Leaving with Refused counts as a wrong password, leaving in another way does not.

        The attempt is counted before the password is checked, so that of those sent at the same
        moment to several processes none is missed. Raises Refused(TooManyAttempts).
        """
        try:
            async with queue.turn(key):
                await self._count(limits)
                try:
                    yield
                except Refused:
                    raise
                except BaseException:
                    await self._take_back(limits)
                    raise
                await self._take_back(limits)
        except QueueFull:
            raise Refused(TooManyAttempts(1)) from None

    async def _count(self, limits: Sequence[Limit]) -> None:
        for number, limit in enumerate(limits):
            if await self._counters.add(_key(limit), 1, WINDOW_SECONDS) > limit.most:
                await self._take_back(limits[:number])
                raise await self._refused(limit)

    async def _take_back(self, limits: Sequence[Limit]) -> None:
        for limit in limits:
            await self._counters.add(_key(limit), -1, WINDOW_SECONDS)

    async def _refused(self, limit: Limit) -> Refused:
        wait = math.ceil(await self._counters.seconds_left(_key(limit)))
        return Refused(TooManyAttempts(max(wait, 1)))

    async def spared(self, staff: Sequence[UUID]) -> set[UUID]:
        """Those of these accounts at which few passwords were tried by sign-ins that then matched
        another account of the same login."""
        limits = {each: Limit(f"shared {each}", LOGIN_FAILURES_MAX) for each in staff}
        return {
            each
            for each, limit in limits.items()
            if await self._counters.value(_key(limit)) < limit.most
        }

    async def tried(self, staff: Sequence[UUID]) -> None:
        """Count one such attempt at each of these accounts."""
        for each in staff:
            limit = Limit(f"shared {each}", LOGIN_FAILURES_MAX)
            await self._counters.add(_key(limit), 1, WINDOW_SECONDS)


def _key(limit: Limit) -> str:
    """The counter's name: Valkey need not know who signs in."""
    return blake2b(limit.name.encode("utf-8", "replace"), digest_size=16).hexdigest()
