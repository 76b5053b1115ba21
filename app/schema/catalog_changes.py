"""Inputs and results of the mutations on the catalog."""

from datetime import date
from typing import Annotated
from uuid import UUID

import strawberry

from app.domain.catalog.new_products import MOST_BARCODES
from app.schema import problems
from app.schema.arguments import at_most, request_key
from app.schema.catalog import Category, Product, ProductKind
from app.schema.scalars import Money, Quantity

MOST_OPENINGS = 100
ProductResult = Annotated[
    Product
    | problems.UnknownProduct
    | problems.UnknownCategory
    | problems.UnknownStore
    | problems.UnknownBarcode
    | problems.UnknownUnit
    | problems.InvalidQuantity
    | problems.AlreadyTaken
    | problems.WrongState
    | problems.KeyReused,
    strawberry.union(
        "ProductResult",
        description="The product as it is now, or the problem that prevented the change.",
    ),
]
CategoryResult = Annotated[
    Category
    | problems.UnknownCategory
    | problems.AlreadyTaken
    | problems.WrongState
    | problems.KeyReused,
    strawberry.union(
        "CategoryResult", description="The category, or the problem that prevented the change."
    ),
]


@strawberry.input(description="First barcode of a new product. 首个条码")
class FirstBarcodeInput:
    code: str = strawberry.field(description="Barcode, at most 64 characters. 条码")
    pack_quantity: Quantity | None = strawberry.field(
        default=None,
        description="Quantity in one pack, in the product's unit; one unit by default. 包装数量",
    )


@strawberry.input(description="Opening stock of a new product in one store. 期初库存")
class OpeningStockInput:
    store_id: UUID = strawberry.field(description="ID of a store where you receive goods. 门店")
    quantity: Quantity = strawberry.field(
        description="Quantity greater than 0, in the product's unit. 数量"
    )
    unit_cost: Money | None = strawberry.field(
        default=None, description="Cost of one product unit in CNY. 单位成本"
    )
    batch_no: str | None = strawberry.field(
        default=None, description="Batch number as printed, at most 50 characters. 批号"
    )
    produced_on: date | None = strawberry.field(
        default=None, description="Date of production, used to compute the expiry. 生产日期"
    )
    expires_on: date | None = strawberry.field(
        default=None,
        description="Last day of sale; computed from the shelf life if omitted. 到期日",
    )


@strawberry.input(description="Input of `createProduct`. 新建商品")
class CreateProductInput:
    key: UUID = request_key()
    spec: str | None = strawberry.field(
        default=None, description="Size, flavour or packing, at most 100 characters. 规格"
    )
    price: Money | None = strawberry.field(
        default=None, description="Selling price of one unit in CNY. 售价"
    )
    category_id: UUID | None = strawberry.field(
        default=None, description="ID of the product's category. 分类"
    )
    image_url: str | None = strawberry.field(
        default=None, description="Link to a picture, at most 500 characters. 图片链接"
    )
    for_sale: bool | None = strawberry.field(
        default=None,
        description="Whether it is sold to customers; pass false for ingredients and consumables. "
        "A new product is for sale by default. 可售商品",
    )
    overstock_point: Quantity | None = strawberry.field(
        default=None,
        description="A level above this quantity is OVERSTOCKED; 0 makes any stock OVERSTOCKED. "
        "积压阈值",
    )
    sku: str = strawberry.field(description="SKU, unique in the chain, at most 64 characters. 货号")
    name: str = strawberry.field(
        description="Name of the product, at most 200 characters. 商品名称"
    )
    unit: str = strawberry.field(
        description="Unit in which the product is counted or weighed, such as 袋, 瓶, kg, 斤 or "
        "ml, at most 10 characters. It cannot be changed later. 单位"
    )
    confirm_unit: bool | None = strawberry.field(
        default=None,
        description="Pass true to use a unit that is neither a measure nor a common counting "
        "unit; otherwise such a unit fails with UnknownUnit. 确认单位",
    )
    kind: ProductKind | None = strawberry.field(
        default=None, description="Kind of the product; GOODS by default. 商品类型"
    )
    barcodes: list[str] | None = strawberry.field(
        default=None,
        description="Barcodes of a single unit. Use `addBarcode` for packs. 条码",
        metadata=at_most(MOST_BARCODES),
    )
    tracks_batches: bool | None = strawberry.field(
        default=None,
        description="Whether stock is kept by batch and sold by FEFO; false by default. It "
        "cannot be changed later. 批次管理",
    )
    shelf_life_days: int | None = strawberry.field(
        default=None,
        description="Shelf life in days, used to compute the expiry of goods that are received "
        "without one. 保质期（天）",
    )
    category_path: str | None = strawberry.field(
        default=None,
        description="Path of the product's category instead of `categoryId`, such as 食品 / 饮料; "
        "missing categories are created. 分类路径",
    )
    barcode: FirstBarcodeInput | None = strawberry.field(
        default=None, description="First barcode of the product, of one unit or a pack. 条码"
    )
    reorder_point: Quantity | None = strawberry.field(
        default=None,
        description="Reorder point of all stores, in the product's unit; 0 by default. 最低阈值",
    )
    expiry_warning_days: int | None = strawberry.field(
        default=None,
        description="Number of days before expiry from which a batch is near expiry, from 7 to "
        "30. 临期预警（天）",
    )
    opening_stock: list[OpeningStockInput] | None = strawberry.field(
        default=None,
        description="Goods that are in the stores already. The product is created with all of "
        "them or not at all. 期初库存",
        metadata=at_most(MOST_OPENINGS),
    )


@strawberry.input(
    description="Input of `updateProduct`; omitted fields stay unchanged, and null empties those "
    "that may be empty. 修改商品"
)
class UpdateProductInput:
    key: UUID = request_key()
    product_id: UUID = strawberry.field(description="ID of the product to change.")
    name: str | None = strawberry.field(
        default=None, description="New name of the product. 商品名称"
    )
    sku: str | None = strawberry.field(
        default=None,
        description="New SKU, at most 64 characters; the old one no longer finds the product. 货号",
    )
    spec: strawberry.Maybe[str | None] = strawberry.field(
        description="Size, flavour or packing, at most 100 characters; null empties it. 规格"
    )
    price: strawberry.Maybe[Money | None] = strawberry.field(
        description="Selling price of one unit in CNY; null removes it. 售价"
    )
    category_id: strawberry.Maybe[UUID | None] = strawberry.field(
        description="ID of the product's category; null removes it. 分类"
    )
    image_url: strawberry.Maybe[str | None] = strawberry.field(
        description="Link to a picture, at most 500 characters; null removes it. 图片链接"
    )
    for_sale: bool | None = strawberry.field(
        default=None,
        description="Whether it is sold to customers; pass false for ingredients and consumables. "
        "可售商品",
    )
    overstock_point: strawberry.Maybe[Quantity | None] = strawberry.field(
        description="A level above this quantity is OVERSTOCKED; 0 makes any stock OVERSTOCKED, "
        "null none. 积压阈值"
    )


@strawberry.input(description="Input of `archiveProduct`. 停用商品")
class ArchiveProductInput:
    key: UUID = request_key()
    product_id: UUID = strawberry.field(description="ID of the product to archive or restore.")
    archived: bool | None = strawberry.field(
        default=None,
        description="Pass false to restore an archived product; true by default. 是否停用",
    )
    with_stock: bool | None = strawberry.field(
        default=None,
        description="Archive it although it has stock, which stays in `levels(archived: true)` "
        "and in stock values; false by default. 连同库存停用",
    )


@strawberry.input(description="Input of `createCategory`. 新建分类")
class CreateCategoryInput:
    key: UUID = request_key()
    name: str = strawberry.field(
        description="Name of the category, unique below its parent, at most 50 characters, "
        "without a slash. 分类名称"
    )
    parent_id: UUID | None = strawberry.field(
        default=None,
        description="ID of the category above it; if omitted, it is at the top. 上级分类",
    )


@strawberry.input(description="Input of `updateCategory`; omitted fields stay unchanged. 修改分类")
class UpdateCategoryInput:
    key: UUID = request_key()
    category_id: UUID = strawberry.field(description="ID of the category to change.")
    name: str | None = strawberry.field(
        default=None,
        description="New name, at most 50 characters, without a slash. 分类名称",
    )
    parent_id: strawberry.Maybe[UUID | None] = strawberry.field(
        description="ID of the new category above it; null moves it to the top. 上级分类"
    )


@strawberry.input(description="Input of `addBarcode`. 添加条码")
class AddBarcodeInput:
    key: UUID = request_key()
    product_id: UUID = strawberry.field(
        description="ID of the product that the barcode belongs to."
    )
    code: str | None = strawberry.field(
        default=None,
        description="Barcode to add; if omitted, an EAN-13 for use inside the chain is "
        "generated. 条码",
    )
    pack_quantity: Quantity | None = strawberry.field(
        default=None,
        description="Quantity in one pack, in the product's unit; 1 by default. Required if a "
        "weighed product is to be received and sold by scanning this code alone. "
        "包装数量",
    )


@strawberry.input(description="Input of `removeBarcode`. 删除条码")
class RemoveBarcodeInput:
    key: UUID = request_key()
    product_id: UUID = strawberry.field(description="ID of the product that has the barcode.")
    code: str = strawberry.field(description="Barcode to remove, in any spelling. 条码")


@strawberry.input(description="Input of `setBarcodePack`. 修改包装数量")
class SetBarcodePackInput:
    key: UUID = request_key()
    product_id: UUID = strawberry.field(description="ID of the product that has the barcode.")
    code: str = strawberry.field(description="Barcode of the pack, in any spelling. 条码")
    pack_quantity: Quantity = strawberry.field(
        description="Quantity in one pack, in the product's unit. 包装数量"
    )


@strawberry.input(description="Input of `setReorderPoint`. 设置最低阈值")
class SetReorderPointInput:
    key: UUID = request_key()
    product_id: UUID = strawberry.field(description="ID of the product to warn about.")
    quantity: strawberry.Maybe[Quantity | None] = strawberry.field(
        description="Reorder point in the product's unit; 0 turns the warning off. Null removes "
        "it; the product's own then applies to the store. 最低阈值"
    )
    store_id: UUID | None = strawberry.field(
        default=None,
        description="ID of one store; if omitted, the value applies to all stores without their "
        "own. 门店",
    )


@strawberry.input(description="Input of `setExpiryWarning`. 设置临期预警")
class SetExpiryWarningInput:
    key: UUID = request_key()
    product_id: UUID = strawberry.field(description="ID of the product to warn about.")
    days: strawberry.Maybe[int | None] = strawberry.field(
        description="Number of days before expiry, from 7 to 30. Null removes it; a store then "
        "uses the product's own, and a product 15 days. 临期预警（天）"
    )
    store_id: UUID | None = strawberry.field(
        default=None,
        description="ID of one store; if omitted, the value applies to all stores without their "
        "own. Managers give one of their stores. 门店",
    )
