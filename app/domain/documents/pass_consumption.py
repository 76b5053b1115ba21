"""Consumption of passes: what a sale takes ahead of the uses, and how each use accounts for it.

By `consume_on` the sale takes nothing, takes the first use, or reserves all of them. The caller
holds the lock of the pass.
"""

from collections.abc import Sequence
from decimal import Decimal
from uuid import UUID

from app.db import passes as rows
from app.db import reservations
from app.db.core.unit import Unit
from app.db.tables import Pass
from app.domain.catalog.cookbook import NO_WISH, KnownProduct, Taken, Wish, made_to_order
from app.domain.ledger.draft import Line, Place, in_zone, reversed_lines
from app.domain.ledger.reservations import move_line
from app.domain.rules.fefo import pick
from app.domain.rules.kinds import Kind
from app.domain.rules.units import from_base


def pass_consumption(
    row: Pass, product: KnownProduct, zone: str | None = None
) -> tuple[Kind, list[Line]]:
    """The movement of a sale: what it takes ahead of the uses, from the zone.

    What it reserves stays where it lies, so it names no zone.
    """
    if row.consume_on == "FIRST_USE_ON_SALE":
        first = _use_lines(row, row.store_id, product.takes, 1, NO_WISH)[:-1]
        return Kind.PASS_SALE, in_zone(first, zone)
    if row.consume_on == "RESERVE_ON_SALE":
        shelf, reserved = Place(row.store_id, "shelf"), Place(row.store_id, "reserved")
        return Kind.PASS_HOLD, [
            Line(
                need.product,
                from_base(need.quantity * row.uses, scale),
                shelf,
                reserved,
                optional=need.optional,
            )
            for need, scale in product.takes
        ]
    return Kind.PASS_SALE, []


def _use_lines(row: Pass, store: UUID, takes: Sequence[Taken], uses: int, wish: Wish) -> list[Line]:
    """Lines that these uses take from the store's shelf; the service itself comes last."""
    product = KnownProduct("SERVICE", row.recipe_id, row.consume_on, tuple(takes))
    shelf, customer = Place(store, "shelf"), Place(store, "customer")
    return made_to_order(Line(row.product_id, Decimal(uses), shelf, customer), product, wish)


async def redemption_lines(
    unit: Unit,
    row: Pass,
    store: UUID,
    takes: Sequence[Taken],
    uses: int,
    wish: Wish,
    zone: str | None = None,
) -> list[Line]:
    """Goods taken ahead that come back, what the uses take from the zone, and the service."""
    last = uses == row.uses - row.used
    if row.ahead:
        if store == row.store_id and wish == NO_WISH:
            # The sale took the first use; only further ones take more.
            more = _use_lines(row, store, takes, uses - 1, wish)[:-1] if uses > 1 else []
            return [*in_zone(more, zone), _use_lines(row, store, [], uses, wish)[-1]]
        back = await unused_lines(unit, row)
    elif row.consume_on == "RESERVE_ON_SALE":
        back = await _released(unit, row, None if last else takes, uses)
    else:
        back = []
    return [*back, *in_zone(_use_lines(row, store, takes, uses, wish), zone)]


async def unused_lines(unit: Unit, row: Pass, zone: str | None = None) -> list[Line]:
    """The lines that put back all that was taken ahead and never used: into the zone, or where it
    was taken from."""
    if row.consume_on == "RESERVE_ON_SALE":
        return await _released(unit, row, None, 0)
    if row.ahead:
        taken = await rows.taken_ahead(unit, row.id, Kind.PASS_SALE.name)
        return in_zone(reversed_lines(taken), zone)
    return []


async def _released(unit: Unit, row: Pass, takes: Sequence[Taken] | None, uses: int) -> list[Line]:
    """Lines reserved for these uses, by batch; without `takes`, for all uses that are left."""
    reserved, shelf = Place(row.store_id, "reserved"), Place(row.store_id, "shelf")
    held = await reservations.held(unit, [row.id])
    lines: list[Line] = []
    for product in dict.fromkeys(each.product_id for each in held):
        batches = [(each, each.quantity) for each in held if each.product_id == product]
        total = sum(quantity for _, quantity in batches)
        if takes is not None:
            total = sum(need.quantity * uses for need, _ in takes if need.product == product)
        for each, quantity in pick(batches, total):
            lines.append(move_line(each, quantity, reserved, shelf))
    return lines
