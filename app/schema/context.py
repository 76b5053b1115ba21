"""The context of an operation: the viewer, the language, and the parts of the app."""

import dataclasses
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from app.db.core.lane import Lane
from app.db.core.outage import is_passing
from app.db.core.unit import Database
from app.domain.access import Scope, Viewer, signed_out
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
    """The parts of one process; the composition root creates them."""

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
    """Who asks. Below a subscription's root there is no person, only a scope (see `shared`)."""

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
        """The signed-in viewer. Raises Denied without one, or the error of the sign-in check."""
        if self.person is None:
            raise self.trouble or signed_out()
        return self.person

    @property
    def now(self) -> datetime:
        return datetime.now(UTC)

    @property
    def loaders(self) -> Loaders:
        """This context's loaders; a copy of the context gets its own."""
        loaders = self.__dict__.get("_loaders")
        if loaders is None:
            loaders = self.__dict__["_loaders"] = Loaders(self.app.db, lambda: self.tenant)
        return loaders

    async def admit(self, token: str | None) -> None:
        """Read the viewer of a token. Errors are stored and raised only by fields that need one."""
        try:
            viewer = await self.app.gate.viewer(token)
            self.person = viewer and dataclasses.replace(viewer, address=self.address)
        except Exception as trouble:
            if not isinstance(trouble, Denied) and not is_passing(trouble):
                raise
            self.trouble = trouble
        if self.person is not None:
            self.scope, self.tenant = self.person.scope, self.person.tenant

    def shared(self, tenant: UUID) -> "Context":
        """A copy without the person, for answers that are shared with others of the scope.

        A scope of another tenant is dropped: its owner is a guest here.
        """
        scope = self.scope if self.scope is not None and self.scope.tenant == tenant else None
        return dataclasses.replace(
            self, person=None, trouble=None, scope=scope, tenant=tenant, connection_params=None
        )
