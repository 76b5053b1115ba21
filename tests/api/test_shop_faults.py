"""Faulty platforms, passing time and dying processes lose no order and no stock update."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any
from unittest.mock import patch
from uuid import UUID, uuid4

import pytest
from sqlalchemy import update

from app.db import channel_accounts as rows
from app.db.core.lane import Lane
from app.db.core.unit import Database
from app.db.tables import ChannelLink, Listing, Order, ShopMessage
from app.domain.catalog.cookbook import Cookbook
from app.domain.channels.accounts import Shops
from app.domain.documents import placement
from app.domain.ledger.post import PostDrafts
from app.domain.ledger.reservations import end_overdue
from app.domain.movements.record import Books
from app.jobs.channel_sync import rounds, serve_shops
from app.run.embedded import Urls
from app.settings import Settings
from tests.api.conftest import served
from tests.conftest import SECRET as KEY
from tests.conftest import VAULT, Cloning, unheard
from tests.support.api import a_desk
from tests.support.identity import CREATE_STORE, a_chain
from tests.support.mall import APP, SECRET, SHOP, Mall, douyin_push
from tests.support.trade import LAG, Trade, connected


async def overdue(trade: Trade) -> None:
    """Let the reservations of all orders expire."""
    async with trade.books.db.unit(trade.tenant) as unit:
        late = unit.now - timedelta(seconds=1)
        mine = update(Order).where(Order.tenant_id == trade.tenant, Order.state == "HELD")
        await unit.session.execute(mine.values(expires_at=late))


async def states(trade: Trade) -> list[str]:
    return [each["state"] for each in await trade.orders()]


async def test_a_cancel_is_not_lost_to_an_answer_that_is_older(trade: Trade) -> None:
    """One asks the shop and stalls; the order is cancelled, and who hears of it has none."""
    await trade.desk.receive("米", 5)
    trade.mall.orders["1"] = 2, {"s1": 2}
    place = placement.place

    async def stalled(*arguments: Any) -> Any:
        with patch("app.domain.documents.placement.place", place):
            trade.mall.orders["1"] = 4, {"s1": 2}
            await trade.message("DOUYIN", "1", "106")
            await trade.follow_orders()
        return await place(*arguments)

    await trade.message("DOUYIN", "1", "101")
    with patch("app.domain.documents.placement.place", stalled):
        await trade.follow_orders()
    assert await states(trade) == ["CANCELLED"]
    assert (await trade.desk.level("米"))["available"] == "5"


async def test_paid_after_its_hold_was_over(trade: Trade) -> None:
    """The shop has sold it: no rule that came later takes it from its customer."""
    await trade.desk.receive("米", 5)
    trade.mall.orders["1"] = 1, {"s1": 2}
    await trade.message("DOUYIN", "1", "100")
    await trade.follow_orders()
    await overdue(trade)
    await end_overdue(trade.books.db, trade.tenant)
    values = {"channel": "DOUYIN", "productId": await trade.desk.product("米")}
    await trade.desk.do("setChannelBuffer", quantity="5", **values)
    trade.mall.orders["1"] = 2, {"s1": 2}
    await trade.message("DOUYIN", "1", "101")
    await trade.follow_orders()
    assert await states(trade) == ["PAID"]


@pytest.mark.parametrize(
    "detail",
    [
        {"sku_order_list": [{"sku_id": 1, "item_num": "many"}]},
        {"sku_order_list": None},
        {"order_status": [2]},
        {"order_status": 2, "sku_order_list": [7]},
    ],
    ids=str,
)
async def test_an_answer_nobody_can_read_holds_up_no_other(trade: Trade, detail: Any) -> None:
    await trade.desk.receive("米", 5)
    trade.mall.sells("1", 2, s1=1)
    trade.mall.broken["1"] = detail
    trade.mall.sells("2", 2, s1=1)
    for number in ("1", "2"):
        await trade.message("DOUYIN", number, "101")
    await trade.follow_orders()
    assert await states(trade) == ["PAID"]
    lag = {each["link"]["channel"]: each for each in await trade.desk.ask(LAG)}
    assert lag["DOUYIN"]["waiting"] + lag["DOUYIN"]["dead"] == 3
    assert lag["DOUYIN"]["error"].startswith("the answer")


async def test_a_contact_is_kept_without_what_nobody_can_read(trade: Trade) -> None:
    await trade.desk.receive("米", 5)
    trade.mall.sells("1", 2, s1=1)
    trade.mall.broken["1"] = {"mask_post_receiver": "张\n\0\u2028*", "mask_post_tel": ""}
    await trade.message("DOUYIN", "1", "101")
    await trade.follow_orders()
    assert [each["contact"] for each in await trade.orders()] == ["张*"]


async def test_an_account_nobody_can_open_holds_up_no_other(trade: Trade) -> None:
    await trade.desk.receive("米", 5)
    async with trade.books.db.unit(trade.tenant) as unit:
        spoilt = update(ChannelLink).where(ChannelLink.id == UUID(trade.links["DOUYIN"]))
        await unit.session.execute(spoilt.values(sealed=b"not ours"))
    shops = Shops(Settings(secret=KEY, douyin_url=trade.mall.url, wechat_url=trade.mall.url))
    body, headers = douyin_push("1", "100")
    path = f"/shops/{trade.links['DOUYIN']}"
    sent = await trade.desk.asking.http.post(path, content=body, headers=headers)
    assert sent.status_code == 503, "the shop says it again later"
    await rounds(trade.books, shops).serve(trade.tenant)
    await shops.close()
    assert trade.mall.stock == {"1": 5, "2": 0}
    lag = {each["link"]["channel"]: each for each in await trade.desk.ask(LAG)}
    assert (lag["WECHAT"]["behind"], lag["WECHAT"]["error"]) == ("0", None)
    assert int(lag["DOUYIN"]["behind"]) > 0
    assert "connect it again" in lag["DOUYIN"]["error"]


async def test_a_failing_push_is_told_as_behind(trade: Trade) -> None:
    await trade.push_stock()
    assert {each["behind"] for each in await trade.desk.ask(LAG)} == {"0"}
    await trade.desk.receive("米", 5)
    trade.mall.trouble = ["500", "500"]
    await trade.push_stock()
    assert {int(each["behind"]) > 0 for each in await trade.desk.ask(LAG)} == {True}
    await trade.now()
    await trade.push_stock()
    assert {each["behind"] for each in await trade.desk.ask(LAG)} == {"0"}


async def test_a_process_that_dies_between_the_call_and_the_record(trade: Trade) -> None:
    """The result of the push is unknown, so it is sent again, although nothing has changed."""
    await trade.desk.receive("米", 5)
    await trade.push_stock()
    trade.mall.stock["1"] = 99
    async with trade.books.db.unit(trade.tenant) as unit:
        [first, *_] = await rows.listings_of(
            unit.session, trade.tenant, [UUID(trade.links["DOUYIN"])]
        )
        assert await rows.begin_push(unit, first.id, first.pushed_revision)
    await trade.push_stock()
    assert trade.mall.stock["1"] == 5


async def test_a_day_that_ends_is_told_though_nothing_happened(trade: Trade) -> None:
    """A quota is full again at midnight, without any sale."""
    await trade.desk.receive("米", 9)
    values = {"channel": "DOUYIN", "productId": await trade.desk.product("米")}
    await trade.desk.do("setChannelQuota", quantity="2", **values)
    [link] = [UUID(trade.links["DOUYIN"])]
    with patch("app.db.channel_accounts.offered", yesterday(rows.offered, 0)):
        await trade.push_stock()
    assert await pushed_to(trade, link) == 0
    await trade.push_stock()
    assert await pushed_to(trade, link) == 0, "it was looked at just now"
    async with trade.books.db.unit(trade.tenant) as unit:
        looked = update(ChannelLink).where(ChannelLink.tenant_id == trade.tenant)
        long_ago = unit.now - timedelta(minutes=2)
        await unit.session.execute(looked.values(leased_until=long_ago))
    await trade.push_stock()
    assert await pushed_to(trade, link) == 2
    assert len(set(trade.mall.marks)) == len(trade.mall.marks), "no shop takes it for the same"


def yesterday(read: Any, count: int) -> Any:
    async def offered(session: Any, tenant: UUID, link: Any) -> Any:
        revision, offers = await read(session, tenant, link)
        return revision, [
            each._replace(stock=count) if each.listing.sku == "1" else each for each in offers
        ]

    return offered


async def pushed_to(trade: Trade, link: UUID) -> int:
    return (await trade.listings())[f"{link} 1"]["pushed"]


async def test_a_shop_that_drips_its_answer(trade: Trade) -> None:
    await trade.desk.receive("米", 5)
    trade.mall.trouble = ["drip"] * 4
    with patch("app.platforms.platform.ANSWER_SECONDS", 0.3):
        await asyncio.wait_for(trade.push_stock(), 4)
    assert {each["state"] for each in (await trade.listings()).values()} == {"WAITING"}


async def test_a_token_that_stays_stale_is_tried_again_later(trade: Trade) -> None:
    trade.mall.trouble = ["token"] * 20
    await trade.push_stock()
    assert {each["state"] for each in (await trade.listings()).values()} == {"WAITING"}
    trade.mall.trouble.clear()
    await trade.now()
    await trade.push_stock()
    assert {each["state"] for each in (await trade.listings()).values()} == {"PUSHED"}


async def test_an_hour_without_the_platform_kills_nothing(trade: Trade) -> None:
    """It is retried every five minutes for a day before it is dead."""
    async with trade.books.db.unit(trade.tenant) as unit:
        await unit.session.execute(
            update(Listing).where(Listing.tenant_id == trade.tenant).values(attempts=20)
        )
    trade.mall.trouble = ["500"] * 4
    await trade.push_stock()
    assert {each["state"] for each in (await trade.listings()).values()} == {"WAITING"}


async def test_a_shop_that_moved_to_another_store(trade: Trade) -> None:
    """An order that came before is still the one of the store that has it."""
    await trade.desk.receive("米", 5)
    trade.mall.sells("1", 1, s1=2)
    await trade.message("DOUYIN", "1", "100")
    await trade.follow_orders()
    await trade.desk.do("disconnectChannel", linkId=trade.links["DOUYIN"])
    moved = await trade.desk.chain.do(CREATE_STORE, code=uuid4().hex, name="新店")
    account = {"appId": APP, "secret": SECRET, "shopId": SHOP}
    values = {"storeId": moved["id"], "channel": "DOUYIN", **account}
    link = await trade.desk.do("connectChannel", **values)
    there = replace(trade, links={"DOUYIN": link["id"]})
    trade.mall.sells("1", 2, s1=2)
    await there.message("DOUYIN", "1", "101")
    await there.follow_orders()
    assert await states(trade) == ["PAID"]


async def test_messages_nobody_can_keep(trade: Trade) -> None:
    for number, id in (("1\0", "x"), ("1", "a\0b"), ("1" * 65, "x"), ("1", "x" * 201)):
        assert await trade.message("DOUYIN", number, "100", id=id) == 400
    async with trade.books.db.read(trade.tenant) as session:
        messages = await session.scalars(rows.select(ShopMessage))
        assert list(messages) == []


async def test_many_messages_at_once(trade: Trade) -> None:
    body, headers = douyin_push([str(number) for number in range(12_000)], "100")
    path = f"/shops/{trade.links['DOUYIN']}"
    sent = await trade.desk.asking.http.post(path, content=body, headers=headers)
    assert sent.status_code == 200


async def test_what_is_archived_is_sold_out(trade: Trade) -> None:
    await trade.desk.receive("米", 5)
    await trade.push_stock()
    product = await trade.desk.product("米")
    await trade.desk.do("archiveProduct", productId=product, withStock=True)
    await trade.push_stock()
    assert trade.mall.stock["1"] == 0


async def test_a_sku_that_becomes_another_product(trade: Trade) -> None:
    await trade.desk.receive("米", 5)
    await trade.desk.receive("蛋", 7)
    await trade.push_stock()
    values = {"linkId": trade.links["DOUYIN"], "productId": await trade.desk.product("蛋")}
    await trade.desk.do("setListing", sku="1", **values)
    await trade.push_stock()
    assert trade.mall.stock["1"] == 7
    assert len(trade.mall.marks) == len(set(trade.mall.marks))


async def test_no_answer_and_no_message_tells_a_secret(trade: Trade, caplog: Any) -> None:
    trade.mall.trouble = ["never"] * 4
    caplog.set_level("DEBUG")
    await trade.push_stock()
    text = repr(await trade.desk.ask(LAG)) + repr(await trade.listings()) + caplog.text
    async with trade.books.db.read(trade.tenant) as session:
        links = await rows.links(session, trade.tenant, [UUID(trade.desk.store)])
    text += repr(links) + repr(trade.shops)
    assert SECRET not in text
    assert APP in repr([link.app_id for link in links])


async def test_a_platform_that_hangs_keeps_no_other_waiting(clone: Cloning, mall: Mall) -> None:
    """Two tenants in one process: WeChat never answers the first, Douyin answers the second."""
    urls, pushed = await clone(), asyncio.Event()

    async def hang(reader: Any, writer: Any) -> None:
        await reader.read()
        writer.close()

    silent = await asyncio.start_server(hang, "127.0.0.1", 0)
    where: Any = {"wechat_url": f"http://127.0.0.1:{silent.sockets[0].getsockname()[1]}"}
    where |= {"douyin_url": mall.url}
    db = Database(urls.database, unheard, vault=VAULT)
    lane = Lane(urls.database, PostDrafts(), unheard)
    shops = Shops(Settings(secret=KEY, **where))
    loop = asyncio.get_running_loop()

    def heard() -> None:
        loop.call_soon_threadsafe(pushed.set)

    mall.heard = heard
    async with served(urls, **where) as asking:
        desks = [await a_desk(await a_chain(db, asking)) for _ in range(2)]
        for desk, channel in zip(desks, ("WECHAT", "DOUYIN"), strict=True):
            links = await connected(desk)
            [gone] = [link for name, link in links.items() if name != channel]
            await desk.do("disconnectChannel", linkId=gone)
        serving = asyncio.create_task(serve_shops(Books(db, lane, Cookbook(db)), shops))
        for number in range(1, 4):
            await desks[1].receive("米", 1)
            while mall.stock.get("1") != number:
                await asyncio.wait_for(pushed.wait(), 4)
                pushed.clear()
        assert {each["waiting"] for each in await desks[0].ask(LAG)} == {2}
        serving.cancel()
        await asyncio.gather(serving, return_exceptions=True)
    silent.close()
    await shops.close()
    await lane.close()
    await db.close()


async def test_another_tenants_messages_are_not_heard(trade: Trade, stranger: Any) -> None:
    """Signed by one account, sent to the address of another: the secrets differ."""
    desk = await a_desk(stranger)
    account = {"appId": APP, "secret": "another secret", "shopId": SHOP}
    link = await desk.do("connectChannel", storeId=desk.store, channel="DOUYIN", **account)
    there = replace(trade, links={"DOUYIN": link["id"]})
    assert await there.message("DOUYIN", "1", "100") == 403
    foreign = {"linkId": link["id"], "productId": await trade.desk.product("米"), "sku": "9"}
    assert (await trade.desk.do("setListing", **foreign))["code"] == "UNKNOWN_CHANNEL_LINK"
    mine = {"linkId": trade.links["DOUYIN"], "productId": await desk.product("米"), "sku": "9"}
    assert (await trade.desk.do("setListing", **mine))["code"] == "UNKNOWN_PRODUCT"


async def test_one_order_told_twice_at_once_in_two_processes(trade: Trade, urls: Urls) -> None:
    await trade.desk.receive("米", 5)
    db = Database(urls.database, unheard, vault=VAULT)
    lane = Lane(urls.database, PostDrafts(), unheard)
    there = replace(trade, books=Books(db, lane, Cookbook(db)))
    for number in range(100, 105):
        trade.mall.sells(str(number), 2, s1=1)
        for tag in ("100", "101"):
            await asyncio.gather(
                *(trade.message("DOUYIN", str(number), tag, id=f"{number} {i}") for i in range(3))
            )
        await asyncio.gather(
            trade.follow_orders(),
            there.follow_orders(),
            trade.follow_orders(),
            there.follow_orders(),
        )
    assert await states(trade) == ["PAID"] * 5
    assert (await trade.desk.level("米"))["available"] == "0"
    await lane.close()
    await db.close()
