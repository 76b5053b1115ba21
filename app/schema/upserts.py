"""The input of `upsertProducts`, and its result for each product."""

from decimal import Decimal
from enum import Enum
from typing import Annotated
from uuid import UUID

import strawberry
from strawberry.types import Info

from app.domain.access import Can
from app.domain.errors import Text
from app.domain.imports import upserts
from app.domain.imports.upserts import MOST_PRODUCTS, Upserted
from app.domain.rules.import_columns import ImportField
from app.schema import problems
from app.schema.arguments import at_most
from app.schema.boundary import public
from app.schema.catalog import Product
from app.schema.edges import edge
from app.schema.problems import Problem, problem
from app.schema.scalars import Money, Quantity
from app.schema.window import as_window, window

FIELDS = {
    "sku": "SKU",
    "barcode": "BARCODE",
    "name": "NAME",
    "spec": "SPEC",
    "unit": "UNIT",
    "category_path": "CATEGORY",
    "price": "PRICE",
    "reorder_point": "REORDER_POINT",
    "shelf_life_days": "SHELF_LIFE_DAYS",
}
"""The attributes of the input with the fields of an import."""
PATHS = {
    **{field: name for name, field in FIELDS.items()},
    "CATEGORY": "categoryPath",
    "REORDER_POINT": "reorderPoint",
    "SHELF_LIFE_DAYS": "shelfLifeDays",
}
"""The names of the input's fields in GraphQL."""


@strawberry.input(
    description="A product to create, or to change if its SKU or barcode exists; omitted fields "
    "stay unchanged. 商品"
)
class UpsertProductInput:
    sku: str | None = strawberry.field(
        default=None,
        description="SKU, at most 64 characters; a new product without one gets its barcode as "
        "SKU. Give a SKU or a barcode. 货号",
    )
    barcode: str | None = strawberry.field(
        default=None,
        description="Barcode of one unit, at most 64 characters; added to those of the product. "
        "条码",
    )
    name: str | None = strawberry.field(
        default=None,
        description="Name, at most 200 characters; required for a new product. 商品名称",
    )
    spec: str | None = strawberry.field(
        default=None, description="Size, flavour or packing, at most 100 characters. 规格"
    )
    unit: str | None = strawberry.field(
        default=None,
        description="Usual unit; required for a new product, and it never changes. 单位",
    )
    category_path: str | None = strawberry.field(
        default=None,
        description="Names of the categories from the top, such as 食品 / 饮料; those that are "
        "missing are created. 分类路径",
    )
    price: Money | None = strawberry.field(
        default=None, description="Selling price of one unit in CNY, at most 2 decimals. 售价"
    )
    reorder_point: Quantity | None = strawberry.field(
        default=None,
        description="Quantity at or below which stores without their own are LOW. 最低库存",
    )
    shelf_life_days: int | None = strawberry.field(
        default=None,
        description="Shelf life of a new product in days; its stock is then kept by batch. 保质期",
    )

    def values(self) -> dict[str, object]:
        """The given values by field of an import."""
        values = {field: getattr(self, name) for name, field in FIELDS.items()}
        if self.price is not None:
            values["PRICE"] = Decimal(self.price) / 10_000
        return {field: value for field, value in values.items() if value is not None}


@strawberry.enum(description="What was done with a product. 处理结果")
class UpsertAction(Enum):
    CREATED = strawberry.enum_value("CREATED", description="The product is new. 新增")
    CHANGED = strawberry.enum_value("CHANGED", description="Something was changed. 修改")
    UNCHANGED = strawberry.enum_value("UNCHANGED", description="Nothing was different. 无变化")


@window(
    Upserted,
    needs=Can.EDIT_CATALOG,
    stores=(),
    description="A product that was created, changed or left as it was. 已保存的商品",
)
class UpsertedProduct:
    product: Product | None = edge("products", "product_id", "Product as it is now. 商品")

    @strawberry.field(graphql_type=UpsertAction, description="What was done. 处理结果")
    def action(self, root: strawberry.Parent[Upserted]) -> UpsertAction:
        return UpsertAction[root.action]


@public
@strawberry.type(description="An error in a field of a product. 错误")
class ProductFieldError:
    field: ImportField | None = strawberry.field(
        description="Field that is wrong; null if the whole product is. 字段"
    )
    text: strawberry.Private[Text]

    @strawberry.field(description="What is wrong and what to do, in your language. 说明")
    def message(self, info: Info) -> str:
        return self.text.zh if info.context.language == "zh" else f"{self.text.en}."


@problem(
    upserts.ProductRefused,
    words=Text("{zh}", "{en}."),
    description="A product of the list was left out; `errors` says why. 商品未保存",
)
class ProductRefused(Problem):
    @strawberry.field(description="All errors of the product. 错误列表")
    def errors(self, root: strawberry.Parent[upserts.ProductRefused]) -> list[ProductFieldError]:
        return [
            ProductFieldError(field=ImportField[field] if field else None, text=text)
            for field, text in root.errors
        ]


UpsertProductResult = Annotated[
    UpsertedProduct | ProductRefused,
    strawberry.union(
        "UpsertProductResult", description="What was done with a product, or why it was left out."
    ),
]


@public
@strawberry.type(description="Results of `upsertProducts`. 批量保存结果")
class UpsertedProducts:
    results: list[UpsertProductResult] = strawberry.field(
        description="One result for each product, in their order. 结果"
    )


UpsertProductsResult = Annotated[
    UpsertedProducts | problems.KeyReused,
    strawberry.union(
        "UpsertProductsResult", description="The results, or the problem that prevented all."
    ),
]
UpsertKey = Annotated[
    UUID | None,
    strawberry.argument(
        description="UUID that you generate for this request. A retry with the same key and input "
        "returns the first result; another input fails with KeyReused. Without a key a retry is a "
        "new request, which changes nothing more. 幂等键"
    ),
]
UpsertInput = Annotated[
    list[UpsertProductInput],
    strawberry.argument(
        description=f"From 1 to {MOST_PRODUCTS} products. 商品", metadata=at_most(MOST_PRODUCTS)
    ),
]


def result_of(place: int, upserted: Upserted) -> object:
    """The result at this place of the list."""
    if upserted.action != "FAULTY":
        return as_window(upserted)
    zh = "；".join(text.zh for _, text in upserted.errors)
    en = "; ".join(text.en for _, text in upserted.errors)
    field = upserted.errors[0][0]
    path = ("input", str(place), *([PATHS[field]] if field else []))
    return upserts.ProductRefused(zh, en, upserted.errors, path=path)
