"""The owner's overview of all stores."""

from typing import Any

import strawberry
from strawberry.types import Info

from app.db.overview import Waiting
from app.domain.access import Can
from app.domain.reports.overview import CategoryStock, Overview, StoreOverview
from app.schema.boundary import needs
from app.schema.catalog import Category
from app.schema.edges import edge, maybe_edge
from app.schema.identity import Store
from app.schema.sales_reports import SalesFigures, percent, sales_figures
from app.schema.scalars import Money, money
from app.schema.stock_reports import days_of_stock
from app.schema.window import as_window, window


@window(
    Waiting, description="Numbers of alerts and documents that wait for a person in a store. 待处理"
)
class WaitingDocuments:
    alerts: int = strawberry.field(description="Number of open alerts. 未处理预警")
    write_offs: int = strawberry.field(description="Number of write-offs to decide. 待审批报损")
    transfers: int = strawberry.field(
        description="Number of requests and transfers that the store has not received yet. 待收调拨"
    )
    purchase_orders: int = strawberry.field(
        description="Number of purchase orders that are not complete. 未完成采购"
    )
    orders: int = strawberry.field(
        description="Number of paid orders to be handed over. 待交付订单"
    )


def _stock(name: str, description: str) -> Any:
    def resolve(root: strawberry.Parent[Any]) -> int:
        return getattr(root.stock, name)

    return strawberry.field(resolver=resolve, description=description)


def _short(name: str, description: str) -> Any:
    """A number of levels, which is known of the present only."""

    def resolve(root: strawberry.Parent[Any]) -> int | None:
        return getattr(root.stock, name)

    return strawberry.field(resolver=resolve, description=description)


def _days_of_stock() -> Any:
    async def resolve(root: strawberry.Parent[Any], info: Info) -> float | None:
        return days_of_stock(await root.turned(info.context.snapshot))

    return strawberry.field(
        resolver=resolve,
        description="Days that the average stock lasts at the rate of the last 30 days, as in "
        "`turnoverReport`; null if nothing was sold or used. 周转天数",
    )


@window(StoreOverview, description="One store on one day. 门店概况")
class StoreFigures:
    days_of_stock: float | None = _days_of_stock()
    store: Store = edge("stores", "store_id", "Store of the figures. 门店")
    products: int = _stock("products", "Number of products that the store holds. 在库商品数")
    low: int | None = _short(
        "low",
        "Number of products at or below their reorder point; null for a past moment. 低库存数",
    )
    out: int | None = _short(
        "out",
        "Number of products with a reorder point that are out of stock; null for a past moment. "
        "断货数",
    )

    @strawberry.field(
        description="Stock value in CNY at average cost; null if you lack SEE_COST. 库存金额",
        directives=needs(Can.SEE_COST),
    )
    def stock_value(self, root: strawberry.Parent[StoreOverview]) -> Money | None:
        return money(root.stock.value)

    @strawberry.field(
        description="Cost in CNY of goods that have expired or expire within 30 days; null if you "
        "lack SEE_COST. 临期金额",
        directives=needs(Can.SEE_COST),
    )
    def value_at_risk(self, root: strawberry.Parent[StoreOverview]) -> Money | None:
        return money(root.at_risk)

    @strawberry.field(description="Sales of the day until its hour, by the store's clock. 今日销售")
    def sales_today(self, root: strawberry.Parent[StoreOverview]) -> SalesFigures:
        return sales_figures(root.sales)

    @strawberry.field(
        description="Average revenue in CNY until the same hour, on the same weekday of the last "
        "four weeks; null if it sold nothing on these days. 同期平均"
    )
    def usual_revenue(self, root: strawberry.Parent[StoreOverview]) -> Money | None:
        return None if root.usual is None else money(root.usual * 100)

    @strawberry.field(
        description="Revenue of the day in percent of `usualRevenue`, with one decimal; null "
        "without it. 同期对比"
    )
    def percent_of_usual(self, root: strawberry.Parent[StoreOverview]) -> float | None:
        return None if root.usual is None else percent(root.sales.revenue, root.usual)

    @strawberry.field(
        description="Alerts and documents that wait for a person; null for a past moment. 待处理"
    )
    def waiting(self, root: strawberry.Parent[StoreOverview]) -> WaitingDocuments | None:
        return as_window(root.waiting)


@window(CategoryStock, description="Stock of one category in all these stores. 分类库存")
class CategoryFigures:
    days_of_stock: float | None = _days_of_stock()
    category: Category | None = maybe_edge(
        "categories", "category_id", "Category; null for products without one. 分类"
    )
    products: int = _stock("products", "Number of levels that hold goods. 在库数")
    low: int | None = _short(
        "low", "Number of levels at or below their reorder point; null for a past moment. 低库存数"
    )
    out: int | None = _short(
        "out",
        "Number of levels with a reorder point that are out of stock; null for a past moment. "
        "断货数",
    )

    @strawberry.field(
        description="Stock value in CNY at average cost; null if you lack SEE_COST. 库存金额",
        directives=needs(Can.SEE_COST),
    )
    def stock_value(self, root: strawberry.Parent[CategoryStock]) -> Money | None:
        return money(root.stock.value)


@window(Overview, description="All your stores today. 经营概况")
class OverviewFigures:
    days_of_stock: float | None = _days_of_stock()

    @strawberry.field(description="Stores, those with the largest sales first. 门店")
    def stores(self, root: strawberry.Parent[Overview]) -> list[StoreFigures]:
        return as_window(root.stores)

    @strawberry.field(
        description="Categories that hold goods or are short of some, those of the largest value "
        "first. 分类"
    )
    def categories(self, root: strawberry.Parent[Overview]) -> list[CategoryFigures]:
        return as_window(root.categories)

    @strawberry.field(
        description="Value of all stock in CNY; null if you lack SEE_COST. 库存金额",
        directives=needs(Can.SEE_COST),
    )
    def stock_value(self, root: strawberry.Parent[Overview]) -> Money | None:
        return money(sum(each.stock.value for each in root.stores))

    @strawberry.field(description="Revenue of the day in CNY, of all stores. 今日销售额")
    def revenue_today(self, root: strawberry.Parent[Overview]) -> Money:
        return money(sum(each.sales.revenue for each in root.stores) * 100)
