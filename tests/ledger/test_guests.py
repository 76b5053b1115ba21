"""What guests may hold: by contact, by address, and all together a share of what is available."""

import asyncio
from uuid import uuid4

import pytest
from sqlalchemy import update

from app.db.core.lane import Lane
from app.db.tables import Order, Store
from app.domain.errors import GuestLimitReached, TooManyOrders
from app.domain.ledger.post import PostDrafts
from app.run.embedded import Urls
from tests.conftest import unheard
from tests.support.orders import OrderDesk, count_outcomes
from tests.support.shop import Shop


@pytest.fixture
async def desk(shop: Shop) -> OrderDesk:
    return OrderDesk(shop)


def invented() -> str:
    """A contact, which is free text."""
    return f"顾客 {uuid4().hex}"


async def share(desk: OrderDesk, percent: int) -> None:
    async with desk.shop.db.unit(desk.shop.tenant) as unit:
        mine = Store.tenant_id == desk.shop.tenant, Store.id == desk.shop.store
        await unit.session.execute(update(Store).where(*mine).values(guest_share=percent))


async def test_invented_contacts_do_not_empty_a_shop(desk: OrderDesk, urls: Urls) -> None:
    """At once, in two processes: guests hold half, and staff and the counter have the rest."""
    await desk.shop.receive("米", 41)
    lane = Lane(urls.database, PostDrafts(), unheard)
    shop = desk.shop
    there = OrderDesk(Shop(shop.db, lane, shop.tenant, shop.actor, shop.store, shop.products))
    placed = await asyncio.gather(
        *((desk, there)[i % 2].place(("米", 1), guest=True, contact=invented()) for i in range(40))
    )
    await lane.close()
    assert count_outcomes(placed) == {"HELD": 21, "GuestLimitReached": 19}
    assert isinstance(await desk.place(("米", 20)), Order)
    assert await desk.shop.bins("米") == (0, 41, 0, 0)


async def test_the_share_is_of_what_is_available(desk: OrderDesk) -> None:
    """What staff hold and what is paid for is no part of it."""
    await desk.shop.receive("米", 20)
    await desk.place(("米", 10))
    rice = await desk.shop.product("米")
    assert await desk.place(("米", 6), guest=True) == GuestLimitReached((rice,))
    order = await desk.place(("米", 5), guest=True)
    assert isinstance(order, Order)
    assert isinstance(await desk.place(("米", 1), guest=True), GuestLimitReached)
    await desk.pay(order)
    assert isinstance(await desk.place(("米", 3), guest=True), Order)


async def test_guests_get_the_last_piece_and_what_is_free_again(desk: OrderDesk) -> None:
    await desk.shop.receive("米", 1)
    last = await desk.place(("米", 1), guest=True)
    assert isinstance(last, Order)
    await desk.shop.receive("米", 1)
    assert isinstance(await desk.place(("米", 1), guest=True), GuestLimitReached)
    await desk.time_passes(last)
    assert isinstance(await desk.place(("米", 1), guest=True), Order)


@pytest.mark.parametrize(("percent", "most"), [(0, 0), (25, 3), (100, 10)])
async def test_a_store_sets_the_share(desk: OrderDesk, percent: int, most: int) -> None:
    await desk.shop.receive("米", 10)
    await share(desk, percent)
    if most < 10:
        assert isinstance(await desk.place(("米", most + 1), guest=True), GuestLimitReached)
    if most:
        assert isinstance(await desk.place(("米", most), guest=True), Order)


async def test_ingredients_of_dishes_count(desk: OrderDesk) -> None:
    """Two dishes of one ingredient share its bound; the refusal names the dish."""
    await desk.shop.receive("面", 10)
    for dish in ("拉面", "炒面"):
        await desk.shop.cook(dish, 面=1)
    assert isinstance(await desk.place(("拉面", 3), guest=True), Order)
    refused = await desk.place(("炒面", 3), guest=True)
    assert refused == GuestLimitReached((await desk.shop.product("炒面"),))
    assert isinstance(await desk.place(("炒面", 2), guest=True), Order)


async def test_an_address_holds_thirty_orders_at_once(desk: OrderDesk) -> None:
    await desk.shop.receive("米", 500)

    async def place(address: str) -> object:
        return await desk.place(("米", 1), guest=True, contact=invented(), address=address)

    placed = await asyncio.gather(*(place(f"2001:db8::{i}") for i in range(1, 41)))
    assert count_outcomes(placed) == {"HELD": 30, "TooManyOrders": 10}
    assert await place("2001:db8::ffff") == TooManyOrders(30)
    assert isinstance(await place("2001:db8:0:1::1"), Order)
