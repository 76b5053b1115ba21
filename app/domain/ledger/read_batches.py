"""Which batches a post has to know, read under the locks of their levels.

A sale looks at the first few of the shelf, however many stand behind them; whoever names a
batch, brings one or puts one aside needs them all.
"""

from collections import defaultdict
from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal
from uuid import UUID

from app.db import batches as rows
from app.db.batches import BatchQuantity
from app.db.core.unit import Unit
from app.db.movements import History
from app.domain.ledger.draft import Draft, Pair
from app.domain.ledger.locked import Batch, Stock
from app.domain.rules.days import store_day
from app.domain.rules.fefo import expired
from app.domain.rules.kinds import CONSUMING_BINS, PHYSICAL_BINS


async def read_batches(
    unit: Unit, tracked: Sequence[Stock], drafts: Sequence[Draft], histories: dict[UUID, History]
) -> dict[UUID, date]:
    """Fills in the batches of these levels and their stores' day; gives the expiry of each."""
    zones = await rows.zones(unit, {stock.pair[0] for stock in tracked})
    for stock in tracked:
        stock.batches = {}
        stock.today = store_day(unit.now, zones[stock.pair[0]])
    expiries: dict[UUID, date] = {}
    choosy = _choosy(tracked)
    sold = {pair: asked for pair, asked in sold_only(drafts).items() if pair not in choosy}
    simple = {stock.pair: stock for stock in tracked if stock.pair in sold}
    whole = {stock.pair: stock for stock in tracked if stock.pair not in sold}
    if simple:
        # No store's day is earlier than this one.
        since = unit.now.date() - timedelta(days=1)
        _fill(simple, await rows.beginnings(unit, simple, since), expiries)
        whole |= {p: s for p, s in simple.items() if _fresh(s) < sold[p] * s.scale}
    if whole:
        _fill(whole, await rows.held(unit, whole), expiries)
    named = {batch for draft in drafts for line in draft.lines for batch in line.batches or ()}
    for history in histories.values():
        named.update(*history.batches.values())
    if unread := named - expiries.keys():
        expiries |= await rows.expiries(unit, unread)
    return expiries


def _choosy(tracked: Sequence[Stock]) -> set[Pair]:
    """The levels of which what expires first is not always what leaves first."""
    return {stock.pair for stock in tracked if stock.container is not None or stock.rations}


def sold_only(drafts: Sequence[Draft]) -> dict[Pair, Decimal]:
    """The levels whose goods only leave the shelf, from any batch; how much of each."""
    sold: dict[Pair, Decimal] = defaultdict(Decimal)
    others: set[Pair] = set()
    for draft in drafts:
        for line in draft.lines:
            here = line.source.store, line.product
            leaves = line.source.bin == "shelf" and line.target.bin in CONSUMING_BINS
            if leaves and line.batches is None and draft.reverses_id is None:
                # What is impossible is refused later, and must not make the others' sum smaller.
                sold[here] += max(line.quantity, Decimal(0))
            else:
                others |= {here, (line.target.store, line.product)}
    return {pair: quantity for pair, quantity in sold.items() if pair not in others}


def _fill(
    levels: dict[Pair, Stock], found: list[BatchQuantity], expiries: dict[UUID, date]
) -> None:
    for store, product, expires_on, batch, *bins in found:
        batches = levels[store, product].batches
        assert batches is not None
        batches[Batch(expires_on, batch)] = dict(zip(PHYSICAL_BINS, bins, strict=True))
        expiries[batch] = expires_on


def _fresh(stock: Stock) -> int:
    return sum(
        bins["shelf"]
        for batch, bins in (stock.batches or {}).items()
        if not expired(batch.expires_on, stock.today)
    )
