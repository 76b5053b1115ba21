"""Counting while selling: the variance of a count, wherever the level has moved since.

Every count has a position in its level's history: the level's `seq` when it was submitted. The
variance is what was counted minus the book at that position, so that movements after the count
never matter. Quantities are base units.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple, Protocol
from uuid import UUID


class Count(NamedTuple):
    """A submitted quantity; a negative one corrects an earlier one.

    `began_seq` is the level's position when the person began to count, `seq` the one at submission.
    """

    batch_id: UUID | None
    quantity: int
    began_seq: int
    seq: int
    counted_at: datetime


class Step(Protocol):
    """An entry that changed the quantity on hand, at the position `seq` of its level.

    `dated` is whether the client said when it happened: only such a movement can be late.
    """

    @property
    def seq(self) -> int: ...
    @property
    def change(self) -> int: ...
    @property
    def batch_id(self) -> UUID | None: ...
    @property
    def movement_id(self) -> UUID: ...
    @property
    def occurred_at(self) -> datetime: ...
    @property
    def dated(self) -> bool: ...


class Comparison(NamedTuple):
    """The counts of one batch, or all counts without a batch, compared with the books.

    `expected` is the book at `seq`, less the `late` movements: recorded after the count, but
    they happened before it. `low` and `high` bound the variance: they differ while `between` has
    movements that happened during the count, which may or may not be counted already.
    """

    batch_id: UUID | None
    seq: int
    expected: int
    counted: int
    low: int
    high: int
    between: tuple[Step, ...]
    late: tuple[Step, ...]

    @property
    def variance(self) -> int:
        return self.counted - self.expected


def compare(
    counts: Sequence[Count],
    steps: Sequence[Step],
    now: Mapping[UUID | None, int],
    confirmed: int | None = None,
) -> list[Comparison]:
    """One comparison per counted batch, then one for everything that was counted without a batch.

    `steps` are the entries since the first count began; `now` is the quantity on hand, by batch
    and in total (None). Batches without a count are not compared, unless some goods were
    counted without a batch: those stand for all other batches. `confirmed` is the position that
    a person chose for a count during which goods moved.
    """
    named = sorted({each.batch_id for each in counts if each.batch_id is not None})
    parts = [
        _compare(
            batch,
            [each for each in counts if each.batch_id == batch],
            [step for step in steps if step.batch_id == batch],
            now.get(batch, 0),
            confirmed,
        )
        for batch in named
    ]
    if plain := [each for each in counts if each.batch_id is None]:
        others = [step for step in steps if step.batch_id not in named]
        rest = now.get(None, 0) - sum(now.get(batch, 0) for batch in named)
        parts.append(_compare(None, plain, others, rest, confirmed))
    return parts


def _compare(
    batch: UUID | None,
    counts: Sequence[Count],
    steps: Iterable[Step],
    now: int,
    confirmed: int | None,
) -> Comparison:
    # A correction is about an earlier count: it observes nothing at its own position.
    observed = [each for each in counts if each.quantity >= 0] or counts
    began, seq = min(each.began_seq for each in observed), max(each.seq for each in observed)
    first, last = min(c.counted_at for c in observed), max(c.counted_at for c in observed)
    counted = sum(each.quantity for each in counts)
    position = seq if confirmed is None else max(began, min(confirmed, seq))
    after = [step for step in steps if step.seq > position]
    late = tuple(step for step in after if _is_late(step, first))
    unseen = [step for step in after if step not in late]
    variance = counted - (now - sum(step.change for step in unseen))
    between = tuple(
        step
        for step in steps
        if confirmed is None and not _is_late(step, first) and _is_between(step, began, seq, last)
    )
    # A movement at or before the position is taken as counted already, a later one as not.
    effects = [step.change if step.seq <= position else -step.change for step in between]
    return Comparison(
        batch,
        position,
        counted - variance,
        counted,
        variance + sum(min(0, effect) for effect in effects),
        variance + sum(max(0, effect) for effect in effects),
        between,
        late,
    )


def _is_late(step: Step, first: datetime) -> bool:
    """Whether it happened before the first count, so that every count reflects it."""
    return step.dated and step.occurred_at < first


def _is_between(step: Step, began: int, seq: int, last: datetime) -> bool:
    during = began < step.seq <= seq
    return during or (step.seq > seq and step.dated and step.occurred_at < last)
