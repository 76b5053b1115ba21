"""Returns and reversals: what a draft may do to the movement it refers to, and at which cost."""

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

from app.db.movements import History
from app.domain.errors import Refusal, ReturnExceedsSale, WrongState, WrongStateReason
from app.domain.ledger.draft import Draft
from app.domain.ledger.locked import Levels, Move
from app.domain.rules.costs import share
from app.domain.rules.kinds import RETURNABLE_KINDS, Kind
from app.domain.rules.prices import Charge
from app.domain.rules.units import to_base


class ReturnedQuantity(NamedTuple):
    """Base units that a return takes back from its sale, what they cost, and what is paid back."""

    product_id: UUID
    batch_id: UUID | None
    quantity: int
    cost: int
    price: int | None
    discount: int
    amount: int | None


def origin_refusal(draft: Draft, history: History, levels: Levels) -> Refusal | None:
    """Why the movement behind `history` cannot be reversed or returned, if it cannot.

    A movement is reversed at most once; returns never exceed what the sale sold.
    """
    if draft.reverses_id is not None:
        return _reversal_refusal(draft, history)
    if history.kind not in RETURNABLE_KINDS:
        return WrongState(WrongStateReason.NOT_A_SALE)
    if history.reversed:
        return WrongState(WrongStateReason.REVERSED)
    return _excess(draft, history, levels)


def _reversal_refusal(draft: Draft, history: History) -> WrongState | None:
    if history.kind == Kind.REVERSAL.name:
        return WrongState(WrongStateReason.REVERSAL)
    if history.document_id != draft.document_id:
        return WrongState(WrongStateReason.DOCUMENT)
    if history.reversed:
        return WrongState(WrongStateReason.REVERSED)
    return WrongState(WrongStateReason.RETURNED) if history.returned else None


def _excess(draft: Draft, history: History, levels: Levels) -> ReturnExceedsSale | None:
    requested: Counter[UUID] = Counter()
    for line in draft.lines:
        level = levels.get((line.source.store, line.product))
        scale = level.scale if level else 1
        requested[line.product] += to_base(line.quantity, scale) or 0
        sold, returned = history.sold[line.product], history.returned[line.product]
        if requested[line.product] > sold - returned:
            return ReturnExceedsSale(line.product, sold, returned, requested[line.product], scale)
    return None


def price_returns(
    history: History, moves: Sequence[Move]
) -> tuple[list[Move], list[ReturnedQuantity]]:
    """The moves of a return with the cost of each, and what they take back from the sale.

    Goods come back at the average cost of what was sold and has not come back yet, and so does
    what was paid for them: the last of them bring back all that is left of it.
    """
    priced: list[Move] = []
    returned: list[ReturnedQuantity] = []
    left: Counter[UUID] = Counter()
    worth: Counter[UUID] = Counter()
    paid: dict[UUID, Charge] = {}
    for move in moves:
        product = move.line.product
        if product not in left:
            left[product] = history.sold[product] - history.returned[product]
            worth[product] = history.costs[product]
            if product in history.prices:
                paid[product] = _paid(history, product)
        cost, charge = share(worth[product], move.quantity, left[product]), None
        if product in paid:
            charge = paid[product].part(move.quantity, left[product])
            paid[product] = paid[product].minus(charge)
        left[product] -= move.quantity
        worth[product] -= cost
        priced.append(move._replace(cost=cost, charge=charge))
        batch = move.batch and move.batch.id
        money = charge or (None, 0, None)
        returned.append(ReturnedQuantity(product, batch, move.quantity, cost, *money))
    return priced, returned


def _paid(history: History, product: UUID) -> Charge:
    """What was paid for the product's goods that have not come back yet."""
    price = history.prices[product]
    return Charge(price, history.discounts[product], history.amounts[product])
