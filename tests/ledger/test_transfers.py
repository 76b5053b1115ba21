"""Transfers below the API: concurrent operations never lose shipped goods."""

import asyncio
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import update

from app.db.orders import movements_of
from app.db.tables import Level, Movement, Transfer
from app.domain.documents.reversals import reverse_transfer_receipt
from app.domain.documents.transfer_requests import suggestions
from app.domain.errors import (
    ExceedsTransfer,
    InvalidQuantity,
    KeyReused,
    OutOfStock,
    ReasonNeeded,
    UnknownBatch,
    WrongState,
    WrongStateReason,
)
from app.domain.rules.kinds import Kind
from tests.ledger.test_orders import tomorrow
from tests.support.depot import Depot, a_depot
from tests.support.orders import OrderDesk
from tests.support.purchases import PurchaseDesk
from tests.support.shop import Shop, day


@pytest.fixture
async def depot(shop: Shop) -> Depot:
    return await a_depot(shop)


def count_outcomes(outcomes: Iterable[Any]) -> Counter[str]:
    """Count transfers by state and refusals by class name."""
    return Counter(
        each.state if isinstance(each, Transfer) else type(each).__name__ for each in outcomes
    )


async def test_from_the_request_to_the_last_piece(depot: Depot) -> None:
    await depot.stock("米", 20)
    request = await depot.ask(("米", 8))
    assert (request.state, request.from_store) == ("REQUESTED", None)
    approved = await depot.approve(request, ("米", 6))
    assert (approved.state, approved.from_store) == ("APPROVED", depot.warehouse)
    assert (await depot.ship(approved)).state == "SHIPPED"
    assert await depot.bins("米") == [(14, 0, 0), (0, 0, 6)]
    assert (await depot.receive(request, "米", received=2)).state == "PARTIAL"
    assert await depot.bins("米") == [(14, 0, 0), (2, 0, 4)]
    done = await depot.receive(request, "米", received=1, damaged=1, lost=1, returned=1)
    assert done.state == "RECEIVED"
    assert done.ended_at
    # Returned goods are in transit to the warehouse.
    assert await depot.bins("米") == [(14, 0, 1), (3, 1, 0)]
    line = await depot.line(request)
    assert (line.requested, line.approved, line.shipped) == (8, 6, 6)
    assert (line.received, line.damaged, line.lost, line.returned) == (3, 1, 1, 1)
    [back] = await depot.back(request)
    assert (back.state, back.from_store, back.to_store) == (
        "SHIPPED",
        depot.shop.store,
        depot.warehouse,
    )
    assert (await depot.receive(back)).state == "RECEIVED"
    assert await depot.bins("米") == [(15, 0, 0), (3, 1, 0)]


async def test_what_goes_back_may_be_sent_on_again(depot: Depot) -> None:
    await depot.stock("米", 5)
    sent = await depot.send(("米", 5))
    await depot.receive(sent, "米", returned=5)
    [back] = await depot.back(sent)
    await depot.receive(back, "米", returned=2)
    await depot.receive(back, "米", received=2, lost=1)
    [again] = await depot.back(back)
    assert again.to_store == depot.shop.store
    assert await depot.bins("米") == [(2, 0, 0), (0, 0, 2)]
    assert (await depot.receive(again)).state == "RECEIVED"
    assert await depot.bins("米") == [(2, 0, 0), (2, 0, 0)]


async def test_two_transfers_of_the_same_goods_do_not_mix(depot: Depot) -> None:
    await depot.stock("米", 10)
    one, two = await depot.send(("米", 4)), await depot.send(("米", 3))
    refused = await depot.receive(one, "米", received=5)
    assert isinstance(refused, ExceedsTransfer)
    assert [(each.requested, each.allowed) for each in refused.excesses] == [(5, 4)]
    assert (await depot.receive(two)).state == "RECEIVED"
    assert (await depot.line(one)).in_transit == 4
    assert await depot.bins("米") == [(3, 0, 0), (3, 0, 4)]


@pytest.mark.parametrize("fate", ["damaged", "lost", "returned"])
async def test_a_difference_needs_a_reason(depot: Depot, fate: str) -> None:
    await depot.stock("米", 5)
    sent = await depot.send(("米", 5))
    counted: dict[str, Any] = {"received": 4, fate: 1}
    refused = await depot.receive(sent, "米", **counted, reason=None)
    assert refused == ReasonNeeded((depot.shop.products["米"],))
    assert (await depot.receive(sent, "米", **counted)).state == "RECEIVED"
    assert (await depot.line(sent)).reason == "破损"


async def test_what_cannot_be(depot: Depot) -> None:
    await depot.stock("米", 5)
    request = await depot.ask(("米", 9))
    for doing in (depot.ship, depot.receive, depot.cancel):
        assert await doing(request) == WrongState(WrongStateReason.REQUESTED)
    await depot.approve(request)
    for doing in (depot.approve, depot.reject, depot.withdraw, depot.receive):
        assert await doing(request) == WrongState(WrongStateReason.APPROVED)
    short = await depot.ship(request)
    assert isinstance(short, OutOfStock)
    assert [(each.requested, each.available) for each in short.shortages] == [(9, 5)]
    over = await depot.ship(request, ("米", 6), ("米", 4), ("油", 1))
    assert isinstance(over, ExceedsTransfer)
    assert [(each.requested, each.allowed) for each in over.excesses] == [(10, 9), (1, 0)]
    assert (await depot.ship(request, ("米", 5))).state == "SHIPPED"
    assert await depot.ship(request) == WrongState(WrongStateReason.SHIPPED)
    assert isinstance(await depot.receive(request, "油", received=1), ExceedsTransfer)
    for quantity in (-1, 0, "0.5"):
        assert isinstance(await depot.receive(request, "米", received=quantity), InvalidQuantity)
    await depot.receive(request)
    for doing in (depot.receive, depot.cancel):
        assert await doing(request) == WrongState(WrongStateReason.RECEIVED)
    assert (await depot.reject(await depot.ask(("米", 1)))).state == "REJECTED"
    gone = await depot.withdraw(await depot.ask(("米", 1)))
    assert (gone.state, gone.from_store) == ("CANCELLED", None)
    assert await depot.approve(gone) == WrongState(WrongStateReason.CANCELLED)


async def test_goods_not_received_are_recalled(depot: Depot) -> None:
    await depot.stock("米", 5)
    planned = await depot.plan(("米", 2))
    assert (await depot.cancel(planned)).state == "CANCELLED"
    sent = await depot.send(("米", 4))
    assert (await depot.cancel(sent)).state == "CANCELLED"
    assert await depot.bins("米") == [(5, 0, 0), (0, 0, 0)]
    begun = await depot.send(("米", 4))
    await depot.receive(begun, "米", received=1)
    assert await depot.cancel(begun) == WrongState(WrongStateReason.PARTIAL)


async def test_its_movements_are_not_undone_by_themselves(depot: Depot) -> None:
    await depot.stock("米", 5)
    sent = await depot.send(("米", 4))
    [shipped] = await movements(depot, sent)
    assert await depot.shop.reverse(shipped) == WrongState(WrongStateReason.DOCUMENT)


async def movements(depot: Depot, row: Transfer) -> Any:
    async with depot.shop.db.read(depot.shop.tenant) as session:
        return await movements_of(session, depot.shop.tenant, [row.id])


class TestBatches:
    @pytest.fixture
    async def depot(self, shop: Shop) -> Depot:
        depot = await a_depot(shop)
        for number, days, quantity in (("旧", -1, 3), ("近", 5, 4), ("远", 30, 6)):
            await shop.deliver("奶", quantity, number, day(days), store=depot.warehouse)
        return depot

    async def test_what_expires_first_goes_first_and_nothing_expired(self, depot: Depot) -> None:
        sent = await depot.send(("奶", 6))
        assert await depot.shop.batches("奶", depot.warehouse) == {"旧": 3, "远": 4}
        short = await depot.send(("奶", 5))
        assert isinstance(short, OutOfStock)
        await depot.receive(sent, "奶", received=5)
        assert await depot.shop.batches("奶") == {"近": 4, "远": 1}
        assert await depot.receive(sent, "奶", received=1, batch_no="没有") == UnknownBatch(
            depot.shop.products["奶"], "没有"
        )
        assert isinstance(
            await depot.receive(sent, "奶", received=1, batch_no="近"), ExceedsTransfer
        )
        assert (await depot.receive(sent, "奶", received=1, batch_no="远")).state == "RECEIVED"

    async def test_a_named_batch_is_shipped_received_and_sent_back(self, depot: Depot) -> None:
        sent = await depot.ship(await depot.plan(("奶", 5)), ("奶", 3, "远"), ("奶", 2, "近"))
        await depot.receive(sent, "奶", returned=2, damaged=1, batch_no="远")
        [back] = await depot.back(sent)
        await depot.receive(back)
        assert await depot.shop.batches("奶", depot.warehouse) == {"旧": 3, "近": 2, "远": 5}
        await depot.receive(sent)
        assert await depot.shop.batches("奶") == {"近": 2, "远": 0}

    async def test_what_expires_on_its_way_arrives_all_the_same(self, depot: Depot) -> None:
        await depot.shop.deliver("奶", 2, "今", day(0), store=depot.warehouse)
        sent = await depot.send(("奶", 2))
        with tomorrow():
            await depot.receive(sent, "奶", received=1, returned=1)
            [back] = await depot.back(sent)
            assert (await depot.receive(back)).state == "RECEIVED"
            sale = await depot.shop.draft(Kind.SALE, ("奶", 1))
            late = replace(sale, occurred_at=sale.occurred_at + timedelta(days=1))
            assert isinstance(await depot.shop.post(late), OutOfStock)

    async def test_what_expired_on_its_way_is_received_into_quarantine(self, depot: Depot) -> None:
        shop = depot.shop
        await shop.deliver("奶", 5, "今", day(0), store=depot.warehouse)
        sent = await depot.send(("奶", 5))
        with tomorrow():
            await depot.receive(sent, "奶", received=2, damaged=1)
            assert await shop.bins("奶") == (0, 0, 3, 2)
            [_, receipt] = await movements(depot, sent)
            await reverse_transfer_receipt(shop.db, depot.viewer, uuid4(), receipt.id, None)
            line = await depot.line(sent)
            assert (line.received, line.damaged, line.in_transit) == (0, 0, 5)
            assert await shop.bins("奶") == (0, 0, 0, 5)
            await depot.receive(sent, "奶", received=5)
            line = await depot.line(sent)
            assert (line.received, line.damaged) == (5, 0)

    async def test_recalled_goods_are_in_their_batches_again(self, depot: Depot) -> None:
        before = await depot.shop.batches("奶", depot.warehouse)
        await depot.cancel(await depot.send(("奶", 9)))
        assert await depot.shop.batches("奶", depot.warehouse) == before


async def test_costs_travel_with_the_goods(depot: Depot) -> None:
    shop = depot.shop
    receipt = await shop.draft(Kind.RECEIPT, ("米", 10), store=depot.warehouse)
    [line] = receipt.lines
    await shop.post(replace(receipt, lines=(replace(line, unit_cost=30_000),)))
    sent = await depot.send(("米", 4))
    await depot.receive(sent, "米", received=3, lost=1)
    there, here = await shop.level("米", depot.warehouse), await shop.level("米")
    assert (there.value, here.value, here.unit_cost) == (180_000, 90_000, 30_000)
    assert here.received_at is not None


async def test_what_is_held_for_overdue_orders_is_shipped(depot: Depot) -> None:
    shop = depot.shop
    there = Shop(shop.db, shop.lane, shop.tenant, shop.actor, depot.warehouse, shop.products)
    desk = OrderDesk(there)
    await depot.stock("米", 5)
    order = await desk.place(("米", 5))
    assert isinstance(await depot.send(("米", 5)), OutOfStock)
    await desk.time_passes(order)
    assert (await depot.send(("米", 5))).state == "SHIPPED"


async def test_ship_against_cancel(depot: Depot) -> None:
    for _ in range(10):
        await depot.stock("米", 3)
        planned = await depot.plan(("米", 3))
        shipped, gone = await asyncio.gather(depot.ship(planned), depot.cancel(planned))
        # If it was shipped first, it is recalled; if it was cancelled first, it is not shipped.
        assert gone.state == "CANCELLED"
        assert isinstance(shipped, Transfer) or shipped == WrongState(WrongStateReason.CANCELLED)
        assert (await depot.bins("米"))[1] == (0, 0, 0)
    assert (await depot.bins("米"))[0] == (30, 0, 0)


async def test_two_who_ship_and_two_who_receive(depot: Depot) -> None:
    for _ in range(10):
        await depot.stock("米", 4)
        planned = await depot.plan(("米", 4))
        shipped = await asyncio.gather(*(depot.ship(planned) for _ in range(2)))
        assert count_outcomes(shipped) == {"SHIPPED": 1, "WrongState": 1}
        both = await asyncio.gather(*(depot.receive(planned, "米", received=3) for _ in range(2)))
        assert count_outcomes(both) == {"PARTIAL": 1, "ExceedsTransfer": 1}
        rest = await asyncio.gather(depot.receive(planned), depot.receive(planned, "米", lost=1))
        assert count_outcomes(rest) == {"RECEIVED": 1, "WrongState": 1}


async def test_receive_against_cancel(depot: Depot) -> None:
    for _ in range(10):
        await depot.stock("米", 2)
        sent = await depot.send(("米", 2))
        got, gone = await asyncio.gather(depot.receive(sent), depot.cancel(sent))
        states = count_outcomes([got, gone])
        assert states in ({"RECEIVED": 1, "WrongState": 1}, {"CANCELLED": 1, "WrongState": 1})
    here = [sum(each) for each in await depot.bins("米")]
    assert sum(here) == 20


async def test_stores_that_ship_to_each_other_at_once(shop: Shop) -> None:
    there = await a_depot(shop)
    back = Depot(
        Shop(shop.db, shop.lane, shop.tenant, shop.actor, there.warehouse, shop.products),
        shop.store,
    )
    for name in ("米", "油"):
        await there.stock(name, 100)
        await back.stock(name, 100)
    sent = await asyncio.gather(
        *(each.send(("米", 2), ("油", 3)) for _ in range(10) for each in (there, back))
    )
    assert count_outcomes(sent) == {"SHIPPED": 20}
    got = await asyncio.gather(
        *((there if n % 2 == 0 else back).receive(each) for n, each in enumerate(sent))
    )
    assert count_outcomes(got) == {"RECEIVED": 20}
    assert await there.bins("米") == [(100, 0, 0), (100, 0, 0)]


async def test_one_key_is_one_effect(depot: Depot) -> None:
    await depot.stock("米", 50)
    key = uuid4()
    request = await asyncio.gather(*(depot.ask(("米", 8), key=key) for _ in range(10)))
    assert len({row.id for row in request}) == 1
    assert isinstance(await depot.ask(("米", 9), key=key), KeyReused)
    row = request[0]
    await depot.approve(row)
    key = uuid4()
    assert count_outcomes(await asyncio.gather(*(depot.ship(row, key=key) for _ in range(10)))) == {
        "SHIPPED": 10
    }
    key = uuid4()
    same = [depot.receive(row, "米", key=key, received=3) for _ in range(10)]
    assert count_outcomes(await asyncio.gather(*same)) == {"PARTIAL": 10}
    assert isinstance(await depot.receive(row, "米", key=key, received=4), KeyReused)
    key = uuid4()
    same = [depot.receive(row, "米", key=key, returned=2) for _ in range(10)]
    assert count_outcomes(await asyncio.gather(*same)) == {"PARTIAL": 10}
    assert len(await depot.back(row)) == 1
    assert await depot.bins("米") == [(42, 0, 2), (3, 0, 3)]


class TestSuggestions:
    async def test_two_who_tap_at_once_ask_once(self, depot: Depot) -> None:
        await low(depot, "米", reorder_point=10, there=4)
        request = await asyncio.gather(*(depot.ask() for _ in range(5)))
        assert count_outcomes(request) == {"REQUESTED": 1, "WrongState": 4}
        assert [each.reason.name for each in request if isinstance(each, WrongState)] == [
            "NOTHING_LOW"
        ] * 4

    async def test_what_is_coming_counts(self, depot: Depot) -> None:
        await low(depot, "米", reorder_point=10, there=4)
        assert await quantities(depot) == {"米": 7}
        await depot.stock("米", 20)
        first = await depot.ask(("米", 3))
        assert await quantities(depot) == {"米": 4}
        await depot.approve(first, ("米", 2))
        assert await quantities(depot) == {"米": 5}
        await depot.ship(first)
        assert await quantities(depot) == {"米": 5}
        await depot.receive(first, "米", lost=2)
        assert await quantities(depot) == {"米": 7}
        ordered = await PurchaseDesk(depot.shop).buy(("米", 4))
        assert await quantities(depot) == {"米": 3}
        await PurchaseDesk(depot.shop).came(ordered, ("米", 4))
        assert await quantities(depot) == {"米": 3}

    async def test_what_sells_is_asked_for_until_it_comes(self, depot: Depot) -> None:
        await depot.shop.receive("米", 40)
        sold = await depot.shop.sell("米", 30)
        assert isinstance(sold, Movement)
        assert await quantities(depot) == {}
        # One is sold per day and none is in stock: 2 days of lead time and one week.
        await depot.shop.sell("米", 10)
        assert await quantities(depot) == {"米": 12}
        await depot.shop.do(Kind.RETURN, ("米", 10), sale_id=sold.id)
        assert await quantities(depot) == {}


async def low(depot: Depot, name: str, reorder_point: int, there: int) -> None:
    await depot.shop.receive(name, there)
    product = await depot.shop.product(name)
    async with depot.shop.db.unit(depot.shop.tenant) as unit:
        mine = Level.tenant_id == depot.shop.tenant, Level.product_id == product
        await unit.session.execute(update(Level).where(*mine).values(reorder_point=reorder_point))


async def quantities(depot: Depot) -> dict[str, int]:
    names = {id: name for name, id in depot.shop.products.items()}
    rows = await suggestions(depot.shop.db, depot.shop.tenant, depot.shop.store)
    return {names[each.product_id]: each.quantity for each in rows}
