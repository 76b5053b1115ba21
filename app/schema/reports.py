"""Reports for owners and managers."""

from dataclasses import dataclass
from uuid import UUID

import strawberry
from strawberry.types import Info

from app.db.reports import Ordered, Sold
from app.schema.catalog import Channel, Product
from app.schema.edges import edge
from app.schema.identity import Store
from app.schema.scalars import Money, Quantity, amount, cost, money
from app.schema.window import window


@dataclass(frozen=True, slots=True)
class Figures:
    """What one channel did in one store."""

    ordered: Ordered
    sold: list[Sold]
    store_id: UUID


@window(Sold, description="What a channel sold of a product. 渠道商品销量")
class ChannelSold:
    product: Product = edge("products", "product_id")
    sold: Quantity = amount("sold", "Handed over to customers. 销量")
    returned: Quantity = amount("returned", "Came back. 退货")

    @strawberry.field(
        description="Yuan that what they kept did cost; null if not yours to see. 成本"
    )
    def cost(self, root: strawberry.Parent[Sold], info: Info) -> Money | None:
        return cost(info, root.cost)


@window(Figures, description="What one channel did in one store. 渠道报表")
class ChannelFigures:
    store: Store = edge("stores", "store_id")

    @strawberry.field
    def channel(self, root: strawberry.Parent[Figures]) -> Channel:
        return Channel[root.ordered.channel]

    @strawberry.field(description="Orders placed. 下单数")
    def placed(self, root: strawberry.Parent[Figures]) -> int:
        return root.ordered.placed

    @strawberry.field(description="Of them paid for. 付款数")
    def paid(self, root: strawberry.Parent[Figures]) -> int:
        return root.ordered.paid

    @strawberry.field(description="Of them handed over. 完成数")
    def fulfilled(self, root: strawberry.Parent[Figures]) -> int:
        return root.ordered.fulfilled

    @strawberry.field(description="Of them cancelled. 取消数")
    def cancelled(self, root: strawberry.Parent[Figures]) -> int:
        return root.ordered.cancelled

    @strawberry.field(description="Of them not paid in time. 超时数")
    def expired(self, root: strawberry.Parent[Figures]) -> int:
        return root.ordered.expired

    @strawberry.field(description="Yuan of the orders that were paid for and kept. 订单金额")
    def revenue(self, root: strawberry.Parent[Figures]) -> Money:
        return money(root.ordered.revenue * 100)

    @strawberry.field(description="Everything customers got or gave back, orders or not. 商品销量")
    def products(self, root: strawberry.Parent[Figures]) -> list[ChannelSold]:
        return root.sold  # pyright: ignore[reportReturnType]
