"""Suggested actions of alerts, with their quantities."""

from enum import Enum

import strawberry
from strawberry.types import Info

from app.domain.notices.suggestions import SuggestionRow
from app.schema.catalog import Product
from app.schema.edges import edge, maybe_edge
from app.schema.identity import Store
from app.schema.purchases import Supplier
from app.schema.scalars import Quantity, quantity
from app.schema.window import window


@strawberry.enum(description="Action that an alert suggests. 建议类型")
class SuggestionKind(Enum):
    REORDER = strawberry.enum_value(
        "REORDER", description="Order goods from a supplier: `createPurchaseOrder`. 采购补货"
    )
    TRANSFER = strawberry.enum_value(
        "TRANSFER",
        description="Move goods between stores: `requestReplenishment` for goods that are low "
        "here, `createTransfer` for goods that do not sell here or expire before they are used. "
        "门店调拨",
    )
    MARKDOWN = strawberry.enum_value(
        "MARKDOWN",
        description="Sell the batch at a lower price until it expires: `setMarkdown`. 临期折扣",
    )
    BUNDLE = strawberry.enum_value(
        "BUNDLE", description="Offer it together with a product that sells well. 搭配销售"
    )
    WRITE_OFF = strawberry.enum_value(
        "WRITE_OFF", description="Write the expired goods off: `requestWriteOff`. 报损"
    )
    COUNT = strawberry.enum_value("COUNT", description="Count the product: `openStocktake`. 盘点")


@window(SuggestionRow, description="A suggested action for an alert, with its quantities. 处理建议")
class AlertSuggestion:
    product: Product = edge(
        "products",
        "product_id",
        "Product to restock, sell or count; for a dish, the ingredient it lacks. 商品",
    )
    store: Store | None = maybe_edge(
        "stores",
        "store_id",
        "Store that the goods come from, or for SLOW_MOVING and NEAR_EXPIRY go to; null unless the "
        "kind is TRANSFER. 调拨门店",
    )
    supplier: Supplier | None = maybe_edge(
        "suppliers",
        "supplier_id",
        "Supplier that the product was ordered from last; null unless the kind is REORDER, or if "
        "you lack SEE_SUPPLIERS. 供应商",
    )
    beside: Product | None = maybe_edge(
        "products",
        "beside_id",
        "Product that sells well, to offer together; null unless the kind is BUNDLE. 搭配商品",
    )
    discount_percent: int | None = strawberry.field(
        description="Percent off the price, from 1 to 99: 20 is 8 折. Null unless the kind is "
        "MARKDOWN. 折扣"
    )

    @strawberry.field(description="What to do. 建议类型")
    def kind(self, root: strawberry.Parent[SuggestionRow]) -> SuggestionKind:
        return SuggestionKind[root.kind.value]

    @strawberry.field(
        description="Quantity in the product's unit: to order, move, write off, or sell at the "
        "lower price; null for COUNT. 数量"
    )
    def quantity(self, root: strawberry.Parent[SuggestionRow]) -> Quantity | None:
        return None if root.quantity is None else quantity(root.quantity, root.scale)

    @strawberry.field(
        description="Suggestion as a sentence, in the language of the Accept-Language header "
        "(zh-CN or en). 文字"
    )
    def text(self, root: strawberry.Parent[SuggestionRow], info: Info) -> str:
        return root.texts[0 if info.context.language == "zh" else 1]
