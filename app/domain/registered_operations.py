"""Documents that a tenant registers, and that its clients then name by their SHA-256."""

import hashlib
import re
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple
from uuid import UUID

from uuid_utils.compat import uuid7

from app.db import registered_operations as rows
from app.db.core.unit import Database
from app.db.registered_operations import RegisteredText
from app.db.tables import RegisteredOperation
from app.domain.access import Viewer
from app.domain.audit_log import Act, Subject, record_act
from app.domain.claims import claim
from app.domain.errors import Refusal, Refused
from app.domain.rules.texts import clean

MOST_OPERATIONS = 500
"""Documents of a tenant."""
MOST_TEXT_BYTES = 64 * 1024
"""Bytes of a document in UTF-8."""
HASH = re.compile("[0-9a-f]{64}")
CACHE_BYTES = 4 * 1024 * 1024
"""Bytes of all texts in the cache of a process."""
ENTRY_BYTES = 500
"""Bytes of an entry of the cache besides its text, at most."""
FRESH_SECONDS = 0.9
"""How long a text that was read is used; a removed document is unknown within a second."""


@dataclass(frozen=True, slots=True)
class UnknownOperation(Refusal):
    asked: str


@dataclass(frozen=True, slots=True)
class TooManyOperations(Refusal):
    most: int


@dataclass(frozen=True, slots=True)
class InvalidDocument(Refusal):
    """`reasons` are sentences of graphql-core, in English."""

    reasons: tuple[str, ...]


class RemovedOperation(NamedTuple):
    """The hash of a document that was removed."""

    sha256: str


def hash_of(text: str) -> str:
    """SHA-256 of the text in UTF-8, in lower-case hexadecimal digits."""
    return hashlib.sha256(text.encode()).hexdigest()


async def register(
    db: Database, viewer: Viewer, key: UUID, text: str, cost: int, for_guests: bool
) -> RegisteredOperation:
    """The document, which is now registered; one that was registered before only gets the new
    `for_guests`. The caller has checked the text.

    Raises Refused: TooManyOperations; UnknownOperation for a retry after the document was removed.
    """
    name = hash_of(text)
    request = ("registerOperation", name, for_guests)
    async with db.unit(viewer.tenant) as unit:
        earlier = await claim(unit, viewer.claimant, key, uuid7(), *request)
        await rows.lock(unit)
        row = await rows.operation_by_hash(unit, name)
        if earlier is not None:
            if row is None:
                raise Refused(UnknownOperation(name))
            return row
        if row is None:
            if await rows.count(unit) >= MOST_OPERATIONS:
                raise Refused(TooManyOperations(MOST_OPERATIONS))
            row = RegisteredOperation(
                tenant_id=viewer.tenant,
                id=uuid7(),
                sha256=name,
                text=text,
                for_guests=for_guests,
                cost=cost,
                registered_by=viewer.actor,
                registered_at=unit.now,
            )
            unit.session.add(row)
            await unit.session.flush()
        elif row.for_guests == for_guests:
            return row
        else:
            row.for_guests, row.cost = for_guests, cost
        act = Act.REGISTER_OPERATION, Subject.OPERATION
        await record_act(unit, viewer, *act, row.id, sha256=name, for_guests=for_guests)
    return row


async def remove(db: Database, viewer: Viewer, key: UUID, name: str) -> RemovedOperation:
    """Removes a document; every process stops to run it within a second.

    Raises Refused(UnknownOperation), and InvalidText for a hash that is no text.
    """
    name = clean(name, "sha256", 100, required=True).lower().removeprefix("sha256:")
    async with db.unit(viewer.tenant) as unit:
        if await claim(unit, viewer.claimant, key, uuid7(), "removeOperation", name) is None:
            await rows.lock(unit)
            id = await rows.remove(unit, name)
            if id is None:
                raise Refused(UnknownOperation(name))
            await record_act(unit, viewer, Act.REMOVE_OPERATION, Subject.OPERATION, id, sha256=name)
    return RemovedOperation(name)


Name = tuple[UUID | None, str]
"""A tenant, or None for what guests may run, and a hash."""


class Registry:
    """What a process knows of registered documents: each text is used for less than a second after
    the read of it began. Unknown hashes are read each time."""

    def __init__(
        self,
        db: Database,
        most_bytes: int = CACHE_BYTES,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._db = db
        self._most_bytes = most_bytes
        self._clock = clock
        self._kept: OrderedDict[Name, tuple[float, RegisteredText]] = OrderedDict()
        self.bytes = 0

    async def find(self, tenant: UUID | None, name: str) -> RegisteredText | None:
        """The tenant's document with this hash. Without a tenant: one that any tenant registered
        for guests."""
        if not HASH.fullmatch(name):
            return None
        now = self._clock()
        until, known = self._kept.get((tenant, name), (now, None))
        if known is not None and now < until:
            return known
        self._drop((tenant, name))
        # The shared read begins after the last of its callers came.
        texts = await self._db.coalesce(rows.texts_by_hash, tenant, [name])
        text = texts.get(name)
        if text is not None:
            self._keep((tenant, name), now + FRESH_SECONDS, text)
        return text

    def _keep(self, name: Name, until: float, text: RegisteredText) -> None:
        self._drop(name)
        self._kept[name] = until, text
        self.bytes += _size(text)
        while self.bytes > self._most_bytes:
            self._drop(next(iter(self._kept)))

    def _drop(self, name: Name) -> None:
        kept = self._kept.pop(name, None)
        if kept is not None:
            self.bytes -= _size(kept[1])


def _size(text: RegisteredText) -> int:
    return len(text.text.encode()) + ENTRY_BYTES
