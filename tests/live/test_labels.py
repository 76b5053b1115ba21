"""Live availability labels for customers, over a real websocket without a token."""

from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import update

from app.db.tables import Markdown
from app.domain.catalog.markdowns import end_markdowns
from app.domain.ledger.draft import batch_id
from app.domain.movements.batches import expiring
from tests.support.identity import Chain
from tests.support.live import Line, dialled
from tests.support.shop import Shop, day

LABELS = """
subscription($store: String!, $products: [UUID!]!) {
  availabilityFeed(store: $store, productIds: $products) {
    revision
    products { productId product { name } availability { label remaining text } }
  }
}
"""


async def next_labels(line: Line) -> dict[str, tuple[str, int | None, str]]:
    """The labels of the next event, by product name."""
    event = await line.next()
    return {
        each["product"]["name"]: tuple(each["availability"].values()) for each in event["products"]
    }


async def test_labels_flip_within_a_second(open_shop: Shop, chain: Chain) -> None:
    shop = open_shop
    await shop.receive("米", 10)
    await shop.receive("油", 10)
    variables: dict[str, Any] = {
        "store": chain.founded.store.code,
        "products": [str(await shop.product(name)) for name in ("米", "油")],
    }
    async with dialled(shop.base_url) as line:
        await line.subscribe(LABELS, **variables)
        plenty = ("PLENTY", None, "库存充足")
        assert await next_labels(line) == {"米": plenty, "油": plenty}
        await shop.sell("米", 7)
        assert await next_labels(line) == {"米": ("FEW", 3, "仅剩 3 袋")}
        await shop.sell("米", 3)
        assert await next_labels(line) == {"米": ("SOLD_OUT", 0, "已售罄")}


async def test_a_store_that_is_not_there(open_shop: Shop) -> None:
    async with dialled(open_shop.base_url) as line:
        await line.subscribe(LABELS, store="nowhere", products=[str(open_shop.store)])
        message = await line.receive()
        assert message["type"] == "error", message
        assert message["payload"][0]["extensions"]["code"] == "BAD_INPUT"


async def test_labels_flip_by_the_clock(open_shop: Shop, chain: Chain) -> None:
    shop = open_shop
    yesterday = datetime.now(ZoneInfo("Asia/Shanghai")).date() - timedelta(days=1)
    await shop.deliver("奶", 10, "old", yesterday)
    variables = {"store": chain.founded.store.code, "products": [str(await shop.product("奶"))]}
    async with dialled(shop.base_url) as line:
        await line.subscribe(LABELS, **variables)
        assert await next_labels(line) == {"奶": ("PLENTY", None, "库存充足")}
        for draft in await expiring(shop.db, shop.tenant):
            await shop.post(draft)
        assert await next_labels(line) == {"奶": ("SOLD_OUT", 0, "已售罄")}


SET_PRICE = "mutation($input: UpdateProductInput!) { updateProduct(input: $input) { __typename } }"
MARK_DOWN = "mutation($input: SetMarkdownInput!) { setMarkdown(input: $input) { __typename } }"
PRICES = """
subscription($store: String!, $products: [UUID!]!) {
  availabilityFeed(store: $store, productIds: $products) {
    products { markdown { percent price } }
  }
}
"""


async def test_a_markdown_shows_until_its_batch_is_sold_or_its_day_is_over(
    open_shop: Shop, chain: Chain
) -> None:
    shop, ends = open_shop, {"early": day(3), "late": day(30)}
    for number, last in ends.items():
        await shop.deliver("酸奶", 5, number, last)
    product = await shop.product("酸奶")
    await chain.do(SET_PRICE, productId=str(product), price="10")

    async def mark_down(number: str, percent: int) -> None:
        batch = str(batch_id(product, number, ends[number]))
        await chain.do(MARK_DOWN, storeId=str(shop.store), batchId=batch, percent=percent)

    async with dialled(shop.base_url) as line:
        variables = {"store": chain.founded.store.code, "products": [str(product)]}
        await line.subscribe(PRICES, **variables)

        async def shown() -> Any:
            [only] = (await line.next())["products"]
            return only["markdown"]

        assert await shown() is None
        await mark_down("early", 20)
        assert await shown() == {"percent": 20, "price": "8.00"}
        await shop.sell("酸奶", 5)
        assert await shown() is None
        await mark_down("late", 50)
        assert await shown() == {"percent": 50, "price": "5.00"}
        async with shop.db.unit(shop.tenant) as unit:
            await unit.session.execute(update(Markdown).values(ends_at=unit.now))
        await end_markdowns(shop.db, shop.tenant)
        assert await shown() is None


INSIDE = """
subscription($store: String!, $products: [UUID!]!, $where: UUID!) {
  availabilityFeed(store: $store, productIds: $products) {
    products { product { name recipe { version } level(storeId: $where) { onHand } } }
  }
}
"""


async def test_only_staff_of_the_store_see_numbers(
    open_shop: Shop, chain: Chain, stranger: Chain
) -> None:
    shop = open_shop
    await shop.receive("蛋", 10)
    await shop.cook("炒蛋", 蛋=2)
    products = [str(await shop.product(name)) for name in ("蛋", "炒蛋")]
    variables = {"store": chain.founded.store.code, "products": products, "where": str(chain.store)}
    for token, shown in ((None, False), (stranger.token, False), (shop.token, True)):
        async with dialled(shop.base_url, token) as line:
            await line.subscribe(INSIDE, **variables)
            products_seen = {
                each["product"]["name"]: each["product"] for each in (await line.next())["products"]
            }
            assert (products_seen["蛋"]["level"] is not None) is shown
            assert (products_seen["炒蛋"]["recipe"] is not None) is shown


async def test_weighed_goods_are_shown_to_the_gram(open_shop: Shop, chain: Chain) -> None:
    shop = open_shop
    product = await shop.product("肉", unit="kg")
    await shop.receive("肉", 2)
    variables = {"store": chain.founded.store.code, "products": [str(product)]}
    async with dialled(shop.base_url) as line:
        await line.subscribe(LABELS, **variables)
        assert await next_labels(line) == {"肉": ("FEW", 2, "仅剩 2 公斤")}
        await shop.sell("肉", "1.2")
        assert await next_labels(line) == {"肉": ("FEW", 0, "仅剩 0.8 公斤")}
        await shop.sell("肉", "0.8")
        assert await next_labels(line) == {"肉": ("SOLD_OUT", 0, "已售罄")}
