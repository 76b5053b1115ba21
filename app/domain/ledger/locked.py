"""Levels as a post holds them under their locks, and the moves between them."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import NamedTuple
from uuid import UUID

from app.db.channel_limits import ChannelLimit
from app.domain.ledger.draft import Line, Pair
from app.domain.rules.costs import average_cost, share
from app.domain.rules.days import store_day
from app.domain.rules.fefo import BatchKey
from app.domain.rules.kinds import PHYSICAL_BINS
from app.domain.rules.prices import Charge

LATEST = datetime.max.replace(tzinfo=UTC)
"""A batch that is received now comes after those of the same day that the store had."""

NO_LIMIT = ChannelLimit(days_left=0, buffer=0, remaining=None)
"""The limit of a channel that no rule binds."""

Bins = dict[str, int]
"""Base units by bin."""


Earmarks = dict[tuple[UUID | None, UUID], int]
"""Base units in quarantine, by batch (None without one) and by the document they wait for."""


def _no_limits() -> dict[str, ChannelLimit]:
    return {}


def _no_markdowns() -> dict[UUID, int]:
    return {}


def _no_receipts() -> dict[UUID, datetime]:
    return {}


def _no_zone_counts() -> dict[str, datetime]:
    return {}


def _no_earmarks() -> Earmarks:
    return {}


@dataclass(slots=True, eq=False)
class LockedLevel:
    """One locked level while its unit decides: its bins in base units, and its position.

    `batches` has the bins of each batch, None for a product that keeps none; `today` is the
    store's day by `timezone`. `value` is the cost of everything held, in 1/10000 yuan; `price` is
    the product's, in fen per unit, `markdowns` the percent off it for some batches,
    `received` when batches came first. `limits` are what binds channels, by channel.
    `shelf_before` and `transit_before` are the bins when it was locked. `counted_at` is when the
    goods were counted last; if zone by zone, `counted_until` is the last of these moments and
    `zone_counts` those of the zones that drafts name.
    """

    pair: Pair
    bins: Bins
    version: int
    scale: int
    batches: dict[BatchKey, Bins] | None = None
    timezone: str = "UTC"
    today: date = date.min
    received_at: datetime | None = None
    container: int | None = None
    recipe_id: UUID | None = None
    sold_out: bool = False
    value: int = 0
    unit_cost: int | None = None
    price: int | None = None
    markdowns: dict[UUID, int] = field(default_factory=_no_markdowns)
    received: dict[UUID, datetime] = field(default_factory=_no_receipts)
    held_until: datetime | None = None
    reorder_point: int = 0
    shelf_before: int = 0
    transit_before: int = 0
    counted_at: datetime | None = None
    counted_until: datetime | None = None
    zone_counts: dict[str, datetime] = field(default_factory=_no_zone_counts)
    limits: dict[str, ChannelLimit] = field(default_factory=_no_limits)
    earmarks: Earmarks = field(default_factory=_no_earmarks)

    def fefo(self, batch: BatchKey) -> tuple[date, datetime, UUID]:
        """The place of a batch in the order of FEFO: of equal days, the first receipt first."""
        return batch.expires_on, self.received.get(batch.id, LATEST), batch.id

    def day_of(self, moment: datetime) -> date:
        """The store's day at that moment; no later than today."""
        return min(store_day(moment, self.timezone), self.today)

    def is_backdated(self, moment: datetime) -> bool:
        """Whether the moment lies on an earlier day of the store than today."""
        return self.day_of(moment) < self.today

    def was_counted_after(self, moment: datetime, zone: str | None) -> bool:
        """Whether the last closed stocktake counted the goods of the zone after that moment.

        Without a zone: whether it counted all of them after it.
        """
        if self.counted_at is None:
            return False
        counted_at = self.zone_counts.get(zone, self.counted_at) if zone else self.counted_at
        return moment < max(counted_at, self.counted_at)

    def was_counted_during(self, moment: datetime, zone: str | None) -> bool:
        """Whether the moment lies between the counts of several zones, and the zone is none of
        them: it is unknown whether the goods were gone when they were counted."""
        first, last = self.counted_at, self.counted_until
        return bool(first and last and first <= moment < last and zone not in self.zone_counts)

    @property
    def on_hand(self) -> int:
        """Base units in the store."""
        return self.bins["shelf"] + self.bins["reserved"] + self.bins["quarantine"]

    @property
    def held(self) -> int:
        """Base units in the store and on their way to it."""
        return sum(self.bins.values())

    def worth(self, quantity: int) -> int:
        """The cost of `quantity` base units in 1/10000 yuan, at the moving average."""
        return average_cost(quantity, self.held, self.value, self.scale, self.unit_cost)

    def covers(self, quantity: int, cost: int) -> bool:
        """Whether `quantity` base units can leave at this cost: the rest is worth 0 or more, and 0
        when nothing stays."""
        return cost == self.value if quantity == self.held else cost <= self.value

    def move(self, batch: BatchKey | None, bin: str, change: int) -> None:
        """Changes one bin of the level and of the batch by this number of base units."""
        self.bins[bin] += change
        if batch is not None:
            assert self.batches is not None
            bins = self.batches.setdefault(batch, dict.fromkeys(PHYSICAL_BINS, 0))
            bins[bin] += change


Levels = dict[Pair, LockedLevel]


class Move(NamedTuple):
    """A line, or one batch's part of it, in base units, and the levels it touches.

    `named` is whether FEFO alone did not choose the batch. `cost` is what the goods cost when
    they were sold or came in, in 1/10000 yuan; None when the ledger finds the cost. `charge` is
    what a customer pays for the quantity or gets back; None if no price is known.
    """

    line: Line
    quantity: int
    source: LockedLevel
    target: LockedLevel
    batch: BatchKey | None = None
    named: bool = False
    cost: int | None = None
    charge: Charge | None = None

    @property
    def percent_off(self) -> int:
        """Percent off the product's own price for these goods; 0 for a price that was given."""
        if not self.line.listed or self.batch is None:
            return 0
        return self.source.markdowns.get(self.batch.id, 0)


def with_costs(moves: Sequence[Move], cost: int) -> list[Move]:
    """The moves, which together cost `cost`, each with its share of it."""
    left = sum(move.quantity for move in moves)
    shared: list[Move] = []
    for move in moves:
        own = share(cost, move.quantity, left)
        cost, left = cost - own, left - move.quantity
        shared.append(move._replace(cost=own))
    return shared
