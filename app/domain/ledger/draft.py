"""Drafts: movements somebody wants, before the ledger has judged them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import NamedTuple
from uuid import UUID, uuid5

from uuid_utils.compat import uuid7

from app.db.batches import ArrivingBatch as Arriving
from app.db.orders import PlacedOrder as Ordered
from app.db.tables import Entry
from app.domain.errors import Refusal
from app.domain.rules.kinds import Kind
from app.domain.rules.units import from_base

Pair = tuple[UUID, UUID]
"""A store and a product: what a level is of."""

NOBODY = UUID(int=0)
"""Who acts when it is nobody: the jobs."""


def batch_id(product: UUID, number: str, expires_on: date) -> UUID:
    """A batch's id says what it is, so that two stores which receive it need not ask."""
    return uuid5(product, f"{number}\n{expires_on.isoformat()}")


@dataclass(frozen=True, slots=True)
class Outdated(Refusal):
    """A recipe changed after the draft was made: draft it again. Never shown to a client."""

    product_id: UUID


class Place(NamedTuple):
    store: UUID
    bin: str


@dataclass(frozen=True, slots=True)
class Line:
    """`quantity` is in the product's unit; `unit_cost` in 1/10000 yuan a unit, `cost` for all.

    `batches` are the only ones it may touch, None for any; `arriving` is one that comes in.
    `recipe` is how it was made; an `optional` line takes what is there and is never short.
    """

    product: UUID
    quantity: Decimal
    source: Place
    target: Place
    unit_cost: int | None = None
    expected_version: int | None = None
    batches: tuple[UUID, ...] | None = None
    arriving: Arriving | None = None
    recipe: UUID | None = None
    optional: bool = False
    cost: int | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Draft:
    """A movement that was asked for; `fingerprint` is the hash of the client's input.

    `recipes` are those it was drafted by, by the product made: the ledger refuses others as
    `Outdated`. `order` is written with the movement that holds goods for it.
    `accept_shortage` says that it happened, whatever the shelf should have held; `promised`
    that its customer was told so already, whatever binds the channel now.
    """

    kind: Kind
    store: UUID
    actor: UUID
    key: UUID
    lines: tuple[Line, ...]
    fingerprint: bytes
    occurred_at: datetime
    channel: str | None = None
    reason: str | None = None
    note: str | None = None
    document: str | None = None
    sale_id: UUID | None = None
    reverses_id: UUID | None = None
    document_id: UUID | None = None
    recipes: Mapping[UUID, UUID | None] = field(default_factory=dict)
    order: Ordered | None = None
    accept_shortage: bool = False
    promised: bool = False
    id: UUID = field(default_factory=uuid7)
    claim: tuple[UUID, UUID] = field(init=False, repr=False)
    pairs: frozenset[Pair] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "claim", (self.actor, self.key))
        pairs = {(line.source.store, line.product) for line in self.lines}
        for line in self.lines:
            if line.target.store is not line.source.store:
                pairs.add((line.target.store, line.product))
        # A dish that is only held has no line of its own, and is judged all the same.
        pairs.update((self.store, product) for product in self.recipes)
        object.__setattr__(self, "pairs", frozenset(pairs))


def swapped(entries: Sequence[Entry]) -> tuple[Line, ...]:
    """The lines that undo these entries: each goes back the way it came."""
    return tuple(
        Line(
            entry.product_id,
            from_base(entry.quantity, entry.scale),
            Place(entry.to_store, entry.to_bin),
            Place(entry.from_store, entry.from_bin),
            entry.unit_cost,
            batches=entry.batch_id and (entry.batch_id,),
            recipe=entry.recipe_id,
            cost=entry.cost,
        )
        for entry in entries
    )
