"""The reorder plan with all its figures, and the purchase orders that it suggests."""

from datetime import date

import strawberry
from strawberry.types import Info

from app.domain.access import Can
from app.domain.reports.reorders import ReorderLine, ReorderPlan, SuggestedOrder, explanation
from app.schema.boundary import needs
from app.schema.catalog import Product
from app.schema.edges import edge, maybe_edge
from app.schema.identity import Store
from app.schema.purchases import Supplier
from app.schema.scalars import Money, Quantity, maybe_money, money, quantity
from app.schema.series import Measure, Series, series_of_levels
from app.schema.window import as_window, window


@window(ReorderLine, description="A product that a store should order now. 补货建议")
class ReorderRow:
    store: Store = edge("stores", "store_id", "Store that needs the goods. 门店")
    product: Product = edge("products", "product_id", "Product to order. 商品")
    supplier: Supplier | None = maybe_edge(
        "suppliers",
        "supplier_id",
        "Active supplier of the last order of this product; null without one or if you lack "
        "SEE_SUPPLIERS. 供应商",
    )

    @strawberry.field(description="Quantity on the shelf. 可售")
    def available(self, root: strawberry.Parent[ReorderLine]) -> Quantity:
        return quantity(root.level.shelf, root.scale)

    @strawberry.field(description="Quantity on its way from other stores. 在途")
    def incoming(self, root: strawberry.Parent[ReorderLine]) -> Quantity:
        return quantity(root.level.transit, root.scale)

    @strawberry.field(description="Quantity that open purchase orders still lack. 已订未到")
    def on_order(self, root: strawberry.Parent[ReorderLine]) -> Quantity:
        return quantity(root.level.on_order, root.scale)

    @strawberry.field(description="Reorder point of the level, kept as a reserve. 最低阈值")
    def reorder_point(self, root: strawberry.Parent[ReorderLine]) -> Quantity:
        return quantity(root.level.reorder_point, root.scale)

    @strawberry.field(
        description="Quantity sold or used in the 28 days before today, less returns. 近 28 天需求"
    )
    def demand(self, root: strawberry.Parent[ReorderLine]) -> Quantity:
        return quantity(root.level.demand, root.scale)

    @strawberry.field(
        description="Number of these 28 days on which the store had no stock all day; they do "
        "not count. 缺货天数"
    )
    def sold_out_days(self, root: strawberry.Parent[ReorderLine]) -> int:
        return root.level.sold_out_days

    @strawberry.field(description="Number of days over which the demand is averaged. 有货天数")
    def open_days(self, root: strawberry.Parent[ReorderLine]) -> int:
        return root.level.open_days

    @strawberry.field(
        description="Average demand of a day, in the product's unit, with two decimals. 日均需求"
    )
    def daily_demand(self, root: strawberry.Parent[ReorderLine]) -> float:
        return root.daily

    @strawberry.field(
        description="Days from order to delivery: of the supplier, or of the store if there is "
        "no supplier. 到货周期（天）"
    )
    def lead_days(self, root: strawberry.Parent[ReorderLine]) -> int:
        return root.level.lead_days

    @strawberry.field(
        description="Days that the stock on the shelf, in transit and on order lasts, with one "
        "decimal; null without demand. 可售天数"
    )
    def days_of_cover(self, root: strawberry.Parent[ReorderLine]) -> float | None:
        return root.days_of_cover

    @strawberry.field(
        description="Quantity that is missing for the lead time, the days to cover and the "
        "reserve. 缺口"
    )
    def needed(self, root: strawberry.Parent[ReorderLine]) -> Quantity:
        return quantity(root.level.needed, root.scale)

    @strawberry.field(description="Size of the pack to order in, in the product's unit. 包装规格")
    def pack_quantity(self, root: strawberry.Parent[ReorderLine]) -> Quantity:
        return quantity(root.packing.pack, root.scale)

    @strawberry.field(description="Number of packs to order. 件数")
    def packs(self, root: strawberry.Parent[ReorderLine]) -> int:
        return root.packing.packs

    @strawberry.field(description="Quantity to order: `needed` in whole packs. 建议数量")
    def quantity(self, root: strawberry.Parent[ReorderLine]) -> Quantity:
        return quantity(root.packing.quantity, root.scale)

    @strawberry.field(
        description="Cost of one unit in CNY: of the last order, or the average; null if unknown "
        "or if you lack SEE_COST. 单价",
        directives=needs(Can.SEE_COST),
    )
    def unit_cost(self, root: strawberry.Parent[ReorderLine]) -> Money | None:
        return maybe_money(root.level.unit_cost)

    @strawberry.field(
        description="Cost of the quantity in CNY; null if unknown or if you lack SEE_COST. 金额",
        directives=needs(Can.SEE_COST),
    )
    def cost(self, root: strawberry.Parent[ReorderLine]) -> Money | None:
        return maybe_money(root.cost)

    @strawberry.field(
        description="Explanation with all figures, in the language of Accept-Language. 说明"
    )
    async def explanation(self, root: strawberry.Parent[ReorderLine], info: Info) -> str:
        product = await info.context.loaders.products.load(root.product_id)
        return explanation(root, product.unit, info.context.language)


@window(
    SuggestedOrder,
    description="What a store should order from one supplier, with the fields of "
    "`createPurchaseOrder`. 建议采购单",
)
class SuggestedPurchaseOrder:
    supplier: Supplier | None = edge(
        "suppliers",
        "supplier_id",
        "Supplier that delivers the goods; null if you lack SEE_SUPPLIERS. 供应商",
    )
    store: Store = edge("stores", "store_id", "Store that receives the goods. 收货门店")
    expected_on: date = strawberry.field(
        description="Date on which the goods are expected if they are ordered today. 预计到货日"
    )

    @strawberry.field(description="Lines to order: `product`, `quantity` and `unitCost`. 采购明细")
    def lines(self, root: strawberry.Parent[SuggestedOrder]) -> list[ReorderRow]:
        return as_window(root.lines)

    @strawberry.field(
        description="Cost of the order in CNY, as far as costs are known; null if you lack "
        "SEE_COST. 金额",
        directives=needs(Can.SEE_COST),
    )
    def cost(self, root: strawberry.Parent[SuggestedOrder]) -> Money | None:
        return money(sum(line.cost or 0 for line in root.lines))


def _cost(line: ReorderLine) -> float | None:
    return None if line.cost is None else line.cost / 10_000


def _days_of_cover(line: ReorderLine) -> float | None:
    return line.days_of_cover


PLANNED = [
    Measure("金额", "Cost", "CNY", _cost, Can.SEE_COST),
    Measure("可售天数", "Days of cover", "days", _days_of_cover),
]


@window(ReorderPlan, name="ReorderPlan", description="What to order now. 补货计划")
class Plan:
    cover_days: int = strawberry.field(
        description="Number of days that an order should last after its delivery. 备货天数"
    )

    @strawberry.field(description="Products to order, those that run out first. 明细")
    def rows(self, root: strawberry.Parent[ReorderPlan]) -> list[ReorderRow]:
        return as_window(root.lines)

    @strawberry.field(description="Number of all products to order, one for each store. 总数")
    def count(self, root: strawberry.Parent[ReorderPlan]) -> int:
        return root.total

    @strawberry.field(description="The rows as points, ready to plot. 图表数据")
    async def series(self, root: strawberry.Parent[ReorderPlan], info: Info) -> list[Series]:
        return await series_of_levels(info, root.lines, PLANNED)

    @strawberry.field(
        description="The rows whose supplier is known, as one order for each supplier and store. "
        "建议采购单"
    )
    def orders(self, root: strawberry.Parent[ReorderPlan]) -> list[SuggestedPurchaseOrder]:
        return as_window(root.orders)
