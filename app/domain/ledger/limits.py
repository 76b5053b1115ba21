"""Limits of roles: what a member of staff may book without a second person."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from app.domain.errors import Refusal
from app.domain.ledger.draft import Draft
from app.domain.ledger.locked import Move
from app.domain.rules.costs import cost_of


@dataclass(frozen=True, slots=True)
class SecondPersonNeeded(Refusal):
    """The movement costs `value`, more than the `limit` that the role may book alone; both in
    1/10000 yuan. `approval_id` is the request that waits for a second person."""

    limit: int
    value: int
    approval_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class UnknownApproval(Refusal):
    """No movement that waits for a second person has this id."""

    asked: str


def over_limit(draft: Draft, moves: Sequence[Move]) -> SecondPersonNeeded | None:
    """Why the draft's author may not book it alone: it costs more than their role's limit."""
    if draft.limit is None or (value := _value(draft, moves)) <= draft.limit:
        return None
    return SecondPersonNeeded(draft.limit, value)


def _value(draft: Draft, moves: Sequence[Move]) -> int:
    """What enters or leaves the books, in 1/10000 yuan: the larger of the two.

    Of a sale that accepts a shortage only the goods that the books lacked count. Goods that enter
    count at the given cost or at their average cost, the larger of the two.
    """
    leaving = joining = 0
    for move in moves:
        line, quantity = move.line, move.quantity
        if draft.accept_shortage and line.source.bin != "variance":
            continue
        leaves, joins = line.source.bin in move.source.bins, line.target.bin in move.target.bins
        if leaves and not joins:
            leaving += move.source.worth(quantity)
        elif joins and not leaves:
            given = line.unit_cost or 0
            joining += max(move.target.worth(quantity), cost_of(quantity, move.target.scale, given))
    return max(leaving, joining)
