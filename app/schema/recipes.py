"""Recipes: how products are made, and what one sends to set one."""

from datetime import datetime
from decimal import Decimal
from enum import Enum
from typing import Annotated
from uuid import UUID

import strawberry
from strawberry.types import Info

from app.db import tables
from app.schema import problems
from app.schema.catalog import Product
from app.schema.edges import edge
from app.schema.scalars import Quantity, quantity
from app.schema.window import window


@strawberry.enum(description="When the consumables of something prepaid leave. 扣减时机")
class ConsumeOn(Enum):
    FIRST_USE_ON_SALE = strawberry.enum_value(
        "FIRST_USE_ON_SALE",
        description="Those of the first use when it is sold, later ones when redeemed. 售出扣首次",
    )
    REDEEM = strawberry.enum_value(
        "REDEEM", description="Nothing at the sale; each use when it is redeemed. 核销时扣"
    )
    RESERVE_ON_SALE = strawberry.enum_value(
        "RESERVE_ON_SALE", description="All uses are held when it is sold. 售出预占"
    )


@window(tables.Component, description="What goes into a recipe. 配料")
class Component:
    product: Product = edge("products", "product_id")
    optional: bool = strawberry.field(
        description="Taken when it is there; the dish is sold without it as well. 可选"
    )

    @strawberry.field(description="For all that the recipe yields, in the product's unit. 用量")
    async def quantity(self, root: strawberry.Parent[tables.Component], info: Info) -> Quantity:
        product = await info.context.loaders.products.load(root.product_id)
        return quantity(root.quantity, product.scale)

    @strawberry.field(description="Percent lost on the way, on top of the quantity. 损耗率(%)")
    def loss(self, root: strawberry.Parent[tables.Component]) -> Quantity:
        return quantity(root.loss, 100)


@window(tables.Recipe, description="One version of how a product is made; it never changes. 配方")
class Recipe:
    id: UUID
    version: int = strawberry.field(description="1, 2, 3 …: old sales keep theirs. 版本")
    product: Product = edge("products", "product_id")
    components: list[Component] = edge("components", "id")
    created_at: datetime

    @strawberry.field(description="What the components make. 产出")
    async def yields(self, root: strawberry.Parent[tables.Recipe], info: Info) -> Quantity:
        product = await info.context.loaders.products.load(root.product_id)
        return quantity(root.yields, product.scale)

    @strawberry.field(description="Null: of something that is not prepaid. 扣减时机")
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
    strawberry.union("RecipeResult", description="The product, or why nothing was written."),
]


@strawberry.input(description="What goes into a recipe. 配料")
class ComponentInput:
    product_id: UUID
    quantity: Quantity = strawberry.field(description="For all that the recipe yields. 用量")
    unit: str | None = strawberry.field(
        default=None, description="What the quantity is told in: the product's unit if not given."
    )
    loss: Quantity | None = strawberry.field(
        default=None, description="Percent lost on the way, added to the quantity: 0 to 100. 损耗率"
    )
    optional: bool | None = strawberry.field(
        default=None, description="true: the dish is sold without it when there is none. 可选"
    )


@strawberry.input(description="How a product is made from now on. 设置配方")
class SetRecipeInput:
    key: UUID
    product_id: UUID
    components: list[ComponentInput] = strawberry.field(
        description="What one unit takes must be whole in base units (piece, g, ml); none at all "
        "take the recipe away. 配料"
    )
    yields: Quantity | None = strawberry.field(
        default=None, description="How much of the product they make; 1 if not given. 产出"
    )
    consume_on: ConsumeOn | None = strawberry.field(
        default=None,
        description="Of services and passes: FIRST_USE_ON_SALE if not given. 扣减时机",
    )


NO_LOSS = Decimal(0)
