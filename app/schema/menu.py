"""The menu: the dishes and services that a store can serve, and checks of whole carts."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

import strawberry

from app.db import tables
from app.domain.catalog.menu import CartDemand, Limiting, Serving
from app.schema import problems
from app.schema.arguments import request_key
from app.schema.boundary import EVERY, public
from app.schema.catalog import Availability, Product, ProductKind
from app.schema.edges import edge
from app.schema.identity import Store
from app.schema.scalars import Money, Quantity, quantity
from app.schema.stock import Level
from app.schema.storefront import StorefrontStore
from app.schema.window import window


@window(
    Limiting, public=EVERY, description="Component that limits how many units can be made. 受限配料"
)
class LimitingComponent:
    id: UUID = strawberry.field(description="ID of the component's product.")
    name: str = strawberry.field(description="Name of the component's product. 商品名称")


@window(
    Serving,
    public=EVERY,
    description="A dish or service and how many units a store can serve now. 菜品",
)
class MenuDish:
    id: UUID = strawberry.field(description="ID of the product.")
    name: str = strawberry.field(description="Name of the dish or service. 名称")
    spec: str = strawberry.field(description="Size, flavour or packing. 规格")
    unit: str = strawberry.field(description="Unit in which it is sold. 单位")
    kind: ProductKind = strawberry.field(
        description="Kind of the product: DISH, SERVICE or BUNDLE. 商品类型"
    )
    image_url: str | None = strawberry.field(
        description="Link to a picture; null if there is none. 图片链接"
    )
    price: Money | None = strawberry.field(
        description="Selling price of one unit in CNY; null if none is set. 售价"
    )
    makeable: int | None = strawberry.field(
        description="Number of units that current stock allows if nothing else is sold; null if "
        "nothing limits it, and always null for customers. 可做份数"
    )
    limiting: LimitingComponent | None = strawberry.field(
        description="Component that limits `makeable`; null if nothing limits it, and always "
        "null for customers. 受限配料"
    )
    availability: Availability = strawberry.field(
        description="Availability that customers see. 可售标签"
    )
    sold_out: bool = strawberry.field(
        description="Whether staff marked it as sold out until the store's midnight. 估清"
    )


@public
@strawberry.type(description="Dishes and services of a store. 菜单")
class Menu:
    store: StorefrontStore = strawberry.field(description="Store that serves the menu. 门店")
    dishes: list[MenuDish] = strawberry.field(
        description="Dishes and services, sorted by name. 菜品"
    )


@window(
    CartDemand,
    public=EVERY,
    description="One line of a cart and the quantity that can be served. 购物车明细",
)
class CartLine:
    @strawberry.field(description="ID of the product.")
    def product_id(self, root: strawberry.Parent[CartDemand]) -> UUID:
        return root.dish.id

    @strawberry.field(description="Name of the product. 商品名称")
    def name(self, root: strawberry.Parent[CartDemand]) -> str:
        return root.dish.name

    @strawberry.field(description="Quantity in the cart. 所需数量")
    def requested(self, root: strawberry.Parent[CartDemand]) -> Quantity:
        return quantity(root.requested, root.dish.scale)

    @strawberry.field(
        description="Quantity that can be served together with all other lines, never more than "
        "`requested`. Null for customers when it is not enough but above the store's threshold "
        "for few. 可供数量"
    )
    def makeable(self, root: strawberry.Parent[CartDemand]) -> Quantity | None:
        return None if root.makeable is None else quantity(root.makeable, root.dish.scale)


@public
@strawberry.type(description="Whether a whole cart can be served at once. 整单可做")
class Cart:
    possible: bool = strawberry.field(
        description="Whether every line can be served in full. 是否可做"
    )
    lines: list[CartLine] = strawberry.field(
        description="One entry per line, in the order of the input. 购物车明细"
    )


CanMakeResult = Annotated[
    Cart | problems.UnknownProduct | problems.UnknownStore,
    strawberry.union(
        "CanMakeResult", description="The checked cart, or the problem with the input."
    ),
]


@strawberry.input(description="One line of a cart to check. 购物车明细")
class CartLineInput:
    product_id: UUID = strawberry.field(description="ID of the product.")
    quantity: Quantity = strawberry.field(
        description="Quantity in the product's unit, greater than 0. 数量"
    )


@window(tables.Level, description="Whether a product is marked as sold out in a store. 估清")
class SoldOutMark:
    store: Store = edge("stores", "store_id", "Store of the mark. 门店")
    product: Product = edge("products", "product_id", "Product of the mark. 商品")
    sold_out_until: datetime | None = strawberry.field(
        description="Time when the mark ends by itself; null if the product is on sale. 估清至"
    )
    level: Level | None = edge(
        "levels", "pair", "Stock level; null if you lack SEE_STOCK in the store. 库存"
    )


SoldOutResult = Annotated[
    SoldOutMark | problems.UnknownStore | problems.UnknownProduct | problems.KeyReused,
    strawberry.union(
        "SoldOutResult",
        description="The mark as it is now, or the problem that prevented the change.",
    ),
]


@strawberry.input(description="Input of `setSoldOut`. 估清")
class SetSoldOutInput:
    key: UUID = request_key()
    store_id: UUID = strawberry.field(description="ID of the store.")
    product_id: UUID = strawberry.field(description="ID of the product.")
    sold_out: bool = strawberry.field(
        description="Pass true to stop sales until the store's next midnight, false to sell "
        "again. 估清"
    )
