"""Which products a store lists, and the input that changes it."""

from typing import Annotated
from uuid import UUID

import strawberry

from app.db import tables
from app.domain.access import Can
from app.domain.catalog.assortment import MOST_PRODUCTS
from app.domain.people.staff import MOST_STORES
from app.schema import problems
from app.schema.arguments import at_most, request_key
from app.schema.catalog import Channel, Product
from app.schema.edges import edge
from app.schema.identity import Store
from app.schema.window import window


@window(
    tables.Assortment,
    needs=Can.SEE_CATALOG,
    description="Whether a store lists a product for customers. 上架范围",
)
class AssortmentEntry:
    store: Store = edge("stores", "store_id", "Store that the entry is for. 门店")
    listed: bool = strawberry.field(
        description="Whether customers see the product and can order it. 是否上架"
    )

    @strawberry.field(
        description="Channel that the entry is for; null means all channels without an entry of "
        "their own. 渠道"
    )
    def channel(self, root: strawberry.Parent[tables.Assortment]) -> Channel | None:
        return Channel[root.channel] if root.channel else None


@strawberry.type(description="Products whose assortment was set. 上架结果")
class ChangedAssortment:
    products: list[Product] = strawberry.field(description="Products that were changed. 商品")


@strawberry.input(description="Input of `setAssortment`. 设置上架范围")
class SetAssortmentInput:
    key: UUID = request_key()
    listed: bool = strawberry.field(
        description="Whether customers see the products and can order them. 是否上架"
    )
    product_ids: list[UUID] | None = strawberry.field(
        default=None,
        description="IDs of the products; give these or `categoryId`. 商品",
        metadata=at_most(MOST_PRODUCTS),
    )
    category_id: UUID | None = strawberry.field(
        default=None,
        description="ID of a category: all products of it and of those below it, except archived "
        "ones. 分类",
    )
    store_ids: list[UUID] | None = strawberry.field(
        default=None,
        description="IDs of the stores; all stores that you may change by default. 门店",
        metadata=at_most(MOST_STORES),
    )
    channels: list[Channel] | None = strawberry.field(
        default=None,
        description="Channels; by default all, which replaces entries of single channels. 渠道",
        metadata=at_most(len(Channel)),
    )


AssortmentResult = Annotated[
    ChangedAssortment
    | problems.UnknownProduct
    | problems.UnknownCategory
    | problems.UnknownStore
    | problems.KeyReused,
    strawberry.union(
        "AssortmentResult", description="The products, or the problem that prevented the change."
    ),
]
