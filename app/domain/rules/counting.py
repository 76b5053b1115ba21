"""Counting while selling: the variance of a count, although goods move during and after it.

Every count has a position in its level's history: the level's `seq` when it was submitted. The
variance is what was counted minus the book at that position, so that movements after the count
never matter. A product in several zones has a position for each zone: a movement that names its
zone is compared with the counts of that zone, one without a zone with all of them. Quantities are
base units.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple, Protocol
from uuid import UUID


class Count(NamedTuple):
    """A submitted quantity; a negative one corrects an earlier one.

    `began_seq` is the level's position when the person began to count, `seq` the one at submission.
    `zone` is empty for goods that were counted without one.
    """

    batch_id: UUID | None
    quantity: int
    began_seq: int
    seq: int
    counted_at: datetime
    zone: str = ""


class Step(Protocol):
    """An entry that changed the quantity on hand, at the position `seq` of its level.

    `dated` is whether the client gave the time of the event; only such a movement can be late.
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
    @property
    def zone(self) -> str | None: ...


class Comparison(NamedTuple):
    """The counts of one batch, or all counts without a batch, compared with the books.

    `expected` is the book at `seq` with `shifted`: the changes of the `late` movements, which were
    recorded after the count and happened before it, less those of movements up to `seq` in zones
    that were counted before them. `low` and `high` bound the variance: they differ while `between`
    has movements that happened during the count, which may or may not be counted already.
    """

    batch_id: UUID | None
    seq: int
    expected: int
    counted: int
    low: int
    high: int
    between: tuple[Step, ...]
    late: tuple[Step, ...]
    shifted: int = 0

    @property
    def variance(self) -> int:
        return self.counted - self.expected


def compare(
    counts: Sequence[Count],
    steps: Sequence[Step],
    now: Mapping[UUID | None, int],
    confirmed: int | None = None,
) -> list[Comparison]:
    """One comparison per counted batch, then one for all goods that were counted without a batch.

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


def observed(counts: Sequence[Count]) -> Sequence[Count]:
    """The counts that observed the goods. A correction changes an earlier count, so it observes
    nothing at its own position."""
    return [each for each in counts if each.quantity >= 0] or counts


class Window(NamedTuple):
    """From the beginning of some counts to the last of them: positions and moments.

    Movements up to `position` are treated as counted, later ones as not counted.
    """

    began: int
    seq: int
    first: datetime
    last: datetime
    position: int

    def is_late(self, step: Step) -> bool:
        """Whether the movement happened before the first count, so that every count includes it."""
        return step.dated and step.occurred_at < self.first

    def is_between(self, step: Step) -> bool:
        """Whether it is unknown if the counts include the movement."""
        if self.is_late(step):
            return False
        during = self.began < step.seq <= self.seq
        return during or (step.seq > self.seq and step.dated and step.occurred_at < self.last)


def _window(counts: Sequence[Count], confirmed: int | None) -> Window:
    began, seq = min(each.began_seq for each in counts), max(each.seq for each in counts)
    moments = [each.counted_at for each in counts]
    position = seq if confirmed is None else max(began, min(confirmed, seq))
    return Window(began, seq, min(moments), max(moments), position)


def _compare(
    batch: UUID | None,
    counts: Sequence[Count],
    steps: Sequence[Step],
    now: int,
    confirmed: int | None,
) -> Comparison:
    seen = observed(counts)
    whole = _window(seen, confirmed)
    zones = {
        zone: _window([each for each in seen if each.zone == zone], confirmed)
        for zone in {each.zone for each in seen}
        if zone
    }
    windows = [(step, zones.get(step.zone or "", whole)) for step in steps]
    after = [(step, window) for step, window in windows if step.seq > window.position]
    late = tuple(step for step, window in after if window.is_late(step))
    unseen = [step for step, window in after if not window.is_late(step)]
    ahead = sum(step.change for step in unseen if step.seq <= whole.position)
    counted = sum(each.quantity for each in counts)
    variance = counted - (now - sum(step.change for step in unseen))
    between = [
        (step, window) for step, window in windows if confirmed is None and window.is_between(step)
    ]
    effects = [
        step.change if step.seq <= window.position else -step.change for step, window in between
    ]
    return Comparison(
        batch,
        whole.position,
        counted - variance,
        counted,
        variance + sum(min(0, effect) for effect in effects),
        variance + sum(max(0, effect) for effect in effects),
        tuple(step for step, _ in between),
        late,
        sum(step.change for step in late if step.seq > whole.position) - ahead,
    )
