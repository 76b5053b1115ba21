"""Receipt numbers: one sale per store, till, business day and number.

A number is claimed beside the sale's key, in the same statement. A second sale with the number is
answered with the first if it sells the same, from any sender and under any key: a queue of
offline sales may be uploaded again by the next shift. The number of a reversed sale stays taken.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from uuid import UUID

from app.db import movements as movement_rows
from app.db.core.unit import Unit
from app.db.levels import Claim
from app.db.movements import Answered, ClaimKey
from app.db.tables import Movement
from app.domain.errors import Busy, Refusal
from app.domain.ledger.draft import Draft
from app.domain.till_errors import ReceiptTaken

CLAIM_KEPT = timedelta(days=80)
"""Claims of sales that happened since then still exist: they are kept for 90 days."""


def claims_of(draft: Draft) -> list[Claim]:
    """The draft's claims: its key, and its receipt number if it has one."""
    claims = [Claim(*draft.claim, draft.fingerprint, draft.id)]
    if draft.receipt is not None:
        claims.append(Claim(*draft.receipt.claim, draft.receipt.content, draft.id))
    return claims


def one_per_receipt(
    drafts: Iterable[Draft], booked: set[ClaimKey]
) -> tuple[list[Draft], list[Draft]]:
    """The first draft of each receipt number and all of numbers that are booked; then the rest."""
    turn: list[Draft] = []
    rest: list[Draft] = []
    first: set[ClaimKey] = set()
    for draft in drafts:
        claim = draft.receipt and draft.receipt.claim
        if claim is None or claim in booked or claim not in first:
            turn.append(draft)
        else:
            rest.append(draft)
        if claim is not None:
            first.add(claim)
    return turn, rest


def booked_receipts(outcomes: Mapping[Draft, Movement | Refusal]) -> set[ClaimKey]:
    """The receipt numbers that have a sale, as far as the outcomes say."""
    return {
        draft.receipt.claim
        for draft, outcome in outcomes.items()
        if draft.receipt is not None and isinstance(outcome, Movement | ReceiptTaken)
    }


def answer(draft: Draft, earlier: Answered) -> Movement | Refusal:
    """The outcome of a draft whose receipt number was claimed before."""
    assert draft.receipt is not None
    content, movement = earlier.get(draft.receipt.claim, (None, None))
    if movement is None:
        # The claim was deleted as too old after this draft had met it.
        return Busy()
    if content == draft.receipt.content:
        return movement
    return ReceiptTaken(draft.receipt.number, movement.id)


async def long_ago(unit: Unit, drafts: Sequence[Draft]) -> dict[Draft, ReceiptTaken]:
    """Refusals of drafts whose receipt number has a sale so old that its claim may be deleted."""
    since = unit.now - CLAIM_KEPT
    old = {d.receipt.key: d for d in drafts if d.receipt and d.occurred_at < since}
    if not old:
        return {}
    sales: dict[UUID, UUID] = await movement_rows.sales_by_receipt(unit, list(old))
    return {
        draft: ReceiptTaken(draft.receipt.number, sales[key])
        for key, draft in old.items()
        if key in sales and draft.receipt is not None
    }
