"""What subscriptions tell."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import strawberry
from strawberry.types import Info

from app.domain import feed
from app.domain.access import Can
from app.domain.catalog.menu import Serving
from app.schema.alerts import Alert
from app.schema.catalog import Availability, Product
from app.schema.edges import edge
from app.schema.menu import MenuDish
from app.schema.orders import Order
from app.schema.purchases import PurchaseOrder
from app.schema.scalars import Revision, seen
from app.schema.stock import Level
from app.schema.transfers import Transfer
from app.schema.window import window
from app.schema.writeoffs import WriteOff


@window(feed.Snapshot, description="The store as it is: the first thing a feed tells. 快照")
class StoreSnapshot:
    revision: Revision = strawberry.field(description="Keep it, and resume with `after`.")
    levels: list[Level]

    @strawberry.field(description="Alerts that are open, the newest 200. 预警")
    async def alerts(self, root: strawberry.Parent[feed.Snapshot], info: Info) -> list[Alert]:
        if not seen(info, Can.SEE_ALERTS):
            return []
        return await info.context.loaders.open_alerts.load(root.store)


@window(feed.Change, description="What moved, with the values it has now. 变动")
class StoreChange:
    from_revision: Revision = strawberry.field(
        description="Everything up to this revision was told before."
    )
    revision: Revision = strawberry.field(description="Keep it, and resume with `after`.")
    at: datetime = strawberry.field(description="When the last of these commits was made.")
    levels: list[Level] = strawberry.field(
        description="Absolute values: put them in place of what you have; repeats are harmless."
    )

    @strawberry.field(description="Orders that changed, as they are now. 订单")
    async def orders(self, root: strawberry.Parent[feed.Change], info: Info) -> list[Order]:
        return await filed(info, Can.SEE_ORDERS, "orders", root)

    @strawberry.field(description="Alerts that were raised or seen, as they are now. 预警")
    async def alerts(self, root: strawberry.Parent[feed.Change], info: Info) -> list[Alert]:
        return await filed(info, Can.SEE_ALERTS, "alerts", root)

    @strawberry.field(description="Write-offs that were asked for or decided. 报损")
    async def write_offs(self, root: strawberry.Parent[feed.Change], info: Info) -> list[WriteOff]:
        return await filed(info, Can.SEE_WRITE_OFFS, "write_offs", root)

    @strawberry.field(description="Requests and transfers that changed, as they are now. 调拨")
    async def transfers(self, root: strawberry.Parent[feed.Change], info: Info) -> list[Transfer]:
        return await filed(info, Can.SEE_TRANSFERS, "transfers", root)

    @strawberry.field(description="Purchase orders that changed, as they are now. 采购单")
    async def purchase_orders(
        self, root: strawberry.Parent[feed.Change], info: Info
    ) -> list[PurchaseOrder]:
        return await filed(info, Can.SEE_PURCHASES, "purchases", root)


async def filed(info: Info, can: Can, loader: str, change: feed.Change) -> list[Any]:
    """The documents of one kind among those that a change names; none without the permission:
    a program may be let at the stock alone."""
    if not change.documents or not seen(info, can):
        return []
    found = await getattr(info.context.loaders, loader).load_many(sorted(change.documents))
    return [row for row in found if row is not None]


@window(
    feed.Resync, description="What was missed cannot be told: subscribe without `after`. 重新同步"
)
class Resync:
    revision: Revision = strawberry.field(description="The store's revision now.")


StoreFeed = Annotated[
    StoreSnapshot | StoreChange | Resync,
    strawberry.union("StoreFeed", description="First a snapshot, or what came after `after`."),
]


@window(Serving, description="One product as customers see it. 可售标签")
class ProductAvailability:
    id: UUID = strawberry.field(name="productId")
    product: Product = edge("products", "id")
    availability: Availability


@window(feed.AvailabilityChange, description="Products whose label changed; all of them at first.")
class AvailabilityChange:
    revision: Revision

    @strawberry.field
    def products(
        self, root: strawberry.Parent[feed.AvailabilityChange]
    ) -> list[ProductAvailability]:
        return list(root.shown.values())  # pyright: ignore[reportReturnType]


@window(feed.MenuChange, description="Dishes that changed; all of them at first. 菜单变动")
class MenuChange:
    revision: Revision
    gone: list[UUID] = strawberry.field(description="Products no longer on the menu. 下架")

    @strawberry.field(description="Absolute values: put them in place of what you have.")
    def dishes(self, root: strawberry.Parent[feed.MenuChange]) -> list[MenuDish]:
        return list(root.shown.values())  # pyright: ignore[reportReturnType]
