"""The menu: dishes and services as a store can serve them, and whole carts."""

from typing import Annotated
from uuid import UUID

import strawberry

from app.domain.catalog.menu import CartDemand, Limiting, Serving
from app.schema import problems
from app.schema.catalog import Availability, ProductKind
from app.schema.scalars import Money, Quantity, quantity
from app.schema.stock import Level
from app.schema.storefront import StorefrontStore
from app.schema.window import window


@window(Limiting, description="The component of which there is too little. 受限配料")
class LimitingComponent:
    id: UUID
    name: str


@window(Serving, description="A dish or service as a store can serve it now. 菜品")
class MenuDish:
    id: UUID
    name: str
    spec: str
    unit: str
    kind: ProductKind
    image_url: str | None
    price: Money | None = strawberry.field(description="Yuan for one unit. 售价")
    makeable: int | None = strawberry.field(
        description="How many the shelf allows, this dish alone; null when nothing limits it, and "
        "for customers. 可做份数"
    )
    limiting: LimitingComponent | None = strawberry.field(
        description="Which component limits it; null for customers. 受限配料"
    )
    availability: Availability = strawberry.field(description="What a customer is told. 可售标签")
    sold_out: bool = strawberry.field(description="Taken off by hand until midnight. 估清")


@strawberry.type(description="What a store serves. 菜单")
class Menu:
    store: StorefrontStore
    dishes: list[MenuDish] = strawberry.field(description="Dishes and services, by name.")


@window(CartDemand, description="One line of a cart. 购物车明细")
class CartLine:
    @strawberry.field
    def product_id(self, root: strawberry.Parent[CartDemand]) -> UUID:
        return root.dish.id

    @strawberry.field
    def name(self, root: strawberry.Parent[CartDemand]) -> str:
        return root.dish.name

    @strawberry.field
    def requested(self, root: strawberry.Parent[CartDemand]) -> Quantity:
        return quantity(root.requested, root.dish.scale)

    @strawberry.field(
        description="How many of it can be had beside all the other lines; never told above what "
        "was asked for. 可供数量"
    )
    def makeable(self, root: strawberry.Parent[CartDemand]) -> Quantity:
        return quantity(root.makeable, root.dish.scale)


@strawberry.type(description="Whether a whole cart can be had together. 整单可做")
class Cart:
    possible: bool
    lines: list[CartLine]


CanMakeResult = Annotated[
    Cart | problems.UnknownProduct | problems.UnknownStore,
    strawberry.union("CanMakeResult", description="What can be had, or what is wrong with it."),
]


@strawberry.input(description="What somebody would order. 购物车明细")
class CartLineInput:
    product_id: UUID
    quantity: Quantity


SoldOutResult = Annotated[
    Level | problems.UnknownStore | problems.UnknownProduct | problems.KeyReused,
    strawberry.union("SoldOutResult", description="The level, or why nothing was written."),
]


@strawberry.input(description="Take a product off a store's menu today, or put it back. 估清")
class SetSoldOutInput:
    key: UUID
    store_id: UUID
    product_id: UUID
    sold_out: bool = strawberry.field(
        description="true: not sold until the store's next midnight, whatever there is; false: "
        "sold again."
    )
