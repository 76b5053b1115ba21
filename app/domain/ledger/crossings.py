"""Crossings: the thresholds that a post took its levels over, judged by what they end with."""

from collections.abc import Iterable, Iterator, Sequence
from uuid import UUID

from app.db.alerts import Crossing
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
    for level in levels:
        before, shelf, point = level.shelf_before, level.bins["shelf"], level.reorder_point
        if step := crossing(before, shelf, 0, level.scale):
            yield _crossing(level, OUT_OF_STOCK, step, entries)
        if point:
            before, after = before + level.transit_before, shelf + level.bins["transit"]
            if step := crossing(before, after, point, level.scale):
                yield _crossing(level, LOW_STOCK, step, entries)


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


def _crossing(level: LockedLevel, rule: str, step: Step, entries: Sequence[EntryRow]) -> Crossing:
    return Crossing(
        *level.pair,
        rule=rule,
        step=step.name,
        quantity=level.bins["shelf"],
        scale=level.scale,
        threshold=level.reorder_point,
        movement_id=_latest(level, entries),
    )


def _latest(level: LockedLevel, entries: Sequence[EntryRow]) -> UUID:
    """The last movement that touched the level."""
    store, product = level.pair
    return next(
        entry.movement_id
        for entry in reversed(entries)
        if entry.product_id == product and store in (entry.from_store, entry.to_store)
    )
