"""Guests order without signing in: limits on what they may hold before they pay.

A contact is free text, so there are three bounds: unpaid orders of one contact, unpaid orders
from one address, and the share of a level that all guests may hold together. A customer with an
account is known to the platform: only their own unpaid orders count, and more of them.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from uuid import UUID

from app.db import orders as rows
from app.db import reservations
from app.db.core.unit import Unit
from app.db.levels import Pair
from app.db.orders import PlacedLine, PlacedOrder, PricedProduct
from app.domain.errors import (
    GuestLimitReached,
    InvalidQuantity,
    Malformed,
    Refused,
    TooManyOrders,
    WrongState,
    WrongStateReason,
    unknown_products,
)
from app.domain.ledger.draft import Draft
from app.domain.ledger.locked import LockedLevel, Move
from app.domain.rules.shares import share_of
from app.domain.rules.units import MEASURES, from_base

MOST_OPEN = {"contact_index": 5, "address_index": 30, "placed_by": 20}
"""Unpaid orders that one contact, one address, and one account may have in a store."""

MOST_LINES = 50
MOST_PIECES = 200
MOST_MEASURED = 200_000
"""Grams or millilitres of a product that is weighed or measured: 200 kg."""

LONGEST_PICKUP = timedelta(days=2)


def check_order_size(lines: Sequence[PlacedLine], products: Mapping[UUID, PricedProduct]) -> None:
    """Raises Refused(InvalidQuantity) for more of a product than a household takes home,
    Malformed for too many lines."""
    if len(lines) > MOST_LINES:
        raise Malformed(
            "lines", f"每单最多 {MOST_LINES} 行", f"Customers order at most {MOST_LINES} lines."
        )
    ordered: Counter[UUID] = Counter()
    for line in lines:
        ordered[line.product_id] += line.quantity
        most = MOST_MEASURED if products[line.product_id].unit in MEASURES else MOST_PIECES
        if ordered[line.product_id] > most:
            quantity = from_base(ordered[line.product_id], line.scale)
            raise Refused(InvalidQuantity(line.product_id, str(quantity)))


def check_offered(products: Mapping[UUID, PricedProduct]) -> None:
    """Customers order what the store lists in their channel, at its price.

    Raises Refused: UnknownProduct with all that is not listed, WrongState(NO_PRICE).
    """
    if hidden := [id for id, product in products.items() if not product.listed]:
        raise unknown_products(hidden)
    if any(product.price is None for product in products.values()):
        raise Refused(WrongState(WrongStateReason.NO_PRICE))


class GuestOrders:
    """What the guests of one `post` hold unpaid; the locks of guests and levels are held."""

    def __init__(self, unpaid: Counter[rows.Guest], held: Counter[Pair]) -> None:
        self._unpaid = unpaid
        self._held = held

    def refusal(self, draft: Draft) -> TooManyOrders | None:
        """Why the draft's guest may not order, if they may not."""
        for guest in guests_of(draft):
            if self._unpaid[guest] >= MOST_OPEN[guest.column]:
                return TooManyOrders(self._unpaid[guest])
        return None

    def excess(self, draft: Draft, moves: Sequence[Move]) -> GuestLimitReached | None:
        """The products of which guests would together hold more than their share."""
        if draft.guest_share is None:
            return None
        over = [
            level.pair[1]
            for level, quantity in _reserved(moves).items()
            if self._held[level.pair] + quantity
            > share_of(level.bins["shelf"] + self._held[level.pair], draft.guest_share)
        ]
        return GuestLimitReached(tuple(over)) if over else None

    def count(self, draft: Draft, moves: Sequence[Move]) -> None:
        """Counts an accepted draft, so that the next draft of the same `post` sees it."""
        for guest in guests_of(draft):
            self._unpaid[guest] += 1
        if draft.guest_share is not None:
            for level, quantity in _reserved(moves).items():
                self._held[level.pair] += quantity


async def lock_guests(unit: Unit, drafts: Iterable[Draft]) -> GuestOrders:
    """Locks the guests who order, in order, after the levels; then reads what guests hold."""
    drafts = list(drafts)
    guests = sorted({guest for draft in drafts for guest in guests_of(draft)})
    if not guests:
        return GuestOrders(Counter(), Counter())
    await rows.lock_guests(unit, guests)
    # The levels are locked: no other unit changes what is read here.
    pairs = {pair for draft in drafts if draft.guest_share is not None for pair in draft.pairs}
    held = await reservations.held_by_guests(unit, pairs) if pairs else Counter[Pair]()
    return GuestOrders(await rows.open_of_guests(unit, guests), held)


def guests_of(draft: Draft) -> list[rows.Guest]:
    """What the unpaid orders of the draft's customer are counted by; empty for other drafts."""
    order = draft.order
    if order is None:
        return []
    if draft.of_member:
        return [rows.Guest("placed_by", order.store_id, order.placed_by.bytes)]
    if draft.guest_share is None:
        return []
    return [
        rows.Guest(column, order.store_id, index)
        for column in ("contact_index", "address_index")
        if (index := _index(order, column)) is not None
    ]


def _index(order: PlacedOrder, column: str) -> bytes | None:
    return order.contact_index if column == "contact_index" else order.address_index


def _reserved(moves: Iterable[Move]) -> Counter[LockedLevel]:
    """Base units that the moves reserve, by level."""
    reserved: Counter[LockedLevel] = Counter()
    for move in moves:
        if move.line.source.bin == "shelf" and move.line.target.bin == "reserved":
            reserved[move.source] += move.quantity
    return reserved
