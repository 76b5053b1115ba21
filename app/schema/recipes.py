"""Recipes: how products are made, and the input that sets one."""

from datetime import datetime
from decimal import Decimal
from enum import Enum
from typing import Annotated
from uuid import UUID

import strawberry
from strawberry.types import Info

from app.db import tables
from app.domain.access import Can
from app.domain.catalog.recipes import MOST_PARTS
from app.schema import problems
from app.schema.arguments import at_most, request_key
from app.schema.catalog import Product
from app.schema.edges import edge
from app.schema.scalars import Quantity, quantity
from app.schema.window import window


@strawberry.enum(description="When the consumables of a prepaid service leave stock. 扣减时机")
class ConsumeOn(Enum):
    FIRST_USE_ON_SALE = strawberry.enum_value(
        "FIRST_USE_ON_SALE",
        description="Consumables of the first use leave at the sale, those of later uses at "
        "redemption. 售出扣首次",
    )
    REDEEM = strawberry.enum_value(
        "REDEEM", description="Consumables of every use leave at redemption. 核销时扣"
    )
    RESERVE_ON_SALE = strawberry.enum_value(
        "RESERVE_ON_SALE", description="Consumables of all uses are reserved at the sale. 售出预占"
    )


@window(tables.Component, description="One component of a recipe. 配料")
class Component:
    product: Product = edge("products", "product_id", "Product that the recipe uses. 商品")
    optional: bool = strawberry.field(
        description="Whether the dish is also sold when this component is out of stock. 可选"
    )

    @strawberry.field(
        description="Quantity for the whole yield of the recipe, in the component's unit. 用量"
    )
    async def quantity(self, root: strawberry.Parent[tables.Component], info: Info) -> Quantity:
        product = await info.context.loaders_of(root).products.load(root.product_id)
        return quantity(root.quantity, product.scale)

    @strawberry.field(
        description="Percentage lost in preparation, added to the quantity. 损耗率（%）"
    )
    def loss(self, root: strawberry.Parent[tables.Component]) -> Quantity:
        return quantity(root.loss, 100)


@window(
    tables.Recipe,
    needs=Can.SEE_CATALOG,
    description="One version of a recipe. A version never changes. 配方",
)
class Recipe:
    id: UUID = strawberry.field(description="ID of the recipe version.")
    version: int = strawberry.field(
        description="Version number, counted from 1; past sales keep the version they were made "
        "with. 版本"
    )
    product: Product = edge("products", "product_id", "Product that the recipe makes. 商品")
    components: list[Component] = edge("components", "id", "Components of the recipe. 配料")
    created_at: datetime = strawberry.field(
        description="Time when this version was saved. 创建时间"
    )

    @strawberry.field(description="Quantity that the components make, in the product's unit. 产出")
    async def yields(self, root: strawberry.Parent[tables.Recipe], info: Info) -> Quantity:
        product = await info.context.loaders_of(root).products.load(root.product_id)
        return quantity(root.yields, product.scale)

    @strawberry.field(
        description="When consumables leave stock; null if the product is not a prepaid service. "
        "扣减时机"
    )
    def consume_on(self, root: strawberry.Parent[tables.Recipe]) -> ConsumeOn | None:
        return None if root.consume_on is None else ConsumeOn[root.consume_on]


RecipeResult = Annotated[
    Product
    | problems.UnknownProduct
    | problems.InvalidQuantity
    | problems.Indivisible
    | problems.RecipeCycle
    | problems.WrongState
    | problems.KeyReused,
    strawberry.union(
        "RecipeResult",
        description="The product with its new recipe, or the problem that prevented the change.",
    ),
]


@strawberry.input(description="One component of a recipe. 配料")
class ComponentInput:
    product_id: UUID = strawberry.field(description="ID of the product that the recipe uses.")
    quantity: Quantity = strawberry.field(
        description="Quantity for the whole yield of the recipe. 用量"
    )
    unit: str | None = strawberry.field(
        default=None,
        description="Unit of `quantity`, one of `Product.units`; the product's unit by default. "
        "单位",
    )
    loss: Quantity | None = strawberry.field(
        default=None,
        description="Percentage lost in preparation, added to the quantity, from 0 to 100; 0 by "
        "default. 损耗率（%）",
    )
    optional: bool | None = strawberry.field(
        default=None,
        description="Whether the dish is also sold without this component; false by default. 可选",
    )


@strawberry.input(description="Input of `setRecipe`. 设置配方")
class SetRecipeInput:
    key: UUID = request_key()
    product_id: UUID = strawberry.field(description="ID of the product that the recipe makes.")
    components: list[ComponentInput] = strawberry.field(
        description="Components of the recipe. One product unit must need whole base units "
        "(piece, g, ml) of each. An empty list removes the recipe. 配料",
        metadata=at_most(MOST_PARTS),
    )
    yields: Quantity | None = strawberry.field(
        default=None,
        description="Quantity that the components make, in the product's unit; 1 by default. 产出",
    )
    consume_on: ConsumeOn | None = strawberry.field(
        default=None,
        description="When consumables leave stock, for services and passes only; "
        "FIRST_USE_ON_SALE by default. 扣减时机",
    )


NO_LOSS = Decimal(0)
