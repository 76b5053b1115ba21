"""Handing over: the lines of the movement by which reserved goods become the customer's."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date
from uuid import UUID

from app.db.reservations import Reservation
from app.db.tables import OrderLine
from app.domain.ledger.draft import Line, Place
from app.domain.ledger.reservations import move_line
from app.domain.movements.prices import ordered_charge
from app.domain.rules.fefo import expired
from app.domain.rules.prices import Charge
from app.domain.rules.units import from_base


def fulfilment_lines(
    store: UUID, held: Sequence[Reservation], ordered: Sequence[OrderLine], today: date
) -> list[Line]:
    """Goods to the customer; components of dishes to the kitchen, and the dishes out of it.

    What was ordered carries the price of the order. What expired by `today` goes to quarantine,
    and as much is taken from the shelf instead.
    """
    kitchen, customer = Place(store, "kitchen"), Place(store, "customer")
    sold = _Ordered(ordered)
    goods: list[Line] = []
    components: list[Line] = []
    for each in held:
        left = each.quantity
        for quantity, charge in sold.take(each.product_id, each.quantity):
            goods += _handed(each, quantity, customer, charge, today)
            left -= quantity
        if left:
            components += _handed(each, left, kitchen, None, today)
    dishes = [
        Line(
            line.product_id,
            from_base(line.quantity, line.scale),
            kitchen,
            customer,
            recipe=line.recipe_id,
            charge=ordered_charge(line),
        )
        for line in ordered
        if line.recipe_id is not None
    ]
    return [*goods, *components, *dishes]


def _handed(
    held: Reservation, quantity: int, target: Place, charge: Charge | None, today: date
) -> list[Line]:
    """So many of the held base units; fresh ones if these have expired."""
    reserved, shelf = Place(target.store, "reserved"), Place(target.store, "shelf")
    if held.expires_on is None or not expired(held.expires_on, today):
        return [replace(move_line(held, quantity, reserved, target), charge=charge)]
    quarantine, count = Place(target.store, "quarantine"), from_base(quantity, held.scale)
    fresh = Line(held.product_id, count, shelf, target, charge=charge)
    return [move_line(held, quantity, reserved, quarantine), fresh]


class _Ordered:
    """What an order's lines still have to be handed over, by product, in the lines' order."""

    def __init__(self, lines: Sequence[OrderLine]) -> None:
        self._left: dict[UUID, list[tuple[int, Charge | None]]] = {}
        for line in lines:
            self._left.setdefault(line.product_id, []).append((line.quantity, ordered_charge(line)))

    def take(self, product: UUID, quantity: int) -> Iterator[tuple[int, Charge | None]]:
        """Up to `quantity` base units of the product, split at the ends of the order's lines, each
        with its share of its line's amount."""
        lines = self._left.get(product, [])
        while quantity and lines:
            whole, charge = lines[0]
            part = min(quantity, whole)
            share = charge and charge.part(part, whole)
            if part == whole:
                lines.pop(0)
            else:
                lines[0] = whole - part, charge and share and charge.minus(share)
            quantity -= part
            yield part, share


def renewed_lines(store: UUID, held: Sequence[Reservation]) -> list[Line]:
    """Lines that put these goods back on the shelf and reserve others of the same products."""
    shelf, reserved = Place(store, "shelf"), Place(store, "reserved")
    back = [move_line(each, each.quantity, reserved, shelf) for each in held]
    again = [
        Line(each.product_id, from_base(each.quantity, each.scale), shelf, reserved)
        for each in held
    ]
    return [*back, *again]
