"""Stock as of a moment, the explanation of a level, and what to count next."""

from datetime import datetime
from uuid import UUID

import strawberry
from strawberry.types import Info

from app.db.history import CountCandidate, KindTotal
from app.domain.access import Can
from app.domain.movements.history import Explanation, PastLevel
from app.domain.rules.kinds import Kind
from app.domain.rules.units import written
from app.schema.batches import Batch
from app.schema.boundary import needs
from app.schema.catalog import Product
from app.schema.edges import edge
from app.schema.identity import Store
from app.schema.scalars import Money, Quantity, money, quantity
from app.schema.stock import Level
from app.schema.window import as_window, window


@strawberry.type(description="Quantity of a batch at a moment. 批次库存")
class PastBatch:
    row: strawberry.Private[PastLevel]
    batch_id: strawberry.Private[UUID]

    @strawberry.field(description="Batch of the goods. 批次")
    async def batch(self, info: Info) -> Batch | None:
        return as_window(await info.context.loaders_of(self.row).batches.load(self.batch_id))

    @strawberry.field(description="Quantity on hand at the moment. 在手")
    def on_hand(self) -> Quantity:
        return quantity(self.row.batches[self.batch_id], self.row.scale)


@window(PastLevel, needs=Can.SEE_STOCK, description="Stock of a product at a past moment. 历史库存")
class StockAsOf:
    store: Store = edge("stores", "store_id", "Store that held the stock. 门店")
    product: Product = edge("products", "product_id", "Product that was in stock. 商品")

    @strawberry.field(description="Quantity on hand: available, reserved and quarantined. 在手")
    def on_hand(self, root: strawberry.Parent[PastLevel]) -> Quantity:
        return quantity(root.on_hand, root.scale)

    @strawberry.field(description="Quantity on the shelf. 可售")
    def available(self, root: strawberry.Parent[PastLevel]) -> Quantity:
        return quantity(root.bins.get("shelf", 0), root.scale)

    @strawberry.field(description="Quantity reserved for orders and passes. 预占")
    def reserved(self, root: strawberry.Parent[PastLevel]) -> Quantity:
        return quantity(root.bins.get("reserved", 0), root.scale)

    @strawberry.field(description="Quantity in quarantine at the moment. 待检")
    def quarantined(self, root: strawberry.Parent[PastLevel]) -> Quantity:
        return quantity(root.bins.get("quarantine", 0), root.scale)

    @strawberry.field(description="Quantity in transit to the store. 在途")
    def incoming(self, root: strawberry.Parent[PastLevel]) -> Quantity:
        return quantity(root.bins.get("transit", 0), root.scale)

    @strawberry.field(
        description="Value of the stock in CNY; null if you lack SEE_COST. 库存金额",
        directives=needs(Can.SEE_COST),
    )
    def value(self, root: strawberry.Parent[PastLevel]) -> Money | None:
        return money(root.value)

    @strawberry.field(description="Stock by batch; empty without batches. 批次库存")
    def batches(self, root: strawberry.Parent[PastLevel]) -> list[PastBatch]:
        return [PastBatch(row=root, batch_id=batch) for batch in root.batches]


@strawberry.type(description="Movements of one kind and how they changed a level. 变动汇总")
class LevelChange:
    row: strawberry.Private[Explanation]
    total: strawberry.Private[KindTotal]

    @strawberry.field(description="Kind of these movements. 单据类型")
    def kind(self) -> Kind:
        return Kind[self.total.kind]

    @strawberry.field(description="Number of these movements. 单数")
    def movements(self) -> int:
        return self.total.movements

    @strawberry.field(description="Change of the quantity on hand. 变动数量")
    def quantity(self) -> Quantity:
        return quantity(self.total.quantity, self.row.scale)


@window(Explanation, description="The movements that explain a level. 库存说明")
class LevelExplanation:
    product: Product = edge("products", "product_id", "Product that is explained. 商品")
    since: datetime | None = strawberry.field(
        description="Moment from which movements are summed; null from the beginning. 起始时间"
    )

    @strawberry.field(description="Quantity on hand at `since`. 期初在手")
    def before(self, root: strawberry.Parent[Explanation]) -> Quantity:
        return quantity(root.before, root.scale)

    @strawberry.field(description="Quantity on hand at this moment. 现在在手")
    def now(self, root: strawberry.Parent[Explanation]) -> Quantity:
        return quantity(root.now, root.scale)

    @strawberry.field(description="Changes since then by kind, the largest first. 变动")
    def changes(self, root: strawberry.Parent[Explanation]) -> list[LevelChange]:
        return [LevelChange(row=root, total=total) for total in root.totals]

    @strawberry.field(
        description="The explanation as a sentence, in the language of Accept-Language. 文字"
    )
    async def text(self, root: strawberry.Parent[Explanation], info: Info) -> str:
        product = await info.context.loaders_of(root).products.load(root.product_id)
        chinese = info.context.language == "zh"
        before, now = written(root.before, root.scale), written(root.now, root.scale)
        parts = [
            f"{_name(total.kind, chinese)} {'+' if total.quantity > 0 else ''}"
            f"{written(total.quantity, root.scale)}"
            for total in root.totals
        ]
        if chinese:
            moved = "，".join(parts) or "没有变动"
            return (
                f"{product.name}：期初 {before} {product.unit}；{moved}；现有 {now} {product.unit}"
            )
        moved = ", ".join(parts) or "nothing moved"
        return f"{product.name}: {before} {product.unit} before; {moved}; {now} {product.unit} now"


def _name(kind: str, chinese: bool) -> str:
    english, _, name = Kind[kind].value.meaning.rpartition(" ")
    return name if chinese else english.rstrip(".")


@window(CountCandidate, description="A product that should be counted. 建议盘点")
class SuggestedCount:
    level: Level | None = strawberry.field(
        description="Stock level to count; null if you lack SEE_STOCK. 库存"
    )
    has_discrepancy: bool = strawberry.field(
        description="Whether more was sold than the books held, and it was not counted since. "
        "有账面短缺"
    )

    @strawberry.field(description="Time of its last count; null if it was never. 上次盘点时间")
    def last_counted_at(self, root: strawberry.Parent[CountCandidate]) -> datetime | None:
        return root.level.counted_at
