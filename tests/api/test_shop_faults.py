"""Shops that misbehave, clocks that go on, processes that die: no order and no push is lost."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any
from unittest.mock import patch
from uuid import UUID, uuid4

import pytest
from sqlalchemy import update

from app.db import shops as rows
from app.db.tables import ChannelLink, Listing, Order, ShopMessage
from app.domain import orders
from app.domain.holds import settle
from app.domain.shops import Shops
from app.jobs.shops import Rounds
from app.settings import Settings
from tests.api.conftest import SECRET as KEY
from tests.support.identity import CREATE_STORE
from tests.support.mall import APP, SECRET, SHOP, douyin_push
from tests.support.trade import LAG, Trade


async def overdue(trade: Trade) -> None:
    """The holds of all orders are over."""
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
    place = orders.place

    async def stalled(*told: Any) -> Any:
        with patch("app.domain.orders.place", place):
            trade.mall.orders["1"] = 4, {"s1": 2}
            await trade.push("DOUYIN", "1", "106")
            await trade.follow()
        return await place(*told)

    await trade.push("DOUYIN", "1", "101")
    with patch("app.domain.orders.place", stalled):
        await trade.follow()
    assert await states(trade) == ["CANCELLED"]
    assert (await trade.desk.level("米"))["available"] == "5"


async def test_paid_after_its_hold_was_over(trade: Trade) -> None:
    """The shop has sold it: no rule that came later takes it from its customer."""
    await trade.desk.receive("米", 5)
    trade.mall.orders["1"] = 1, {"s1": 2}
    await trade.push("DOUYIN", "1", "100")
    await trade.follow()
    await overdue(trade)
    await settle(trade.books.db, trade.tenant)
    told = {"channel": "DOUYIN", "productId": await trade.desk.product("米")}
    await trade.desk.do("setChannelBuffer", quantity="5", **told)
    trade.mall.orders["1"] = 2, {"s1": 2}
    await trade.push("DOUYIN", "1", "101")
    await trade.follow()
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
        await trade.push("DOUYIN", number, "101")
    await trade.follow()
    assert await states(trade) == ["PAID"]
    lag = {each["link"]["channel"]: each for each in await trade.desk.ask(LAG)}
    assert lag["DOUYIN"]["waiting"] + lag["DOUYIN"]["dead"] == 3
    assert lag["DOUYIN"]["error"].startswith("the answer")


async def test_a_contact_is_kept_without_what_nobody_can_read(trade: Trade) -> None:
    await trade.desk.receive("米", 5)
    trade.mall.sells("1", 2, s1=1)
    trade.mall.broken["1"] = {"mask_post_receiver": "张\n\0\u2028*", "mask_post_tel": ""}
    await trade.push("DOUYIN", "1", "101")
    await trade.follow()
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
    await Rounds(trade.books, shops).serve(trade.tenant)
    await shops.close()
    assert trade.mall.stock == {"1": 5, "2": 0}
    lag = {each["link"]["channel"]: each for each in await trade.desk.ask(LAG)}
    assert (lag["WECHAT"]["behind"], lag["WECHAT"]["error"]) == ("0", None)
    assert int(lag["DOUYIN"]["behind"]) > 0
    assert "connect it again" in lag["DOUYIN"]["error"]


async def test_a_failing_push_is_told_as_behind(trade: Trade) -> None:
    await trade.tell()
    assert {each["behind"] for each in await trade.desk.ask(LAG)} == {"0"}
    await trade.desk.receive("米", 5)
    trade.mall.trouble = ["500", "500"]
    await trade.tell()
    assert {int(each["behind"]) > 0 for each in await trade.desk.ask(LAG)} == {True}
    await trade.now()
    await trade.tell()
    assert {each["behind"] for each in await trade.desk.ask(LAG)} == {"0"}


async def test_a_process_that_dies_between_the_call_and_the_record(trade: Trade) -> None:
    """Whether the shop has it nobody knows: it is told again, though nothing happened since."""
    await trade.desk.receive("米", 5)
    await trade.tell()
    trade.mall.stock["1"] = 99
    async with trade.books.db.unit(trade.tenant) as unit:
        [first, *_] = await rows.listings_of(
            unit.session, trade.tenant, [UUID(trade.links["DOUYIN"])]
        )
        assert await rows.begin(unit, first.id, first.told_revision)
    await trade.tell()
    assert trade.mall.stock["1"] == 5


async def test_a_day_that_ends_is_told_though_nothing_happened(trade: Trade) -> None:
    """A quota is full again at midnight; nobody buys anything then."""
    await trade.desk.receive("米", 9)
    told = {"channel": "DOUYIN", "productId": await trade.desk.product("米")}
    await trade.desk.do("setChannelQuota", quantity="2", **told)
    [link] = [UUID(trade.links["DOUYIN"])]
    with patch("app.db.shops.offered", yesterday(rows.offered, 0)):
        await trade.tell()
    assert await told_to(trade, link) == 0
    await trade.tell()
    assert await told_to(trade, link) == 0, "it was looked at just now"
    async with trade.books.db.unit(trade.tenant) as unit:
        looked = update(ChannelLink).where(ChannelLink.tenant_id == trade.tenant)
        long_ago = unit.now - timedelta(minutes=2)
        await unit.session.execute(looked.values(leased_until=long_ago))
    await trade.tell()
    assert await told_to(trade, link) == 2
    assert len(set(trade.mall.marks)) == len(trade.mall.marks), "no shop takes it for the same"


def yesterday(read: Any, count: int) -> Any:
    async def offered(session: Any, tenant: UUID, link: Any) -> Any:
        revision, found = await read(session, tenant, link)
        return revision, [
            each._replace(count=count) if each.listing.sku == "1" else each for each in found
        ]

    return offered


async def told_to(trade: Trade, link: UUID) -> int:
    return (await trade.listings())[f"{link} 1"]["told"]


async def test_a_shop_that_drips_its_answer(trade: Trade) -> None:
    await trade.desk.receive("米", 5)
    trade.mall.trouble = ["drip"] * 4
    with patch("app.shops.shop.ANSWER_SECONDS", 0.3):
        await asyncio.wait_for(trade.tell(), 4)
    assert {each["state"] for each in (await trade.listings()).values()} == {"WAITING"}


async def test_a_token_that_stays_stale_is_tried_again_later(trade: Trade) -> None:
    trade.mall.trouble = ["token"] * 20
    await trade.tell()
    assert {each["state"] for each in (await trade.listings()).values()} == {"WAITING"}
    trade.mall.trouble.clear()
    await trade.now()
    await trade.tell()
    assert {each["state"] for each in (await trade.listings()).values()} == {"TOLD"}


async def test_an_hour_without_the_platform_kills_nothing(trade: Trade) -> None:
    """It tries every five minutes for a day before it is dead."""
    async with trade.books.db.unit(trade.tenant) as unit:
        await unit.session.execute(
            update(Listing).where(Listing.tenant_id == trade.tenant).values(attempts=20)
        )
    trade.mall.trouble = ["500"] * 4
    await trade.tell()
    assert {each["state"] for each in (await trade.listings()).values()} == {"WAITING"}


async def test_a_shop_that_moved_to_another_store(trade: Trade) -> None:
    """An order that came before is still the one of the store that has it."""
    await trade.desk.receive("米", 5)
    trade.mall.sells("1", 1, s1=2)
    await trade.push("DOUYIN", "1", "100")
    await trade.follow()
    await trade.desk.do("disconnectChannel", linkId=trade.links["DOUYIN"])
    moved = await trade.desk.chain.do(CREATE_STORE, code=uuid4().hex, name="新店")
    account = {"appId": APP, "secret": SECRET, "shopId": SHOP}
    told = {"storeId": moved["id"], "channel": "DOUYIN", **account}
    link = await trade.desk.do("connectChannel", **told)
    there = replace(trade, links={"DOUYIN": link["id"]})
    trade.mall.sells("1", 2, s1=2)
    await there.push("DOUYIN", "1", "101")
    await there.follow()
    assert await states(trade) == ["PAID"]


async def test_messages_nobody_can_keep(trade: Trade) -> None:
    for number, id in (("1\0", "x"), ("1", "a\0b"), ("1" * 65, "x"), ("1", "x" * 201)):
        assert await trade.push("DOUYIN", number, "100", id=id) == 400
    async with trade.books.db.read(trade.tenant) as session:
        found = await session.scalars(rows.select(ShopMessage))
        assert list(found) == []


async def test_many_messages_at_once(trade: Trade) -> None:
    body, headers = douyin_push([str(number) for number in range(12_000)], "100")
    path = f"/shops/{trade.links['DOUYIN']}"
    sent = await trade.desk.asking.http.post(path, content=body, headers=headers)
    assert sent.status_code == 200


async def test_what_is_archived_is_sold_out(trade: Trade) -> None:
    await trade.desk.receive("米", 5)
    await trade.tell()
    product = await trade.desk.product("米")
    await trade.desk.do("archiveProduct", productId=product, archived=True)
    await trade.tell()
    assert trade.mall.stock["1"] == 0


async def test_a_sku_that_becomes_another_product(trade: Trade) -> None:
    await trade.desk.receive("米", 5)
    await trade.desk.receive("蛋", 7)
    await trade.tell()
    told = {"linkId": trade.links["DOUYIN"], "productId": await trade.desk.product("蛋")}
    await trade.desk.do("setListing", sku="1", **told)
    await trade.tell()
    assert trade.mall.stock["1"] == 7
    assert len(trade.mall.marks) == len(set(trade.mall.marks))


async def test_no_answer_and_no_message_tells_a_secret(trade: Trade, caplog: Any) -> None:
    trade.mall.trouble = ["never"] * 4
    caplog.set_level("DEBUG")
    await trade.tell()
    told = repr(await trade.desk.ask(LAG)) + repr(await trade.listings()) + caplog.text
    async with trade.books.db.read(trade.tenant) as session:
        links = await rows.links(session, trade.tenant, [UUID(trade.desk.store)])
    told += repr(links) + repr(trade.shops)
    assert SECRET not in told
    assert APP in repr([link.app_id for link in links])
