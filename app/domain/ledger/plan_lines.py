"""The lines of one draft, planned one after the other against the locked levels.

What a line takes is gone for the next one, and what it brings is there.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from uuid import UUID

from app.db.channel_limits import ChannelLimit
from app.db.movements import History
from app.domain.errors import (
    BatchExpired,
    InvalidQuantity,
    Refusal,
    ReturnExceedsSale,
    UnknownProduct,
    VersionConflict,
)
from app.domain.ledger.channel_limits import is_bound
from app.domain.ledger.draft import Draft, Line, Place, unlabelled_batch
from app.domain.ledger.locked import NO_LIMIT, Bins, Levels, LockedLevel, Move, with_costs
from app.domain.rules.days import store_day
from app.domain.rules.fefo import BatchChoice, BatchKey, choose_batches, expired, pick
from app.domain.rules.kinds import CONSUMING_BINS, PROMISED_BINS, SEALED_BINS, UNEXPIRED_BINS
from app.domain.rules.prices import MOST_AMOUNT, charge_of, parts
from app.domain.rules.shortages import NO_DEMAND, Demand, after_line, available
from app.domain.rules.units import from_base, to_base

Demands = dict[tuple[LockedLevel, str], Demand]
"""What the lines ask of each bin."""


class LinePlanner:
    """Plans a draft's lines: `moves` is what they do, `demands` what they ask of each bin."""

    __slots__ = (
        "_added",
        "_bound",
        "_draft",
        "_expiries",
        "_history",
        "_levels",
        "_new_batches",
        "_returned",
        "_taken",
        "demands",
        "moves",
    )

    def __init__(
        self,
        draft: Draft,
        levels: Levels,
        expiries: Mapping[UUID, date],
        history: History | None,
    ) -> None:
        self.moves: list[Move] = []
        self.demands: Demands = {}
        self._draft = draft
        self._levels = levels
        self._expiries = expiries
        self._history = history
        self._bound = is_bound(draft)
        self._added: dict[tuple[LockedLevel, str], int] = {}
        self._taken: dict[tuple[LockedLevel, BatchKey, str], int] = {}
        self._new_batches: dict[LockedLevel, set[BatchKey]] = {}
        self._returned: Counter[BatchKey] = Counter()

    def plan_lines(self) -> Refusal | None:
        """Plans every line. Returns the first refusal that is no shortage, if there is one."""
        if self._draft.order is not None:
            self._refuse_sold_out_dishes()
        for line in self._draft.lines:
            first = len(self.moves)
            if refusal := self._plan_line(line) or self._charge(line, first):
                return refusal
        return None

    def _refuse_sold_out_dishes(self) -> None:
        """An ordered dish that is marked sold out is short, even if its components are not."""
        assert self._draft.order is not None
        for line in self._draft.order.lines:
            level = self._levels.get((self._draft.store, line.product_id))
            if line.product_id in self._draft.recipes and level is not None and level.sold_out:
                self._ask(level, "shelf", line.quantity, 0)

    def _plan_line(self, line: Line) -> Refusal | None:
        source = self._levels.get((line.source.store, line.product))
        elsewhere = line.target.store is not line.source.store
        target = self._levels.get((line.target.store, line.product)) if elsewhere else source
        if source is None or target is None:
            return _unknown(self._draft, self._levels)
        quantity = to_base(line.quantity, source.scale)
        if quantity is None:
            return InvalidQuantity(line.product, str(line.quantity))
        if line.expected_version is not None and line.expected_version != source.version:
            shelf = source.bins["shelf"]
            expected = line.expected_version
            return VersionConflict(line.product, expected, source.version, shelf, source.scale)
        if line.shown_expiry is not None and self._shows_expired(line, line.shown_expiry, source):
            return BatchExpired(line.product, line.shown_expiry)
        if source.sold_out and line.target.bin in PROMISED_BINS and not self._is_a_fact():
            self._ask(source, line.source.bin, quantity, quantity if line.optional else 0)
            return None
        move = Move(line, quantity, source, target)
        if line.source.bin in source.bins:
            return self._take(move) if line.rest is None else self._take_in_turn(move, line.rest)
        if source.batches is None or line.target.bin not in target.bins:
            return self._add(move)
        return self._bring(move, source.batches)

    def _charge(self, line: Line, first: int) -> InvalidQuantity | None:
        """Charges the line's moves, from the `first` on, with their shares of its amount."""
        charge = line.charge
        if line.listed:
            source = self._levels.get((line.source.store, line.product))
            if source is not None and source.price is not None:
                charge = charge_of(source.price, line.quantity)
        if charge is None:
            return None
        if charge.amount > MOST_AMOUNT:
            return InvalidQuantity(line.product, str(line.quantity))
        # Goods that a shortage books in first are a line of their own, which has no price.
        moves = range(first, len(self.moves))
        mine = [n for n in moves if self.moves[n].line.target == line.target]
        goods = [(self.moves[n].quantity, self.moves[n].percent_off) for n in mine]
        for n, share in zip(mine, parts(charge, goods), strict=True):
            self.moves[n] = self.moves[n]._replace(charge=share)
        return None

    def _shows_expired(self, line: Line, shown: date, level: LockedLevel) -> bool:
        """Whether the code of the goods shows that they may not go there any longer (I8), or will
        be expired when they are handed over."""
        if line.target.bin not in UNEXPIRED_BINS or self._draft.reverses_id is not None:
            return False
        day, until = self._day_at(level), self._draft.lasts_until
        if until is not None and line.target.bin == "reserved":
            day = max(day, store_day(until, level.timezone))
        return expired(shown, day)

    def _is_a_fact(self) -> bool:
        """Whether the movement happened already, or undoes one: a mark does not forbid it."""
        return self._draft.accept_shortage or self._draft.reverses_id is not None

    def _ask(
        self, level: LockedLevel, bin: str, quantity: int, taken: int, optional: bool = False
    ) -> None:
        demand = self.demands.get((level, bin), NO_DEMAND)
        self.demands[level, bin] = after_line(demand, quantity, taken, optional)

    def _add(self, move: Move) -> None:
        """Appends the move; later lines may take what it brings to a bin."""
        self.moves.append(move)
        target, bin = move.target, move.line.target.bin
        if bin in target.bins:
            self._added[target, bin] = self._added.get((target, bin), 0) + move.quantity
            if move.batch is not None:
                key = target, move.batch, bin
                self._taken[key] = self._taken.get(key, 0) - move.quantity
                self._new_batches.setdefault(target, set()).add(move.batch)

    def _take_in_turn(self, move: Move, rest: str) -> Refusal | None:
        """Takes from the line's bin first and what is missing from `rest`; both share its cost."""
        line, first, left = move.line, len(self.moves), move.quantity
        for bin in (line.source.bin, rest):
            part = replace(line, source=line.source._replace(bin=bin), rest=None, optional=True)
            if refusal := self._take(move._replace(line=part, quantity=left)):
                return refusal
            left = move.quantity - sum(taken.quantity for taken in self.moves[first:])
            if left == 0:
                break
        if left:
            taken = self.demands[move.source, rest].available
            self._ask(move.source, line.source.bin, left + taken, taken)
        elif line.cost is not None:
            self.moves[first:] = with_costs(self.moves[first:], line.cost)
        return None

    def _take(self, move: Move) -> Refusal | None:
        batches = move.source.batches
        return self._take_plain(move) if batches is None else self._take_batches(move, batches)

    def _take_plain(self, move: Move) -> None:
        """Takes from a bin of a product that keeps no batches."""
        line, source, quantity = move.line, move.source, move.quantity
        bin = source, line.source.bin
        if self._is_late(move):
            self._book_in(move, quantity, None, late=True)
        kept = self._limit(move).buffer + self._earmarked(source, line.source.bin, None)
        demand = self.demands.get(bin, NO_DEMAND)
        left = available(source.bins[bin[1]], self._added.get(bin, 0), demand, kept)
        taken = min(left, quantity)
        if taken < quantity and self._accepts_shortage(line):
            self._book_in(move, quantity - taken, None)
            taken = quantity
        self.demands[bin] = after_line(demand, quantity, taken, line.optional)
        if line.optional and taken < quantity:
            move = move._replace(quantity=taken)
        if move.quantity:
            self._add(move)

    def _take_batches(self, move: Move, batches: dict[BatchKey, Bins]) -> Refusal | None:
        """Takes from the batches of a bin, by FEFO or from the batches the line names."""
        line, source, bin = move.line, move.source, move.line.source.bin
        choice = self._choose(move, batches)
        accepts = self._accepts_shortage(line)
        if choice.too_old is not None and not accepts:
            return BatchExpired(line.product, choice.too_old)
        # Earmarked goods were passed over, so FEFO alone did not choose.
        named = not choice.by_fefo or (bin == "quarantine" and bool(source.earmarks))
        if self._is_late(move):
            for batch, quantity in choice.parts:
                self._sell_gained(move, quantity, batch, late=True)
            if choice.taken < move.quantity:
                self._sell_booked_in(move, move.quantity - choice.taken, choice, late=True)
            return None
        for batch, quantity in choice.parts:
            self._take_batch(move._replace(quantity=quantity, batch=batch, named=named), batches)
        taken = choice.taken
        if taken < move.quantity and accepts:
            self._sell_booked_in(move, move.quantity - taken, choice)
        else:
            self._ask(source, bin, move.quantity, taken, line.optional)
        return None

    def _take_batch(self, move: Move, batches: dict[BatchKey, Bins]) -> None:
        """Takes of one batch from the line's bin; a backdated sale also from quarantine."""
        line, source, batch = move.line, move.source, move.batch
        assert batch is not None
        in_turn = [(line.source.bin, move)]
        if self._is_backdated(move):
            held = dict(self._held(source, batches, line.source.bin))
            first = min(move.quantity, max(0, held.get(batch, 0)))
            aside = replace(line, source=line.source._replace(bin="quarantine"))
            rest = move._replace(line=aside, quantity=move.quantity - first, named=True)
            in_turn = [(line.source.bin, move._replace(quantity=first)), ("quarantine", rest)]
        for bin, part in in_turn:
            if part.quantity:
                key = source, batch, bin
                self._taken[key] = self._taken.get(key, 0) + part.quantity
                self._add(part)

    def _is_backdated(self, move: Move) -> bool:
        """Whether goods were sold or used on an earlier day than this one: then batches that were
        good on that day may lie in quarantine since."""
        line = move.line
        sold = line.source.bin == "shelf" and line.target.bin in CONSUMING_BINS
        return sold and move.source.is_backdated(self._draft.occurred_at)

    def _day_at(self, level: LockedLevel) -> date:
        """The day by which the expiry of goods is judged."""
        return level.day_of(self._draft.occurred_at)

    def _put_aside(
        self, source: LockedLevel, batches: dict[BatchKey, Bins]
    ) -> list[tuple[BatchKey, int]]:
        """Quantity in quarantine of batches that have expired since the draft's day."""
        day, today = self._day_at(source), source.today
        aside = self._held(source, batches, "quarantine")
        return [(key, held) for key, held in aside if day <= key.expires_on < today and held > 0]

    def _choose(self, move: Move, batches: dict[BatchKey, Bins]) -> BatchChoice:
        line, source, bin = move.line, move.source, move.line.source.bin
        held = self._held(source, batches, bin)
        # I8: no expired batch is sold. A reversal only says that it never was.
        consumed = bin == "shelf" and line.target.bin in UNEXPIRED_BINS
        if not consumed or self._draft.reverses_id is not None:
            return choose_batches(held, move.quantity, named=line.batches)
        if self._is_backdated(move):
            both = dict(held)
            for batch, quantity in self._put_aside(source, batches):
                both[batch] = max(0, both[batch]) + quantity
            held = list(both.items())
        limit, until = self._limit(move), self._draft.lasts_until
        reserved = line.target.bin == "reserved"
        return choose_batches(
            held,
            move.quantity,
            today=self._day_at(source),
            days_left=limit.days_left,
            lasts_until=store_day(until, source.timezone) if until and reserved else None,
            buffer=limit.buffer,
            named=line.batches,
            container=source.container,
            sealed=line.target.bin in SEALED_BINS,
        )

    def _held(
        self, source: LockedLevel, batches: dict[BatchKey, Bins], bin: str
    ) -> list[tuple[BatchKey, int]]:
        """Quantity that this draft may take of each batch in a bin, in FEFO order."""
        new = self._new_batches.get(source)
        known = batches.keys() | new if new else batches
        taken, earmarked = self._taken, bin == "quarantine" and bool(source.earmarks)
        held: list[tuple[BatchKey, int]] = []
        for batch in sorted(known, key=source.fefo):
            bins = batches.get(batch)
            quantity = (bins[bin] if bins else 0) - taken.get((source, batch, bin), 0)
            if earmarked:
                quantity -= self._earmarked(source, bin, batch.id)
            held.append((batch, quantity))
        return held

    def _limit(self, move: Move) -> ChannelLimit:
        """Limit of the draft's channel for a move that takes goods from a shelf."""
        limits, line = move.source.limits, move.line
        if not limits or not self._bound or self._draft.channel is None:
            return NO_LIMIT
        if line.source.bin != "shelf" or line.target.bin not in UNEXPIRED_BINS:
            return NO_LIMIT
        return limits.get(self._draft.channel, NO_LIMIT)

    def _earmarked(self, source: LockedLevel, bin: str, batch: UUID | None) -> int:
        """Base units in this bin reserved by other documents; this draft must not take them."""
        if bin != "quarantine" or not source.earmarks:
            return 0
        mine = self._draft.document_id
        return sum(
            quantity
            for (of, document), quantity in source.earmarks.items()
            if of == batch and document != mine
        )

    def _accepts_shortage(self, line: Line) -> bool:
        """Whether the line sells what the shelf lacks on the books."""
        return self._draft.accept_shortage and line.source.bin == "shelf" and not line.optional

    def _is_late(self, move: Move) -> bool:
        """Whether a closed stocktake counted the level after these goods had left it: its variance
        has taken them out already, and they are not deducted twice (I14)."""
        line, draft = move.line, self._draft
        if line.source.bin != "shelf" or line.target.bin not in CONSUMING_BINS:
            return False
        return draft.dated and move.source.was_counted_after(draft.occurred_at, line.zone)

    def _book_in(
        self, move: Move, missing: int, batch: BatchKey | None, late: bool = False
    ) -> None:
        """The goods were physically there: books the difference in from `variance` first, so
        that no bin goes negative (I4)."""
        line, source = move.line, move.source
        quantity = from_base(missing, source.scale)
        variance = Place(line.source.store, "variance")
        gain = Line(line.product, quantity, variance, line.source, late=late, zone=line.zone)
        self._add(Move(gain, missing, source, source, batch, named=True))

    def _sell_booked_in(
        self, move: Move, missing: int, choice: BatchChoice, late: bool = False
    ) -> None:
        """Sells what is missing of the named batch, unless it is expired (I8); else of the
        unlabelled one."""
        if move.line.batches is not None and choice.candidates:
            batch = choice.candidates[0][0]
        else:
            batch = unlabelled_batch(move.line.product)
        self._sell_gained(move, missing, batch, late)

    def _sell_gained(self, move: Move, quantity: int, batch: BatchKey, late: bool) -> None:
        """Books this quantity of the batch in and sells it."""
        self._book_in(move, quantity, batch, late)
        key = move.source, batch, "shelf"
        self._taken[key] = self._taken.get(key, 0) + quantity
        self._add(move._replace(quantity=quantity, batch=batch, named=True))

    def _bring(self, move: Move, batches: dict[BatchKey, Bins]) -> Refusal | None:
        """Brings goods from a counter account: to the batches they were sold from, to the batch
        that arrives or is named, else to the batch that expires last."""
        line = move.line
        if self._history is not None and self._draft.sale_id is not None:
            return self._bring_back(move, self._history.batches[line.product])
        if line.arriving is not None:
            batch = BatchKey(line.arriving.expires_on, line.arriving.id)
        elif line.batches is not None:
            batch = BatchKey(self._expiries[line.batches[0]], line.batches[0])
        else:
            batch = max(batches, default=unlabelled_batch(line.product))
        return self._add(move._replace(batch=batch, named=line.batches is not None))

    def _bring_back(self, move: Move, sold: Mapping[UUID, int]) -> ReturnExceedsSale | None:
        """Back to the batches they were sold from, the one that expires last first."""
        line = move.line
        known = sorted((BatchKey(self._expiries[id], id) for id in sold), reverse=True)
        allowed = [b for b in known if line.batches is None or b.id in line.batches]
        left = [(batch, sold[batch.id] - self._returned[batch]) for batch in allowed]
        parts = pick(left, move.quantity)
        for batch, quantity in parts:
            self._returned[batch] += quantity
            named = line.batches is not None
            self._add(move._replace(quantity=quantity, batch=batch, named=named))
        if sum(quantity for _, quantity in parts) < move.quantity:
            out = sum(quantity for _, quantity in left)
            return ReturnExceedsSale(line.product, out, 0, move.quantity, move.source.scale)
        return None


def _unknown(draft: Draft, levels: Levels) -> UnknownProduct:
    return UnknownProduct(tuple(sorted(str(pair[1]) for pair in draft.pairs if pair not in levels)))
