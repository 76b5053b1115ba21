"""Channel rules over HTTP: who may set them, and every quantity that a channel receives."""

from datetime import datetime
from typing import Any
from unittest.mock import patch
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

from sqlalchemy import update

from app.db.core.unit import Database
from app.db.tables import ChannelRule
from tests.api.test_orders import place, stocked
from tests.support.api import Desk
from tests.support.live import dialled

SHOWN = """
query($store: UUID!, $product: UUID!, $code: String!, $channel: Channel!) {
  product(id: $product) {
    availability(storeId: $store, channel: $channel) { label remaining }
    all: availability(storeId: $store) { label }
    level(storeId: $store) {
      available offered(channel: $channel) label(channel: $channel) { text }
    }
    channelRules { channel buffer quota paused store { id } }
  }
  storefront(store: $code, channel: $channel) { products { nodes { availability { remaining } } } }
  canMake(store: $code, channel: $channel, lines: [{productId: $product, quantity: 9}]) {
    ... on Cart { possible lines { makeable } }
  }
}
"""
LABELS = """
subscription($store: String!, $products: [UUID!]!, $channel: Channel) {
  availabilityFeed(store: $store, productIds: $products, channel: $channel) {
    products { availability { label remaining } }
  }
}
"""
FIGURES = """
query($day: Date!) { channelReport(since: $day, until: $day) {
  channel placed paid fulfilled cancelled revenue cost margin
  products { product { name } sold returned revenue cost margin }
} }
"""


BY_TIME = """
query($day: Date!, $group: ChannelGroupBy!) {
  channelReport(since: $day, until: $day, groupBy: $group, compare: PREVIOUS_PERIOD) {
    channel day store { id } placed revenue compared { placed } products { revenue }
  }
}
"""


async def shown(desk: Desk, channel: str = "WECHAT") -> Any:
    values = {"store": desk.store, "code": desk.chain.founded.store.code, "channel": channel}
    product = await desk.product("米")
    return (await desk.asking.raw(SHOWN, desk.owner, product=product, **values))["data"]


async def test_every_quantity_a_channel_receives(fresh: Desk) -> None:
    await stocked(fresh, 米=10)
    values = {"productId": await fresh.product("米"), "channel": "WECHAT"}
    rule = await fresh.do("setChannelBuffer", quantity="6", storeId=fresh.store, **values)
    assert (rule["buffer"], rule["quota"], rule["store"]["id"]) == ("6", None, fresh.store)
    answer = await shown(fresh)
    product = answer["product"]
    assert product["availability"] == {"label": "FEW", "remaining": 4}
    assert product["all"] == {"label": "PLENTY"}
    label = {"text": "仅剩 4 袋"}
    assert product["level"] == {"available": "10", "offered": "4", "label": label}
    [said] = product["channelRules"]
    assert said == {
        "channel": "WECHAT",
        "buffer": "6",
        "quota": None,
        "paused": None,
        "store": {"id": fresh.store},
    }
    assert answer["storefront"]["products"]["nodes"] == [{"availability": {"remaining": 4}}]
    assert answer["canMake"] == {"possible": False, "lines": [{"makeable": "4"}]}
    assert (await shown(fresh, "DOUYIN"))["product"]["level"]["offered"] == "10"
    key = str(uuid4())
    for _ in range(2):
        rule = await fresh.do("setChannelQuota", key=key, quantity="3", **values)
        assert (rule["quota"], rule["store"]) == ("3", None)
    assert (await shown(fresh))["product"]["level"]["offered"] == "3"
    again = await fresh.do("setChannelQuota", key=key, quantity="4", **values)
    assert again["code"] == "KEY_REUSED"
    short = await place(fresh, ("米", 4))
    assert short["shortages"][0]["available"] == "3"
    rules = await fresh.ask("{ channelRules { nodes { quota buffer } } }")
    assert rules["nodes"] == [{"quota": "3", "buffer": None}, {"quota": None, "buffer": "6"}]


async def test_labels_of_a_channel_move_with_its_rules_and_orders(fresh: Desk) -> None:
    await stocked(fresh, 米=10)
    product, code = await fresh.product("米"), fresh.chain.founded.store.code
    values = {"store": code, "products": [product], "channel": "WECHAT"}
    async with dialled(str(fresh.asking.http.base_url)) as customer:
        await customer.subscribe(LABELS, **values)

        async def label() -> Any:
            [shown] = (await customer.next(1))["products"]
            return shown["availability"]

        assert await label() == {"label": "PLENTY", "remaining": None}
        await fresh.do("setChannelQuota", productId=product, channel="WECHAT", quantity="4")
        assert await label() == {"label": "FEW", "remaining": 4}
        await place(fresh, ("米", 1))
        assert await label() == {"label": "FEW", "remaining": 3}
        await fresh.do("setChannelPause", channel="WECHAT", paused=True)
        assert await label() == {"label": "SOLD_OUT", "remaining": 0}
        # The rules of one channel do not apply to another.
        await fresh.do("setChannelPause", channel="DOUYIN", paused=True)
        assert await customer.silent()


async def test_labels_of_a_channel_move_with_time_alone(fresh: Desk, db: Database) -> None:
    """As with a quota at midnight: the sellable quantity changes without a write."""
    await stocked(fresh, 米=10)
    product, code = await fresh.product("米"), fresh.chain.founded.store.code
    await fresh.do("setChannelQuota", productId=product, channel="WECHAT", quantity="2")
    values = {"store": code, "products": [product], "channel": "WECHAT"}
    with patch("app.live.board.UNSEEN_SECONDS", 0.1):
        async with dialled(str(fresh.asking.http.base_url)) as customer:
            await customer.subscribe(LABELS, **values)
            assert (await customer.next(1))["products"][0]["availability"]["remaining"] == 2
            async with db.unit(fresh.chain.founded.store.tenant_id) as unit:
                rule = update(ChannelRule).where(ChannelRule.product_id == UUID(product))
                await unit.session.execute(rule.values(quota=4))
            assert (await customer.next(1))["products"][0]["availability"]["remaining"] == 4


async def test_a_manager_rules_her_own_store_only(fresh: Desk) -> None:
    values = {"productId": await fresh.product("米"), "channel": "WECHAT", "quantity": "1"}
    by = {"by": fresh.manager}
    assert "buffer" in await fresh.do("setChannelBuffer", storeId=fresh.store, **values, **by)
    assert await fresh.code("setChannelBuffer", **values, **by) == "BAD_INPUT"
    foreign = await fresh.do("setChannelBuffer", storeId=str(uuid4()), **values, **by)
    assert foreign["code"] == "UNKNOWN_STORE"
    by = {"by": fresh.cashier}
    assert await fresh.code("setChannelBuffer", storeId=fresh.store, **values, **by) == "FORBIDDEN"


async def test_the_preview_tells_what_would_change(fresh: Desk) -> None:
    await stocked(fresh, 米=10)
    query = """
    query($product: UUID!) { channelPreview(channel: WECHAT, productId: $product, buffer: 3) {
      ... on ChannelPreview { effects { store { id } available offered wouldOffer } }
    } }
    """
    answer = await fresh.ask(query, product=await fresh.product("米"))
    assert answer["effects"] == [
        {"store": {"id": fresh.store}, "available": "10", "offered": "10", "wouldOffer": "7"}
    ]
    assert (await shown(fresh))["product"]["channelRules"] == []


async def test_the_report_adds_up_by_channel(fresh: Desk) -> None:
    await fresh.product("米", price="2.50")
    goods = [await fresh.line("米", 30, unitCost="1.00")]
    await fresh.do("receive", storeId=fresh.store, lines=goods)
    for finish in ("fulfilOrder", "cancelOrder"):
        order = await place(fresh, ("米", 2))
        await fresh.do("payOrder", orderId=order["id"])
        await fresh.do(finish, orderId=order["id"])
    await place(fresh, ("米", 1))
    bargain = await fresh.line("米", 5, discount="0.02")
    sale = await fresh.do("sell", storeId=fresh.store, lines=[bargain], by=fresh.manager)
    back = [await fresh.line("米", 1)]
    await fresh.do("returnSale", saleId=sale["id"], lines=back, disposition="SHELF")
    day = datetime.now(ZoneInfo("Asia/Shanghai")).date().isoformat()
    report = {each.pop("channel"): each for each in await fresh.ask(FIGURES, day=day)}
    rice = {"product": {"name": "米"}}
    online = {"revenue": "5.00", "cost": "2.00", "margin": "3.00"}
    counter = {"revenue": "9.98", "cost": "4.00", "margin": "5.98"}
    assert report["WECHAT"] == {
        "placed": 3,
        "paid": 2,
        "fulfilled": 1,
        "cancelled": 1,
        **online,
        "products": [{**rice, **online, "sold": "2", "returned": "0"}],
    }
    assert report["COUNTER"] == {
        **dict.fromkeys(("placed", "paid", "fulfilled", "cancelled"), 0),
        **counter,
        "products": [{**rice, **counter, "sold": "5", "returned": "1"}],
    }
    assert await fresh.ask(FIGURES, day="2020-01-01") == []
    for group in ("CHANNEL", "DAY", "WEEK", "MONTH"):
        answer = await fresh.ask(BY_TIME, day=day, group=group)
        rows = {each["channel"]: each for each in answer}
        assert rows["COUNTER"]["revenue"] == "9.98"
        assert [each["revenue"] for each in rows["COUNTER"]["products"]] == ["9.98"]
        assert (rows["WECHAT"]["placed"], rows["WECHAT"]["store"]) == (3, None)
        assert (rows["WECHAT"]["day"] is None) == (group == "CHANNEL")
        assert rows["WECHAT"]["compared"] is None
