"""Channel limits: what a channel may sell of a level, read under the level's lock."""

from collections.abc import Iterable, Mapping
from uuid import UUID

from app.db import channel_limits as rows
from app.db.core.unit import Unit
from app.db.levels import Pair
from app.domain.ledger.draft import Draft
from app.domain.ledger.locked import LockedLevel

COUNTER = "COUNTER"
"""The channel of the counter: it sells what its customer holds, so no rule binds it."""


def is_bound(draft: Draft) -> bool:
    """Whether the limits of its channel bind the draft."""
    return not draft.promised and draft.reverses_id is None


async def load_limits(
    unit: Unit, levels: Mapping[Pair, LockedLevel], drafts: Iterable[Draft]
) -> None:
    """Loads the limits that bind the channels of these drafts into their levels."""
    subjects: set[tuple[UUID, UUID, str]] = set()
    for draft in drafts:
        if draft.channel is not None and draft.channel != COUNTER and is_bound(draft):
            subjects.update((*pair, draft.channel) for pair in draft.pairs)
    if not subjects:
        return
    for (pair, channel), limit in (await rows.limits(unit, subjects)).items():
        if pair in levels:
            levels[pair].limits[channel] = limit


def use_limit(level: LockedLevel, channel: str, quantity: int) -> None:
    """Lowers the quantity that the channel may still sell of the level."""
    limit = level.limits[channel]
    if limit.remaining is not None:
        level.limits[channel] = limit._replace(remaining=limit.remaining - quantity)
