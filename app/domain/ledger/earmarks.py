"""Earmarks: goods in quarantine that open write-offs wait for; no other document takes them.

They stay in quarantine while the write-off is open, so that it can be decided at any time.
"""

from collections.abc import Iterable, Mapping

from app.db import writeoffs as rows
from app.db.core.unit import Unit
from app.db.levels import Pair
from app.domain.ledger.draft import Draft, Line
from app.domain.ledger.locked import LockedLevel


async def load_earmarks(
    unit: Unit, levels: Mapping[Pair, LockedLevel], drafts: Iterable[Draft]
) -> None:
    """Loads the earmarks of the levels whose quarantine these drafts may take from."""
    pairs = {
        pair
        for draft in drafts
        for line in draft.lines
        if (pair := (line.source.store, line.product)) in levels
        and _may_take(draft, line, levels[pair])
    }
    if not pairs:
        return
    for store, product, batch, document, quantity in await rows.earmarks(unit, pairs):
        earmarks = levels[store, product].earmarks
        earmarks[batch, document] = earmarks.get((batch, document), 0) + quantity


def _may_take(draft: Draft, line: Line, level: LockedLevel) -> bool:
    """Whether the line takes from quarantine, or may, because the goods left on an earlier day."""
    return "quarantine" in (line.source.bin, line.rest) or level.is_backdated(draft.occurred_at)
