"""Guests order without signing in: limits on what they may hold before they pay."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from uuid import UUID

from app.db import orders as rows
from app.db.core.unit import Unit
from app.db.orders import GUEST, PlacedLine, PlacedOrder, PricedProduct
from app.domain.errors import InvalidQuantity, Malformed, Refused, TooManyOrders
from app.domain.ledger.draft import Draft
from app.domain.rules.units import MEASURES, from_base

MOST_OPEN = 5
"""Unpaid orders that one contact may have in a store."""

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
            "lines", f"未登录时最多 {MOST_LINES} 行", f"Guests order at most {MOST_LINES} lines."
        )
    ordered: Counter[UUID] = Counter()
    for line in lines:
        ordered[line.product_id] += line.quantity
        most = MOST_MEASURED if products[line.product_id].unit in MEASURES else MOST_PIECES
        if ordered[line.product_id] > most:
            quantity = from_base(ordered[line.product_id], line.scale)
            raise Refused(InvalidQuantity(line.product_id, str(quantity)))


class GuestOrders:
    """How many unpaid orders the guests of one `post` have; their locks are held."""

    def __init__(self, unpaid: Counter[rows.Guest]) -> None:
        self._unpaid = unpaid

    def refusal(self, draft: Draft) -> TooManyOrders | None:
        """Why the draft's guest may not order, if they may not."""
        if draft.order is None or draft.order.placed_by != GUEST:
            return None
        unpaid = self._unpaid[_guest(draft.order)]
        return TooManyOrders(unpaid) if unpaid >= MOST_OPEN else None

    def count(self, draft: Draft) -> None:
        """Counts an accepted draft, so that the next draft of the same `post` sees it."""
        if draft.order is not None:
            self._unpaid[_guest(draft.order)] += 1


async def lock_guests(unit: Unit, drafts: Iterable[Draft]) -> GuestOrders:
    """Locks the guests who order, in order, after the levels; then counts their unpaid orders."""
    placed = (draft.order for draft in drafts)
    guests = sorted({_guest(order) for order in placed if order and order.placed_by == GUEST})
    if not guests:
        return GuestOrders(Counter())
    await rows.lock_guests(unit, guests)
    return GuestOrders(await rows.open_of_guests(unit, guests))


def _guest(order: PlacedOrder) -> rows.Guest:
    return rows.Guest(order.store_id, order.contact_index)
