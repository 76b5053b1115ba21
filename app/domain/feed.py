"""Events of feeds: frozen, with absolute values, each with the revision at which it is true."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, TypeVar
from uuid import UUID

from app.db import feed
from app.db.tables import Level
from app.domain.catalog.menu import Serving

E = TypeVar("E", bound="Event")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Event:
    """Something that followers of one tenant's store receive, true at the store's `revision`.

    `answers` keeps each question's answer while the event lives; `merged` keeps the events that
    replaced it together with an earlier, unread one.
    """

    tenant: UUID
    revision: int
    answers: dict[Any, Any] = field(default_factory=dict[Any, Any], repr=False)
    merged: "dict[int, tuple[Event, Event]]" = field(
        default_factory=dict[int, "tuple[Event, Event]"], repr=False
    )

    def after(self, unread: "Event") -> "Event":
        """One event in place of `unread` and this one; followers equally behind share it."""
        key = id(unread)
        if key not in self.merged:
            # The unread event is kept beside its merger, so that its id stays its own.
            self.merged[key] = unread, self.merge(unread)
        return self.merged[key][1]

    def merge(self, unread: "Event") -> "Event":
        return self


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Snapshot(Event):
    """A store as it is at `revision`."""

    store: UUID
    levels: Sequence[Level]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Change(Event):
    """The levels that moved after `from_revision`, up to `revision`, as they are now.

    `products` are changed products without stock of their own (dishes, services); `documents`
    are the ids of changed orders, purchase orders, transfers, write-offs and alerts.
    """

    from_revision: int
    at: datetime
    levels: Sequence[Level]
    products: frozenset[UUID] = frozenset()
    documents: frozenset[UUID] = frozenset()

    def merge(self, unread: Event) -> Event:
        if isinstance(unread, Resync):
            return unread
        if not isinstance(unread, Change):
            return self
        levels = {level.product_id: level for level in (*unread.levels, *self.levels)}
        return fresh(
            self,
            from_revision=unread.from_revision,
            levels=tuple(levels.values()),
            products=unread.products | self.products,
            documents=unread.documents | self.documents,
        )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Resync(Event):
    """The missed changes are not kept: the client subscribes again without `after`."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class AvailabilityChange(Event):
    """Products that are shown differently now, as they are at `revision`.

    `gone` are no longer offered.
    """

    shown: Mapping[UUID, Serving]
    gone: frozenset[UUID] = frozenset()

    def merge(self, unread: Event) -> Event:
        assert isinstance(unread, AvailabilityChange)
        shown = {**unread.shown, **self.shown}
        gone = (unread.gone | self.gone) - self.shown.keys()
        kept = {product: serving for product, serving in shown.items() if product not in gone}
        return fresh(self, shown=kept, gone=gone)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class MenuChange(AvailabilityChange):
    """Dishes and services that are shown differently now."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class DocumentChange(Event):
    """Documents of one topic as they are now; `revision` counts one process' events.

    `has_more` is set on every page of open documents but the last.
    """

    rows: Mapping[UUID, Any]
    has_more: bool = False

    def merge(self, unread: Event) -> Event:
        assert isinstance(unread, DocumentChange)
        return fresh(self, rows={**unread.rows, **self.rows})


def fresh(event: E, **changes: Any) -> E:
    """A copy with changes that shares no answers with the original."""
    return replace(event, answers={}, merged={}, **changes)


def change_of(tenant: UUID, after: int, missed: feed.Changes) -> Change:
    """The event of the changes that were missed after a revision."""
    return Change(
        tenant=tenant,
        from_revision=after,
        revision=missed.head,
        at=missed.at or datetime.now(UTC),
        levels=missed.levels,
        products=missed.product_ids - {level.product_id for level in missed.levels},
        documents=missed.document_ids,
    )
