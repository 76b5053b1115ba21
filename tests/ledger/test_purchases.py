"""Concurrent operations on purchase orders: the last pieces, cancellation, repeated keys."""

import asyncio
from collections import Counter
from typing import Any
from uuid import uuid4

import pytest

from app.db.orders import movements_of
from app.db.stock import entries_of
from app.db.tables import PurchaseOrder
from app.domain.documents import purchases
from app.domain.documents.purchases import Introduced
from app.domain.errors import (
    AlreadyTaken,
    DeliveryExceedsOrder,
    KeyReused,
    WrongState,
    WrongStateReason,
)
from app.domain.rules.kinds import Kind
from tests.support.purchases import PurchaseDesk
from tests.support.shop import Shop


@pytest.fixture
async def desk(shop: Shop) -> PurchaseDesk:
    return PurchaseDesk(shop)


def count_outcomes(outcomes: list[Any]) -> Counter[str]:
    """Count orders by state and refusals by class name."""
    return Counter(
        each.state if isinstance(each, PurchaseOrder) else type(each).__name__ for each in outcomes
    )


async def test_two_receivers_of_the_last_pieces(desk: PurchaseDesk) -> None:
    for _ in range(10):
        order = await desk.buy(("米", 5))
        await desk.came(order, ("米", 2))
        both = await asyncio.gather(*(desk.came(order, ("米", 3)) for _ in range(2)))
        assert count_outcomes(list(both)) == {"RECEIVED": 1, "DeliveryExceedsOrder": 1}
        [refused] = [each for each in both if isinstance(each, DeliveryExceedsOrder)]
        [delivery] = refused.deliveries
        assert (delivery.ordered, delivery.received, delivery.requested) == (5, 5, 3)
        assert await desk.now(order) == ("RECEIVED", [(5, 5)])
    assert await desk.shop.bins("米") == (50, 0, 0, 0)


async def test_two_receivers_who_both_take_more(desk: PurchaseDesk) -> None:
    lines = [("米", 3), ("油", 1)]
    await desk.requests(*lines)
    for _ in range(10):
        order = await desk.buy(("米", 5))
        both = await asyncio.gather(*(desk.came(order, *lines, over=True) for _ in range(2)))
        assert sorted(count_outcomes(list(both))) == ["PARTIAL", "RECEIVED"]
        assert await desk.now(order) == ("RECEIVED", [(5, 6), (0, 2)])
    assert await desk.shop.bins("米") == (60, 0, 0, 0)


async def test_many_who_unpack_one_delivery(desk: PurchaseDesk) -> None:
    order = await desk.buy(("米", 30), ("油", 30))
    lines = [("米", 1), ("油", 1)]
    came = [desk.came(order, *(lines if i % 2 else lines[::-1])) for i in range(40)]
    outcomes = await asyncio.gather(*came)
    assert count_outcomes(list(outcomes)) == {
        "PARTIAL": 29,
        "RECEIVED": 1,
        "DeliveryExceedsOrder": 10,
    }
    assert await desk.now(order) == ("RECEIVED", [(30, 30), (30, 30)])


async def test_receive_against_cancel(desk: PurchaseDesk) -> None:
    taken = 0
    for _ in range(20):
        order = await desk.buy(("米", 1), ("油", 1))
        came, gone = await asyncio.gather(desk.came(order, ("米", 1)), desk.drop(order))
        assert isinstance(came, PurchaseOrder) != isinstance(gone, PurchaseOrder)
        if isinstance(came, PurchaseOrder):
            taken += 1
            assert gone == WrongState(WrongStateReason.PARTIAL)
        else:
            assert came == WrongState(WrongStateReason.CANCELLED)
    assert await desk.shop.bins("米") == (taken, 0, 0, 0)
    assert await desk.on_order("米") == 0
    assert await desk.on_order("油") == taken


async def test_receive_against_close(desk: PurchaseDesk) -> None:
    for _ in range(20):
        order = await desk.buy(("米", 3))
        assert await desk.close(order) == WrongState(WrongStateReason.OPEN)
        await desk.came(order, ("米", 1))
        came, closed = await asyncio.gather(desk.came(order, ("米", 2)), desk.close(order))
        assert isinstance(came, PurchaseOrder) != isinstance(closed, PurchaseOrder)
        state, lines = await desk.now(order)
        assert (state, lines) in (("RECEIVED", [(3, 3)]), ("CLOSED", [(3, 1)]))
        late = await desk.came(order, ("米", 1))
        kind = DeliveryExceedsOrder if state == "RECEIVED" else WrongState
        assert isinstance(late, kind)
    assert await desk.on_order("米") == 0


async def test_one_key_twenty_times(desk: PurchaseDesk) -> None:
    key, supplier, lines = uuid4(), await desk.supplier(), await desk.requests(("米", 10))

    async def order() -> PurchaseOrder:
        request = purchases.PurchaseRequest(key, supplier.id, desk.shop.store)
        return await purchases.create(desk.shop.db, desk.viewer, request, lines)

    ordered = await asyncio.gather(*(order() for _ in range(20)))
    assert len({row.id for row in ordered}) == 1
    assert await desk.on_order("米") == 10
    key = uuid4()
    came = await asyncio.gather(*(desk.came(ordered[0], ("米", 4), key=key) for _ in range(20)))
    assert count_outcomes(list(came)) == {"PARTIAL": 20}
    assert await desk.now(ordered[0]) == ("PARTIAL", [(10, 4)])
    assert await desk.on_order("米") == 6
    assert isinstance(await desk.came(ordered[0], ("米", 5), key=key), KeyReused)
    assert isinstance(await desk.came(ordered[0], ("米", 4), key=key, over=True), KeyReused)


async def test_numbers_made_at_once_are_all_different(desk: PurchaseDesk) -> None:
    await desk.shop.product("米")
    orders = await asyncio.gather(*(desk.buy(("米", 1)) for _ in range(20)))
    numbers = sorted(row.number for row in orders)
    assert [number[-5:] for number in numbers] == [f"-{n:04}" for n in range(1, 21)]
    assert len({number[:-5] for number in numbers}) == 1
    given = f"{numbers[0][:-4]}0022"
    again = await asyncio.gather(*(desk.buy(("米", 1), number=given) for _ in range(5)))
    assert count_outcomes(list(again)) == {"OPEN": 1, "AlreadyTaken": 4}
    assert AlreadyTaken("number", given) in again
    # 0022 is taken, so the next number is 0023.
    later = [(await desk.buy(("米", 1))).number[-4:] for _ in range(2)]
    assert later == ["0023", "0024"]


async def test_suppliers_who_want_one_name(desk: PurchaseDesk) -> None:
    name = uuid4().hex
    outcomes = await asyncio.gather(*(desk.tries(desk.supplier(name)) for _ in range(10)))
    assert Counter(type(each).__name__ for each in outcomes) == {"Supplier": 1, "AlreadyTaken": 9}
    one, two, three = [await desk.supplier() for _ in range(3)]

    async def renamed(row: Any, to: str) -> Any:
        arguments = desk.shop.db, desk.viewer, uuid4(), row.id, Introduced(to)
        return await desk.tries(purchases.update_supplier(*arguments))

    name_taken = uuid4().hex
    both = await asyncio.gather(*(renamed(row, name_taken) for row in (one, two, three)))
    assert Counter(type(each).__name__ for each in both) == {"Supplier": 1, "AlreadyTaken": 2}
    swapped = await asyncio.gather(renamed(one, two.name), renamed(two, one.name))
    assert "AlreadyTaken" in {type(each).__name__ for each in swapped}


async def test_archive_against_order(desk: PurchaseDesk) -> None:
    """In either order, no purchase order is created for an archived supplier."""
    lines = await desk.requests(("米", 1))
    for _ in range(10):
        supplier = await desk.supplier()
        request = purchases.PurchaseRequest(uuid4(), supplier.id, desk.shop.store)
        archive = purchases.archive_supplier(desk.shop.db, desk.viewer, uuid4(), supplier.id, True)
        ordered = desk.tries(purchases.create(desk.shop.db, desk.viewer, request, lines))
        gone, outcome = await asyncio.gather(archive, ordered)
        assert gone.archived_at is not None
        assert isinstance(outcome, PurchaseOrder) or outcome == WrongState(
            WrongStateReason.ARCHIVED
        )


async def test_a_delivery_is_one_movement_at_the_orders_costs(desk: PurchaseDesk) -> None:
    await desk.shop.do(Kind.OPENING, ("米", 10))
    order = await desk.buy(("米", 10))
    await desk.came(order, ("米", 6))
    assert (await desk.shop.level("米")).value == 6 * 20_000
    await desk.came(order, ("米", 4), unit_cost=50_000)
    level = await desk.shop.level("米")
    assert (level.value, level.unit_cost) == (320_000, 16_000)
    async with desk.shop.db.read(desk.shop.tenant) as session:
        moves = await movements_of(session, desk.shop.tenant, [order.id])
        entries = await entries_of(session, desk.shop.tenant, [move.id for move in moves])
    assert [move.kind for move in moves] == ["RECEIPT", "RECEIPT"]
    assert [entry.unit_cost for entry in entries] == [20_000, 50_000]
    assert await desk.shop.reverse(moves[0]) == WrongState(WrongStateReason.DOCUMENT)
