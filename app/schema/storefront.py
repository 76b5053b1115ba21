"""What anybody may see of a store."""

from uuid import UUID

import strawberry
from strawberry.types import Info

from app.db import catalog as rows
from app.db import tables
from app.db.catalog import Offer
from app.domain.rules import labels
from app.domain.rules.texts import clean
from app.schema.catalog import Availability, Category, Channel, ProductKind, named
from app.schema.paging import Connection, connection, page
from app.schema.scalars import Money, money
from app.schema.window import window


@window(Offer, description="A product as a store offers it. 在售商品")
class StorefrontProduct:
    id: UUID
    name: str
    spec: str
    unit: str
    image_url: str | None

    @strawberry.field
    def kind(self, root: strawberry.Parent[Offer]) -> ProductKind:
        return ProductKind[root.kind]

    @strawberry.field(description="Yuan for one unit. 售价")
    def price(self, root: strawberry.Parent[Offer]) -> Money | None:
        return None if root.price is None else money(root.price * 100)

    @strawberry.field(description="库存充足, 仅剩 3 件 or 已售罄; never an exact higher number.")
    def availability(self, root: strawberry.Parent[Offer]) -> Availability:
        return labels.availability(root.sellable, root.scale, root.few)  # pyright: ignore[reportReturnType]


@window(tables.Store, description="Which store this is. 门店")
class StorefrontStore:
    name: str
    code: str


@strawberry.type(description="A store's public face. 店铺前台")
class Storefront:
    store: StorefrontStore
    categories: list[Category]
    channel: Channel | None = strawberry.field(description="Whose shelf it is; null: all of it.")

    @strawberry.field(description="What it offers, by name. 在售商品列表")
    async def products(
        self,
        info: Info,
        category_id: UUID | None = None,
        search: str | None = None,
        first: int | None = None,
        after: str | None = None,
    ) -> Connection[StorefrontProduct]:
        store: tables.Store = self.store  # pyright: ignore[reportAssignmentType]
        wanted = page(first, after, str, UUID)
        words = clean(search, "search", 100)
        async with info.context.app.db.read(store.tenant_id) as session:
            found = await rows.offers(
                session,
                store,
                words,
                category_id,
                named(self.channel),
                wanted.after,
                wanted.limit,
            )
        return connection(found, wanted, lambda row: (row.pinyin, row.id))
