"""Reports for owners and managers."""

from datetime import date

import strawberry
from strawberry.types import Info

from app.db.reports import Sold
from app.domain.access import Can
from app.domain.reports.channels import ChannelGroupBy, Figures
from app.schema.boundary import needs
from app.schema.catalog import Channel, Product
from app.schema.edges import edge, maybe_edge
from app.schema.identity import Store
from app.schema.sales_reports import GROUPS
from app.schema.scalars import Money, Quantity, amount, money
from app.schema.window import as_window, describe_values, window

strawberry.enum(
    ChannelGroupBy,
    name="ChannelGroupBy",
    description="What the figures of a channel report stand for. 分组",
)
describe_values(
    ChannelGroupBy,
    {each.name: GROUPS[each.name] for each in ChannelGroupBy}
    | {
        "STORE": "One row for each store and channel. 按门店和渠道",
        "CHANNEL": "One row for each channel, of all stores. 按渠道",
    },
)


@window(Sold, description="Sales of one product through a channel. 渠道商品销量")
class ChannelSold:
    product: Product = edge("products", "product_id", "Product that was sold. 商品")
    sold: Quantity = amount("sold", "Quantity handed over to customers. 销量")
    returned: Quantity = amount("returned", "Quantity that customers returned. 退货")

    @strawberry.field(
        description="Amount in CNY that customers paid less what they got back; sales without a "
        "price count as 0. 销售额"
    )
    def revenue(self, root: strawberry.Parent[Sold]) -> Money:
        return money(root.revenue * 100)

    @strawberry.field(
        description="Cost in CNY of the goods that customers kept; null if you lack SEE_COST. 成本",
        directives=needs(Can.SEE_COST),
    )
    def cost(self, root: strawberry.Parent[Sold]) -> Money | None:
        return money(root.cost)

    @strawberry.field(
        description="Gross margin in CNY: `revenue` − `cost`; null if you lack SEE_COST. 毛利",
        directives=needs(Can.SEE_COST),
    )
    def margin(self, root: strawberry.Parent[Sold]) -> Money | None:
        return money(root.revenue * 100 - root.cost)


@window(
    Figures,
    description="Figures of one channel, for each store, day, week or month, or for all stores. "
    "渠道报表",
)
class ChannelFigures:
    store: Store | None = maybe_edge(
        "stores", "store_id", "Store of the figures; null unless grouped by STORE. 门店"
    )
    day: date | None = strawberry.field(
        description="First day of the day, week or month; null unless grouped by one. 日期"
    )

    @strawberry.field(description="Channel that the figures are for. 渠道")
    def channel(self, root: strawberry.Parent[Figures]) -> Channel:
        return Channel[root.key.channel]

    @strawberry.field(description="Number of orders placed. 下单数")
    def placed(self, root: strawberry.Parent[Figures]) -> int:
        return root.ordered.placed

    @strawberry.field(description="Number of those orders that were paid. 付款数")
    def paid(self, root: strawberry.Parent[Figures]) -> int:
        return root.ordered.paid

    @strawberry.field(description="Number of those orders that were handed over. 完成数")
    def fulfilled(self, root: strawberry.Parent[Figures]) -> int:
        return root.ordered.fulfilled

    @strawberry.field(description="Number of those orders that were cancelled. 取消数")
    def cancelled(self, root: strawberry.Parent[Figures]) -> int:
        return root.ordered.cancelled

    @strawberry.field(description="Number of those orders that were not paid in time. 超时数")
    def expired(self, root: strawberry.Parent[Figures]) -> int:
        return root.ordered.expired

    @strawberry.field(
        description="Amount in CNY that customers paid for the goods they received in the range, "
        "at the counter or by order, less what they got back for returns. An order counts when it "
        "is handed over. 销售额"
    )
    def revenue(self, root: strawberry.Parent[Figures]) -> Money:
        return money(root.revenue * 100)

    @strawberry.field(
        description="Cost in CNY of the goods that customers kept; null if you lack SEE_COST. 成本",
        directives=needs(Can.SEE_COST),
    )
    def cost(self, root: strawberry.Parent[Figures]) -> Money | None:
        return money(root.cost)

    @strawberry.field(
        description="Gross margin in CNY: `revenue` − `cost`; null if you lack SEE_COST. 毛利",
        directives=needs(Can.SEE_COST),
    )
    def margin(self, root: strawberry.Parent[Figures]) -> Money | None:
        return money(root.revenue * 100 - root.cost)

    @strawberry.field(
        description="Figures of the same channel in the earlier period; null without a comparison, "
        "or without orders and sales then. 对比数据"
    )
    def compared(self, root: strawberry.Parent[Figures]) -> "ChannelFigures | None":
        return as_window(root.compared)

    @strawberry.field(
        description="Sales and returns by product, with and without an order. 商品销量"
    )
    async def products(self, root: strawberry.Parent[Figures], info: Info) -> list[ChannelSold]:
        return as_window(await root.products(info.context.snapshot))
