"""The viewer of an operation, and what the operation may read."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from app.db.core.lane import Lane
from app.db.core.outage import is_passing
from app.db.core.rates import Rates
from app.db.core.snapshot import Snapshot
from app.db.core.unit import Database
from app.db.updates import wait_for_commits
from app.domain.access import Can, Scope, Viewer, signed_out
from app.domain.catalog.cookbook import Cookbook
from app.domain.catalog.images import Images
from app.domain.channels.accounts import Shops
from app.domain.errors import Denied
from app.domain.ledger.draft import Draft
from app.domain.ledger.post import Outcome
from app.domain.movements.record import Books
from app.domain.people.mini_apps import MiniApps
from app.domain.people.sessions import Gate
from app.domain.reports.exports import ExportFiles
from app.live.hub import Hub
from app.live.mirror import StoreKey
from app.schema.deadlines import Deadlines
from app.schema.loaders import Loaders
from app.schema.offline_sales import Placeholders
from app.settings import Settings


@dataclass(frozen=True)
class App:
    """The parts of one process; the composition root creates them."""

    settings: Settings
    db: Database
    lane: Lane[Draft, Outcome]
    gate: Gate
    hub: Hub
    cookbook: Cookbook
    shops: Shops
    rates: Rates
    mini_apps: MiniApps
    images: Images
    exports: ExportFiles
    deadlines: Deadlines

    @property
    def books(self) -> Books:
        return Books(self.db, self.lane, self.cookbook)


@dataclass(frozen=True)
class Context:
    """The reader of one operation: its viewer, their permissions, and one snapshot.

    An operation is an HTTP request, an operation on a socket, or one answer of a feed that several
    followers share; such an answer has a scope but no person. Nothing here changes while it runs.
    """

    app: App
    language: str = "zh"
    address: str = ""
    person: Viewer | None = None
    trouble: Exception | None = None
    scope: Scope | None = None
    tenant: UUID | None = None
    """The tenant of values that do not name their own: the viewer's, or the feed's."""
    origin: str = ""
    """Scheme and host of this server as the caller reaches it."""
    unreadable: Placeholders = field(default_factory=dict[Any, Any], repr=False, compare=False)
    """Offline sales of the request that could not be read."""
    public_stores: set[StoreKey] = field(init=False, repr=False, compare=False)
    """Stores whose public data the operation has read."""
    guest_documents: set[str] = field(init=False, repr=False, compare=False)
    """Texts of registered documents that the reader may run as a guest."""
    snapshot: Snapshot = field(init=False, repr=False, compare=False)
    _loaders: dict[UUID | None, Loaders] = field(init=False, repr=False, compare=False)
    _complete: list[asyncio.Task[datetime]] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "public_stores", set())
        object.__setattr__(self, "guest_documents", set())
        object.__setattr__(self, "snapshot", self.app.db.new_snapshot())
        object.__setattr__(self, "_loaders", {})
        object.__setattr__(self, "_complete", [])

    @property
    def viewer(self) -> Viewer:
        """The signed-in viewer. Raises Denied without one, or the error of the sign-in check."""
        if self.person is None:
            raise self.trouble or signed_out()
        return self.person

    @property
    def has_own_documents_only(self) -> bool:
        """Whether the reader is a guest who may run only the server's own documents, and those
        that a tenant registered for guests."""
        return self.scope is None and self.app.settings.guest_documents == "own"

    @property
    def now(self) -> datetime:
        return datetime.now(UTC)

    async def complete_until(self) -> datetime:
        """The moment before which the operation's snapshot misses no change of the viewer's
        tenant."""
        if not self._complete:
            waiting = wait_for_commits(self.app.db, self.viewer.tenant, self.snapshot)
            self._complete.append(asyncio.create_task(waiting))
        return await self._complete[0]

    @property
    def loaders(self) -> Loaders:
        """Loaders of the operation's tenant."""
        return self.loaders_of(None)

    def loaders_of(self, row: Any) -> Loaders:
        """Loaders of the tenant that the row belongs to."""
        tenant = self.tenant_of(row)
        loaders = self._loaders.get(tenant)
        if loaders is None:
            loaders = self._loaders[tenant] = Loaders(self.snapshot, tenant)
        return loaders

    def forget_loads(self) -> None:
        """Drop the loaded values: a mutation is about to write, or an event has arrived."""
        self._loaders.clear()

    def tenant_of(self, row: Any) -> UUID | None:
        """The tenant that the value belongs to."""
        return getattr(row, "tenant_id", None) or self.tenant

    def sees(self, can: Can, row: Any, stores: Sequence[UUID | None] = ()) -> bool:
        """Whether the viewer has the permission for this row, which belongs to these stores.

        Judged by the row: an owner of one tenant is a guest in another.
        """
        scope = self.scope
        return scope is not None and scope.tenant == self.tenant_of(row) and scope.sees(can, stores)

    def shared(self, tenant: UUID) -> "Context":
        """The reader of an answer that all followers with the same scope share.

        A scope of another tenant is dropped: its owner is a guest here.
        """
        scope = self.scope if self.scope is not None and self.scope.tenant == tenant else None
        return Context(self.app, self.language, self.address, scope=scope, tenant=tenant)


@dataclass
class Caller:
    """The sender of a request, or a socket; the viewer of a socket can be renewed."""

    app: App
    language: str = "zh"
    address: str = ""
    person: Viewer | None = None
    trouble: Exception | None = None
    connection_params: Any = None
    origin: str = ""

    async def admit(self, token: str | None) -> None:
        """Read the viewer of a token. Errors are stored and raised by the operation's fields."""
        try:
            viewer = await self.app.gate.viewer(token)
            if viewer is not None and viewer.address != self.address:
                viewer = viewer.at(self.address)
            self.person = viewer
        except Exception as trouble:
            if not isinstance(trouble, Denied) and not is_passing(trouble):
                raise
            self.trouble = trouble

    def context(self) -> Context:
        """The reader of one operation of this caller."""
        scope = self.person and self.person.scope
        tenant = scope and scope.tenant
        return Context(
            self.app,
            self.language,
            self.address,
            self.person,
            self.trouble,
            scope,
            tenant,
            self.origin,
        )
