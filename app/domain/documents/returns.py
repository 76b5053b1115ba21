"""What came back of sales and orders: by line, and the state of an order that follows from it."""

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from enum import Enum
from typing import NamedTuple
from uuid import UUID

from app.db import orders, returns, stock
from app.db.core.snapshot import AnySession
from app.db.recipes import SoldPart, sold_parts
from app.db.returns import ReturnedGoods
from app.db.tables import OrderLine
from app.domain.rules.returned import Returned, SoldLine, returned_by_line

SOLD_TO = ("customer", "kitchen")
"""Where sold goods go: the parts of a bundle go to the kitchen. What is sold as such is first."""


class ReturnState(Enum):
    """How much of an order came back; names are those of the order's states."""

    PARTLY_RETURNED = "partly returned"
    RETURNED = "returned"


class OrderReturns(NamedTuple):
    """Base units that came back of each line of an order, and the state that follows from it."""

    by_line: Mapping[int, int]
    state: ReturnState


async def returned_lines(
    session: AnySession, tenant: UUID, sales: Collection[UUID]
) -> dict[UUID, dict[int, int]]:
    """Base units that came back of each line of these sales; sales without returns are left out."""
    back = _by(await returns.returned_goods(session, tenant, sales), "sale_id")
    sold: dict[UUID, list[SoldLine]] = defaultdict(list)
    parts: dict[UUID, list[SoldLine]] = defaultdict(list)
    entries = await stock.entries_of(session, tenant, list(back)) if back else ()
    for bin in SOLD_TO:
        for entry in entries:
            if entry.to_bin == bin:
                line = SoldLine(entry.line, entry.product_id, entry.batch_id, entry.quantity)
                sold[entry.movement_id].append(line)
                if bin == "kitchen":
                    parts[entry.movement_id].append(line)
    return {sale: _of_sale(sold[sale], parts[sale], goods) for sale, goods in back.items()}


def _of_sale(
    lines: Sequence[SoldLine], parts: Sequence[SoldLine], goods: Collection[ReturnedGoods]
) -> dict[int, int]:
    """What came back of each line; goods inside of a bundle came back of its `parts`."""
    inside = returned_by_line(parts, [_returned(each, each.unpacked) for each in goods])
    left = [line._replace(quantity=line.quantity - inside.get(line.line, 0)) for line in lines]
    alone = returned_by_line(left, [_returned(each, each.quantity) for each in goods])
    return {line: quantity + inside.get(line, 0) for line, quantity in alone.items()}


async def order_returns(
    session: AnySession, tenant: UUID, ids: Collection[UUID]
) -> dict[UUID, OrderReturns]:
    """What came back of these orders; orders without returns are left out."""
    back = _by(await returns.returned_goods(session, tenant, ids), "order_id")
    passes: dict[UUID, dict[int, int]] = defaultdict(dict)
    for order, line, uses in await returns.refunded_passes(session, tenant, ids):
        passes[order][line] = uses
    sold: dict[UUID, list[OrderLine]] = defaultdict(list)
    some = {*back, *passes}
    for line in await orders.lines_of(session, tenant, some) if some else ():
        sold[line.order_id].append(line)
    recipes = {line.recipe_id for lines in sold.values() for line in lines if line.recipe_id}
    parts: dict[UUID, list[SoldPart]] = defaultdict(list)
    for part in await sold_parts(session, tenant, recipes) if recipes else ():
        if part.kind == "BUNDLE":
            parts[part.recipe_id].append(part)
    return {
        order: _of_order(lines, back[order], passes[order], parts) for order, lines in sold.items()
    }


def _of_order(
    lines: Sequence[OrderLine],
    goods: Collection[ReturnedGoods],
    passes: Mapping[int, int],
    parts: Mapping[UUID, Sequence[SoldPart]],
) -> OrderReturns:
    """`passes` are the uses that were paid back, by line; `parts` those of bundles, by recipe.

    A bundle came back whole, or all of its parts did: what was ordered by itself comes first.
    """
    sold = [SoldLine(each.line, each.product_id, None, each.quantity) for each in lines]
    by_line = returned_by_line(sold, [_returned(each, each.quantity) for each in goods])
    left = Counter[UUID]()
    for each in goods:
        left[each.product_id] += each.quantity
    for each in lines:
        left[each.product_id] -= by_line[each.line]
    for each in lines:
        takes = parts.get(each.recipe_id, ()) if each.recipe_id else ()
        missing = (each.quantity - by_line[each.line]) // each.scale
        sets = min((left[part.product_id] // part.quantity for part in takes), default=0)
        sets = min(sets, missing)
        by_line[each.line] += sets * each.scale
        for part in takes:
            left[part.product_id] -= sets * part.quantity
    by_line |= {each.line: passes[each.line] * each.scale for each in lines if each.line in passes}
    whole = all(by_line[each.line] == each.quantity for each in lines)
    return OrderReturns(by_line, ReturnState.RETURNED if whole else ReturnState.PARTLY_RETURNED)


def _by(goods: Collection[ReturnedGoods], key: str) -> dict[UUID, list[ReturnedGoods]]:
    grouped: dict[UUID, list[ReturnedGoods]] = defaultdict(list)
    for each in goods:
        grouped[getattr(each, key)].append(each)
    return grouped


def _returned(goods: ReturnedGoods, quantity: int) -> Returned:
    return Returned(goods.product_id, goods.batch_id, quantity)
