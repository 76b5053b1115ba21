"""Products, their barcodes and categories, and their availability for customers."""

from datetime import datetime
from enum import Enum
from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import strawberry
from strawberry.types import Info

from app.db import tables
from app.domain.access import Can
from app.domain.catalog.printing import Printed
from app.domain.rules import labels
from app.domain.rules.codes import printed
from app.schema.boundary import EVERY, needs
from app.schema.edges import edge, maybe_edge
from app.schema.scalars import Money, Quantity, money, quantity
from app.schema.window import as_window, describe_values, window

if TYPE_CHECKING:
    from app.schema.assortment import AssortmentEntry
    from app.schema.channels import ChannelRule
    from app.schema.recipes import Recipe
    from app.schema.stock import Level
    from app.schema.units import ProductUnit

strawberry.enum(
    labels.Label,
    name="AvailabilityLabel",
    description="Level of availability that is shown to customers. 可售标签",
)
describe_values(
    labels.Label,
    {
        "PLENTY": "More units than the store's threshold for few. 库存充足",
        "FEW": "At most the store's threshold for few is left; `quantity` says how much. 仅剩几件",
        "SOLD_OUT": "Nothing that can be sold is left, not even part of a unit. 已售罄",
    },
)

TEXTS = {"PLENTY": ("库存充足", "In stock"), "SOLD_OUT": ("已售罄", "Sold out")}


@window(
    labels.Availability,
    public=EVERY,
    description="How available a product is, in the words a customer sees. 可售标签",
)
class Availability:
    label: labels.Label = strawberry.field(description="Level of availability. 可售标签")
    remaining: int | None = strawberry.field(
        description="Whole units left when few are left, 0 when sold out; null when there is "
        "plenty. Of weighed goods it can be 0 although some are left: use `quantity`. 剩余件数"
    )
    quantity: Quantity | None = strawberry.field(
        description="Quantity left in the product's unit when few are left, 0 when sold out; null "
        "when there is plenty. 剩余数量"
    )

    @strawberry.field(
        description="Label as text in the viewer's language and the product's unit: 库存充足, "
        "仅剩 3 袋, 仅剩 0.8 公斤 or 已售罄. 文字"
    )
    def text(self, root: strawberry.Parent[labels.Availability], info: Info) -> str:
        zh = info.context.language == "zh"
        if root.label is labels.Label.FEW:
            return labels.few_left(root, zh)
        chinese, english = TEXTS[root.label.name]
        return chinese if zh else english


@strawberry.enum(description="What kind of product this is. 商品类型")
class ProductKind(Enum):
    GOODS = strawberry.enum_value("GOODS", description="Goods that are kept in stock. 商品")
    DISH = strawberry.enum_value(
        "DISH", description="A dish made to order from its recipe; it has no stock of its own. 菜品"
    )
    BUNDLE = strawberry.enum_value(
        "BUNDLE",
        description="Goods that are sold as one, such as a gift box; its recipe lists them. It has "
        "no stock of its own, and comes back whole or in parts. 套装",
    )
    SERVICE = strawberry.enum_value(
        "SERVICE", description="A service; its recipe lists the consumables that it uses. 服务项目"
    )
    PASS = strawberry.enum_value(
        "PASS", description="A prepaid pass for several uses of a service. 次卡"
    )


@strawberry.enum(description="Sales channel that an order or sale came through. 渠道")
class Channel(Enum):
    COUNTER = strawberry.enum_value(
        "COUNTER", description="Sold over the counter; no channel rules apply. 门店"
    )
    WECHAT = strawberry.enum_value("WECHAT", description="WeChat mini-program and shop. 微信")
    DOUYIN = strawberry.enum_value("DOUYIN", description="Douyin mini-program and shop. 抖音")
    DELIVERY = strawberry.enum_value(
        "DELIVERY", description="Delivery platforms, all together. 外卖"
    )


RulesOf = Annotated[
    Channel | None,
    strawberry.argument(
        description="Channel whose rules apply; if omitted, no channel rules apply."
    ),
]


def named(channel: Channel | None) -> str | None:
    """The name of the channel whose rules apply; None for the counter, which has no rules."""
    return None if channel in (None, Channel.COUNTER) else channel.name


@window(tables.Category, public=EVERY, description="A category that groups products. 分类")
class Category:
    id: UUID = strawberry.field(description="ID of the category.")
    name: str = strawberry.field(
        description="Name of the category, unique below its parent. 分类名称"
    )
    parent_id: UUID | None = strawberry.field(
        description="ID of the category above it; null at the top of the tree. 上级分类"
    )

    @strawberry.field(
        description="Names from the top of the tree down to this category, such as 食品 / 饮料. "
        "分类路径"
    )
    async def path(self, root: strawberry.Parent[tables.Category], info: Info) -> str:
        if root.parent_id is None:
            return root.name
        return " / ".join(await info.context.loaders_of(root).category_paths.load(root.id))


@window(tables.ProductCode, description="A barcode for a unit or a pack of a product. 条码")
class Barcode:
    @strawberry.field(
        description="Code as it is printed on the pack: an EAN-13 has 13 digits, an EAN-8 has 8. "
        "Any spelling of it finds the product. 条码"
    )
    def code(self, root: strawberry.Parent[tables.ProductCode]) -> str:
        return printed(root.code or "")

    @strawberry.field(
        description="Quantity in one pack with this code, in the product's unit. 包装数量"
    )
    async def pack_quantity(
        self, root: strawberry.Parent[tables.ProductCode], info: Info
    ) -> Quantity:
        product = await info.context.loaders_of(root).products.load(root.product_id)
        return quantity(root.pack_quantity or product.scale, product.scale)


@window(
    tables.Product,
    public=(
        *("id", "sku", "name", "spec", "unit", "kind", "price", "image_url", "category"),
        *("availability", "shelf_life_days", "archived_at"),
    ),
    description="A product that the chain sells, keeps or uses. 商品",
)
class Product:
    id: UUID = strawberry.field(description="ID of the product.")
    sku: str = strawberry.field(description="SKU, unique in the chain. 货号")
    name: str = strawberry.field(description="Name of the product. 商品名称")
    spec: str = strawberry.field(description="Size, flavour or packing. 规格")
    unit: str = strawberry.field(
        description="Unit of all the product's quantities, such as 袋, 瓶 or kg. 单位"
    )
    image_url: str | None = strawberry.field(
        description="Link to a picture; null if there is none. 图片链接"
    )
    archived_at: datetime | None = strawberry.field(
        description="Time when the product was archived; null while it is active. 停用时间"
    )
    tracks_batches: bool | None = strawberry.field(
        description="Whether stock is kept by batch and expiry date. 批次管理",
        directives=needs(Can.SEE_CATALOG),
    )
    shelf_life_days: int | None = strawberry.field(
        description="Days from production to the last day of sale; null if unknown. 保质期（天）"
    )
    expiry_warning_days: int | None = strawberry.field(
        description="Number of days before expiry from which a batch counts as near expiry; 15 "
        "unless the product has its own. Without its own, alerts are raised 30, 15 and 7 days "
        "before. 临期预警（天）",
        directives=needs(Can.SEE_CATALOG),
    )
    category: Category | None = maybe_edge(
        "categories", "category_id", "Category of the product; null if it has none. 分类"
    )
    barcodes: list[Barcode] = edge(
        "barcodes",
        "id",
        "All barcodes of the product, including those of packs. 条码",
        Can.SEE_CATALOG,
    )
    units: list[Annotated["ProductUnit", strawberry.lazy("app.schema.units")]] = edge(
        "units", "id", "Other units of the product, the largest first. 其他单位", Can.SEE_CATALOG
    )
    display_unit: str | None = strawberry.field(
        description="Preferred unit for display; null means `unit`. 显示单位",
        directives=needs(Can.SEE_CATALOG),
    )
    for_sale: bool | None = strawberry.field(
        description="Whether it is sold to customers; false for ingredients and consumables. "
        "可售商品",
        directives=needs(Can.SEE_CATALOG),
    )
    assortment: list[Annotated["AssortmentEntry", strawberry.lazy("app.schema.assortment")]] = edge(
        "assortment",
        "id",
        "Entries that say whether stores and channels list the product. Without an entry it is "
        "listed in the stores that have stocked it. 上架范围",
        Can.SEE_CATALOG,
    )
    channel_rules: list[Annotated["ChannelRule", strawberry.lazy("app.schema.channels")]] = edge(
        "channel_rules",
        "id",
        "Channel rules that are set for this product, of the stores that you may see. 渠道规则",
    )

    @strawberry.field(
        description="Current recipe; null if the product has none or if you lack SEE_CATALOG. 配方"
    )
    async def recipe(
        self, root: strawberry.Parent[tables.Product], info: Info
    ) -> Annotated["Recipe", strawberry.lazy("app.schema.recipes")] | None:
        if root.recipe_id is None:
            return None
        return await info.context.loaders_of(root).recipes.load(root.recipe_id)

    @strawberry.field(description="Kind of the product. 商品类型")
    def kind(self, root: strawberry.Parent[tables.Product]) -> ProductKind:
        return ProductKind[root.kind]

    @strawberry.field(description="Selling price of one unit in CNY; null if none is set. 售价")
    def price(self, root: strawberry.Parent[tables.Product]) -> Money | None:
        return None if root.price is None else money(root.price * 100)

    @strawberry.field(
        description="A level at or below this quantity is LOW, unless the store has its own "
        "reorder point. 最低阈值",
        directives=needs(Can.SEE_CATALOG),
    )
    def reorder_point(self, root: strawberry.Parent[tables.Product]) -> Quantity | None:
        return quantity(root.reorder_point, root.scale)

    @strawberry.field(
        description="A level above this quantity is OVERSTOCKED; null means never. 积压阈值",
        directives=needs(Can.SEE_CATALOG),
    )
    def overstock_point(self, root: strawberry.Parent[tables.Product]) -> Quantity | None:
        point = root.overstock_point
        return None if point is None else quantity(point, root.scale)

    @strawberry.field(
        description="Stock level in one of your stores; null if it was never stocked there or if "
        "you lack SEE_STOCK. 库存"
    )
    async def level(
        self,
        root: strawberry.Parent[tables.Product],
        info: Info,
        store_id: Annotated[
            UUID,
            strawberry.argument(
                description="ID of the store; one that you may not see gives null."
            ),
        ],
    ) -> Annotated["Level", strawberry.lazy("app.schema.stock")] | None:
        return await info.context.loaders_of(root).levels.load((store_id, root.id))

    @strawberry.field(
        description="Availability that a customer of this store sees, in total or in one "
        "channel. 可售标签"
    )
    async def availability(
        self,
        root: strawberry.Parent[tables.Product],
        info: Info,
        store_id: Annotated[UUID, strawberry.argument(description="ID of the store.")],
        channel: Annotated[
            Channel | None,
            strawberry.argument(
                description="Channel whose rules apply; if omitted, no channel rules apply."
            ),
        ] = None,
    ) -> Availability | None:
        loaders = info.context.loaders_of(root)
        store = await loaders.stores.load(store_id)
        if store is None:
            return None
        sellable = await loaders.sellable.load((store_id, root.id, named(channel)))
        return as_window(labels.availability(sellable, root.scale, store.few_threshold, root.unit))


@strawberry.enum(description="Type of the printed symbol. 码制")
class Symbology(Enum):
    EAN_13 = strawberry.enum_value("EAN_13", description="EAN-13 barcode with 13 digits. 商品条码")
    CODE_128 = strawberry.enum_value(
        "CODE_128", description="Code 128 barcode for letters and digits. 一维码"
    )
    QR_CODE = strawberry.enum_value("QR_CODE", description="QR code for any text. 二维码")
    DATA_MATRIX = strawberry.enum_value(
        "DATA_MATRIX", description="GS1 DataMatrix with GTIN, batch number and dates. 二维数据码"
    )


@window(Printed, description="A printable label that any scanner reads. 商品标签")
class ProductLabel:
    product: Product = strawberry.field(description="Product that the label is for. 商品")
    text: str = strawberry.field(
        description="Content of the symbol as text, to print below it. 文字"
    )
    svg: str = strawberry.field(
        description="The symbol as an SVG image, printable at any size. 图形"
    )

    @strawberry.field(description="Type of the symbol. 码制")
    def symbology(self, root: strawberry.Parent[Printed]) -> Symbology:
        return Symbology[root.symbology]
