"""The plan of a movement: pure functions of what the locked levels hold.

Nothing here reads or writes; `ledger.post` calls it under the locks.
"""

from collections import Counter
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import NamedTuple
from uuid import UUID

from app.db.movements import History
from app.domain.draft import Draft, Line, Pair, batch_id
from app.domain.errors import (
    BatchExpired,
    InvalidQuantity,
    OutOfStock,
    Refusal,
    ReturnExceedsSale,
    Shortage,
    UnknownProduct,
    VersionConflict,
    WrongState,
)
from app.domain.rules.fefo import NEVER, expired, pick
from app.domain.rules.kinds import PHYSICAL, Kind
from app.domain.rules.units import LIMIT, to_base

EATEN = ("customer", "kitchen", "reserved")
"""Where nothing expired may go."""


class Batch(NamedTuple):
    """Sorts in the order of FEFO."""

    expires_on: date
    id: UUID


@dataclass(slots=True, eq=False)
class Stock:
    """One locked level while its unit decides: the bins in base units, and the position.

    `batches` has the bins of each batch, None for a product without; `today` is the store's.
    """

    pair: Pair
    bins: dict[str, int]
    version: int
    scale: int
    batches: dict[Batch, dict[str, int]] | None = None
    today: date = date.min
    received_at: datetime | None = None

    @property
    def on_hand(self) -> int:
        return self.bins["shelf"] + self.bins["reserved"] + self.bins["quarantine"]

    def move(self, batch: Batch | None, name: str, change: int) -> None:
        self.bins[name] += change
        if batch is not None:
            assert self.batches is not None
            bins = self.batches.setdefault(batch, dict.fromkeys(PHYSICAL, 0))
            bins[name] += change


Levels = dict[Pair, Stock]


class Move(NamedTuple):
    """A line, or one batch's part of it, in base units, and the levels it touches."""

    line: Line
    quantity: int
    source: Stock
    target: Stock
    batch: Batch | None = None


@dataclass(slots=True)
class Origins:
    """What drafts refer to: movements that went before, and batches that are named."""

    histories: dict[UUID, History] = field(default_factory=dict)
    expiries: dict[UUID, date] = field(default_factory=dict)


def plan(draft: Draft, levels: Levels, origins: Origins) -> list[Move] | Refusal:
    """The moves of a movement that is possible as a whole; all or nothing."""
    origin = draft.reverses_id or draft.sale_id
    history = None if origin is None else origins.histories[origin]
    refusal = history and _origin(draft, history, levels)
    moves = refusal or _Planning(draft, levels, origins, history).moves()
    if history is not None and not isinstance(moves, Refusal):
        _note_origin(draft, history, moves)
    return moves


class _Planning:
    """One draft's lines, one after the other: what a line takes is gone for the next."""

    def __init__(
        self, draft: Draft, levels: Levels, origins: Origins, history: History | None
    ) -> None:
        self.draft = draft
        self.levels = levels
        self.expiries = origins.expiries
        self.history = history
        self.made: list[Move] = []
        self.asked: Counter[tuple[Stock, str]] = Counter()
        self.taken: Counter[tuple[Stock, Batch, str]] = Counter()
        self.back: Counter[Batch] = Counter()
        self.short: Counter[tuple[Stock, str]] = Counter()

    def moves(self) -> list[Move] | Refusal:
        for line in self.draft.lines:
            if refusal := self._line(line):
                return refusal
        return self._shortages() or _overflow(self.made) or self.made

    def _line(self, line: Line) -> Refusal | None:
        source = self.levels.get((line.source.store, line.product))
        elsewhere = line.target.store is not line.source.store
        target = self.levels.get((line.target.store, line.product)) if elsewhere else source
        if source is None or target is None:
            return _unknown(self.draft, self.levels)
        quantity = to_base(line.quantity, source.scale)
        if quantity is None:
            return InvalidQuantity(line.product, str(line.quantity))
        if line.expected_version is not None and line.expected_version != source.version:
            return VersionConflict(
                line.product,
                line.expected_version,
                source.version,
                source.bins["shelf"],
                source.scale,
            )
        leaves = line.source.bin in source.bins
        if leaves:
            self.asked[source, line.source.bin] += quantity
        if source.batches is None:
            self.made.append(Move(line, quantity, source, target))
            return None
        if leaves:
            return self._leaving(Move(line, quantity, source, target), source.batches)
        return self._coming(Move(line, quantity, source, target), source.batches)

    def _leaving(self, move: Move, batches: dict[Batch, dict[str, int]]) -> Refusal | None:
        """Takes what expires first, of the batches it may touch."""
        line, source = move.line, move.source
        name = line.source.bin
        allowed = [b for b in sorted(batches) if line.batches is None or b.id in line.batches]
        # I8: what is expired is never sold. Undoing says only that it never was.
        eaten = line.target.bin in EATEN and self.draft.reverses_id is None
        fresh = [b for b in allowed if not (eaten and expired(b.expires_on, source.today))]
        if line.batches is not None and allowed and not fresh:
            return BatchExpired(line.product, max(allowed).expires_on)
        # I7: the order is FEFO, unless somebody named a batch.
        held = ((b, batches[b][name] - self.taken[source, b, name]) for b in fresh)
        picked = pick(held, move.quantity)
        for batch, quantity in picked:
            self.taken[source, batch, name] += quantity
            self.made.append(move._replace(quantity=quantity, batch=batch))
        missing = move.quantity - sum(quantity for _, quantity in picked)
        if missing:
            self.short[source, name] += missing
        return None

    def _coming(self, move: Move, batches: dict[Batch, dict[str, int]]) -> Refusal | None:
        """Goods from no bin: their batch was sold, is told, or is the last there is."""
        line = move.line
        if self.history is not None and self.draft.sale_id is not None:
            return self._returning(move, self.history.batches[line.product])
        if line.arriving is not None:
            batch = Batch(line.arriving.expires_on, line.arriving.id)
        elif line.batches is not None:
            batch = Batch(self.expiries[line.batches[0]], line.batches[0])
        else:
            batch = max(batches, default=Batch(NEVER, batch_id(line.product, "", NEVER)))
        self.made.append(move._replace(batch=batch))
        return None

    def _returning(self, move: Move, sold: Counter[UUID]) -> Refusal | None:
        """Back to the batches they were sold from, what expires last before the others."""
        line = move.line
        known = sorted((Batch(self.expiries[id], id) for id in sold), reverse=True)
        allowed = [b for b in known if line.batches is None or b.id in line.batches]
        left = {b: sold[b.id] - self.back[b] for b in allowed}
        picked = pick(left.items(), move.quantity)
        for batch, quantity in picked:
            self.back[batch] += quantity
            self.made.append(move._replace(quantity=quantity, batch=batch))
        if sum(quantity for _, quantity in picked) < move.quantity:
            out = sum(left.values())
            return ReturnExceedsSale(line.product, out, 0, move.quantity, move.source.scale)
        return None

    def _shortages(self) -> OutOfStock | None:
        """I4: what is asked of a bin, summed, is never more than it holds."""
        short = [
            Shortage(level.pair[1], asked, available, level.scale)
            for (level, name), asked in self.asked.items()
            if asked > (available := self._available(level, name))
        ]
        return OutOfStock(tuple(short)) if short else None

    def _available(self, level: Stock, name: str) -> int:
        if level.batches is None:
            return level.bins[name]
        return self.asked[level, name] - self.short[level, name]


def _unknown(draft: Draft, levels: Levels) -> UnknownProduct:
    return UnknownProduct(tuple(sorted(str(pair[1]) for pair in draft.pairs if pair not in levels)))


def _overflow(moves: list[Move]) -> InvalidQuantity | None:
    added: dict[Stock, int] = {}
    for line, quantity, _, target, _ in moves:
        if line.target.bin in target.bins:
            added[target] = added.get(target, sum(target.bins.values())) + quantity
            if added[target] > LIMIT:
                return InvalidQuantity(line.product, str(line.quantity))
    return None


def _origin(draft: Draft, history: History, levels: Levels) -> Refusal | None:
    """A movement is undone once, and no more of a sale comes back than was sold."""
    if draft.reverses_id is not None:
        if history.kind == Kind.REVERSAL.name:
            return WrongState("REVERSAL")
        if history.reversed:
            return WrongState("REVERSED")
        return WrongState("RETURNED") if history.returned else None
    if history.kind != Kind.SALE.name:
        return WrongState("NOT_A_SALE")
    if history.reversed:
        return WrongState("REVERSED")
    return _excess(draft, history, levels)


def _excess(draft: Draft, history: History, levels: Levels) -> Refusal | None:
    asked: Counter[UUID] = Counter()
    for line in draft.lines:
        level = levels.get((line.source.store, line.product))
        scale = level.scale if level else 1
        asked[line.product] += to_base(line.quantity, scale) or 0
        sold, returned = history.moved[line.product], history.returned[line.product]
        if asked[line.product] > sold - returned:
            return ReturnExceedsSale(line.product, sold, returned, asked[line.product], scale)
    return None


def _note_origin(draft: Draft, history: History, moves: list[Move]) -> None:
    """Neighbours in the same `post` see what this movement took back."""
    if draft.reverses_id is not None:
        history.reversed = True
        return
    for move in moves:
        history.take_back(move.line.product, move.batch and move.batch.id, move.quantity)
