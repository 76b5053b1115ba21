"""The plan of a movement: pure functions of what the locked levels hold.

Nothing here reads or writes; `ledger.post` calls it under the locks.
"""

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import date, timedelta
from uuid import UUID

from app.db.movements import History
from app.db.orders import PlacedOrder as Ordered
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
from app.domain.ledger.draft import Draft, Line, Outdated, Place, batch_id
from app.domain.ledger.locked import FREE, Batch, ChannelLimit, Levels, Move, Stock
from app.domain.rules.fefo import NEVER, cost_of, expired, pick, pick_opened, share
from app.domain.rules.kinds import (
    PROMISED_BINS,
    RETURNABLE_KINDS,
    SEALED_BINS,
    UNEXPIRED_BINS,
    Kind,
)
from app.domain.rules.units import LIMIT, from_base, to_base

MOST_COST = 10**17
"""No movement and no level is worth more (1/10000 yuan), so that sums stay inside 64 bits."""


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
    if history is None or isinstance(moves, Refusal):
        return moves
    return _noted(draft, history, moves)


class _Planning:
    """One draft's lines, one after the other: what a line takes is gone for the next, and what
    it brings is there."""

    def __init__(
        self, draft: Draft, levels: Levels, origins: Origins, history: History | None
    ) -> None:
        self.draft = draft
        self.levels = levels
        self.expiries = origins.expiries
        self.history = history
        self.made: list[Move] = []
        self.asked: Counter[tuple[Stock, str]] = Counter()
        self.short: Counter[tuple[Stock, str]] = Counter()
        self.brought: Counter[tuple[Stock, str]] = Counter()
        self.taken: Counter[tuple[Stock, Batch, str]] = Counter()
        self.joined: dict[Stock, set[Batch]] = defaultdict(set)
        self.back: Counter[Batch] = Counter()

    def moves(self) -> list[Move] | Refusal:
        for product, recipe in self.draft.recipes.items():
            level = self.levels.get((self.draft.store, product))
            if level is not None and level.recipe_id != recipe:
                return Outdated(product)
        if self.draft.order is not None:
            self._off_menu(self.draft.order)
        for line in self.draft.lines:
            if refusal := self._line(line):
                return refusal
        rationed = self._rationed()
        refusal = self._shortages() or _overflow(self.made)
        if refusal is None:
            for ration, quantity in rationed:
                # A neighbour in the same `post` has that much less.
                ration.left = (ration.left or 0) - quantity
        return refusal or self.made

    def _ration(self, level: Stock) -> ChannelLimit:
        return level.rations.get(self.draft.channel or "", FREE)

    def _rationed(self) -> list[tuple[ChannelLimit, int]]:
        """What is sold beyond what the channel may sell is short, whatever there is."""
        taken: list[tuple[ChannelLimit, int]] = []
        if not any(self.levels[pair].rations for pair in self.draft.pairs):
            return taken
        for product, quantity in self._sold().items():
            level = self.levels[self.draft.store, product]
            ration = self._ration(level)
            if ration.left is None:
                continue
            taken.append((ration, quantity))
            if quantity > ration.left:
                key = level, "shelf"
                self.asked[key] = max(self.asked[key], quantity)
                self.short[key] = max(self.short[key], quantity - ration.left)
        return taken

    def _sold(self) -> Counter[UUID]:
        """Base units of the products a customer asked for; not of what they are made of."""
        sold: Counter[UUID] = Counter()
        if self.draft.order is not None:
            for each in self.draft.order.lines:
                sold[each.product_id] += each.quantity
            return sold
        for line in self.draft.lines:
            if line.target.bin == "customer":
                scale = self.levels[line.target.store, line.product].scale
                sold[line.product] += to_base(line.quantity, scale) or 0
        return sold

    @property
    def _undeniable(self) -> bool:
        """It happened already, or is undone: nothing forbids it."""
        return self.draft.accept_shortage or self.draft.reverses_id is not None

    def _off_menu(self, order: Ordered) -> None:
        """Dishes that were taken off by hand are short, whatever there is of what they take."""
        for line in order.lines:
            level = self.levels.get((self.draft.store, line.product_id))
            if line.product_id in self.draft.recipes and level is not None and level.sold_out:
                self._miss(level, "shelf", line.quantity, line.quantity)

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
        move = Move(line, quantity, source, target)
        if source.sold_out and line.target.bin in PROMISED_BINS and not self._undeniable:
            self._miss(source, line.source.bin, quantity, 0 if line.optional else quantity)
            return None
        if line.source.bin in source.bins:
            return self._leaving(move)
        if source.batches is None or line.target.bin not in target.bins:
            return self._put(move)
        return self._coming(move, source.batches)

    def _put(self, move: Move) -> None:
        self.made.append(move)
        line, target = move.line, move.target
        if line.target.bin in target.bins:
            self.brought[target, line.target.bin] += move.quantity
            if move.batch is not None:
                self.taken[target, move.batch, line.target.bin] -= move.quantity
                self.joined[target].add(move.batch)

    def _miss(self, level: Stock, name: str, asked: int, missing: int) -> None:
        self.asked[level, name] += asked
        if missing > 0:
            self.short[level, name] += missing

    def _leaving(self, move: Move) -> Refusal | None:
        name = move.line.source.bin
        if move.source.batches is not None:
            return self._leaving_batches(move, move.source.batches)
        key = move.source, name
        kept = self._kept(move) + self._earmarked(move.source, name, None)
        left = max(0, move.source.bins[name] + self.brought[key] - self.asked[key] - kept)
        if left >= move.quantity:
            self.asked[key] += move.quantity
            return self._put(move)
        if self._accepts(move.line):
            self._find(move, move.quantity - left, None)
            self.asked[key] += move.quantity
            return self._put(move)
        # I4: what is asked of a bin, summed, is never more than it holds.
        asked = left if move.line.optional else move.quantity
        self._miss(move.source, name, asked, asked - left)
        return self._put(move._replace(quantity=asked)) if asked else None

    def _leaving_batches(self, move: Move, batches: dict[Batch, dict[str, int]]) -> Refusal | None:
        """Takes what expires first, of the batches it may touch."""
        line, source, name = move.line, move.source, move.line.source.bin
        known = {*batches, *self.joined[source]} if source in self.joined else batches
        # I8: what is expired is never sold. Undoing says only that it never was.
        eaten = (
            name == "shelf" and line.target.bin in UNEXPIRED_BINS and self.draft.reverses_id is None
        )
        fresh = [b for b in sorted(known) if not (eaten and expired(b.expires_on, source.today))]
        held = [(batch, self._held(source, batch, name)) for batch in fresh]
        lasting = self._lasting(source, held) if eaten and source.rations else held
        asked = move.quantity
        if kept := self._kept(move):
            asked = min(asked, max(0, sum(there for _, there in lasting) - kept))
        if line.batches is not None:
            allowed = [b for b in known if b.id in line.batches]
            held = [(batch, there) for batch, there in held if batch in allowed]
            lasting = [(batch, there) for batch, there in lasting if batch in allowed]
            if allowed and not lasting and not self._accepts(line):
                return BatchExpired(line.product, max(allowed).expires_on)
            fresh = [batch for batch in fresh if batch in allowed]
        # I7: the order is FEFO, unless somebody named a batch, or one is open or too old.
        picked = usual = pick(held, asked)
        if eaten and source.container is not None and line.batches is None:
            whole = line.target.bin in SEALED_BINS
            picked = pick_opened(lasting, asked, source.container, whole)
        elif len(lasting) < len(held):
            picked = pick(lasting, asked)
        # What is earmarked is passed over, so FEFO alone did not choose.
        passed = name == "quarantine" and bool(source.earmarks)
        named = line.batches is not None or picked != usual or passed
        for batch, quantity in picked:
            self.taken[source, batch, name] += quantity
            self._put(move._replace(quantity=quantity, batch=batch, named=named))
        taken = sum(quantity for _, quantity in picked)
        if self._accepts(line) and taken < move.quantity:
            self._sell_found(move, move.quantity - taken, fresh)
            return None
        asked = taken if line.optional else move.quantity
        self._miss(source, name, asked, asked - taken)
        return None

    def _kept(self, move: Move) -> int:
        """What the channel leaves on this shelf for the counter."""
        if move.line.source.bin != "shelf" or move.line.target.bin not in UNEXPIRED_BINS:
            return 0
        return self._ration(move.source).buffer

    def _earmarked(self, source: Stock, name: str, batch: UUID | None) -> int:
        """What other documents wait for in this bin: it is not for whoever else takes from it."""
        if name != "quarantine" or not source.earmarks:
            return 0
        mine = self.draft.document_id
        return sum(n for (of, by), n in source.earmarks.items() if of == batch and by != mine)

    def _accepts(self, line: Line) -> bool:
        """Whether what is missing was there all the same: it is sold."""
        return self.draft.accept_shortage and line.source.bin == "shelf" and not line.optional

    def _find(self, move: Move, missing: int, batch: Batch | None) -> None:
        """What was sold beyond the books was there: the difference is found first (I4)."""
        line, source = move.line, move.source
        variance = Place(line.source.store, "variance")
        told = from_base(missing, source.scale)
        found = Line(line.product, told, variance, line.source)
        self._put(Move(found, missing, source, source, batch, named=True))

    def _sell_found(self, move: Move, missing: int, fresh: list[Batch]) -> None:
        """Of the batch that was named, unless it is expired (I8); else of one nobody knows."""
        named = move.line.batches is not None and fresh
        nobodys = Batch(NEVER, batch_id(move.line.product, "", NEVER))
        batch = fresh[0] if named else nobodys
        self._find(move, missing, batch)
        self.taken[move.source, batch, "shelf"] += missing
        self._put(move._replace(quantity=missing, batch=batch, named=True))

    def _lasting(self, source: Stock, held: list[tuple[Batch, int]]) -> list[tuple[Batch, int]]:
        last = source.today + timedelta(days=self._ration(source).days_left)
        return [(batch, there) for batch, there in held if not expired(batch.expires_on, last)]

    def _held(self, source: Stock, batch: Batch, name: str) -> int:
        assert source.batches is not None
        bins = source.batches.get(batch)
        free = (bins[name] if bins else 0) - self._earmarked(source, name, batch.id)
        return free - self.taken[source, batch, name]

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
        return self._put(move._replace(batch=batch, named=line.batches is not None))

    def _returning(self, move: Move, sold: Counter[UUID]) -> Refusal | None:
        """Back to the batches they were sold from, what expires last before the others."""
        line = move.line
        known = sorted((Batch(self.expiries[id], id) for id in sold), reverse=True)
        allowed = [b for b in known if line.batches is None or b.id in line.batches]
        left = {b: sold[b.id] - self.back[b] for b in allowed}
        picked = pick(left.items(), move.quantity)
        for batch, quantity in picked:
            self.back[batch] += quantity
            named = line.batches is not None
            self._put(move._replace(quantity=quantity, batch=batch, named=named))
        if sum(quantity for _, quantity in picked) < move.quantity:
            out = sum(left.values())
            return ReturnExceedsSale(line.product, out, 0, move.quantity, move.source.scale)
        return None

    def _shortages(self) -> OutOfStock | None:
        """All that is short, with what there is."""
        short = [
            Shortage(level.pair[1], asked, asked - self.short[level, name], level.scale)
            for (level, name), asked in self.asked.items()
            if self.short[level, name]
        ]
        return OutOfStock(tuple(short)) if short else None


def _unknown(draft: Draft, levels: Levels) -> UnknownProduct:
    return UnknownProduct(tuple(sorted(str(pair[1]) for pair in draft.pairs if pair not in levels)))


def _overflow(moves: list[Move]) -> InvalidQuantity | None:
    added: dict[Stock, int] = {}
    worth: dict[Stock, int] = {}
    for line, quantity, _, target, *_ in moves:
        if line.target.bin in target.bins:
            added[target] = added.get(target, target.held) + quantity
            if added[target] > LIMIT:
                return InvalidQuantity(line.product, str(line.quantity))
            if line.unit_cost is not None:
                cost = cost_of(quantity, target.scale, line.unit_cost)
                worth[target] = worth.get(target, target.value) + cost
                if worth[target] > MOST_COST:
                    return InvalidQuantity(line.product, str(line.quantity))
    return None


def _origin(draft: Draft, history: History, levels: Levels) -> Refusal | None:
    """A movement is undone once, and no more of a sale comes back than was sold."""
    if draft.reverses_id is not None:
        if history.kind == Kind.REVERSAL.name:
            return WrongState("REVERSAL")
        if history.document:
            return WrongState("DOCUMENT")
        if history.reversed:
            return WrongState("REVERSED")
        return WrongState("RETURNED") if history.returned else None
    if history.kind not in RETURNABLE_KINDS:
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


def _noted(draft: Draft, history: History, moves: list[Move]) -> list[Move]:
    """Neighbours in the same `post` see what this movement took back, and at which cost."""
    if draft.reverses_id is not None:
        history.reversed = True
        return moves
    return [_taken_back(history, move) for move in moves]


def _taken_back(history: History, move: Move) -> Move:
    product = move.line.product
    left = history.moved[product] - history.returned[product]
    cost = share(history.costs[product], move.quantity, left)
    history.take_back(product, move.batch and move.batch.id, move.quantity, cost)
    return move._replace(cost=cost)
