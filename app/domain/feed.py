"""What a feed tells: frozen events with absolute values, each with the revision it is true at."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from app.db.tables import Level
from app.domain.catalog.menu import Serving


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Event:
    """Something followers of one tenant's store are told, true at the store's `revision`.

    `answers` keeps, for as long as somebody holds the event, what each question about it was
    answered; `merged` the events it became for followers who had not read an earlier one.
    """

    tenant: UUID
    revision: int
    answers: dict[Any, Any] = field(default_factory=dict, repr=False)
    merged: dict[int, Any] = field(default_factory=dict, repr=False)

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

    def merge(self, unread: Event) -> Event:
        return self


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Change(Event):
    """The levels that moved after `from_revision`, up to `revision`, as they are now.

    `made` are the dishes and services of which something was changed: they have no stock;
    `documents` the orders, purchase orders, transfers, write-offs and alerts.
    """

    from_revision: int
    at: datetime
    levels: Sequence[Level]
    made: frozenset[UUID] = frozenset()
    documents: frozenset[UUID] = frozenset()

    def merge(self, unread: Event) -> Event:
        if isinstance(unread, Resync):
            return unread
        if not isinstance(unread, Change):
            return self
        levels = {level.product_id: level for level in (*unread.levels, *self.levels)}
        told = {
            "levels": tuple(levels.values()),
            "made": unread.made | self.made,
            "documents": unread.documents | self.documents,
        }
        return fresh(self, from_revision=unread.from_revision, **told)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Resync(Event):
    """What was missed cannot be told: subscribe again without `after`."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class AvailabilityChange(Event):
    """The products of which something is shown differently, as it is at `revision`.

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
    """The same of a store's dishes and services."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class DocumentChange(Event):
    """Documents as they are now; `revision` counts what one process has told of them."""

    rows: Mapping[UUID, Any]

    def merge(self, unread: Event) -> Event:
        assert isinstance(unread, DocumentChange)
        return fresh(self, rows={**unread.rows, **self.rows})


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class OrderChange(DocumentChange):
    """Orders, as `DocumentChange`."""

    orders = property(lambda self: list(self.rows.values()))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class AlertChange(DocumentChange):
    """Alerts, as `DocumentChange`."""

    alerts = property(lambda self: list(self.rows.values()))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class WriteOffChange(DocumentChange):
    """Write-offs, as `DocumentChange`."""

    write_offs = property(lambda self: list(self.rows.values()))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ReplenishmentChange(DocumentChange):
    """Transfers, as `DocumentChange`."""

    transfers = property(lambda self: list(self.rows.values()))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PurchaseChange(DocumentChange):
    """Purchase orders, as `DocumentChange`."""

    purchase_orders = property(lambda self: list(self.rows.values()))


def fresh(event: Any, **changes: Any) -> Any:
    """A copy with changes that shares no answers with the original."""
    return replace(event, answers={}, merged={}, **changes)
