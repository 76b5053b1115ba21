"""The plan of a movement: pure functions of what the locked levels hold.

Nothing here reads or writes; `ledger.post` calls it under the locks.
"""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from app.db.movements import History
from app.domain.draft import Draft, Line, Pair
from app.domain.errors import (
    InvalidQuantity,
    OutOfStock,
    Refusal,
    ReturnExceedsSale,
    Shortage,
    UnknownProduct,
    VersionConflict,
    WrongState,
)
from app.domain.rules.kinds import Kind
from app.domain.rules.units import LIMIT, to_base


@dataclass(slots=True, eq=False)
class Stock:
    """One locked level while its unit decides: the bins in base units, and the position."""

    pair: Pair
    bins: dict[str, int]
    version: int
    scale: int
    received_at: datetime | None = None

    @property
    def on_hand(self) -> int:
        return self.bins["shelf"] + self.bins["reserved"] + self.bins["quarantine"]


Levels = dict[Pair, Stock]


class Move(NamedTuple):
    """A line in base units, judged possible, and the levels it touches."""

    line: Line
    quantity: int
    source: Stock
    target: Stock


def plan(draft: Draft, levels: Levels, histories: dict[UUID, History]) -> list[Move] | Refusal:
    """The moves of a movement that is possible as a whole; all or nothing."""
    origin = draft.reverses_id or draft.sale_id
    if origin is None:
        return _moves(draft, levels)
    history = histories[origin]
    refusal = _origin(draft, history, levels)
    moves = refusal or _moves(draft, levels)
    if not isinstance(moves, Refusal):
        _note_origin(draft, history, moves)
    return moves


def _moves(draft: Draft, levels: Levels) -> list[Move] | Refusal:
    """The same product in several lines is summed before it is compared with what is there."""
    moves: list[Move] = []
    for line in draft.lines:
        source = levels.get((line.source.store, line.product))
        elsewhere = line.target.store is not line.source.store
        target = levels.get((line.target.store, line.product)) if elsewhere else source
        if source is None or target is None:
            return _unknown(draft, levels)
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
        moves.append(Move(line, quantity, source, target))
    return _shortages(moves) or _overflow(moves) or moves


def _unknown(draft: Draft, levels: Levels) -> UnknownProduct:
    return UnknownProduct(tuple(sorted(str(pair[1]) for pair in draft.pairs if pair not in levels)))


def _shortages(moves: list[Move]) -> OutOfStock | None:
    """I4: what is asked of a bin, summed, is never more than it holds."""
    asked: dict[tuple[Stock, str], int] = {}
    for line, quantity, source, _ in moves:
        name = line.source.bin
        if name in source.bins:
            asked[source, name] = asked.get((source, name), 0) + quantity
    short = [
        Shortage(level.pair[1], quantity, level.bins[name], level.scale)
        for (level, name), quantity in asked.items()
        if quantity > level.bins[name]
    ]
    return OutOfStock(tuple(short)) if short else None


def _overflow(moves: list[Move]) -> InvalidQuantity | None:
    added: dict[Stock, int] = {}
    for line, quantity, _, target in moves:
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
        sold = history.moved.get(line.product, 0)
        returned = history.returned.get(line.product, 0)
        if asked[line.product] > sold - returned:
            return ReturnExceedsSale(line.product, sold, returned, asked[line.product], scale)
    return None


def _note_origin(draft: Draft, history: History, moves: list[Move]) -> None:
    """Neighbours in the same `post` see what this movement took back."""
    if draft.reverses_id is not None:
        history.reversed = True
        return
    for move in moves:
        product = move.line.product
        history.returned[product] = history.returned.get(product, 0) + move.quantity
