"""Lines of movements, and the places that goods move between."""

from enum import Enum

import strawberry
from strawberry.types import Info

from app.db import tables
from app.domain.access import Can
from app.domain.documents.returns import SOLD_TO
from app.domain.ledger.draft import Place as PlaceValue
from app.schema.batches import Batch
from app.schema.boundary import needs
from app.schema.catalog import Product
from app.schema.edges import edge, maybe_edge
from app.schema.identity import Store
from app.schema.recipes import Recipe
from app.schema.scalars import Money, Quantity, Revision, maybe_fen, maybe_money, quantity
from app.schema.window import as_window, window


@strawberry.enum(description="A physical bin, or a counter account. 库位")
class Bin(Enum):
    SHELF = strawberry.enum_value("shelf", description="On sale in the store. 货架")
    RESERVED = strawberry.enum_value("reserved", description="Reserved for orders. 预占")
    QUARANTINE = strawberry.enum_value("quarantine", description="Held until checked. 待检")
    TRANSIT = strawberry.enum_value("transit", description="On its way to the store. 在途")
    SUPPLIER = strawberry.enum_value("supplier", description="Counter account: suppliers. 供应商")
    CUSTOMER = strawberry.enum_value("customer", description="Counter account: customers. 顾客")
    WASTE = strawberry.enum_value("waste", description="Counter account: written off. 报损")
    VARIANCE = strawberry.enum_value(
        "variance", description="Counter account: differences found. 盘点差异"
    )
    KITCHEN = strawberry.enum_value(
        "kitchen", description="Counter account: used up or produced. 制作耗用"
    )
    OPENING = strawberry.enum_value("opening", description="Counter account: opening stock. 期初")


@window(
    PlaceValue,
    description="A physical bin, or a counter account such as supplier or waste. 库位",
)
class Place:
    store: Store = edge("stores", "store", "Store that the bin belongs to. 门店")

    @strawberry.field(description="The bin of the store. 库位")
    def bin(self, root: strawberry.Parent[PlaceValue]) -> Bin:
        return Bin(root.bin)


@strawberry.enum(description="Cost at which a reversal takes goods out. 成本依据")
class CostBasis(Enum):
    OWN = strawberry.enum_value("OWN", description="Cost at which the goods came in. 原成本")
    AVERAGE = strawberry.enum_value(
        "AVERAGE",
        description="Moving average, because the stock is worth less than what came in. 移动平均",
    )


@window(
    tables.Entry,
    stores=("from_store", "to_store"),
    description="A quantity moved from one place to another. 流水",
)
class MovementLine:
    product: Product = edge("products", "product_id", "Product that moved. 商品")
    batch: Batch | None = maybe_edge(
        "batches", "batch_id", "Batch that moved; null if the product has no batches. 批次"
    )
    recipe: Recipe | None = maybe_edge(
        "recipes",
        "recipe_id",
        "Recipe version that was used; the lines before this one are its components. Null if "
        "there is none. 配方",
    )

    zone: str | None = strawberry.field(
        description="Zone of the movement's store that the goods left or were put in; null if it "
        "was not given. 区域"
    )

    @strawberry.field(description="Quantity in the product's unit, always greater than 0. 数量")
    def quantity(self, root: strawberry.Parent[tables.Entry]) -> Quantity:
        return quantity(root.quantity, root.scale)

    @strawberry.field(name="from", description="Place that the quantity came from. 来源")
    def source(self, root: strawberry.Parent[tables.Entry]) -> Place:
        return as_window(PlaceValue(root.from_store, root.from_bin))

    @strawberry.field(name="to", description="Place that the quantity went to. 去向")
    def target(self, root: strawberry.Parent[tables.Entry]) -> Place:
        return as_window(PlaceValue(root.to_store, root.to_bin))

    @strawberry.field(
        description="Quantity on hand after this line in the store that it left; null if it "
        "touched no stock on hand or if you lack SEE_STOCK in that store. 结存"
    )
    def on_hand_after(self, root: strawberry.Parent[tables.Entry], info: Info) -> Quantity | None:
        after = root.to_after if root.from_after is None else root.from_after
        if after is None or not _sees_level(info, root):
            return None
        return quantity(after, root.scale)

    @strawberry.field(
        description="Position of the line in its level, counted from 1; null if it touched no "
        "level or if you lack SEE_STOCK in that store. 序号"
    )
    def seq(self, root: strawberry.Parent[tables.Entry], info: Info) -> Revision | None:
        if not _sees_level(info, root):
            return None
        return as_window(root.to_seq if root.from_seq is None else root.from_seq)

    @strawberry.field(
        description="Cost of one unit in CNY; null if unknown or if you lack SEE_COST. 单位成本",
        directives=needs(Can.SEE_COST),
    )
    def unit_cost(self, root: strawberry.Parent[tables.Entry]) -> Money | None:
        return maybe_money(root.unit_cost)

    @strawberry.field(
        description="Cost of the quantity in CNY, at the moving average when it left, or at its "
        "own cost: see `costBasis`. Null if unknown or if you lack SEE_COST. 成本金额",
        directives=needs(Can.SEE_COST),
    )
    def cost(self, root: strawberry.Parent[tables.Entry]) -> Money | None:
        return maybe_money(root.cost)

    @strawberry.field(
        description="Whether a reversal took the goods out at their own cost or at the average; "
        "null for other lines or if you lack SEE_COST. 成本依据",
        directives=needs(Can.SEE_COST),
    )
    def cost_basis(self, root: strawberry.Parent[tables.Entry]) -> CostBasis | None:
        if root.own_cost is None:
            return None
        return CostBasis.OWN if root.own_cost else CostBasis.AVERAGE

    @strawberry.field(
        description="Price of one unit in CNY at which the line was sold; null if it was not sold, "
        "had no price, or was returned of several prices. 单价"
    )
    def price(self, root: strawberry.Parent[tables.Entry]) -> Money | None:
        return maybe_fen(root.price)

    @strawberry.field(
        description="Part of the discount that belongs to this line, in CNY; null if it has no "
        "price. 优惠"
    )
    def discount(self, root: strawberry.Parent[tables.Entry]) -> Money | None:
        return maybe_fen(root.discount)

    @strawberry.field(
        description="Amount in CNY that the customer paid for the line, or gets back when goods "
        "return; null if no price was known, as in sales of earlier versions. 金额"
    )
    def amount(self, root: strawberry.Parent[tables.Entry]) -> Money | None:
        return maybe_fen(root.amount)

    @strawberry.field(
        description="Quantity of a sold line that came back, in the product's unit; null for lines "
        "that were not sold. 已退数量"
    )
    async def returned(self, root: strawberry.Parent[tables.Entry], info: Info) -> Quantity | None:
        if root.to_bin not in SOLD_TO:
            return None
        back = await info.context.loaders_of(root).line_returns.load(root.movement_id)
        base = back.get(root.line, 0) if back else 0
        return quantity(base, root.scale) if base or root.to_bin == "customer" else None


def _sees_level(info: Info, entry: tables.Entry) -> bool:
    """Whether the viewer sees stock where the entry names a level: where it left, or arrived."""
    store = entry.to_store if entry.from_seq is None else entry.from_store
    return info.context.sees(Can.SEE_STOCK, entry, [store])
