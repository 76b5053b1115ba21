"""A product's own units."""

from uuid import UUID

import strawberry
from strawberry.types import Info

from app.db import tables
from app.domain.catalog.units import MOST_UNITS
from app.schema.arguments import at_most, request_key
from app.schema.scalars import Quantity, quantity
from app.schema.window import window


@window(
    tables.ProductUnit,
    description="Another unit of a product, such as a bottle or a case. 其他单位",
)
class ProductUnit:
    name: str = strawberry.field(description="Name of the unit, such as 瓶 or 箱. 单位名称")

    @strawberry.field(description="Quantity in one such unit, in the product's unit. 换算")
    async def holds(self, root: strawberry.Parent[tables.ProductUnit], info: Info) -> Quantity:
        product = await info.context.loaders_of(root).products.load(root.product_id)
        return quantity(root.size, product.scale)


@strawberry.input(
    description="One unit and its conversion, such as a bottle of 500 ml or a case of 12 bottles. "
    "单位换算"
)
class ProductUnitInput:
    name: str = strawberry.field(
        description="Name of the unit, at most 10 characters, such as 瓶, 盒 or 箱. 单位名称"
    )
    quantity: Quantity = strawberry.field(
        description="Quantity of the unit `of` that it holds. 换算数量"
    )
    of: str | None = strawberry.field(
        default=None,
        description="Name of a unit earlier in the list; the product's own unit by default. "
        "换算单位",
    )


@strawberry.input(description="Input of `setUnits`. 设置单位")
class SetUnitsInput:
    key: UUID = request_key()
    product_id: UUID = strawberry.field(description="ID of the product.")
    units: list[ProductUnitInput] = strawberry.field(
        description="The product's other units. They replace all units set before. 其他单位",
        metadata=at_most(MOST_UNITS),
    )
    display_unit: str | None = strawberry.field(
        default=None,
        description="Name of the preferred unit for display; the product's own unit by default. "
        "显示单位",
    )
    opened_unit: str | None = strawberry.field(
        default=None,
        description="Name of the unit that is opened and used in parts. Recipes take from an "
        "opened one first; only whole ones are sold. 可拆零的单位",
    )
