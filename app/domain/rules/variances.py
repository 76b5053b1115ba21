"""Suggested reasons of variances, derived from facts of the ledger."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from difflib import SequenceMatcher
from enum import Enum
from typing import NamedTuple
from uuid import UUID

ALIKE = 0.6
"""Products whose names are more similar than this count as look-alikes."""

LATE = timedelta(minutes=10)
"""A sale that was recorded later than this counts as one of a till that was offline."""


DELIVERIES = ("RECEIPT", "TRANSFER_RECEIPT")
FRESH = timedelta(days=3)
"""How long before a count a delivery may explain its variance."""

PATTERN = 2
"""From how many write-offs in the last 30 days a product counts as one that spoils regularly."""


class SuggestedReason(Enum):
    """Reasons of a variance; `suggest` tries them from the most to the least certain."""

    WRONG_BATCH = "Counted as another batch of the product. 批次混淆"
    OPEN_HOLD = (
        "Goods are put aside for orders or in quarantine, and were not counted. 预占或待检未盘"
    )
    IN_TRANSIT = "Goods of a transfer have arrived and are not received yet. 调拨在途未收货"
    DOUBLE_RECEIPT = "A delivery was received twice. 重复入库"
    LOOK_ALIKE = "Counted or sold as a product with a similar name. 相似商品混淆"
    UNSYNCED_SALE = "A till that was offline has sales to synchronize. 销售未同步"
    UNIT_MIX_UP = "A pack was counted or sold as a piece. 单位混淆"
    SHORT_DELIVERY = "The last delivery was short, as earlier ones were. 到货短少"
    UNRECORDED_WRITE_OFF = "Spoilt goods were thrown away without a write-off. 报损未登记"


class Fact(NamedTuple):
    """A movement of the product in the store: base units, and how late it was recorded."""

    kind: str
    movement_id: UUID
    quantity: int
    day: date
    lag: timedelta


@dataclass(frozen=True, slots=True)
class Difference:
    """A line with a variance, in base units. `parts` has the variances of its batches, `day` is the
    day of the count. `was_short` is whether an earlier delivery of the product was short."""

    product_id: UUID
    name: str
    variance: int
    parts: Sequence[int]
    aside: Collection[int]
    transit: int
    packs: Collection[int]
    facts: Sequence[Fact]
    day: date
    was_short: bool = False


class Suggestion(NamedTuple):
    """A reason, the movements that support it, and another product that it involves."""

    reason: SuggestedReason
    movements: tuple[UUID, ...] = ()
    other: UUID | None = None


def suggest(line: Difference, others: Sequence[Difference]) -> Suggestion | None:
    """The most certain reason of the line's variance; None if the facts suggest none."""
    missing = -line.variance
    if line.variance == 0:
        return Suggestion(SuggestedReason.WRONG_BATCH) if any(line.parts) else None
    if missing > 0 and (twice := _received_twice(line.facts, missing)):
        return Suggestion(SuggestedReason.DOUBLE_RECEIPT, twice)
    for other in others:
        if other.variance == missing and _alike(line.name, other.name):
            return Suggestion(SuggestedReason.LOOK_ALIKE, (), other.product_id)
    if 0 < line.variance == line.transit:
        return Suggestion(SuggestedReason.IN_TRANSIT, _shipped(line.facts, line.transit))
    if _is_of_packs(line):
        return Suggestion(SuggestedReason.UNIT_MIX_UP)
    if missing > 0 and (late := _synchronized_lately(line)):
        return Suggestion(SuggestedReason.UNSYNCED_SALE, late)
    if missing > 0 and (delivered := _delivered_short(line, missing)):
        return Suggestion(SuggestedReason.SHORT_DELIVERY, delivered)
    if missing > 0 and missing in line.aside:
        return Suggestion(SuggestedReason.OPEN_HOLD)
    if missing > 0 and (spoilt := _spoilt_before(line.facts, missing)):
        return Suggestion(SuggestedReason.UNRECORDED_WRITE_OFF, spoilt)
    return None


def _is_of_packs(line: Difference) -> bool:
    """Whether the variance is one of whole packs, or of packs that were booked as one piece
    each."""
    return any(
        line.variance % size == 0 for pack in line.packs for size in (pack, pack - 1) if size > 1
    )


def _synchronized_lately(line: Difference) -> tuple[UUID, ...]:
    """Sales that a till which was offline synchronized since the day before the count: it may
    have more of them."""
    return tuple(
        fact.movement_id
        for fact in line.facts
        if fact.kind == "SALE" and fact.lag > LATE and fact.day >= line.day - timedelta(days=1)
    )


def _delivered_short(line: Difference, missing: int) -> tuple[UUID, ...]:
    """The last receipt of the days before the count, if it may lack what is missing and an earlier
    delivery of the product was short; else nothing."""
    recent = line.day - FRESH
    received = [f for f in line.facts if f.kind in DELIVERIES and recent <= f.day <= line.day]
    if not line.was_short or not received or received[-1].quantity < missing:
        return ()
    return (received[-1].movement_id,)


def _spoilt_before(facts: Sequence[Fact], missing: int) -> tuple[UUID, ...]:
    """The write-offs of the product, if there are several and the largest is at least the missing
    quantity; otherwise none."""
    spoilt = [fact for fact in facts if fact.kind == "WRITE_OFF"]
    if len(spoilt) < PATTERN or missing > max(fact.quantity for fact in spoilt):
        return ()
    return tuple(fact.movement_id for fact in spoilt)


def _received_twice(facts: Sequence[Fact], missing: int) -> tuple[UUID, ...]:
    """Two receipts on one day of the quantity that is missing."""
    days: dict[date, list[UUID]] = {}
    for fact in facts:
        if fact.kind == "RECEIPT" and fact.quantity == missing:
            days.setdefault(fact.day, []).append(fact.movement_id)
    return next((tuple(ids) for ids in days.values() if len(ids) > 1), ())


def _shipped(facts: Sequence[Fact], quantity: int) -> tuple[UUID, ...]:
    """The latest shipments that make up this quantity."""
    shipments: list[UUID] = []
    for fact in reversed(facts):
        if fact.kind == "SHIPMENT" and quantity > 0:
            quantity -= fact.quantity
            shipments.append(fact.movement_id)
    return tuple(shipments)


def _alike(name: str, other: str) -> bool:
    return SequenceMatcher(None, name, other).ratio() > ALIKE
