"""Returns and reversals: what a draft may do to the movement it refers to, and at which cost."""

from collections import Counter
from collections.abc import Sequence
from fractions import Fraction
from typing import NamedTuple
from uuid import UUID

from app.db.movements import History
from app.domain.errors import Refusal, ReturnExceedsSale, WrongState, WrongStateReason
from app.domain.ledger.bundles import BundleMoney
from app.domain.ledger.draft import BundlePart, Draft
from app.domain.ledger.locked import Levels, Move
from app.domain.rules.costs import share
from app.domain.rules.kinds import RETURNABLE_KINDS, Kind
from app.domain.rules.prices import Charge
from app.domain.rules.units import to_base


class ReturnedQuantity(NamedTuple):
    """Base units that a return takes back from its sale, what they cost, and what is paid back."""

    bin: str
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
    # A bundle is named before its parts.
    for line in sorted(draft.lines, key=lambda line: line.recipe is None):
        level = levels.get((line.source.store, line.product))
        scale = level.scale if level else 1
        requested[line.product] += to_base(line.quantity, scale) or 0
        sold, returned = history.sold[line.product], history.returned[line.product]
        if requested[line.product] > sold - returned:
            return ReturnExceedsSale(line.product, sold, returned, requested[line.product], scale)
    return None


def price_returns(
    draft: Draft, history: History, moves: Sequence[Move]
) -> tuple[list[Move], list[ReturnedQuantity]]:
    """The moves of a return with the cost of each, and what they take back from the sale.

    Goods come back at the average cost of what was sold and has not come back yet, and so does
    what was paid for them: the last of them bring back all that is left of it.
    """
    priced: list[Move] = []
    returned: list[ReturnedQuantity] = []
    left: Counter[UUID] = Counter()
    worth: Counter[UUID] = Counter()
    money = ReturnedMoney(history, draft.parts)
    for move in moves:
        product = move.line.product
        if product not in left:
            left[product] = history.sold[product] - history.returned[product]
            worth[product] = history.costs[product]
        cost, charge = share(worth[product], move.quantity, left[product]), money.charge(move)
        left[product] -= move.quantity
        worth[product] -= cost
        priced.append(move._replace(cost=cost, charge=charge))
        batch = move.batch and move.batch.id
        paid = charge or (None, 0, None)
        bin = move.line.source.bin
        returned.append(ReturnedQuantity(bin, product, batch, move.quantity, cost, *paid))
    return priced, returned


class ReturnedMoney:
    """What was paid for the goods of a sale and is paid back with them, move by move."""

    def __init__(self, history: History, parts: Sequence[BundlePart]) -> None:
        self._history = history
        self._bundles = BundleMoney(history, parts)
        self._own: dict[UUID, tuple[int, Charge | None]] = {}
        self._unpacked = Fraction(0)

    def charge(self, move: Move) -> Charge | None:
        """What is paid back for the move; None without a price, and for the parts of a whole
        bundle: its own move comes after theirs and carries the money."""
        product, quantity = move.line.product, move.quantity
        if move.line.source.bin == "kitchen":
            self._unpacked += self._bundles.weight(product, quantity)
            return None
        taken, own = self._take_own(product, quantity)
        if move.line.target.bin == "kitchen":
            weight, self._unpacked = self._unpacked, Fraction(0)
            return own and own._replace(amount=self._bundles.take(weight))
        if taken == quantity or not self._bundles.known:
            return own
        inside = self._bundles.take(self._bundles.weight(product, quantity - taken))
        return own._replace(amount=own.amount + inside) if own else Charge(None, 0, inside)

    def _take_own(self, product: UUID, quantity: int) -> tuple[int, Charge | None]:
        """Base units that were sold by themselves, at most `quantity`, and what is paid back."""
        left, paid = self._own.get(product) or self._sold_alone(product)
        taken = min(left, quantity)
        charge = paid.part(taken, left) if paid and taken else None
        self._own[product] = left - taken, paid.minus(charge) if paid and charge else paid
        return taken, charge

    def _sold_alone(self, product: UUID) -> tuple[int, Charge | None]:
        history = self._history
        sold = history.sold[product] - history.parts[product]
        left = max(0, sold - history.returned[product] + history.unpacked[product])
        if product not in history.prices:
            return left, None
        price, discount = history.prices[product], history.discounts[product]
        return left, Charge(price, discount, history.amounts[product])
