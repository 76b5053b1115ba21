"""The journal: the accepted movements of one post, their entries, and the levels they leave."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import NamedTuple
from uuid import UUID

from app.db import audit_log as audit_rows
from app.db import batches as batch_rows
from app.db import movements as movement_rows
from app.db import orders as order_rows
from app.db.alerts import Shortfall, judge, raise_discrepancies
from app.db.batches import ArrivingBatch, BatchQuantity
from app.db.core.unit import Unit
from app.db.last_receipts import reread_last_receipts
from app.db.levels import Pair
from app.db.movements import EntryRow, LevelRow, MovementHead
from app.db.tables import Movement
from app.domain.ledger.costs import CarriedCost, MovementCosts
from app.domain.ledger.crossings import crossings
from app.domain.ledger.draft import Draft, Line, unlabelled_batch
from app.domain.ledger.locked import LockedLevel, Move
from app.domain.ledger.rollups import RollUps
from app.domain.rules.days import BusinessDay
from app.domain.rules.fefo import BatchKey
from app.domain.rules.kinds import CONSUMING_BINS


class Position(NamedTuple):
    """An entry's number in its level's history, and the on-hand after it in base units."""

    seq: int
    on_hand: int


class Journal:
    """Applies moves to the locked levels and keeps the rows to write, in the order of drafts."""

    def __init__(self) -> None:
        self._drafts: dict[Draft, BusinessDay] = {}
        self._entries: list[EntryRow] = []
        self._levels: set[LockedLevel] = set()
        self._batches: set[tuple[LockedLevel, BatchKey]] = set()
        self._arrived: dict[UUID, ArrivingBatch] = {}
        self._shortfalls: dict[Pair, Shortfall] = {}
        self._rollups = RollUps()
        self._undone_receipts: set[Pair] = set()

    def enter(self, draft: Draft, day: BusinessDay, moves: Iterable[Move]) -> None:
        """Applies an accepted draft's moves; later drafts see the levels as it leaves them."""
        self._drafts[draft] = day
        costs = MovementCosts()
        for number, move in enumerate(moves, 1):
            if draft.accept_shortage and move.line.source.bin == "variance" and not move.line.late:
                self._note_shortfall(draft, move, move.quantity)
            elif draft.dated and _is_uncertain(draft, move):
                self._note_shortfall(draft, move, 0)
            carried = costs.carry(move)
            self._entries.append(self._apply(draft, number, move, carried))
            self._rollups.add(draft, day, move, carried.cost)

    def _note_shortfall(self, draft: Draft, move: Move, quantity: int) -> None:
        level = move.source
        earlier = self._shortfalls.get(level.pair)
        quantity += earlier.quantity if earlier else 0
        self._shortfalls[level.pair] = Shortfall(*level.pair, quantity, level.scale, draft.id)

    def _apply(self, draft: Draft, number: int, move: Move, carried: CarriedCost) -> EntryRow:
        line, quantity, source, target, batch, named, _, charge = move
        left = self._step(source, batch, line.source.bin, -quantity)
        joined = self._step(target, batch, line.target.bin, quantity)
        if left and joined and source is target:
            # A move inside one level has one position: the entry's from pair carries it.
            source.version -= 1
            left, joined = Position(left.seq, source.on_hand), None
        if draft.reverses_id is not None:
            if line.target.bin in ("supplier", "transit"):
                self._undone_receipts.add(source.pair)
        elif _arrives(move):
            earlier = target.received_at
            target.received_at = max(earlier or draft.occurred_at, draft.occurred_at)
        if "reserved" in (line.source.bin, line.target.bin):
            _keep_first_hold(source, draft)
        if batch is not None and not left:
            self._note_arrival(draft, line, batch)
            target.received.setdefault(batch.id, draft.occurred_at)
        return EntryRow(
            movement_id=draft.id,
            line=number,
            product_id=line.product,
            from_store=line.source.store,
            from_bin=line.source.bin,
            to_store=line.target.store,
            to_bin=line.target.bin,
            quantity=quantity,
            scale=source.scale,
            unit_cost=line.unit_cost,
            from_seq=left and left.seq,
            from_after=left and left.on_hand,
            to_seq=joined and joined.seq,
            to_after=joined and joined.on_hand,
            batch_id=batch and batch.id,
            batch_named=named if batch else None,
            cost=carried.cost,
            recipe_id=line.recipe,
            own_cost=carried.own,
            price=charge and charge.price,
            discount=charge and charge.discount,
            amount=charge and charge.amount,
            came_expired=line.came_expired or None,
            zone=line.zone,
        )

    def _step(
        self, level: LockedLevel, batch: BatchKey | None, bin: str, change: int
    ) -> Position | None:
        """Changes one bin. Returns the level's new position; None for a counter account."""
        if bin not in level.bins:
            return None
        level.move(batch, bin, change)
        level.version += 1
        self._levels.add(level)
        if batch is not None:
            self._batches.add((level, batch))
        return Position(level.version, level.on_hand)

    def _note_arrival(self, draft: Draft, line: Line, batch: BatchKey) -> None:
        """A batch that arrives is written; so is the unlabelled one when it is first used."""
        if line.arriving is not None:
            self._arrived[batch.id] = line.arriving
        elif batch == unlabelled_batch(line.product):
            unlabelled = ArrivingBatch(
                id=batch.id,
                product_id=line.product,
                number="",
                expires_on=batch.expires_on,
                produced_on=None,
                supplier=None,
                unit_cost=None,
                received_at=draft.occurred_at,
            )
            self._arrived.setdefault(batch.id, unlabelled)

    async def write(
        self, unit: Unit, refused: Sequence[tuple[UUID, UUID]]
    ) -> dict[Draft, Movement]:
        """Writes what was entered and drops the claims of `refused` keys. Returns the movements."""
        if not self._drafts and not refused:
            return {}
        heads = [_head(draft, day) for draft, day in self._drafts.items()]
        levels = [_row(level) for level in self._levels]
        recorded_at = await movement_rows.write(
            unit, levels, heads, self._entries, self._rollups.rows(), refused
        )
        if self._undone_receipts:
            await reread_last_receipts(unit, self._undone_receipts)
        for level in self._levels:
            unit.changed(*level.pair)
        await self._write_batches(unit)
        await self._write_orders(unit)
        await self._write_acts(unit)
        if self._shortfalls:
            await raise_discrepancies(unit, self._shortfalls.values())
        if crossed := list(crossings(self._levels, self._entries)):
            await judge(unit, crossed)
        entries: dict[UUID, list[EntryRow]] = defaultdict(list)
        for entry in self._entries:
            entries[entry.movement_id].append(entry)
        return {
            draft: movement_rows.movement_row(unit.tenant, head, recorded_at, entries[head.id])
            for draft, head in zip(self._drafts, heads, strict=True)
        }

    async def _write_batches(self, unit: Unit) -> None:
        quantities = [
            BatchQuantity(
                *level.pair,
                *batch,
                shelf=bins["shelf"],
                reserved=bins["reserved"],
                quarantine=bins["quarantine"],
                transit=bins["transit"],
            )
            for level, batch in self._batches
            if level.batches is not None and (bins := level.batches[batch])
        ]
        if quantities or self._arrived:
            # In the order of their ids: two stores that receive the same ones never cross.
            arrived = [self._arrived[id] for id in sorted(self._arrived)]
            await batch_rows.write(unit, arrived, quantities)

    async def _write_orders(self, unit: Unit) -> None:
        placed = [draft.order for draft in self._drafts if draft.order is not None]
        if placed:
            await order_rows.write(unit, placed)
        for order in placed:
            unit.document_changed(order.store_id, order.id)
        for draft in self._drafts:
            # An order's state follows from its returns.
            if draft.document_id is not None and (draft.sale_id or draft.reverses_id):
                unit.document_changed(draft.store, draft.document_id)

    async def _write_acts(self, unit: Unit) -> None:
        acts = [draft.act for draft in self._drafts if draft.act is not None]
        if acts:
            await audit_rows.write(unit, acts)


def _is_uncertain(draft: Draft, move: Move) -> bool:
    """Whether goods were taken between the counts of a closed stocktake, from an unknown zone: the
    variance may have deducted them already, and only another count can tell."""
    line = move.line
    if line.source.bin != "shelf" or line.target.bin not in CONSUMING_BINS:
        return False
    return move.source.was_counted_during(draft.occurred_at, line.zone)


def _arrives(move: Move) -> bool:
    """Whether the goods come to the store now, from a supplier or from another store."""
    source, target = move.line.source.bin, move.line.target.bin
    received = target == "shelf" or move.line.came_expired
    shipped = source == "transit" and received and move.source is move.target
    return source == "supplier" or shipped


def _keep_first_hold(level: LockedLevel, draft: Draft) -> None:
    """Keeps the first moment at which an order that the level reserves goods for may end."""
    if level.bins["reserved"] == 0:
        level.held_until = None
    elif draft.order is not None:
        until = draft.order.expires_at
        level.held_until = min(level.held_until or until, until)


def _head(draft: Draft, day: BusinessDay) -> MovementHead:
    return MovementHead(
        id=draft.id,
        kind=draft.kind.name,
        store_id=draft.store,
        actor_id=draft.actor,
        key=draft.key,
        channel=draft.channel,
        reason=draft.reason,
        note=draft.note,
        document=draft.document,
        sale_id=draft.sale_id,
        reverses_id=draft.reverses_id,
        document_id=draft.document_id,
        occurred_at=draft.occurred_at,
        dated=draft.dated,
        business_date=day.date,
        timezone=day.timezone,
        till_id=draft.till_id,
        receipt_key=draft.receipt and draft.receipt.key,
    )


def _row(level: LockedLevel) -> LevelRow:
    bins = level.bins
    return LevelRow(
        *level.pair,
        shelf=bins["shelf"],
        reserved=bins["reserved"],
        quarantine=bins["quarantine"],
        transit=bins["transit"],
        version=level.version,
        value=level.value,
        unit_cost=level.unit_cost,
        held_until=level.held_until,
        received_at=level.received_at,
    )
