"""A desk connected to the shops of a local mall, for tests of channel accounts."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from app.db import channel_accounts as rows
from app.domain.channels.accounts import Shops
from app.domain.channels.sync import follow_orders, push_stock
from app.domain.movements.record import Books
from tests.support.api import Desk
from tests.support.mall import APP, SECRET, SHOP, TOKEN, Mall, douyin_push, wechat_push

LINKS = "{ channelLinks { id listings { sku state pushed attempts error } } }"
LAG = "{ channelLag { revision pushedRevision behind waiting dead error link { channel } } }"
ORDERS = "{ orders { nodes { externalId state channel contact lines { quantity } } } }"


@dataclass
class Trade:
    """A desk with a shop in both channels that sells rice as 1 and eggs as 2."""

    desk: Desk
    mall: Mall
    books: Books
    shops: Shops
    links: dict[str, str]

    @property
    def tenant(self) -> UUID:
        return self.desk.chain.founded.store.tenant_id

    async def push_stock(self) -> None:
        await push_stock(self.books.db, self.shops, self.tenant)

    async def follow_orders(self) -> None:
        await follow_orders(self.books, self.shops, self.tenant)

    async def now(self) -> None:
        """Make every waiting push and message due."""
        async with self.books.db.unit(self.tenant) as unit:
            for link in self.links.values():
                await rows.revive(unit, UUID(link))
                waiting = rows.update(rows.Listing).where(rows.Listing.state == "WAITING")
                await unit.session.execute(waiting.values(next_at=unit.now))
                waiting = rows.update(rows.ShopMessage)
                await unit.session.execute(waiting.values(next_at=unit.now))

    async def message(self, channel: str, number: str, what: str, **more: Any) -> int:
        path = f"/shops/{self.links[channel]}"
        if channel == "DOUYIN":
            body, headers = douyin_push(number, what, **more)
            sent = await self.desk.asking.http.post(path, content=body, headers=headers)
        else:
            body, query = wechat_push(number, what)
            sent = await self.desk.asking.http.post(path, content=body, params=query)
        return sent.status_code

    async def orders(self) -> Any:
        return (await self.desk.ask(ORDERS))["nodes"]

    async def listings(self) -> dict[str, Any]:
        links = await self.desk.ask(LINKS)
        return {f"{link['id']} {each['sku']}": each for link in links for each in link["listings"]}


async def connected(desk: Desk) -> dict[str, str]:
    links = {}
    for channel in ("DOUYIN", "WECHAT"):
        link = await desk.do(
            "connectChannel",
            storeId=desk.store,
            channel=channel,
            appId=APP,
            secret=SECRET,
            shopId=SHOP,
            token=TOKEN,
        )
        links[channel] = link["id"]
        for sku, name in (("1", "米"), ("2", "蛋")):
            product = await desk.product(name, price="1.00")
            listing = {"linkId": link["id"], "productId": product, "sku": sku, "item": "77"}
            await desk.do("setListing", **listing)
    return links
