"""The lines that hand over what an order reserves."""

from collections.abc import Sequence
from datetime import date
from uuid import UUID

from app.db.reservations import Reservation
from app.db.tables import OrderLine
from app.domain.ledger.draft import Line, Place
from app.domain.ledger.reservations import move_line
from app.domain.rules.fefo import expired
from app.domain.rules.units import from_base


def fulfilment_lines(
    store: UUID, held: Sequence[Reservation], ordered: Sequence[OrderLine], today: date
) -> list[Line]:
    """Goods to the customer; components of dishes to the kitchen, and the dishes out of it.

    What has expired by `today` goes to quarantine, and fresh goods are taken instead.
    """
    kitchen, customer = Place(store, "kitchen"), Place(store, "customer")
    reserved, quarantine = Place(store, "reserved"), Place(store, "quarantine")
    shelf = Place(store, "shelf")
    sold = {line.product_id: 0 for line in ordered}
    for line in ordered:
        sold[line.product_id] += line.quantity
    goods: list[Line] = []
    components: list[Line] = []
    for each in held:
        whole = min(each.quantity, sold.get(each.product_id, 0))
        if whole:
            sold[each.product_id] -= whole
        for quantity, target, lines in (
            (whole, customer, goods),
            (each.quantity - whole, kitchen, components),
        ):
            if quantity and _stale(each, today):
                fresh = Line(each.product_id, from_base(quantity, each.scale), shelf, target)
                lines += [move_line(each, quantity, reserved, quarantine), fresh]
            elif quantity:
                lines.append(move_line(each, quantity, reserved, target))
    dishes = [
        Line(
            line.product_id,
            from_base(line.quantity, line.scale),
            kitchen,
            customer,
            recipe=line.recipe_id,
        )
        for line in ordered
        if line.recipe_id is not None
    ]
    return [*goods, *components, *dishes]


def _stale(held: Reservation, today: date) -> bool:
    return held.expires_on is not None and expired(held.expires_on, today)
