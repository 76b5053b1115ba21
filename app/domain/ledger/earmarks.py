"""Earmarks: what open write-offs wait for in quarantine; nobody else takes it from there.

What a write-off holds lies in quarantine as long as it is open, so that it can be decided at
any time.
"""

from collections.abc import Iterable, Mapping

from app.db import writeoffs as rows
from app.db.core.unit import Unit
from app.domain.ledger.draft import Draft, Pair
from app.domain.ledger.locked import Stock


async def load_earmarks(unit: Unit, levels: Mapping[Pair, Stock], drafts: Iterable[Draft]) -> None:
    """Fills in what is earmarked at the levels whose quarantine these drafts take from."""
    asked = {
        (line.source.store, line.product)
        for draft in drafts
        for line in draft.lines
        if line.source.bin == "quarantine"
    }
    if not asked:
        return
    for store, product, batch, document, quantity in await rows.earmarks(unit, asked):
        levels[store, product].earmarks[batch, document] += quantity
