"""Crossings: the thresholds that a post took its levels over, judged by what they end with."""

from collections.abc import Iterable, Iterator, Sequence
from uuid import UUID

from app.db.alerts import Crossing
from app.db.levels import Pair
from app.db.movements import EntryRow
from app.db.tables import Level
from app.domain.ledger.locked import LockedLevel
from app.domain.rules.thresholds import Step, crossing, standing

OUT_OF_STOCK, LOW_STOCK = "OUT_OF_STOCK", "LOW_STOCK"


def crossings(levels: Iterable[LockedLevel], entries: Sequence[EntryRow]) -> Iterator[Crossing]:
    """Every threshold that these levels crossed since they were locked.

    A level is out of stock when nothing is on its shelf. It is low when the shelf and the goods on
    their way do not exceed its reorder point.
    """
    crossed = [(level, *step) for level in levels for step in _steps(level)]
    latest = _latest_movements(entries) if crossed else {}
    for level, rule, step in crossed:
        yield Crossing(
            *level.pair,
            rule=rule,
            step=step.name,
            quantity=level.bins["shelf"],
            scale=level.scale,
            threshold=level.reorder_point,
            movement_id=latest[level.pair],
        )


def _steps(level: LockedLevel) -> Iterator[tuple[str, Step]]:
    """The thresholds that a level crossed, each as its rule and direction."""
    before, shelf, point = level.shelf_before, level.bins["shelf"], level.reorder_point
    if step := crossing(before, shelf, 0, level.scale):
        yield OUT_OF_STOCK, step
    if point:
        before, after = before + level.transit_before, shelf + level.bins["transit"]
        if step := crossing(before, after, point, level.scale):
            yield LOW_STOCK, step


def _latest_movements(entries: Sequence[EntryRow]) -> dict[Pair, UUID]:
    """The last movement of each level that these entries touched."""
    return {
        (store, entry.product_id): entry.movement_id
        for entry in entries
        for store in (entry.from_store, entry.to_store)
    }


def standings(levels: Iterable[Level]) -> Iterator[Crossing]:
    """What a new reorder point means for these levels, which are locked.

    A product that the store has never had raises nothing.
    """
    for level in levels:
        if level.version > 0:
            quantity = level.shelf + level.transit
            step = standing(quantity, level.reorder_point, level.scale)
            yield Crossing(
                *level.pair,
                rule=LOW_STOCK,
                step=step.name,
                quantity=level.shelf,
                scale=level.scale,
                threshold=level.reorder_point,
                movement_id=None,
            )
