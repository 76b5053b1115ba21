"""Levels as a post holds them under their locks, and the moves between them."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import NamedTuple
from uuid import UUID

from app.domain.ledger.draft import Line, Pair
from app.domain.rules.fefo import cost_of, share
from app.domain.rules.kinds import PHYSICAL_BINS


class Batch(NamedTuple):
    """Sorts in the order of FEFO."""

    expires_on: date
    id: UUID


@dataclass(slots=True)
class ChannelLimit:
    """What binds a channel at a level: the days a batch must have left, base units kept for the
    counter, and how many it may still sell, None for no bound."""

    days_left: int = 0
    buffer: int = 0
    left: int | None = None


FREE = ChannelLimit()


@dataclass(slots=True, eq=False)
class Stock:
    """One locked level while its unit decides: the bins in base units, and the position.

    `batches` has the bins of each batch, None for a product without; `today` is the store's.
    `rations` are what binds channels; `value` is what all that is held did cost. `earmarks` are
    base units in quarantine that write-offs wait for, by batch (None without) and document.
    """

    pair: Pair
    bins: dict[str, int]
    version: int
    scale: int
    batches: dict[Batch, dict[str, int]] | None = None
    today: date = date.min
    received_at: datetime | None = None
    container: int | None = None
    recipe_id: UUID | None = None
    sold_out: bool = False
    value: int = 0
    unit_cost: int | None = None
    held_until: datetime | None = None
    rations: dict[str, ChannelLimit] = field(default_factory=dict)
    earmarks: Counter[tuple[UUID | None, UUID]] = field(default_factory=Counter)

    @property
    def on_hand(self) -> int:
        return self.bins["shelf"] + self.bins["reserved"] + self.bins["quarantine"]

    @property
    def held(self) -> int:
        return sum(self.bins.values())

    def worth(self, quantity: int) -> int:
        """Base units at the average cost: of what is held, else of what was held last."""
        if held := self.held:
            return share(self.value, quantity, held)
        return 0 if self.unit_cost is None else cost_of(quantity, self.scale, self.unit_cost)

    def move(self, batch: Batch | None, name: str, change: int) -> None:
        self.bins[name] += change
        if batch is not None:
            assert self.batches is not None
            bins = self.batches.setdefault(batch, dict.fromkeys(PHYSICAL_BINS, 0))
            bins[name] += change


Levels = dict[Pair, Stock]


class Move(NamedTuple):
    """A line, or one batch's part of it, in base units, and the levels it touches.

    `named` says that the batch was not chosen by FEFO alone; `cost` is what it was worth when
    it was sold.
    """

    line: Line
    quantity: int
    source: Stock
    target: Stock
    batch: Batch | None = None
    named: bool = False
    cost: int | None = None
