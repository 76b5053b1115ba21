"""Warnings about movements that were recorded."""

from datetime import date
from enum import Enum

import strawberry
from strawberry.types import Info

from app.db import tables
from app.schema.batches import Batch
from app.schema.catalog import Product
from app.schema.edges import edge
from app.schema.scalars import Quantity, quantity
from app.schema.window import window


@strawberry.enum(description="Topic of a warning. 警告类型")
class WarningCode(Enum):
    EXPIRED = strawberry.enum_value(
        "EXPIRED",
        description="The goods had expired when they came in: they went to quarantine. 到货已过期",
    )


@window(
    tables.Entry,
    stores=("from_store", "to_store"),
    description="A warning about a movement that was recorded. 警告",
)
class MovementWarning:
    product: Product = edge("products", "product_id", "Product that the warning is about. 商品")
    batch: Batch = edge("batches", "batch_id", "Batch that had expired. 批次")

    @strawberry.field(description="Code of the warning, for programs. 警告类型")
    def code(self) -> WarningCode:
        return WarningCode.EXPIRED

    @strawberry.field(description="Quantity that the warning is about, in the product's unit. 数量")
    def quantity(self, root: strawberry.Parent[tables.Entry]) -> Quantity:
        return quantity(root.quantity, root.scale)

    @strawberry.field(description="Last day of sale of the batch. 到期日")
    async def expired_on(self, root: strawberry.Parent[tables.Entry], info: Info) -> date:
        return (await info.context.loaders_of(root).batches.load(root.batch_id)).expires_on

    @strawberry.field(
        description="Warning as a sentence, in the language of the Accept-Language header. 文字"
    )
    async def message(self, root: strawberry.Parent[tables.Entry], info: Info) -> str:
        loaders = info.context.loaders_of(root)
        product = await loaders.products.load(root.product_id)
        batch = await loaders.batches.load(root.batch_id)
        amount = f"{quantity(root.quantity, root.scale)} {product.unit}"
        if info.context.language == "zh":
            number = f"（批号 {batch.number}）" if batch.number else ""
            return (
                f"{product.name}{number}已于 {batch.expires_on} 到期，{amount}已转入待检，"
                "请退回供应商或报损"
            )
        number = f" (batch {batch.number})" if batch.number else ""
        return (
            f"{product.name}{number} has expired, its last day of sale was {batch.expires_on}: "
            f"{amount} went to quarantine. Return it to the supplier or write it off."
        )
