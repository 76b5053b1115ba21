"""Channel accounts: stock updates to platforms, and their messages when slow, repeated or wrong."""

import asyncio
from dataclasses import replace
from typing import Any
from unittest.mock import patch
from uuid import UUID, uuid4

import pytest

from app.db import channel_accounts as rows
from app.domain.channels.accounts import Shops
from app.domain.channels.sync import ATTEMPTS
from app.run.embedded import Urls
from app.settings import Settings
from tests.conftest import SECRET as KEY
from tests.support.mall import APP, SECRET, SHOP, douyin_push, wechat_push
from tests.support.trade import LAG, Trade


async def test_accounts_receive_the_sellable_quantity(trade: Trade) -> None:
    await trade.desk.receive("米", 10)
    await trade.push_stock()
    assert trade.mall.stock == {"1": 10, "2": 0}
    await trade.desk.post("sell", ("米", 3))
    product = await trade.desk.product("米")
    values = {"productId": product, "channel": "DOUYIN", "quantity": "2"}
    await trade.desk.do("setChannelBuffer", **values)
    trade.mall.calls.clear()
    await trade.push_stock()
    assert sorted(trade.mall.calls) == ["/channels/ec/product/stock/update", "/sku/syncStock"]
    listings = await trade.listings()
    pushed = {channel: listings[f"{link} 1"]["pushed"] for channel, link in trade.links.items()}
    assert pushed == {"DOUYIN": 5, "WECHAT": 7}
    trade.mall.calls.clear()
    await trade.push_stock()
    assert trade.mall.calls == [], "nothing happened since"
    assert len(set(trade.mall.marks)) == len(trade.mall.marks)
    assert {each["behind"] for each in await trade.desk.ask(LAG)} == {"0"}


@pytest.mark.parametrize("trouble", ["500", "wrong", "busy", "slow"])
async def test_what_fails_is_tried_again(trade: Trade, trouble: str) -> None:
    await trade.desk.receive("米", 10)
    trade.mall.trouble = [trouble] * 4
    with patch("app.platforms.platform.ANSWER_SECONDS", 0.3):
        await trade.push_stock()
    listings = await trade.listings()
    assert {(each["state"], each["attempts"]) for each in listings.values()} == {("WAITING", 1)}
    assert all(each["error"] for each in listings.values())
    lag = await trade.desk.ask(LAG)
    assert [(each["waiting"], each["dead"]) for each in lag] == [(2, 0), (2, 0)]
    await trade.now()
    await trade.push_stock()
    assert {each["state"] for each in (await trade.listings()).values()} == {"PUSHED"}
    assert trade.mall.stock == {"1": 10, "2": 0}


async def test_a_token_that_is_over_is_renewed_at_once(trade: Trade) -> None:
    await trade.push_stock()
    trade.mall.token = "token-2"
    await trade.desk.receive("米", 4)
    await trade.push_stock()
    assert trade.mall.stock["1"] == 4
    assert {each["state"] for each in (await trade.listings()).values()} == {"PUSHED"}


async def test_a_push_that_always_fails_is_dead_until_retried(trade: Trade) -> None:
    await trade.desk.receive("米", 4)
    trade.mall.trouble = ["never"] * 4
    await trade.push_stock()
    listings = await trade.listings()
    assert {each["state"] for each in listings.values()} == {"DEAD"}
    assert any("无此商品" in each["error"] for each in listings.values())
    await trade.desk.post("sell", ("米", 1))
    trade.mall.calls.clear()
    await trade.push_stock()
    assert trade.mall.calls == []
    for link in trade.links.values():
        await trade.desk.do("retryChannel", linkId=link)
    await trade.push_stock()
    assert trade.mall.stock["1"] == 3


async def test_so_many_failures_are_enough(trade: Trade) -> None:
    for attempts in (0, 1, ATTEMPTS - 2, ATTEMPTS - 1):
        trade.mall.trouble = ["busy"] * 4
        async with trade.books.db.unit(trade.tenant) as unit:
            waiting = rows.update(rows.Listing).where(rows.Listing.state == "WAITING")
            due = waiting.values(next_at=unit.now, attempts=attempts)
            await unit.session.execute(due)
        await trade.push_stock()
    listings = await trade.listings()
    assert {(each["state"], each["attempts"]) for each in listings.values()} == {("DEAD", ATTEMPTS)}


async def test_a_stale_push_is_dropped(trade: Trade) -> None:
    """One who stalls after it has read, while another tells something newer."""
    await trade.desk.receive("米", 10)
    read = rows.offered
    overtaken: list[int] = []

    async def stalled(session: Any, tenant: UUID, link: Any) -> Any:
        current = await read(session, tenant, link)
        if overtaken:
            return current
        overtaken.append(current[0])
        with patch("app.db.channel_accounts.offered", read):
            await trade.desk.post("sell", ("米", 1))
            async with trade.books.db.unit(tenant) as unit:
                await rows.release(unit, link.id, None)
            await trade.push_stock()
        trade.mall.calls.clear()
        return current

    with patch("app.db.channel_accounts.offered", stalled):
        await trade.push_stock()
    assert trade.mall.calls == []
    assert trade.mall.stock["1"] == 9
    assert {each["state"] for each in (await trade.listings()).values()} == {"PUSHED"}


async def test_a_push_overtaken_on_its_way_is_sent_again(trade: Trade) -> None:
    await trade.desk.receive("米", 10)
    loop = asyncio.get_running_loop()

    async def overtake() -> None:
        await trade.desk.post("sell", ("米", 1))
        async with trade.books.db.unit(trade.tenant) as unit:
            for link in trade.links.values():
                await rows.release(unit, UUID(link), None)
        await trade.push_stock()

    def meanwhile() -> None:
        trade.mall.meanwhile = None
        asyncio.run_coroutine_threadsafe(overtake(), loop).result(5)

    trade.mall.meanwhile = meanwhile
    await trade.push_stock()
    await trade.now()
    await trade.push_stock()
    assert trade.mall.stock["1"] == 9
    assert {each["state"] for each in (await trade.listings()).values()} == {"PUSHED"}


async def test_two_tellers_tell_once(trade: Trade) -> None:
    await trade.desk.receive("米", 10)
    await asyncio.gather(*(trade.push_stock() for _ in range(5)))
    assert len(trade.mall.marks) == 2, "one push of each SKU"


async def test_an_order_of_a_shop_is_ours_once(trade: Trade) -> None:
    await trade.desk.receive("米", 10)
    for channel, what, new, paid, gone in (
        ("DOUYIN", ("100", "101", "106"), 1, 2, 4),
        ("WECHAT", ("order_new", "order_pay", "order_cancel"), 10, 20, 250),
    ):
        events = what if channel == "DOUYIN" else [f"channels_ec_{name}" for name in what]
        number = "9007199254740993" if channel == "DOUYIN" else "37051150584712"
        trade.mall.sells(number, new, s1=2)
        for _ in range(2):
            assert await trade.message(channel, number, events[0]) == 200
            await asyncio.gather(trade.follow_orders(), trade.follow_orders())
        [order] = [each for each in await trade.orders() if each["channel"] == channel]
        assert (order["externalId"], order["state"]) == (number, "HELD")
        trade.mall.sells(number, paid, s1=2)
        await trade.message(channel, number, events[1])
        await trade.follow_orders()
        [order] = [each for each in await trade.orders() if each["channel"] == channel]
        assert order["state"] == "PAID"
        trade.mall.sells(number, gone, s1=2)
        await trade.message(channel, number, events[2])
        await trade.follow_orders()
        [order] = [each for each in await trade.orders() if each["channel"] == channel]
        assert order["state"] == "CANCELLED"
    assert (await trade.desk.level("米"))["available"] == "10"


async def test_messages_in_any_order_end_in_the_shops_state(trade: Trade) -> None:
    await trade.desk.receive("米", 10)
    trade.mall.sells("1", 2, s1=2, s2=0)
    trade.mall.orders["1"] = 2, {"s1": 2}
    await trade.message("DOUYIN", "1", "101")
    await trade.message("DOUYIN", "1", "100")
    await trade.follow_orders()
    [order] = await trade.orders()
    assert (order["state"], order["lines"]) == ("PAID", [{"quantity": "2"}])
    trade.mall.orders["2"] = 4, {"s1": 1}
    await trade.message("DOUYIN", "2", "106")
    await trade.follow_orders()
    assert len(await trade.orders()) == 1, "what was cancelled before we heard of it is not ours"


async def test_what_the_shop_sold_and_nobody_has_waits_for_it(trade: Trade) -> None:
    trade.mall.orders["1"] = 2, {"s1": 2}
    await trade.message("DOUYIN", "1", "101")
    await trade.follow_orders()
    assert await trade.orders() == []
    lag = {each["link"]["channel"]: each for each in await trade.desk.ask(LAG)}
    assert (lag["DOUYIN"]["waiting"], lag["DOUYIN"]["error"]) == (3, "OutOfStock")
    await trade.desk.receive("米", 2)
    # Rules bind what is still to be sold, not what a shop has sold already.
    await trade.desk.do("setChannelPause", channel="DOUYIN", paused=True)
    await trade.now()
    await trade.follow_orders()
    assert [each["state"] for each in await trade.orders()] == ["PAID"]


async def test_an_unlisted_sku_is_reported(trade: Trade) -> None:
    trade.mall.orders["1"] = 2, {"s99": 1}
    await trade.message("DOUYIN", "1", "100")
    await trade.follow_orders()
    lag = {each["link"]["channel"]: each for each in await trade.desk.ask(LAG)}
    assert lag["DOUYIN"]["dead"] == 1
    assert "渠道货号 99 没有对应的商品" in lag["DOUYIN"]["error"]
    values = {"linkId": trade.links["DOUYIN"], "productId": await trade.desk.product("米")}
    await trade.desk.do("setListing", sku="99", **values)
    await trade.desk.receive("米", 1)
    await trade.desk.do("retryChannel", linkId=trade.links["DOUYIN"])
    await trade.follow_orders()
    assert len(await trade.orders()) == 1


async def test_only_the_shop_is_believed(trade: Trade) -> None:
    http: Any = trade.desk.asking.http
    path = f"/shops/{trade.links['DOUYIN']}"
    body, headers = douyin_push("1", "100")
    for forged in (
        {"content": body},
        {"content": body, "headers": {**headers, "event-sign": "0" * 32}},
        {"content": body + b" ", "headers": headers},
        {"content": body, "headers": {**headers, "app-id": "another"}},
    ):
        assert (await http.post(path, **forged)).status_code == 403
    body, query = wechat_push("1", "channels_ec_order_new")
    path = f"/shops/{trade.links['WECHAT']}"
    for wrong in ({**query, "signature": "x"}, {**query, "timestamp": "1"}, {}):
        assert (await http.post(path, content=body, params=wrong)).status_code == 403
    assert (await http.post(path, content=b"garbage", params=query)).status_code == 400
    assert (await http.post(path, content=b"[]", params=query)).status_code == 400
    shown = await http.get(path, params={**query, "echostr": "hello"})
    assert (shown.status_code, shown.text) == (200, "hello")
    assert (await http.post(f"/shops/{uuid4()}", content=body)).status_code == 404
    assert (await http.post("/shops/%00", content=body)).status_code == 404
    await trade.follow_orders()
    assert trade.mall.calls == []
    await trade.desk.do("disconnectChannel", linkId=trade.links["WECHAT"])
    assert (await http.post(path, content=body, params=query)).status_code == 404


async def test_one_shop_a_store_and_channel(trade: Trade, stranger: Any) -> None:
    desk = trade.desk
    values = {"storeId": desk.store, "channel": "DOUYIN", "appId": APP, "secret": SECRET}
    again = await desk.do("connectChannel", shopId=SHOP, **values)
    assert (again["code"], again["field"]) == ("ALREADY_TAKEN", "channel")
    assert await desk.code("connectChannel", **values) == "BAD_INPUT"
    key = str(uuid4())
    gone = [
        await desk.do("disconnectChannel", key=key, linkId=trade.links["DOUYIN"]) for _ in range(2)
    ]
    assert gone[0] == gone[1]
    assert gone[0]["endedAt"]
    late = await desk.do("retryChannel", linkId=trade.links["DOUYIN"])
    assert late["wrong"] == "DISCONNECTED"
    assert (await desk.do("connectChannel", shopId=SHOP, **values))["channel"] == "DOUYIN"
    foreign = replace(desk, chain=stranger)
    refused = await foreign.do("retryChannel", linkId=trade.links["WECHAT"])
    assert refused["code"] == "UNKNOWN_CHANNEL_LINK"


async def test_secrets_are_sealed(trade: Trade, urls: Urls) -> None:
    async with trade.books.db.read(trade.tenant) as session:
        [link] = await rows.links_by_id(session, trade.tenant, [UUID(trade.links["DOUYIN"])])
    assert SECRET.encode() not in link.sealed
    rotated = Shops(Settings(secret="another secret of thirty-two bytes!", former_secret=KEY))
    assert rotated.of(link)
    await rotated.close()
