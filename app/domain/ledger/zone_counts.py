"""When the zones of a level were counted: by that it is judged whether a late sale of a zone is
part of the variance of a closed stocktake."""

from collections.abc import Iterable, Mapping

from app.db import stocktake_closings as rows
from app.db.core.unit import Unit
from app.db.levels import Pair
from app.domain.ledger.draft import Draft
from app.domain.ledger.locked import LockedLevel


async def load_zone_counts(
    unit: Unit, levels: Mapping[Pair, LockedLevel], drafts: Iterable[Draft]
) -> None:
    """Loads the zone counts of the levels that were counted zone by zone around the moment at
    which these drafts took goods of a zone."""
    pairs = {
        pair
        for draft in drafts
        if draft.dated
        for line in draft.lines
        if line.zone is not None
        and (level := levels.get(pair := (line.source.store, line.product))) is not None
        and level.was_counted_during(draft.occurred_at, line.zone)
    }
    if not pairs:
        return
    for store, product, zone, counted_at in await rows.zone_counts(unit, pairs):
        levels[store, product].zone_counts[zone] = counted_at
