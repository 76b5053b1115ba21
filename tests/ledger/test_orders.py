"""Concurrent operations on orders: pay against expire, cancel against pay."""

import asyncio
from collections.abc import AsyncGenerator, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from unittest.mock import patch
from uuid import UUID, uuid4, uuid5

import pytest

from app.db import units
from app.db.core.lane import Lane
from app.db.core.snapshot import ReadSession
from app.db.core.unit import Database, clock
from app.db.orders import lines_of
from app.db.tables import Movement, Order
from app.domain.catalog.cookbook import Cookbook
from app.domain.documents import placement
from app.domain.documents.placement import OrderRequest
from app.domain.errors import (
    InvalidQuantity,
    KeyReused,
    Malformed,
    OutOfStock,
    TooManyOrders,
    WrongState,
)
from app.domain.ledger.post import PostDrafts
from app.domain.ledger.reservations import AT_ONCE
from app.domain.movements.record import Books
from app.domain.rules.kinds import Kind
from app.run.embedded import Urls
from tests.conftest import unheard
from tests.support.orders import OrderDesk, SentLine, count_outcomes
from tests.support.shop import Shop, day


@pytest.fixture
async def desk(shop: Shop) -> OrderDesk:
    return OrderDesk(shop)


@contextmanager
def tomorrow() -> Iterator[None]:
    later = datetime.now(UTC) + timedelta(days=1)
    clocks = ("app.db.core.unit.clock", "app.domain.ledger.documents.clock")
    with patch(clocks[0], lambda: later), patch(clocks[1], lambda: later):
        yield


async def test_two_processes_hold_what_there_is(desk: OrderDesk, urls: Urls) -> None:
    await desk.shop.receive("米", 100)
    lane = Lane(urls.database, PostDrafts(), unheard)
    shop = desk.shop
    there = Shop(shop.db, lane, shop.tenant, shop.actor, shop.store, shop.products)
    desks = desk, OrderDesk(there)
    placed = await asyncio.gather(*(desks[i % 2].place(("米", 1)) for i in range(400)))
    await lane.close()
    assert count_outcomes(placed) == {"HELD": 100, "OutOfStock": 300}
    assert await shop.bins("米") == (0, 100, 0, 0)


class RepackingDatabase(Database):
    """The real database; the size of a product's 箱 changes right after the first read."""

    def __init__(self, db: Database, product: UUID, pieces: int) -> None:
        self.__dict__ = dict(db.__dict__)
        self.product, self.pieces, self.repacked = product, pieces, False

    @asynccontextmanager
    async def read(self, tenant: UUID | None) -> AsyncGenerator[ReadSession, None]:
        async with super().read(tenant) as session:
            yield session
        if not self.repacked:
            assert tenant is not None
            self.repacked = True
            async with self.unit(tenant) as unit:
                await units.replace(unit, self.product, {"箱": self.pieces})


async def test_an_order_and_its_hold_are_made_of_the_same_lines(desk: OrderDesk) -> None:
    shop = desk.shop
    await shop.receive("米", 100)
    product = await shop.product("米")
    async with shop.db.unit(shop.tenant) as unit:
        await units.replace(unit, product, {"箱": 6})
    db = RepackingDatabase(shop.db, product, pieces=12)
    books = Books(db, shop.lane, Cookbook(shop.db))
    request = OrderRequest(uuid4(), shop.store, "WECHAT", "13800138000")
    carton = SentLine(product, Decimal(1), unit="箱")
    placed = await placement.place(books, shop.owner, request, [carton])
    assert isinstance(placed, Order)
    assert db.repacked
    async with shop.db.read(shop.tenant) as session:
        [line] = await lines_of(session, shop.tenant, [placed.id])
    # Read once, both are of the 箱 that was ordered.
    assert line.quantity == 6
    assert await shop.bins("米") == (94, 6, 0, 0)


async def test_one_key_twenty_times_is_one_order(desk: OrderDesk) -> None:
    await desk.shop.receive("米", 100)
    key = uuid4()
    placed = await asyncio.gather(*(desk.place(("米", 2), key=key) for _ in range(20)))
    assert len({order.id for order in placed}) == 1
    assert isinstance(await desk.place(("米", 3), key=key), KeyReused)
    paid = await asyncio.gather(*(desk.pay(placed[0], key=uuid4()) for _ in range(10)))
    assert count_outcomes(list(paid)) == {"PAID": 1, "WrongState": 9}
    key = uuid4()
    done = await asyncio.gather(*(desk.fulfil(placed[0], key=key) for _ in range(10)))
    assert count_outcomes(list(done)) == {"FULFILLED": 10}
    assert await desk.shop.bins("米") == (98, 0, 0, 0)


async def test_pay_against_expire(desk: OrderDesk) -> None:
    """In either order, the payment gets the goods, because no other buyer takes them."""
    await desk.shop.receive("米", 40)
    for _ in range(20):
        order = await desk.place(("米", 2))
        await desk.time_passes(order)
        _, paid, _ = await asyncio.gather(desk.end_overdue(), desk.pay(order), desk.end_overdue())
        assert paid.state == "PAID", paid
    assert await desk.shop.bins("米") == (0, 40, 0, 0)


async def test_pay_against_a_sale_that_wants_the_same(desk: OrderDesk) -> None:
    """The reservation has expired and one piece is left: the payment or the sale takes it."""
    for _ in range(20):
        await desk.shop.receive("米", 1)
        order = await desk.place(("米", 1))
        await desk.time_passes(order)
        sale = desk.books.post(desk.shop.tenant, await desk.shop.draft(Kind.SALE, ("米", 1)))
        paid, sold = await asyncio.gather(desk.pay(order), sale)
        assert isinstance(paid, Order) != isinstance(sold, Movement), (paid, sold)
        if isinstance(paid, Order):
            await desk.fulfil(order)
        assert await desk.shop.bins("米") == (0, 0, 0, 0)


async def test_buyers_of_what_is_overdue(desk: OrderDesk) -> None:
    """Overdue orders are not ended yet: buyers take their goods, exactly once."""
    await desk.shop.receive("米", 10)
    held = [await desk.place(("米", 1)) for _ in range(10)]
    await desk.time_passes(*held[:6])
    placed = await asyncio.gather(*(desk.place(("米", 1)) for _ in range(20)))
    assert count_outcomes(list(placed)) == {"HELD": 6, "OutOfStock": 14}
    assert count_outcomes([await desk.order(order.id) for order in held]) == {
        "EXPIRED": 6,
        "HELD": 4,
    }


async def test_a_short_sale_ends_only_the_orders_it_needs(desk: OrderDesk) -> None:
    """With many overdue orders, a sale ends only as many as it needs."""
    count = 3 * AT_ONCE
    await desk.shop.receive("米", count)
    held = [await desk.place(("米", 1)) for _ in range(count)]
    await desk.time_passes(*held)
    assert isinstance(await desk.place(("米", 1)), Order)
    assert count_outcomes([await desk.order(order.id) for order in held])["EXPIRED"] == AT_ONCE
    assert isinstance(await desk.place(("米", 2 * AT_ONCE)), Order)
    assert count_outcomes([await desk.order(order.id) for order in held])["EXPIRED"] == count
    assert isinstance(await desk.place(("米", count)), OutOfStock)


@pytest.mark.parametrize("guest", [False, True])
async def test_cancel_against_pay(desk: OrderDesk, guest: bool) -> None:
    await desk.shop.receive("米", 60)
    for _ in range(20):
        order = await desk.place(("米", 1))
        paid, gone = await asyncio.gather(desk.pay(order), desk.cancel(order, guest))
        if isinstance(gone, WrongState):
            # A guest cannot cancel a paid order.
            assert guest
            assert (paid.state, gone.reason.name) == ("PAID", "PAID")
        else:
            assert (await desk.order(order.id)).state == "CANCELLED"
            assert isinstance(paid, Order) or paid.reason.name == "CANCELLED"
    assert sum(await desk.shop.bins("米")) == 60


async def test_cancel_against_fulfil(desk: OrderDesk) -> None:
    await desk.shop.receive("米", 20)
    handed = 0
    for _ in range(20):
        order = await desk.place(("米", 1))
        await desk.pay(order)
        done, gone = await asyncio.gather(desk.fulfil(order), desk.cancel(order))
        assert isinstance(done, Order) != isinstance(gone, Order)
        handed += isinstance(done, Order)
    assert await desk.shop.bins("米") == (20 - handed, 0, 0, 0)


async def test_overdue_orders_end_once_from_many_callers(desk: OrderDesk) -> None:
    await desk.shop.receive("米", 90)
    held = [await desk.place(("米", 1), ("米", 1)) for _ in range(45)]
    await desk.time_passes(*held)
    await asyncio.gather(*(desk.end_overdue() for _ in range(5)))
    assert await desk.shop.bins("米") == (90, 0, 0, 0)
    assert count_outcomes([await desk.order(order.id) for order in held]) == {"EXPIRED": 45}
    assert (await desk.shop.level("米")).held_until is None


async def test_batches_are_held_first_expiring_first(desk: OrderDesk) -> None:
    await desk.shop.deliver("奶", 2, "A", day(3))
    await desk.shop.deliver("奶", 5, "B", day(9))
    order = await desk.place(("奶", 3))
    assert await desk.shop.batches("奶") == {"A": 0, "B": 4}
    await desk.cancel(order)
    assert await desk.shop.batches("奶") == {"A": 2, "B": 5}


async def test_what_expired_while_it_waited_is_replaced(desk: OrderDesk) -> None:
    await desk.shop.deliver("奶", 2, "A", day(0))
    await desk.shop.deliver("奶", 5, "B", day(9))
    order = await desk.place(("奶", 3))
    await desk.pay(order)
    with tomorrow():
        done = await desk.fulfil(order)
    assert done.state == "FULFILLED", done
    assert await desk.shop.batches("奶") == {"A": 0, "B": 2}
    assert await desk.shop.bins("奶") == (2, 0, 2, 0)


async def test_no_guest_can_keep_a_hold_from_ending(desk: OrderDesk) -> None:
    """The jobs derive their keys from the order id, which the customer knows."""
    await desk.shop.receive("米", 5)
    order = await desk.place(("米", 4))
    job = uuid5(uuid5(order.id, "expire"), Kind.ORDER_RELEASE.name)
    assert isinstance(await desk.place(("米", 1), key=job, guest=True), Order)
    await desk.time_passes(order)
    await desk.end_overdue()
    assert (await desk.order(order.id)).state == "EXPIRED"


async def test_a_guest_holds_five_orders_at_once(desk: OrderDesk, urls: Urls) -> None:
    """In two processes and for any products; staff and other contacts are not counted."""
    for name in "甲乙丙丁":
        await desk.shop.receive(name, 100)
    lane = Lane(urls.database, PostDrafts(), unheard)
    shop = desk.shop
    there = Shop(shop.db, lane, shop.tenant, shop.actor, shop.store, shop.products)
    desks = desk, OrderDesk(there)
    placed = await asyncio.gather(
        *(desks[i % 2].place(("甲乙丙丁"[i % 4], 1), guest=True) for i in range(40))
    )
    await lane.close()
    assert count_outcomes(placed) == {"HELD": 5, "TooManyOrders": 35}
    assert (await desk.place(("甲", 1), guest=True)) == TooManyOrders(5)
    assert isinstance(await desk.place(("甲", 1)), Order)
    assert isinstance(await desk.place(("甲", 1), guest=True, contact="李"), Order)
    held = [each for each in placed if isinstance(each, Order)]
    await desk.cancel(held[0], guest=True)
    await desk.pay(held[1])
    await desk.time_passes(held[2])
    again = await asyncio.gather(*(desk.place(("甲", 1), guest=True) for _ in range(10)))
    assert count_outcomes(again) == {"HELD": 3, "TooManyOrders": 7}


async def test_a_guest_takes_what_a_household_takes(desk: OrderDesk) -> None:
    await desk.shop.product("面粉", unit="kg")
    await desk.shop.receive("面粉", 900)
    await desk.shop.receive("米", 900)
    for lines in ([("米", 150), ("米", 51)], [("面粉", "200.001")]):
        assert isinstance(await desk.place(*lines, guest=True), InvalidQuantity)
        assert isinstance(await desk.place(*lines), Order)
    assert isinstance(await desk.place(("米", 200), ("面粉", 200), guest=True), Order)
    with pytest.raises(Malformed, match="at most 50"):
        await desk.place(*[("米", 1)] * 51, guest=True)
    late = clock() + timedelta(days=3)
    with pytest.raises(Malformed, match="within 2 days"):
        await desk.place(("米", 1), guest=True, pickup_at=late)
    assert isinstance(await desk.place(("米", 1), pickup_at=late), Order)


async def test_too_little_for_one_line_holds_nothing(desk: OrderDesk) -> None:
    await desk.shop.receive("米", 3)
    await desk.shop.product("油")
    refused = await desk.place(("米", 1), ("油", 1), ("米", 3))
    assert isinstance(refused, OutOfStock)
    assert {(each.requested, each.available) for each in refused.shortages} == {(4, 3), (1, 0)}
    assert await desk.shop.bins("米") == (3, 0, 0, 0)
