"""The ledger: stock changes here and nowhere else.

`post` takes many movements, judges each on its own and writes the accepted ones in the caller's
transaction. The level rows are the locks; the plan is a pure function of what they hold.
"""

import hashlib
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple
from uuid import UUID

from uuid_utils.compat import uuid7

from app.db import levels as level_rows
from app.db import movements as movement_rows
from app.db.movements import History
from app.db.tables import Entry, Movement
from app.db.unit import Unit
from app.domain.errors import (
    InvalidQuantity,
    KeyReused,
    OutOfStock,
    Refusal,
    ReturnExceedsSale,
    Shortage,
    UnknownProduct,
    VersionConflict,
    WrongState,
)
from app.domain.rules.kinds import PHYSICAL, Kind
from app.domain.rules.units import LIMIT, from_base, to_base

HEAD = movement_rows.MOVEMENT
Pair = tuple[UUID, UUID]
Outcome = Movement | Refusal


class Place(NamedTuple):
    store: UUID
    bin: str


@dataclass(frozen=True, slots=True)
class Line:
    """`quantity` is in the product's unit; `unit_cost` in 1/10000 yuan a unit."""

    product: UUID
    quantity: Decimal
    source: Place
    target: Place
    unit_cost: int | None = None
    expected_version: int | None = None


@dataclass(frozen=True, slots=True)
class Draft:
    """A movement somebody wants. `fingerprint` is what the client sent, hashed (see `print_of`)."""

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
    id: UUID = field(default_factory=uuid7)
    pairs: frozenset[Pair] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        places = ((place.store, e.product) for e in self.lines for place in (e.source, e.target))
        object.__setattr__(self, "pairs", frozenset(places))

    @property
    def claim(self) -> tuple[UUID, UUID]:
        return self.actor, self.key


def print_of(*parts: Any) -> bytes:
    """The fingerprint of an input: equal for equal inputs, whatever order they arrive in."""
    return hashlib.sha256(repr(parts).encode()).digest()


@dataclass(slots=True)
class Stock:
    """One locked level while its unit decides: the bins in base units, and the position."""

    bins: dict[str, int]
    version: int
    scale: int
    received_at: datetime | None = None

    @property
    def on_hand(self) -> int:
        return self.bins["shelf"] + self.bins["reserved"] + self.bins["quarantine"]


Levels = dict[Pair, Stock]


class Move(NamedTuple):
    """A line in base units, judged possible."""

    line: Line
    quantity: int


class Settle:
    """The lane's work: one transaction for whatever waited."""

    def __init__(self) -> None:
        self._known: set[Pair] = set()

    async def __call__(self, unit: Unit, drafts: Sequence[Draft]) -> list[Outcome]:
        await open_levels(unit, {pair for d in drafts for pair in d.pairs}, self._known)
        async with unit:
            return await post(unit, drafts)


async def open_levels(unit: Unit, pairs: set[Pair], known: set[Pair]) -> None:
    """Makes the rows `post` will lock, in a transaction before its own, so that every later
    lock is taken in order. `known` remembers rows that exist: they are never deleted."""
    fresh = pairs - known
    if not fresh:
        return
    async with unit:
        there = await level_rows.open_levels(unit, fresh)
    if len(known) > 200_000:
        known.clear()
    known |= there


async def post(unit: Unit, drafts: Sequence[Draft]) -> list[Outcome]:
    """Accepts or refuses each movement on its own, in order, and writes the accepted ones.

    One outcome a draft: the movement, or a refusal that left nothing behind. A key that was
    answered before gives its first answer again. Lock order: keys, levels, feeds.
    """
    firsts: dict[tuple[UUID, UUID], Draft] = {}
    for draft in drafts:
        firsts.setdefault(draft.claim, draft)
    outcomes = await _post_once(unit, list(firsts.values()))
    return [
        outcomes[draft.claim]
        if draft.fingerprint == firsts[draft.claim].fingerprint
        else KeyReused(draft.key)
        for draft in drafts
    ]


async def _post_once(unit: Unit, drafts: list[Draft]) -> dict[tuple[UUID, UUID], Outcome]:
    # I5: the keys are claimed before anything is read or decided.
    won, found = await level_rows.claim_and_lock(
        unit,
        [level_rows.Claim(*d.claim, d.fingerprint, d.id) for d in drafts],
        {pair for draft in drafts for pair in draft.pairs},
    )
    outcomes = await _answers(unit, [draft for draft in drafts if draft.claim not in won])
    fresh = [draft for draft in drafts if draft.claim in won]
    levels = {
        pair: Stock(dict(zip(PHYSICAL, bins, strict=False)), bins.version, bins.scale)
        for pair, bins in found.items()
    }
    histories = await _histories(unit, fresh)
    book = _Book(unit, levels)
    for draft in fresh:
        outcomes[draft.claim] = book.enter(draft, histories)
    await book.write([claim for claim in won if isinstance(outcomes[claim], Refusal)])
    return outcomes


async def _answers(unit: Unit, drafts: list[Draft]) -> dict[tuple[UUID, UUID], Outcome]:
    if not drafts:
        return {}
    # A key that made something else, a product say, has no movement to answer with.
    told = await movement_rows.answered(unit, [draft.claim for draft in drafts])
    answers: dict[tuple[UUID, UUID], Outcome] = {}
    for draft in drafts:
        known = told.get(draft.claim)
        if known is not None and known[0] == draft.fingerprint:
            answers[draft.claim] = known[1]
        else:
            answers[draft.claim] = KeyReused(draft.key)
    return answers


async def _histories(unit: Unit, drafts: Iterable[Draft]) -> dict[UUID, History]:
    ids = {origin for d in drafts if (origin := d.sale_id or d.reverses_id) is not None}
    return await movement_rows.histories(unit, ids) if ids else {}


class _Book:
    """The accepted movements of one `post`, and the levels as they leave them."""

    def __init__(self, unit: Unit, levels: Levels) -> None:
        self.unit = unit
        self.levels = levels
        self.movements: list[Movement] = []
        self.heads: list[tuple[Any, ...]] = []
        self.entries: list[tuple[Any, ...]] = []
        self.touched: set[Pair] = set()

    def enter(self, draft: Draft, histories: dict[UUID, History]) -> Outcome:
        refusal = judge_origin(draft, histories, self.levels)
        plan = refusal or judge(draft, self.levels)
        if isinstance(plan, Refusal):
            return plan
        for number, move in enumerate(plan, 1):
            self.entries.append(self._apply(draft, number, move))
        note_origin(draft, histories, plan)
        head = _head(draft)
        movement = movement_rows.told_movement({"tenant_id": self.unit.tenant, **head})
        self.heads.append(tuple(head.values()))
        self.movements.append(movement)
        return movement

    def _apply(self, draft: Draft, number: int, move: Move) -> tuple[Any, ...]:
        line, quantity = move
        source = self._step(draft, line.source, line.product, -quantity)
        target = self._step(draft, line.target, line.product, quantity)
        if source and target and line.source.store == line.target.store:
            # A move inside one level is one position of it, told by the from pair.
            level = self.levels[line.source.store, line.product]
            level.version -= 1
            source, target = (source[0], level.on_hand), None
        stock = self.levels[line.source.store, line.product]
        if line.source.bin == "supplier":
            self.levels[line.target.store, line.product].received_at = draft.occurred_at
        return (
            draft.id,
            number,
            line.product,
            *line.source,
            *line.target,
            quantity,
            stock.scale,
            line.unit_cost,
            *(source or (None, None)),
            *(target or (None, None)),
        )

    def _step(
        self, draft: Draft, place: Place, product: UUID, change: int
    ) -> tuple[int, int] | None:
        """Changes one bin; gives the level's new position and on-hand. Virtual bins hold none."""
        if place.bin not in PHYSICAL:
            return None
        level = self.levels[place.store, product]
        level.bins[place.bin] += change
        level.version += 1
        self.touched.add((place.store, product))
        return level.version, level.on_hand

    async def write(self, refused: list[tuple[UUID, UUID]]) -> None:
        if not self.movements and not refused:
            return
        levels = []
        for store, product in sorted(self.touched):
            stock = self.levels[store, product]
            bins = (stock.bins[name] for name in PHYSICAL)
            levels.append((store, product, *bins, stock.version, stock.received_at))
            self.unit.changed(store, product)
        recorded_at = await movement_rows.write(
            self.unit, levels, self.heads, self.entries, refused
        )
        for movement in self.movements:
            movement.recorded_at = recorded_at


def judge(draft: Draft, levels: Levels) -> list[Move] | Refusal:
    """Whether every line of the movement is possible at once; all or nothing.

    The same product in several lines is summed before it is compared with what is there.
    """
    if unknown := [product for _, product in draft.pairs - levels.keys()]:
        return UnknownProduct(tuple(sorted(map(str, unknown))))
    moves: list[Move] = []
    for line in draft.lines:
        level = levels[line.source.store, line.product]
        quantity = to_base(line.quantity, level.scale)
        if quantity is None:
            return InvalidQuantity(line.product, str(line.quantity))
        if line.expected_version is not None and line.expected_version != level.version:
            return VersionConflict(
                line.product,
                line.expected_version,
                level.version,
                level.bins["shelf"],
                level.scale,
            )
        moves.append(Move(line, quantity))
    return _shortages(moves, levels) or _overflow(moves, levels) or moves


def _shortages(moves: list[Move], levels: Levels) -> OutOfStock | None:
    """I4: what is asked of a bin, summed, is never more than it holds."""
    asked: dict[tuple[Place, UUID], int] = {}
    for line, quantity in moves:
        if line.source.bin in PHYSICAL:
            place = line.source, line.product
            asked[place] = asked.get(place, 0) + quantity
    short = []
    for (place, product), quantity in asked.items():
        level = levels[place.store, product]
        if quantity > level.bins[place.bin]:
            short.append(Shortage(product, quantity, level.bins[place.bin], level.scale))
    return OutOfStock(tuple(short)) if short else None


def _overflow(moves: list[Move], levels: Levels) -> InvalidQuantity | None:
    added: dict[Pair, int] = {}
    for line, quantity in moves:
        if line.target.bin in PHYSICAL:
            pair = line.target.store, line.product
            added[pair] = added.get(pair, sum(levels[pair].bins.values())) + quantity
            if added[pair] > LIMIT:
                return InvalidQuantity(line.product, str(line.quantity))
    return None


def judge_origin(draft: Draft, histories: dict[UUID, History], levels: Levels) -> Refusal | None:
    """A movement is undone once, and no more of a sale comes back than was sold."""
    if draft.reverses_id is not None:
        history = histories[draft.reverses_id]
        if history.kind == Kind.REVERSAL.name:
            return WrongState("REVERSAL")
        if history.reversed:
            return WrongState("REVERSED")
        return WrongState("RETURNED") if history.returned else None
    if draft.sale_id is None:
        return None
    history = histories[draft.sale_id]
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


def note_origin(draft: Draft, histories: dict[UUID, History], moves: list[Move]) -> None:
    """Neighbours in the same `post` see what this movement took back."""
    if draft.reverses_id is not None:
        histories[draft.reverses_id].reversed = True
    if draft.sale_id is not None:
        returned = histories[draft.sale_id].returned
        for line, quantity in moves:
            returned[line.product] = returned.get(line.product, 0) + quantity


def _head(draft: Draft) -> dict[str, Any]:
    """The movement's own columns, in the order they are written in."""
    own = {"kind": draft.kind.name, "store_id": draft.store, "actor_id": draft.actor}
    return {name: own[name] if name in own else getattr(draft, name) for name in HEAD}


def swapped(entries: Sequence[Entry]) -> tuple[Line, ...]:
    """The lines that undo these entries: each goes back the way it came."""
    return tuple(
        Line(
            entry.product_id,
            from_base(entry.quantity, entry.scale),
            Place(entry.to_store, entry.to_bin),
            Place(entry.from_store, entry.from_bin),
            entry.unit_cost,
        )
        for entry in entries
    )
