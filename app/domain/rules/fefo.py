"""FEFO 先到期先出: batches that expire first leave first."""

from collections.abc import Collection, Hashable, Iterable, Sequence
from datetime import date, timedelta
from typing import NamedTuple, TypeVar
from uuid import UUID

NEVER = date.max
"""The expiry of goods that have none: it sorts last."""

Batch = TypeVar("Batch", bound=Hashable)


class BatchKey(NamedTuple):
    """A batch by its last day of sale and its id; sorts by that day."""

    expires_on: date
    id: UUID


class BatchChoice(NamedTuple):
    """The batches that a line takes, in base units, and how they were chosen.

    `by_fefo` is whether FEFO alone chose them. `candidates` are the batches the line may touch,
    in the order of FEFO. `too_old` is the latest last day of the named batches, when every one
    of them is too old for the line.
    """

    parts: list[tuple[BatchKey, int]]
    by_fefo: bool
    candidates: Sequence[tuple[BatchKey, int]]
    too_old: date | None = None

    @property
    def taken(self) -> int:
        return sum(quantity for _, quantity in self.parts)


def choose_batches(
    available: Sequence[tuple[BatchKey, int]],
    quantity: int,
    *,
    today: date | None = None,
    days_left: int = 0,
    lasts_until: date | None = None,
    buffer: int = 0,
    named: Collection[UUID] | None = None,
    container: int | None = None,
    sealed: bool = False,
) -> BatchChoice:
    """The batches that `quantity` base units are taken from; less is taken if less is available.

    `available` is in the order of FEFO. `today` excludes expired batches, None allows them (I8).
    `days_left` excludes batches that expire in fewer days, `lasts_until` those that expire before
    that day; of the others `buffer` base units are left. `named` allows only these batches.
    `container` and `sealed` are for goods that are used from opened containers: see `pick_opened`.
    """
    candidates = available
    if today is not None:
        candidates = [part for part in available if part[0].expires_on >= today]
    lasting = candidates
    if today is not None and (days_left or lasts_until):
        since = max(today + timedelta(days=days_left), lasts_until or today)
        lasting = [part for part in candidates if part[0].expires_on >= since]
    if buffer:
        quantity = min(quantity, max(0, sum(held for _, held in lasting) - buffer))
    too_old = None
    if named is not None:
        candidates = [part for part in candidates if part[0].id in named]
        lasting = [part for part in lasting if part[0].id in named]
        if not lasting:
            too_old = max((key.expires_on for key, _ in available if key.id in named), default=None)
    # I7: FEFO order, unless a batch is named, is an opened container, or is too old for the channel
    # or for the day of the handover.
    parts = first = pick(candidates, quantity)
    if container is not None and named is None:
        parts = pick_opened(lasting, quantity, container, sealed)
    elif len(lasting) < len(candidates):
        parts = pick(lasting, quantity)
    return BatchChoice(parts, named is None and parts == first, candidates, too_old)


def pick(available: Iterable[tuple[Batch, int]], quantity: int) -> list[tuple[Batch, int]]:
    """Quantity taken of each batch, in the order given; the sum may be below `quantity`."""
    parts: list[tuple[Batch, int]] = []
    for batch, held in available:
        if quantity <= 0:
            break
        if held > 0:
            parts.append((batch, min(held, quantity)))
            quantity -= held
    return parts


def pick_opened(
    available: Sequence[tuple[Batch, int]], quantity: int, container: int, sealed: bool
) -> list[tuple[Batch, int]]:
    """Quantity taken of goods in containers of `container` base units each.

    With `sealed`, a quantity of whole containers comes from unopened ones only. Any other
    quantity comes from the opened ones first.
    """
    unopened = [(batch, held - held % container) for batch, held in available]
    if sealed and quantity % container == 0:
        return pick(unopened, quantity)
    opened = [(batch, held % container) for batch, held in available]
    parts: dict[Batch, int] = {}
    for batch, taken in pick(opened + unopened, quantity):
        parts[batch] = parts.get(batch, 0) + taken
    return list(parts.items())


def expired(expires_on: date, today: date) -> bool:
    """Whether the last day of sale is past; on that day itself goods may still be sold."""
    return expires_on < today
