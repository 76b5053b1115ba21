"""The ledger: stock changes here and nowhere else.

`post` takes many movements, judges each on its own and writes the accepted ones in the caller's
transaction. The level rows are the locks; the plan is a pure function of what they hold.
"""

from collections.abc import Iterable, Mapping, Sequence
from operator import attrgetter
from typing import Any
from uuid import UUID

from app.db import batches as batch_rows
from app.db import levels as level_rows
from app.db import movements as movement_rows
from app.db import orders as order_rows
from app.db.alerts import Shortfall, raise_discrepancies
from app.db.batches import ArrivingBatch as Arriving
from app.db.batches import BatchQuantity
from app.db.core.unit import Unit
from app.db.levels import Bins
from app.db.movements import History
from app.db.tables import Movement
from app.domain.errors import KeyReused, Refusal
from app.domain.ledger.channel_limits import load_limits
from app.domain.ledger.draft import Draft, Line, Pair, batch_id
from app.domain.ledger.earmarks import load_earmarks
from app.domain.ledger.guests import lock_guests
from app.domain.ledger.locked import Batch, Move, Stock
from app.domain.ledger.plan import Origins, plan
from app.domain.ledger.read_batches import read_batches
from app.domain.rules.fefo import NEVER, cost_of
from app.domain.rules.kinds import PHYSICAL_BINS

Outcome = Movement | Refusal

OWN = {"kind": "kind.name", "store_id": "store", "actor_id": "actor"}
HEAD = attrgetter(*(OWN.get(name, name) for name in movement_rows.MOVEMENT))
"""A draft's values for the movement's columns."""


class PostDrafts:
    """The lane's work: one transaction for whatever waited."""

    def __init__(self) -> None:
        self._known: set[Pair] = set()

    async def __call__(self, unit: Unit, drafts: Sequence[Draft]) -> list[Outcome]:
        await open_levels(unit, touched_levels(drafts), self._known)
        async with unit:
            return await post(unit, drafts)


def touched_levels(drafts: Iterable[Draft]) -> set[Pair]:
    return set().union(*(draft.pairs for draft in drafts))


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
    answered before gives its first answer again. Lock order: keys, levels, guests, new batches,
    feeds.
    """
    firsts: dict[tuple[UUID, UUID], Draft] = {}
    for draft in drafts:
        firsts.setdefault(draft.claim, draft)
    outcomes = await _post_once(unit, list(firsts.values()))
    for twin in drafts if len(firsts) < len(drafts) else ():
        first = firsts[twin.claim]
        same = twin.fingerprint == first.fingerprint
        outcomes[twin] = outcomes[first] if same else KeyReused(twin.key)
    return [outcomes[draft] for draft in drafts]


async def _post_once(unit: Unit, drafts: list[Draft]) -> dict[Draft, Outcome]:
    # I5: the keys are claimed before anything is read or decided.
    won, found = await level_rows.claim_and_lock(
        unit,
        [level_rows.Claim(*d.claim, d.fingerprint, d.id) for d in drafts],
        touched_levels(drafts),
    )
    fresh = [draft for draft in drafts if draft.claim in won]
    outcomes: dict[Draft, Outcome] = {}
    if len(fresh) < len(drafts):
        outcomes = await _answers(unit, [draft for draft in drafts if draft.claim not in won])
    levels, origins = await _known(unit, found, fresh)
    guests = await lock_guests(unit, fresh)
    book = _Book()
    for draft in fresh:
        moves = guests.refusal(draft) or plan(draft, levels, origins)
        if isinstance(moves, Refusal):
            outcomes[draft] = moves
        else:
            guests.join(draft)
            book.enter(draft, moves)
    return outcomes | await book.write(unit, [d.claim for d in fresh if d in outcomes])


async def preview(unit: Unit, draft: Draft, pairs: set[Pair]) -> list[Move] | Refusal:
    """What the draft would move if it were posted now; nothing is written.

    Locks these levels, which are the draft's and all others that its unit is going to lock.
    """
    _, found = await level_rows.claim_and_lock(unit, [], pairs)
    levels, origins = await _known(unit, found, [draft])
    return plan(draft, levels, origins)


async def _known(
    unit: Unit, found: Mapping[Pair, Bins], drafts: list[Draft]
) -> tuple[dict[Pair, Stock], Origins]:
    """The locked levels with all that judging these drafts takes, and what the drafts refer to."""
    levels = {pair: _stock(unit, pair, bins) for pair, bins in found.items()}
    histories = await _histories(unit, drafts)
    await load_limits(unit, levels, drafts)
    await load_earmarks(unit, levels, drafts)
    tracked = [levels[pair] for pair, bins in found.items() if bins.tracks_batches]
    expiries = await read_batches(unit, tracked, drafts, histories) if tracked else {}
    return levels, Origins(histories, expiries)


def _stock(unit: Unit, pair: Pair, found: Bins) -> Stock:
    until = found.sold_out_until
    bins: dict[str, int] = dict(zip(PHYSICAL_BINS, found[:4], strict=True))
    return Stock(
        pair,
        bins,
        found.version,
        found.scale,
        container=found.container,
        recipe_id=found.recipe_id,
        sold_out=until is not None and until > unit.now,
        value=found.value,
        unit_cost=found.unit_cost,
        held_until=found.held_until,
    )


async def _answers(unit: Unit, drafts: list[Draft]) -> dict[Draft, Outcome]:
    # A key that made something else, a product say, has no movement to answer with.
    told = await movement_rows.answered(unit, [draft.claim for draft in drafts])
    answers: dict[Draft, Outcome] = {}
    for draft in drafts:
        known = told.get(draft.claim)
        if known is not None and known[0] == draft.fingerprint:
            answers[draft] = known[1]
        else:
            answers[draft] = KeyReused(draft.key)
    return answers


async def _histories(unit: Unit, drafts: Iterable[Draft]) -> dict[UUID, History]:
    ids = {origin for d in drafts if (origin := d.sale_id or d.reverses_id) is not None}
    return await movement_rows.histories(unit, ids) if ids else {}


def _hold(level: Stock, draft: Draft) -> None:
    """Keeps the first moment at which something the level holds may be overdue."""
    if level.bins["reserved"] == 0:
        level.held_until = None
    elif draft.order is not None:
        until = draft.order.expires_at
        level.held_until = min(level.held_until or until, until)


def _arrives(move: Move) -> bool:
    """Whether the goods come to the store now, from a supplier or from another store."""
    source, target = move.line.source, move.line.target
    shipped = move.source is move.target and (source.bin, target.bin) == ("transit", "shelf")
    return source.bin == "supplier" or shipped


class _Book:
    """The accepted movements of one `post`, and the levels as they leave them."""

    def __init__(self) -> None:
        self.drafts: list[Draft] = []
        self.entries: list[tuple[Any, ...]] = []
        self.touched: set[Stock] = set()
        self.batched: set[tuple[Stock, Batch]] = set()
        self.arrived: dict[UUID, Arriving] = {}
        self.lacked: dict[Pair, Shortfall] = {}
        self.pot = 0
        """What the components of the movement's next made product are worth."""

    def enter(self, draft: Draft, moves: list[Move]) -> None:
        self.drafts.append(draft)
        self.pot = 0
        self._note_shortages(draft, moves)
        for number, move in enumerate(moves, 1):
            self.entries.append(self._apply(draft, number, move))

    def _note_shortages(self, draft: Draft, moves: list[Move]) -> None:
        for move in moves if draft.accept_shortage else ():
            if move.line.source.bin == "variance":
                told = Shortfall(*move.target.pair, move.quantity, move.target.scale, draft.id)
                known = self.lacked.get(move.target.pair)
                more = known.quantity if known else 0
                self.lacked[move.target.pair] = told._replace(quantity=told.quantity + more)

    def _apply(self, draft: Draft, number: int, move: Move) -> tuple[Any, ...]:
        line, quantity, source, target, batch, named, _ = move
        cost = self._carry(move)
        left = self._step(source, batch, line.source.bin, -quantity)
        joined = self._step(target, batch, line.target.bin, quantity)
        if left and joined and source is target:
            # A move inside one level is one position of it, told by the from pair.
            source.version -= 1
            left, joined = (left[0], source.on_hand), None
        if _arrives(move):
            target.received_at = draft.occurred_at
        if "reserved" in (line.source.bin, line.target.bin):
            _hold(source, draft)
        if batch is not None and not left:
            self._arrived(draft, line, batch)
        return (
            draft.id,
            number,
            line.product,
            *line.source,
            *line.target,
            quantity,
            source.scale,
            line.unit_cost,
            *(left or (None, None)),
            *(joined or (None, None)),
            batch and batch.id,
            named if batch else None,
            cost,
            line.recipe,
        )

    def _carry(self, move: Move) -> int:
        """What the quantity is worth, taken from one level's value and put to the other's.

        What leaves goes at the average; what comes, at what it is told to be worth.
        """
        line, quantity, source, target = move.line, move.quantity, move.source, move.target
        leaves, joins = line.source.bin in source.bins, line.target.bin in target.bins
        cost = source.worth(quantity) if leaves else self._told_cost(move)
        if line.target.bin == "kitchen":
            self.pot += cost
        if leaves and joins and source is target:
            return cost
        if leaves:
            source.value -= cost
        if joins:
            target.value += cost
            if target.value:
                target.unit_cost = cost_of(target.scale, target.held + quantity, target.value)
        return cost

    def _told_cost(self, move: Move) -> int:
        line = move.line
        told = line.cost if move.cost is None else move.cost
        if told is not None:
            return told
        if line.unit_cost is not None:
            return cost_of(move.quantity, move.source.scale, line.unit_cost)
        if line.source.bin == "kitchen" and self.pot:
            # What was made is worth what went into it.
            cost, self.pot = self.pot, 0
            return cost
        return move.source.worth(move.quantity)

    def _step(
        self, level: Stock, batch: Batch | None, name: str, change: int
    ) -> tuple[int, int] | None:
        """Changes one bin; gives the level's new position and on-hand. Virtual bins hold none."""
        if name not in level.bins:
            return None
        level.move(batch, name, change)
        level.version += 1
        self.touched.add(level)
        if batch is not None:
            self.batched.add((level, batch))
        return level.version, level.on_hand

    def _arrived(self, draft: Draft, line: Line, batch: Batch) -> None:
        if line.arriving is not None:
            self.arrived[batch.id] = line.arriving
        elif batch == Batch(NEVER, batch_id(line.product, "", NEVER)):
            told = batch.id, line.product, "", NEVER, None, None, None, draft.occurred_at
            self.arrived.setdefault(batch.id, Arriving(*told))

    async def write(self, unit: Unit, refused: list[tuple[UUID, UUID]]) -> dict[Draft, Outcome]:
        """Writes what was entered, in the order of the drafts; gives the movements."""
        if not self.drafts and not refused:
            return {}
        levels = []
        for level in self.touched:
            state = level.version, level.value, level.unit_cost, level.held_until
            levels.append((*level.pair, *level.bins.values(), *state, level.received_at))
            unit.changed(*level.pair)
        heads = [HEAD(draft) for draft in self.drafts]
        recorded_at = await movement_rows.write(unit, levels, heads, self.entries, refused)
        await self._write_batches(unit)
        await self._write_orders(unit)
        if self.lacked:
            await raise_discrepancies(unit, self.lacked.values())
        return {
            draft: movement_rows.movement_row(unit.tenant, head, recorded_at)
            for draft, head in zip(self.drafts, heads, strict=True)
        }

    async def _write_orders(self, unit: Unit) -> None:
        if placed := [draft.order for draft in self.drafts if draft.order is not None]:
            await order_rows.write(unit, placed)
        for order in placed:
            unit.filed(order.store_id, order.id)

    async def _write_batches(self, unit: Unit) -> None:
        held = [
            BatchQuantity(*level.pair, *batch, *level.batches[batch].values())
            for level, batch in self.batched
            if level.batches is not None
        ]
        if held or self.arrived:
            # In the order of their ids: two stores that receive the same ones never cross.
            arrived = [self.arrived[id] for id in sorted(self.arrived)]
            await batch_rows.write(unit, arrived, held)
