"""What came back of sales and orders: by line, and the state of an order that follows from it."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from enum import Enum
from typing import NamedTuple
from uuid import UUID

from app.db import orders, returns, stock
from app.db.core.snapshot import AnySession
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
    entries = await stock.entries_of(session, tenant, list(back)) if back else ()
    for bin in SOLD_TO:
        for entry in entries:
            if entry.to_bin == bin:
                line = SoldLine(entry.line, entry.product_id, entry.batch_id, entry.quantity)
                sold[entry.movement_id].append(line)
    return {sale: returned_by_line(sold[sale], goods) for sale, goods in back.items()}


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
    return {order: _of_order(lines, back[order], passes[order]) for order, lines in sold.items()}


def _of_order(
    lines: Sequence[OrderLine], goods: Collection[Returned], passes: Mapping[int, int]
) -> OrderReturns:
    """`passes` are the uses that were paid back, by line."""
    sold = [SoldLine(each.line, each.product_id, None, each.quantity) for each in lines]
    by_line = returned_by_line(sold, goods)
    by_line |= {each.line: passes[each.line] * each.scale for each in lines if each.line in passes}
    whole = all(by_line[each.line] == each.quantity for each in lines)
    return OrderReturns(by_line, ReturnState.RETURNED if whole else ReturnState.PARTLY_RETURNED)


def _by(goods: Collection[ReturnedGoods], key: str) -> dict[UUID, list[Returned]]:
    grouped: dict[UUID, list[Returned]] = defaultdict(list)
    for each in goods:
        grouped[getattr(each, key)].append(Returned(each.product_id, each.batch_id, each.quantity))
    return grouped
