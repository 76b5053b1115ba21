"""What one sends to change the catalog, and what comes back."""

from typing import Annotated
from uuid import UUID

import strawberry

from app.schema import problems
from app.schema.catalog import Category, Product, ProductKind
from app.schema.scalars import Money, Quantity

ProductResult = Annotated[
    Product
    | problems.UnknownProduct
    | problems.UnknownCategory
    | problems.UnknownStore
    | problems.InvalidQuantity
    | problems.AlreadyTaken
    | problems.KeyReused,
    strawberry.union("ProductResult", description="The product, or why nothing was written."),
]
CategoryResult = Annotated[
    Category | problems.AlreadyTaken | problems.KeyReused,
    strawberry.union("CategoryResult", description="The category, or why nothing was written."),
]


@strawberry.input
class DescriptionInput:
    key: UUID = strawberry.field(description="Made once for this request, sent with every retry.")
    spec: str | None = None
    price: Money | None = strawberry.field(default=None, description="Yuan for one unit.")
    category_id: UUID | None = None
    image_url: str | None = None
    overstock_point: Quantity | None = strawberry.field(
        default=None, description="Above it a store is OVERSTOCKED; 0 when any stock is too much."
    )


@strawberry.input(description="A new product. 新商品")
class CreateProductInput(DescriptionInput):
    sku: str = strawberry.field(description="Unique in the chain, at most 64 characters. 货号")
    name: str
    unit: str = strawberry.field(
        description="What it is counted or weighed in, for ever: 袋, 瓶, kg, 斤, ml … 单位"
    )
    kind: ProductKind | None = strawberry.field(default=None, description="GOODS if not given.")
    barcodes: list[str] | None = strawberry.field(
        default=None, description="Codes of one unit each; `addBarcode` names packs."
    )
    tracks_batches: bool | None = strawberry.field(
        default=None, description="For ever: kept by batches, sold by FEFO. false if not given."
    )
    shelf_life_days: int | None = strawberry.field(
        default=None, description="Tells the expiry of what comes in without one. 保质期(天)"
    )


@strawberry.input(description="Changes to a product; what is not given stays as it is. 修改商品")
class UpdateProductInput(DescriptionInput):
    product_id: UUID
    name: str | None = None


@strawberry.input(description="Take a product out of searches and the storefront. 停用商品")
class ArchiveProductInput:
    key: UUID
    product_id: UUID
    archived: bool | None = strawberry.field(
        default=None, description="false brings it back; true if not given."
    )


@strawberry.input(description="A new category. 新分类")
class CreateCategoryInput:
    key: UUID
    name: str


@strawberry.input(description="Another code of a product. 新条码")
class AddBarcodeInput:
    key: UUID
    product_id: UUID
    code: str | None = strawberry.field(
        default=None, description="If not given, one for use in the chain is made: EAN-13. 条码"
    )
    pack_quantity: Quantity | None = strawberry.field(
        default=None, description="Units in one such pack; 1 if not given. 包装数量"
    )


@strawberry.input(description="When to warn that a product runs low. 最低阈值")
class SetReorderPointInput:
    key: UUID
    product_id: UUID
    quantity: Quantity = strawberry.field(description="0 switches the warning off.")
    store_id: UUID | None = strawberry.field(
        default=None, description="One store; all stores without their own if not given."
    )


@strawberry.input(description="How long before its expiry to warn. 临期预警")
class SetExpiryWarningInput:
    key: UUID
    product_id: UUID
    days: int = strawberry.field(description="From 7 to 30.")
