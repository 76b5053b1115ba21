"""Roll-ups of one post: the flows of its movements, added up by the hour (I13)."""

from collections.abc import Iterator
from zoneinfo import ZoneInfo

from app.db.rollups import RollUpKey, RollUpRow
from app.domain.ledger.draft import Draft
from app.domain.ledger.locked import Move
from app.domain.rules.days import BusinessDay
from app.domain.rules.flows import FLOWS_FROM, FLOWS_TO, FLOWS_WITH_REASON


class RollUps:
    """Adds up moves under the level locks, which are the locks of their roll-up rows as well."""

    def __init__(self) -> None:
        self._sums: dict[RollUpKey, list[int]] = {}

    def add(self, draft: Draft, day: BusinessDay, move: Move, cost: int | None) -> None:
        """Counts a move of the draft on this day; `cost` is in 1/10000 yuan.

        A reversal subtracts from the flows of the movement it undoes.
        """
        source, target = move.line.source, move.line.target
        sign = 1
        if draft.reverses_id is not None:
            source, target, sign = target, source, -1
        flows = (FLOWS_FROM.get(source.bin), source), (FLOWS_TO.get(target.bin), target)
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
            sums = self._sums.setdefault(key, [0, 0, 0, 0])
            sums[0] += sign * move.quantity
            sums[1] += sign * (cost or 0)
            if charge is not None:
                sums[2] += sign * charge.discount
                sums[3] += sign * charge.amount

    def rows(self) -> Iterator[RollUpRow]:
        """The rows to add to the database's, each key once."""
        for key, (quantity, cost, discount, amount) in self._sums.items():
            yield RollUpRow(*key, quantity, cost, discount, amount)
