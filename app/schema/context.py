"""The context of an operation: who asks, in which language, and what the app is made of."""

import dataclasses
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from app.db.core.lane import Lane
from app.db.core.unit import UNREACHABLE, Database
from app.domain.access import Scope, Viewer
from app.domain.catalog.cookbook import Cookbook
from app.domain.channels.accounts import Shops
from app.domain.errors import Denied
from app.domain.ledger.draft import Draft
from app.domain.ledger.post import Outcome
from app.domain.movements.record import Books
from app.domain.people.sessions import Gate
from app.live.hub import Hub
from app.schema.loaders import Loaders
from app.settings import Settings


@dataclass(frozen=True)
class App:
    """What one process is made of; the composition root fills it."""

    settings: Settings
    db: Database
    lane: Lane[Draft, Outcome]
    gate: Gate
    hub: Hub
    cookbook: Cookbook
    shops: Shops

    @property
    def books(self) -> Books:
        return Books(self.db, self.lane, self.cookbook)


@dataclass
class Context:
    """Below a subscription's root there is no person, only a scope (see `shared`)."""

    app: App
    language: str = "zh"
    address: str = ""
    person: Viewer | None = None
    trouble: Exception | None = None
    scope: Scope | None = None
    tenant: UUID | None = None
    connection_params: Any = None

    @property
    def viewer(self) -> Viewer:
        """Who asks. Raises Denied when nobody is signed in, or what kept us from finding out."""
        if self.person is None:
            raise self.trouble or Denied("UNAUTHENTICATED", "Sign in first. 请先登录")
        return self.person

    @property
    def now(self) -> datetime:
        return datetime.now(UTC)

    @property
    def loaders(self) -> Loaders:
        """New for every use: over a websocket one context serves many operations."""
        made = self.__dict__.get("_loaders")
        if made is None:
            made = self.__dict__["_loaders"] = Loaders(self.app.db, self)
        return made

    async def admit(self, token: str | None) -> None:
        """Finds out who asks. What goes wrong is remembered, and told by a root that minds."""
        try:
            self.person = await self.app.gate.viewer(token)
        except (Denied, *UNREACHABLE) as trouble:
            self.trouble = trouble
        if self.person is not None:
            self.scope, self.tenant = self.person.scope, self.person.tenant

    def shared(self, tenant: UUID) -> "Context":
        """The same without the person: answers made in it may be given to others.

        Who is somebody in one tenant is nobody in another.
        """
        scope = self.scope if self.scope is not None and self.scope.tenant == tenant else None
        return dataclasses.replace(
            self, person=None, trouble=None, scope=scope, tenant=tenant, connection_params=None
        )
