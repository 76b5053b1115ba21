"""Products that are short, or of which a document sends too much."""

import strawberry
from strawberry.types import Info

from app.domain import errors
from app.domain.access import Can
from app.schema.boundary import EVERY
from app.schema.catalog import Product
from app.schema.edges import edge
from app.schema.scalars import Quantity, amount, quantity
from app.schema.window import window


@window(
    errors.Shortage,
    public=EVERY,
    description="A product without enough stock. 缺货明细",
)
class Shortage:
    product: Product = edge("products", "product_id", "Product without enough stock. 商品")
    requested: Quantity = amount("requested", "Quantity requested, summed over all lines. 需要数量")

    @strawberry.field(
        description="Quantity available when the request was refused. Null if you lack SEE_STOCK; "
        "customers see it only at or below the store's threshold for few. 现有数量"
    )
    def available(self, root: strawberry.Parent[errors.Shortage], info: Info) -> Quantity | None:
        hidden = not root.public and not info.context.sees(Can.SEE_STOCK, root)
        if hidden or root.available is None:
            return None
        return quantity(root.available, root.scale)


@window(errors.Excess, description="A product whose quantity exceeds the transfer. 超量明细")
class Excess:
    product: Product = edge("products", "product_id", "Product that the problem is about. 商品")
    requested: Quantity = amount("requested", "Quantity sent, summed over all lines. 提交数量")
    allowed: Quantity = amount(
        "allowed",
        "Largest quantity allowed: approved and not shipped, or still in transit. 允许数量",
    )
