"""A product's own units."""

from uuid import UUID

import strawberry
from strawberry.types import Info

from app.db import tables
from app.schema.scalars import Quantity, quantity
from app.schema.window import window


@window(tables.ProductUnit, description="What a shop counts a product in: 瓶, 箱. 其他单位")
class ProductUnit:
    name: str

    @strawberry.field(description="How much of the product it is, in the product's unit. 换算")
    async def holds(self, root: strawberry.Parent[tables.ProductUnit], info: Info) -> Quantity:
        product = await info.context.loaders.products.load(root.product_id)
        return quantity(root.size, product.scale)


@strawberry.input(description="A bottle of 500 ml, a case of 12 bottles. 单位换算")
class ProductUnitInput:
    name: str = strawberry.field(description="At most 10 characters: 瓶, 盒, 箱.")
    quantity: Quantity = strawberry.field(description="How many of `of` it holds.")
    of: str | None = strawberry.field(
        default=None, description="A unit named before it; the product's own unit if not given."
    )


@strawberry.input(description="What a product is counted in beside its unit. 设置单位")
class SetUnitsInput:
    key: UUID
    product_id: UUID
    units: list[ProductUnitInput] = strawberry.field(description="At most 10, no others stay.")
    display_unit: str | None = strawberry.field(
        default=None, description="The one the shop likes to read. 显示单位"
    )
    opened_unit: str | None = strawberry.field(
        default=None,
        description="The one that is opened and used in parts: what a recipe takes comes from "
        "the opened one first, and only whole ones are sold. 可拆零的单位",
    )
