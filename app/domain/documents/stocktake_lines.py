"""The lines that correct the books after a count: of which batches, and from which bins."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from app.db import batches as batch_rows
from app.db import writeoffs
from app.db.batches import ArrivingBatch
from app.db.core.unit import Unit
from app.db.levels import LevelState, Pair
from app.domain.documents.worksheet import WorksheetLine
from app.domain.ledger.draft import Line, Place
from app.domain.rules.counting import Comparison
from app.domain.rules.units import from_base

Key = tuple[UUID, UUID | None, str]
"""A product, its batch (None without one), and a bin."""


@dataclass(slots=True)
class Corrections:
    """What the locked levels of a store have, while the corrections of a step take from it.

    `free` are base units that a loss may take, `order` the batches of each product in FEFO order,
    `latest` the batch of each product that was received last.
    """

    store: UUID
    free: dict[Key, int] = field(default_factory=dict[Key, int])
    order: dict[UUID, list[UUID]] = field(default_factory=dict[UUID, list[UUID]])
    latest: Mapping[UUID, UUID] = field(default_factory=dict[UUID, UUID])
    tracked: frozenset[UUID] = frozenset()

    def is_whole(self, line: WorksheetLine) -> bool:
        """Whether the counts cover all goods of the product, not only some of its batches."""
        named = {part.batch_id for part in line.parts}
        return None in named or named >= set(self.order.get(line.product_id, ()))

    def gains(self, line: WorksheetLine) -> list[Line]:
        """What was found more: of the counted batch, else of the batch received last."""
        return [self._gain(line, part) for part in line.parts if part.variance > 0]

    def _gain(self, line: WorksheetLine, part: Comparison) -> Line:
        arriving, batch = None, part.batch_id
        if batch is not None:
            arriving = _counted_batch(line, batch)
        elif line.product_id in self.tracked:
            batch = self.latest.get(line.product_id)
        return self._line(line, part.variance, "variance", "shelf", batch, arriving)

    def losses(self, line: WorksheetLine) -> list[Line]:
        """What is missing: of the counted batch, else of what expires first; from the shelf, then
        from quarantine. Goods that are reserved are never taken: their line is short."""
        taken: list[Line] = []
        for part in line.parts:
            missing = -part.variance
            for batch, bin in self._candidates(line, part):
                key = line.product_id, batch, bin
                quantity = min(missing, self.free.get(key, 0))
                if quantity > 0:
                    self.free[key] -= quantity
                    missing -= quantity
                    taken.append(self._line(line, quantity, bin, "variance", batch))
            if missing > 0:
                taken.append(self._line(line, missing, "shelf", "variance", None))
        return taken

    def _candidates(
        self, line: WorksheetLine, part: Comparison
    ) -> Sequence[tuple[UUID | None, str]]:
        """The batches and bins that a loss is taken from, in order: all bins of the counted batch
        come before those of other batches, for an expired one lies in quarantine."""
        bins = ("shelf", "quarantine")
        if line.product_id not in self.tracked:
            return [(None, bin) for bin in bins]
        named = {each.batch_id for each in line.parts}
        held = self.order.get(line.product_id, [])

        def is_other(candidate: tuple[UUID, str]) -> bool:
            batch, _ = candidate
            return batch in named if part.batch_id is None else batch != part.batch_id

        return sorted(((batch, bin) for bin in bins for batch in held), key=is_other)

    def _line(
        self,
        line: WorksheetLine,
        quantity: int,
        source: str,
        target: str,
        batch: UUID | None,
        arriving: ArrivingBatch | None = None,
    ) -> Line:
        return Line(
            line.product_id,
            from_base(quantity, line.scale),
            Place(self.store, source),
            Place(self.store, target),
            batches=None if batch is None else (batch,),
            arriving=arriving,
        )


def _counted_batch(line: WorksheetLine, batch: UUID) -> ArrivingBatch:
    """The batch as it was counted; it is created if it was never received."""
    count = next(each for each in line.counts if each.batch_id == batch)
    assert count.expires_on is not None
    return ArrivingBatch(
        batch,
        line.product_id,
        count.batch_no or "",
        count.expires_on,
        None,
        None,
        None,
        count.counted_at,
    )


async def load_corrections(
    unit: Unit, store: UUID, states: Mapping[Pair, LevelState], lines: Sequence[WorksheetLine]
) -> Corrections:
    """What the corrections of these lines may take; the levels are locked."""
    corrections = Corrections(store)
    pairs = [pair for pair, state in states.items() if state.tracks_batches]
    corrections.tracked = frozenset(product for _, product in pairs)
    free = corrections.free
    for (_, product), state in states.items():
        if product not in corrections.tracked:
            free[product, None, "shelf"] = state.shelf
            free[product, None, "quarantine"] = state.quarantine
    for held in await batch_rows.held(unit, pairs) if pairs else ():
        free[held.product_id, held.batch_id, "shelf"] = held.shelf
        free[held.product_id, held.batch_id, "quarantine"] = held.quarantine
        corrections.order.setdefault(held.product_id, []).append(held.batch_id)
    losing = {line.pair for line in lines if any(part.variance < 0 for part in line.parts)}
    for mark in await writeoffs.earmarks(unit, losing) if losing else ():
        free[mark.product_id, mark.batch_id, "quarantine"] -= mark.quantity
    if corrections.tracked:
        corrections.latest = await batch_rows.received_last(unit, corrections.order)
    return corrections
