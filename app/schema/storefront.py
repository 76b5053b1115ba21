"""The storefront: the public data of a store."""

from decimal import Decimal
from typing import Annotated
from uuid import UUID

import strawberry
from strawberry.types import Info

from app.db import catalog as rows
from app.db import tables
from app.db.catalog import Offer
from app.db.core.paging import Span
from app.domain.rules import labels
from app.domain.rules.prices import charge_of, tenths
from app.domain.rules.texts import search_words
from app.schema.arguments import After, Before, First, Last
from app.schema.boundary import EVERY, public
from app.schema.catalog import Availability, Category, Channel, ProductKind, named
from app.schema.paging import Connection, PageArguments, connection, page
from app.schema.scalars import Money, money
from app.schema.window import as_window, window


@public
@strawberry.type(description="A lower price, because the goods expire soon. 临期特价")
class LowerPrice:
    percent: int = strawberry.field(
        description="Percent off the usual price, from 1 to 99: 20 is 8 折. 折扣"
    )
    price: Money = strawberry.field(description="Price of one unit in CNY. 特价")

    @strawberry.field(
        description="The discount as shops say it, such as 临期 8 折, in the language of the "
        "Accept-Language header. 文字"
    )
    def text(self, info: Info) -> str:
        if info.context.language == "zh":
            return f"临期 {tenths(self.percent)} 折"
        return f"{self.percent} % off, expires soon"


def lower_price(price: int | None, percent: int | None) -> LowerPrice | None:
    """The lower price of a product, from its price in fen; None without a price or a markdown."""
    if percent is None or price is None:
        return None
    charge = charge_of(price, Decimal(1)).less(percent)
    return LowerPrice(percent=percent, price=money(charge.amount * 100))


@window(Offer, public=EVERY, description="A product as customers of a store see it. 在售商品")
class StorefrontProduct:
    id: UUID = strawberry.field(description="ID of the product.")
    name: str = strawberry.field(description="Name of the product. 商品名称")
    spec: str = strawberry.field(description="Size, flavour or packing. 规格")
    unit: str = strawberry.field(description="Unit in which it is sold. 单位")
    image_url: str | None = strawberry.field(
        description="Link to a picture; null if there is none. 图片链接"
    )

    @strawberry.field(description="Kind of the product. 商品类型")
    def kind(self, root: strawberry.Parent[Offer]) -> ProductKind:
        return ProductKind[root.kind]

    @strawberry.field(description="Selling price of one unit in CNY; null if none is set. 售价")
    def price(self, root: strawberry.Parent[Offer]) -> Money | None:
        return None if root.price is None else money(root.price * 100)

    @strawberry.field(
        description="Lower price of the goods that are sold next; null without one. 临期折扣"
    )
    def markdown(self, root: strawberry.Parent[Offer]) -> LowerPrice | None:
        return lower_price(root.price, root.percent)

    @strawberry.field(
        description="Availability of the product; the exact quantity is shown only when few are "
        "left. 可售标签"
    )
    def availability(self, root: strawberry.Parent[Offer]) -> Availability:
        return as_window(labels.availability(root.sellable, root.scale, root.few, root.unit))


@window(tables.Store, public=EVERY, description="Public data of a store. 门店")
class StorefrontStore:
    name: str = strawberry.field(description="Name of the store. 门店名称")
    code: str = strawberry.field(description="Public code of the store. 门店编码")


@public
@strawberry.type(description="Storefront of one store, open to everyone. 店铺前台")
class Storefront:
    store: StorefrontStore = strawberry.field(
        description="Store that the storefront belongs to. 门店"
    )
    channel: Channel | None = strawberry.field(
        description="Channel whose rules apply; null if no channel rules apply. 渠道"
    )

    @strawberry.field(
        description="Categories of the products that the store, or the channel, lists, and those "
        "above them, sorted by name. 分类"
    )
    async def categories(self, info: Info) -> list[Category]:
        store: tables.Store = as_window(self.store)
        async with info.context.snapshot.read(store.tenant_id) as session:
            return as_window(await rows.offered_categories(session, store, named(self.channel)))

    @strawberry.field(description="Products on sale, sorted by name. 在售商品列表")
    async def products(
        self,
        info: Info,
        category_id: Annotated[
            UUID | None,
            strawberry.argument(
                description="Return only products of this category and of those below it."
            ),
        ] = None,
        search: Annotated[
            str | None,
            strawberry.argument(
                description="Return only products whose name, SKU, barcode or pinyin initials "
                "match, at most 100 characters."
            ),
        ] = None,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> Connection[StorefrontProduct]:
        store: tables.Store = as_window(self.store)
        words, channel = search_words(search), named(self.channel)

        async def offers(span: Span) -> list[Offer]:
            async with info.context.snapshot.read(store.tenant_id) as session:
                return await rows.offers(session, store, words, category_id, channel, span)

        part = page(PageArguments(first, after, last, before), str, UUID)
        return await connection(part, offers, lambda row: (row.pinyin, row.id))
