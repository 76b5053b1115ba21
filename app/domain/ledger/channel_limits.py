"""Rations: what channels may take of levels, known to a post under the levels' locks."""

from collections.abc import Iterable, Mapping
from uuid import UUID

from app.db import channel_limits as rows
from app.db.core.unit import Unit
from app.domain.ledger.draft import Draft, Pair
from app.domain.ledger.locked import ChannelLimit, Stock

COUNTER = "COUNTER"
"""The channel that sells what its customer holds in her hand: no rule binds it."""


async def load_limits(unit: Unit, levels: Mapping[Pair, Stock], drafts: Iterable[Draft]) -> None:
    """Fills in what binds the channels of these drafts at their levels."""
    asked: set[tuple[UUID, UUID, str]] = set()
    for draft in drafts:
        free = draft.promised or draft.reverses_id is not None
        if draft.channel not in (None, COUNTER) and not free:
            asked.update((*pair, draft.channel) for pair in draft.pairs)
    if not asked:
        return
    for (pair, channel), bound in (await rows.bounds(unit, asked)).items():
        if pair in levels:
            levels[pair].rations[channel] = ChannelLimit(*bound)
