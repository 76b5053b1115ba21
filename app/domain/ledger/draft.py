"""Drafts: requested movements, before the ledger accepts or refuses them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from decimal import Decimal
from typing import NamedTuple
from uuid import UUID, uuid5

from uuid_utils.compat import uuid7

from app.db.audit_log import AuditRow
from app.db.batches import ArrivingBatch
from app.db.levels import Pair
from app.db.orders import PlacedOrder
from app.db.tables import Entry
from app.domain.errors import Refusal
from app.domain.rules.fefo import NEVER, BatchKey
from app.domain.rules.kinds import ARRIVAL_BINS, Kind
from app.domain.rules.prices import Charge
from app.domain.rules.units import from_base

SYSTEM_ACTOR = UUID(int=0)
"""Actor of the movements that jobs post."""


RECEIPT_CLAIMANT = UUID(int=3)
"""Whom claimed receipt numbers belong to: no person and no program."""


class Receipt(NamedTuple):
    """A receipt number of a store, till and business day.

    `key` stands for all four; `content` is the hash of what was sold.
    """

    number: str
    key: UUID
    content: bytes

    @property
    def claim(self) -> tuple[UUID, UUID]:
        return RECEIPT_CLAIMANT, self.key


def receipt_key(store: UUID, till: UUID | None, day: date, number: str) -> UUID:
    """The key of a receipt number, equal in capitals and small letters; without a till, the
    store's own."""
    # Capitals, not small letters: the keys of numbers that are booked already stay the same.
    return uuid5(store, f"{till or ''}\n{day.isoformat()}\n{number.upper()}")


def batch_id(product: UUID, number: str, expires_on: date) -> UUID:
    """The id of a batch, made of what identifies it: two stores that receive it agree."""
    return uuid5(product, f"{number}\n{expires_on.isoformat()}")


def unlabelled_batch(product: UUID) -> BatchKey:
    """The batch of goods that came without a number and an expiry."""
    return BatchKey(NEVER, batch_id(product, "", NEVER))


@dataclass(frozen=True, slots=True)
class RecipeChanged(Refusal):
    """A recipe changed after the draft was made: draft it again. Clients never see it."""

    product_id: UUID


class Place(NamedTuple):
    """A bin of a store."""

    store: UUID
    bin: str


@dataclass(frozen=True, slots=True)
class Line:
    """One product that goes from one place to another.

    `quantity` is in the product's unit. `unit_cost` is in 1/10000 yuan per unit, `cost` for the
    whole quantity. `late` goods were gone already when a closed stocktake counted the level.
    `batches` are the only batches it may touch, None for any; `arriving` is a batch that comes in.
    `shown_expiry` is the last day of sale that the code of the goods shows. `recipe` is the version
    the product was made by. An `optional` line takes what is available and is never short. `rest`
    is a second bin of the source's store, which
    gives what the first one lacks. `charge` is what the customer pays for the whole
    quantity; a `listed` line is sold at the product's own price when it is booked. `came_expired`
    goods were past their last day of sale when they came in: they go to quarantine. `zone` is where
    in the store the goods lie, None if it was not named.
    """

    product: UUID
    quantity: Decimal
    source: Place
    target: Place
    unit_cost: int | None = None
    expected_version: int | None = None
    batches: tuple[UUID, ...] | None = None
    arriving: ArrivingBatch | None = None
    recipe: UUID | None = None
    optional: bool = False
    cost: int | None = None
    rest: str | None = None
    charge: Charge | None = None
    listed: bool = False
    late: bool = False
    shown_expiry: date | None = None
    came_expired: bool = False
    zone: str | None = None


class BundlePart(NamedTuple):
    """Goods that a sale sold inside a bundle: base units, and their own price in fen, which is None
    when they have none."""

    bundle: UUID
    product: UUID
    quantity: int
    worth: int | None


def _no_recipes() -> dict[UUID, UUID | None]:
    return {}


@dataclass(frozen=True, slots=True, eq=False)
class Draft:
    """A requested movement, with what it needs to be judged under the locks."""

    kind: Kind
    store: UUID
    actor: UUID
    key: UUID
    lines: tuple[Line, ...]
    fingerprint: bytes
    """Hash of the client's input."""
    occurred_at: datetime
    dated: bool = False
    """Whether the client said when it happened: then it may be recorded late."""
    earliest: datetime | None = None
    """The first moment at which it may have happened; None for any."""
    channel: str | None = None
    reason: str | None = None
    note: str | None = None
    document: str | None = None
    till_id: UUID | None = None
    receipt: Receipt | None = None
    """Receipt number of a sale; it is claimed beside the key."""
    sale_id: UUID | None = None
    """The sale whose goods come back."""
    reverses_id: UUID | None = None
    """The movement that this one undoes."""
    document_id: UUID | None = None
    """The order, transfer or other document that the movement belongs to."""
    recipes: Mapping[UUID, UUID | None] = field(default_factory=_no_recipes)
    """Recipe versions by which it was drafted, by product made: the ledger refuses a draft whose
    recipe has changed as `RecipeChanged`."""
    parts: tuple[BundlePart, ...] = ()
    """What the sale of a return sold inside bundles: it may come back as well."""
    accept_shortage: bool = False
    """Whether the sale took place even if the books lack its goods."""
    order: PlacedOrder | None = None
    """The order that is written with the movement that reserves its goods."""
    promised: bool = False
    """Whether the customer has the sale confirmed, so that no limit of its channel binds it."""
    guest_share: int | None = None
    """Percent of each level that unpaid orders of guests may hold together; None unless a guest
    orders."""
    of_member: bool = False
    """Whether a customer with an account orders."""
    limit: int | None = None
    """What it may cost, in 1/10000 yuan; None for any cost."""
    lasts_until: datetime | None = None
    """When reserved goods are handed over at the latest: batches that expire on an earlier day are
    not reserved."""
    act: AuditRow | None = None
    """The line that is written to the audit log with the movement."""
    claimant: UUID | None = None
    """Whom the key belongs to; the actor by default."""
    id: UUID = field(default_factory=uuid7)
    claim: tuple[UUID, UUID] = field(init=False, repr=False)
    pairs: frozenset[Pair] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "claim", (self.claimant or self.actor, self.key))
        pairs = {(line.source.store, line.product) for line in self.lines}
        for line in self.lines:
            if line.target.store is not line.source.store:
                pairs.add((line.target.store, line.product))
        # A dish that is only reserved has no line of its own, and its level is needed as well.
        pairs.update((self.store, product) for product in self.recipes)
        object.__setattr__(self, "pairs", frozenset(pairs))


def in_zone(lines: Sequence[Line], zone: str | None) -> list[Line]:
    """The same lines, of goods that lie in this zone; None if it is not named."""
    return list(lines) if zone is None else [replace(line, zone=zone) for line in lines]


def reversed_lines(entries: Sequence[Entry]) -> tuple[Line, ...]:
    """The lines that undo these entries, the last one first: each goes back where it came from.

    Goods that arrived may have been put aside since: what the shelf lacks of them is taken from
    quarantine.
    """
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
            rest=_rest(entry),
            charge=charge_of_entry(entry),
            zone=entry.zone,
        )
        for entry in reversed(entries)
    )


def _rest(entry: Entry) -> str | None:
    arrived = entry.from_bin in ARRIVAL_BINS and entry.to_bin == "shelf"
    return "quarantine" if arrived else None


def charge_of_entry(entry: Entry) -> Charge | None:
    """What a customer paid or got back for the entry's quantity; None if no price was known."""
    if entry.amount is None:
        return None
    return Charge(entry.price, entry.discount or 0, entry.amount)
