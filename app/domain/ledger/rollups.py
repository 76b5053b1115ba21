"""Roll-ups of one post: the flows of its movements, added up by the hour (I13)."""

from collections.abc import Iterable
from operator import add
from zoneinfo import ZoneInfo

from app.db.rollups import FlowSums, RollUpKey
from app.domain.ledger.draft import Draft
from app.domain.ledger.locked import Move
from app.domain.rules.days import BusinessDay
from app.domain.rules.flows import (
    FLOWS_FROM,
    FLOWS_TO,
    FLOWS_WITH_REASON,
    FROM_STORE,
    TO_STORE,
)


class RollUps:
    """Adds up moves under the level locks, which are the locks of their roll-up rows as well."""

    def __init__(self) -> None:
        self._sums: dict[RollUpKey, FlowSums] = {}

    def add(self, draft: Draft, day: BusinessDay, move: Move, cost: int | None) -> None:
        """Counts a move of the draft on this day; `cost` is in 1/10000 yuan.

        A reversal subtracts from the flows of the movement it undoes.
        """
        source, target = move.line.source, move.line.target
        sign = 1
        if draft.reverses_id is not None:
            source, target, sign = target, source, -1
        flows = [(FLOWS_FROM.get(source.bin), source), (FLOWS_TO.get(target.bin), target)]
        if source.store != target.store:
            flows += [(TO_STORE, source), (FROM_STORE, target)]
        hour = None
        for flow, place in flows:
            if flow is None:
                continue
            if hour is None:
                hour = draft.occurred_at.astimezone(ZoneInfo(day.timezone)).hour
            key = RollUpKey(
                place.store,
                day.date,
                move.line.product,
                flow,
                hour,
                draft.channel or "",
                draft.reason or "" if flow in FLOWS_WITH_REASON else "",
            )
            charge = move.charge
            discount, amount = (charge.discount, charge.amount) if charge else (0, 0)
            added = FlowSums(
                sign * move.quantity, sign * (cost or 0), sign * discount, sign * amount
            )
            earlier = self._sums.setdefault(key, added)
            if earlier is not added:
                self._sums[key] = FlowSums(*map(add, earlier, added))

    def rows(self) -> Iterable[tuple[RollUpKey, FlowSums]]:
        """What to add to the rows of the database, each key once."""
        return self._sums.items()
