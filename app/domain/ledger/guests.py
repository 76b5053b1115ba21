"""Guests: how much they may hold, whom nobody knows and who have paid for nothing yet."""

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
"""Unpaid orders of one contact in a store."""

MOST_LINES = 50
MOST_PIECES = 200
MOST_MEASURED = 200_000
"""Grams or millilitres of what is weighed or measured: 200 kg."""

LONGEST_PICKUP = timedelta(days=2)


def bound(lines: Sequence[PlacedLine], known: Mapping[UUID, PricedProduct]) -> None:
    """Raises Refused(InvalidQuantity) for more of a product than a household takes home,
    Malformed for too many lines."""
    if len(lines) > MOST_LINES:
        raise Malformed(f"lines: at most {MOST_LINES} for whoever is not signed in")
    wanted: Counter[UUID] = Counter()
    for line in lines:
        wanted[line.product_id] += line.quantity
        most = MOST_MEASURED if known[line.product_id].unit in MEASURES else MOST_PIECES
        if wanted[line.product_id] > most:
            told = from_base(wanted[line.product_id], line.scale)
            raise Refused(InvalidQuantity(line.product_id, str(told)))


class GuestOrders:
    """The unpaid orders of the guests who order in one `post`; nobody else adds to them now."""

    def __init__(self, open_: Counter[rows.Guest]) -> None:
        self._open = open_

    def refusal(self, draft: Draft) -> TooManyOrders | None:
        if draft.order is None or draft.order.placed_by != GUEST:
            return None
        there = self._open[_who(draft.order)]
        return TooManyOrders(there) if there >= MOST_OPEN else None

    def join(self, draft: Draft) -> None:
        """A neighbour in the same `post` comes after this one."""
        if draft.order is not None:
            self._open[_who(draft.order)] += 1


async def lock_guests(unit: Unit, drafts: Iterable[Draft]) -> GuestOrders:
    """Locks the guests who order, in order, after the levels; then counts what they hold."""
    placed = (draft.order for draft in drafts)
    who = sorted({_who(order) for order in placed if order and order.placed_by == GUEST})
    if not who:
        return GuestOrders(Counter())
    await rows.lock_guests(unit, who)
    return GuestOrders(await rows.open_of_guests(unit, who))


def _who(order: PlacedOrder) -> rows.Guest:
    return rows.Guest(order.store_id, order.contact)
