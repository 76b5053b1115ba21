"""Products, their barcodes and categories, and what customers may know of them."""

from datetime import datetime
from enum import Enum
from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import strawberry
from strawberry.types import Info

from app.db import tables
from app.domain.access import Can, within
from app.domain.catalog.printing import Printed
from app.domain.rules import labels
from app.schema.edges import edge, maybe_edge
from app.schema.scalars import Money, Quantity, money, quantity, seen
from app.schema.window import window

if TYPE_CHECKING:
    from app.schema.channels import ChannelRule
    from app.schema.recipes import Recipe
    from app.schema.stock import Level
    from app.schema.units import ProductUnit

AvailabilityLabel = strawberry.enum(
    labels.Label, name="AvailabilityLabel", description="What a customer may know. 可售标签"
)

TEXTS = {
    "PLENTY": ("库存充足", "In stock"),
    "FEW": ("仅剩 {remaining} 件", "Only {remaining} left"),
    "SOLD_OUT": ("已售罄", "Sold out"),
}


@window(labels.Availability, description="How available a product is, in a customer's words.")
class Availability:
    label: AvailabilityLabel  # pyright: ignore[reportInvalidTypeForm]
    remaining: int | None = strawberry.field(
        description="Whole units, told only when few are left; null when there is plenty."
    )

    @strawberry.field(description="库存充足, 仅剩 3 件, 已售罄: in the viewer's language.")
    def text(self, root: strawberry.Parent[labels.Availability], info: Info) -> str:
        chinese, english = TEXTS[root.label.name]
        words = chinese if info.context.language == "zh" else english
        return words.format(remaining=root.remaining)


@strawberry.enum(description="What a product is. 商品类型")
class ProductKind(Enum):
    GOODS = "GOODS"
    DISH = "DISH"
    SERVICE = "SERVICE"
    PASS = "PASS"


@strawberry.enum(description="Where something is sold. 渠道")
class Channel(Enum):
    COUNTER = strawberry.enum_value("COUNTER", description="Over the counter. 门店")
    WECHAT = strawberry.enum_value("WECHAT", description="WeChat mini-program and shop. 微信")
    DOUYIN = strawberry.enum_value("DOUYIN", description="Douyin mini-program and shop. 抖音")
    DELIVERY = strawberry.enum_value("DELIVERY", description="Delivery platforms. 外卖")


def named(channel: Channel | None) -> str | None:
    """Whose rules bind; the counter has none."""
    return None if channel in (None, Channel.COUNTER) else channel.name


@window(tables.Category, description="A category of products. 分类")
class Category:
    id: UUID
    name: str


@window(tables.Barcode, description="A code on a pack of a product. 条码")
class Barcode:
    code: str = strawberry.field(description="A GTIN has 14 digits here, whatever was scanned.")

    @strawberry.field(description="How much of the product one such pack holds. 包装数量")
    async def pack_quantity(self, root: strawberry.Parent[tables.Barcode], info: Info) -> Quantity:
        product = await info.context.loaders.products.load(root.product_id)
        return quantity(root.pack_quantity, product.scale)


@window(tables.Product, description="Something a shop keeps, sells or uses. 商品")
class Product:
    id: UUID
    sku: str = strawberry.field(description="The chain's own number. 货号")
    name: str
    spec: str = strawberry.field(description="Size, flavour, packing. 规格")
    unit: str = strawberry.field(description="What quantities are told in: 袋, 瓶, kg. 单位")
    image_url: str | None
    archived_at: datetime | None = strawberry.field(description="No longer offered since. 停用时间")
    tracks_batches: bool = strawberry.field(description="Kept by batches with an expiry. 批次管理")
    shelf_life_days: int | None = strawberry.field(
        description="From production to the last day of sale. 保质期(天)"
    )
    expiry_warning_days: int = strawberry.field(
        description="So long before it expires a batch counts as near expiry. 临期预警(天)"
    )
    category: Category | None = maybe_edge("categories", "category_id")
    barcodes: list[Barcode] = edge("barcodes", "id")
    units: list[Annotated["ProductUnit", strawberry.lazy("app.schema.units")]] = edge(
        "units", "id", "What the shop counts it in beside its unit, the largest first. 其他单位"
    )
    display_unit: str | None = strawberry.field(
        description="Which of its units the shop likes to read. 显示单位"
    )
    channel_rules: list[Annotated["ChannelRule", strawberry.lazy("app.schema.channels")]] = edge(
        "channel_rules", "id", "What channels may sell of it. 渠道规则"
    )

    @strawberry.field(
        description="How it is made now; null when nothing goes into it, or for customers. 配方"
    )
    async def recipe(
        self, root: strawberry.Parent[tables.Product], info: Info
    ) -> Annotated["Recipe", strawberry.lazy("app.schema.recipes")] | None:
        if root.recipe_id is None or not seen(info, Can.SEE_CATALOG):
            return None
        return await info.context.loaders.recipes.load(root.recipe_id)

    @strawberry.field
    def kind(self, root: strawberry.Parent[tables.Product]) -> ProductKind:
        return ProductKind[root.kind]

    @strawberry.field(description="Yuan for one unit. 售价")
    def price(self, root: strawberry.Parent[tables.Product]) -> Money | None:
        return None if root.price is None else money(root.price * 100)

    @strawberry.field(description="At or below it a store is LOW, unless it has its own. 最低阈值")
    def reorder_point(self, root: strawberry.Parent[tables.Product]) -> Quantity:
        return quantity(root.reorder_point, root.scale)

    @strawberry.field(description="Above it a store is OVERSTOCKED. 积压阈值")
    def overstock_point(self, root: strawberry.Parent[tables.Product]) -> Quantity | None:
        point = root.overstock_point
        return None if point is None else quantity(point, root.scale)

    @strawberry.field(description="In one of your stores; null where it was never stocked. 库存")
    async def level(
        self, root: strawberry.Parent[tables.Product], info: Info, store_id: UUID
    ) -> Annotated["Level", strawberry.lazy("app.schema.stock")] | None:
        person = info.context.person
        if not seen(info, Can.SEE_STOCK):
            return None
        if person is not None and not within(person, Can.SEE_STOCK, [store_id]):
            return None
        return await info.context.loaders.levels.load((store_id, root.id))

    @strawberry.field(
        description="As a customer of the store sees it, or of a channel of it. 可售标签"
    )
    async def availability(
        self,
        root: strawberry.Parent[tables.Product],
        info: Info,
        store_id: UUID,
        channel: Channel | None = None,
    ) -> Availability | None:
        loaders = info.context.loaders
        store = await loaders.stores.load(store_id)
        if store is None:
            return None
        sellable = await loaders.sellable.load((store_id, root.id, named(channel)))
        return labels.availability(sellable, root.scale, store.few_threshold)  # pyright: ignore[reportReturnType]


@strawberry.enum(description="What kind of symbol is printed. 码制")
class Symbology(Enum):
    EAN_13 = "EAN_13"
    CODE_128 = "CODE_128"
    QR_CODE = "QR_CODE"
    DATA_MATRIX = "DATA_MATRIX"


@window(Printed, description="A label for a product: any scanner reads it. 商品标签")
class ProductLabel:
    product: Product
    text: str = strawberry.field(description="What the symbol says, for people.")
    svg: str = strawberry.field(description="The symbol, to print at any size.")

    @strawberry.field
    def symbology(self, root: strawberry.Parent[Printed]) -> Symbology:
        return Symbology[root.symbology]
