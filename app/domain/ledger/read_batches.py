"""The batches that a post needs, read under the locks of their levels.

A sale needs only the first few batches of the shelf, however many are behind them. A movement
that names a batch, brings one, or goes to another bin needs them all.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal
from uuid import UUID

from app.db import batches as rows
from app.db.batches import HeldBatch
from app.db.core.unit import Unit
from app.db.levels import Pair
from app.db.movements import History
from app.domain.ledger.draft import Draft
from app.domain.ledger.locked import Levels, LockedLevel
from app.domain.rules.fefo import BatchKey, expired
from app.domain.rules.kinds import CONSUMING_BINS, PHYSICAL_BINS


async def read_batches(
    unit: Unit,
    tracked: Sequence[LockedLevel],
    drafts: Sequence[Draft],
    histories: Mapping[UUID, History],
) -> dict[UUID, date]:
    """Loads the batches needed to plan these drafts into their levels.

    Returns the last day of sale of each batch that was read, or that a draft refers to.
    """
    for level in tracked:
        level.batches = {}
    expiries: dict[UUID, date] = {}
    sales = _plain_sales(tracked, drafts)
    first = {level.pair: level for level in tracked if level.pair in sales}
    every = {level.pair: level for level in tracked if level.pair not in sales}
    if first:
        # No store's day is earlier than this one.
        since = unit.now.date() - timedelta(days=1)
        _load(first, await rows.beginnings(unit, first, since), expiries)
        every |= {p: each for p, each in first.items() if _unexpired(each) < sales[p] * each.scale}
    if every:
        _load(every, await rows.held(unit, every), expiries)
    if unread := _referred_to(drafts, histories) - expiries.keys():
        expiries |= await rows.expiries(unit, unread)
    return expiries


def _plain_sales(tracked: Sequence[LockedLevel], drafts: Sequence[Draft]) -> dict[Pair, Decimal]:
    """The levels whose first batches are enough, and how much leaves each, in its unit.

    Where containers are opened, a channel has a limit, or a sale was made on an earlier day, other
    batches than the first may go.
    """
    first = min((draft.occurred_at for draft in drafts), default=None)
    others = {
        level.pair
        for level in tracked
        if level.container is not None
        or level.limits
        or (first is not None and level.is_backdated(first))
    }
    return {pair: sold for pair, sold in sold_only(drafts).items() if pair not in others}


def sold_only(drafts: Sequence[Draft]) -> dict[Pair, Decimal]:
    """The levels whose goods only leave the shelf, from any batch; how much of each."""
    sold: dict[Pair, Decimal] = defaultdict(Decimal)
    others: set[Pair] = set()
    for draft in drafts:
        for line in draft.lines:
            pair = line.source.store, line.product
            consumed = line.source.bin == "shelf" and line.target.bin in CONSUMING_BINS
            if consumed and line.batches is None and draft.reverses_id is None:
                # A negative quantity is refused later, and must not lower the others' sum.
                sold[pair] += max(line.quantity, Decimal(0))
            else:
                others |= {pair, (line.target.store, line.product)}
    return {pair: quantity for pair, quantity in sold.items() if pair not in others}


def _referred_to(drafts: Iterable[Draft], histories: Mapping[UUID, History]) -> set[UUID]:
    """The batches that drafts name, and those of the movements they return or reverse."""
    named = {batch for draft in drafts for line in draft.lines for batch in line.batches or ()}
    for history in histories.values():
        named.update(*history.batches.values())
    return named


def _load(levels: Levels, held: list[HeldBatch], expiries: dict[UUID, date]) -> None:
    for store, product, expires_on, batch, *bins, received_at, percent in held:
        level = levels[store, product]
        batches = level.batches
        assert batches is not None
        level.received[batch] = received_at
        if percent is not None:
            level.markdowns[batch] = percent
        batches[BatchKey(expires_on, batch)] = dict(zip(PHYSICAL_BINS, bins, strict=True))
        expiries[batch] = expires_on


def _unexpired(level: LockedLevel) -> int:
    """Base units on the shelf that may be sold today, of the batches that were read."""
    return sum(
        bins["shelf"]
        for batch, bins in (level.batches or {}).items()
        if not expired(batch.expires_on, level.today)
    )
