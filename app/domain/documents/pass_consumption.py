"""What the sale of a pass takes ahead of its uses, and how each use settles it.

By `consume_on` the sale takes nothing, the first use, or holds all of them. Whoever calls this
holds the lock of the pass.
"""

from collections.abc import Sequence
from decimal import Decimal
from uuid import UUID

from app.db import passes as rows
from app.db import reservations
from app.db.core.unit import Unit
from app.db.tables import Pass
from app.domain.catalog.cookbook import NO_WISH, Made, Taken, Wish, taken
from app.domain.ledger.draft import Line, Place, swapped
from app.domain.ledger.reservations import moved
from app.domain.rules.fefo import pick
from app.domain.rules.kinds import Kind
from app.domain.rules.units import from_base


def ahead(row: Pass, made: Made) -> tuple[Kind, list[Line]]:
    """What the sale takes ahead of the uses."""
    if row.consume_on == "FIRST_USE_ON_SALE":
        return Kind.PASS_SALE, _taken(row, row.store_id, made.takes, 1, NO_WISH)[:-1]
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
            for need, scale in made.takes
        ]
    return Kind.PASS_SALE, []


def _taken(row: Pass, store: UUID, takes: Sequence[Taken], uses: int, wish: Wish) -> list[Line]:
    """What so many uses take of the store's shelf, and the service that is made of it."""
    made = Made("SERVICE", row.recipe_id, row.consume_on, tuple(takes))
    shelf, customer = Place(store, "shelf"), Place(store, "customer")
    return taken(Line(row.product_id, Decimal(uses), shelf, customer), made, wish)


async def rendered(
    unit: Unit, row: Pass, store: UUID, takes: Sequence[Taken], uses: int, wish: Wish
) -> list[Line]:
    """What comes back of what was taken ahead, what the uses take, and the service itself."""
    last = uses == row.uses - row.used
    if row.consume_on == "FIRST_USE_ON_SALE" and row.used == 0:
        if store == row.store_id and wish == NO_WISH:
            # The first use was taken when it was sold; only those beyond it take more.
            more = _taken(row, store, takes, uses - 1, wish)[:-1] if uses > 1 else []
            return [*more, _taken(row, store, [], uses, wish)[-1]]
        back = await unused(unit, row)
    elif row.consume_on == "RESERVE_ON_SALE":
        back = await _released(unit, row, None if last else takes, uses)
    else:
        back = []
    return [*back, *_taken(row, store, takes, uses, wish)]


async def unused(unit: Unit, row: Pass) -> list[Line]:
    """The lines that put back all that was taken ahead and not used."""
    if row.consume_on == "RESERVE_ON_SALE":
        return await _released(unit, row, None, 0)
    if row.consume_on == "FIRST_USE_ON_SALE" and row.used == 0:
        return list(swapped(await rows.taken_ahead(unit, row.id, Kind.PASS_SALE.name)))
    return []


async def _released(unit: Unit, row: Pass, takes: Sequence[Taken] | None, uses: int) -> list[Line]:
    """What is reserved for so many uses, batch by batch; for all that are left without `takes`."""
    reserved, shelf = Place(row.store_id, "reserved"), Place(row.store_id, "shelf")
    held = await reservations.held(unit, [row.id])
    lines: list[Line] = []
    for product in dict.fromkeys(each.product_id for each in held):
        mine = [(each, each.quantity) for each in held if each.product_id == product]
        asked = sum(there for _, there in mine)
        if takes is not None:
            asked = sum(need.quantity * uses for need, _ in takes if need.product == product)
        for each, quantity in pick(mine, asked):
            lines.append(moved(each, quantity, reserved, shelf))
    return lines
