"""Batches, what a store holds of them, and how long they last."""

from datetime import date, datetime
from enum import Enum
from uuid import UUID

import strawberry
from strawberry.types import Info

from app.db import tables
from app.domain.rules.costs import cost_of
from app.domain.rules.days import store_day
from app.domain.rules.fefo import NEVER
from app.schema.catalog import Product
from app.schema.edges import edge
from app.schema.identity import Store
from app.schema.scalars import Money, Quantity, cost, quantity
from app.schema.window import window


@strawberry.enum(description="The order of a list of batches. 排序")
class BatchSort(Enum):
    DAYS_LEFT = "DAYS_LEFT"


@window(tables.Batch, description="Goods that came with one number and one expiry. 批次")
class Batch:
    id: UUID
    number: str = strawberry.field(description="As printed; empty when none was told. 批号")
    produced_on: date | None = strawberry.field(description="生产日期")
    supplier: str | None = strawberry.field(description="供应商")
    received_at: datetime = strawberry.field(description="When it first came in. 首次入库")

    @strawberry.field(description="The last day of sale; null when it has none. 到期日")
    def expires_on(self, root: strawberry.Parent[tables.Batch]) -> date | None:
        return None if root.expires_on == NEVER else root.expires_on

    @strawberry.field(
        description="Yuan for one unit; null if unknown or not yours to see. 单位成本"
    )
    def unit_cost(self, root: strawberry.Parent[tables.Batch], info: Info) -> Money | None:
        return cost(info, root.unit_cost)


@window(tables.BatchLevel, description="How much of a batch lies in a store. 批次库存")
class BatchLevel:
    batch: Batch = edge("batches", "batch_id")
    store: Store = edge("stores", "store_id")
    product: Product = edge("products", "product_id")

    @strawberry.field(description="On the shelf; expired goods are never sold. 货架")
    async def shelf(self, root: strawberry.Parent[tables.BatchLevel], info: Info) -> Quantity:
        return await _quantity(root, info, root.shelf)

    @strawberry.field(description="Held for orders. 预占")
    async def reserved(self, root: strawberry.Parent[tables.BatchLevel], info: Info) -> Quantity:
        return await _quantity(root, info, root.reserved)

    @strawberry.field(description="Held until checked. 待检")
    async def quarantined(self, root: strawberry.Parent[tables.BatchLevel], info: Info) -> Quantity:
        return await _quantity(root, info, root.quarantine)

    @strawberry.field(
        description="Whole days after today on which it may be sold, by the store's clock: 0 on "
        "its last day, below 0 when it has expired; null when it never does. 剩余天数"
    )
    async def days_left(self, root: strawberry.Parent[tables.BatchLevel], info: Info) -> int | None:
        if root.expires_on == NEVER:
            return None
        store = await info.context.loaders.stores.load(root.store_id)
        return (root.expires_on - store_day(info.context.now, store.timezone)).days

    @strawberry.field(
        description="What lies here, at the batch's own cost; null if unknown or not yours to "
        "see. 风险金额"
    )
    async def value_at_risk(
        self, root: strawberry.Parent[tables.BatchLevel], info: Info
    ) -> Money | None:
        batch = await info.context.loaders.batches.load(root.batch_id)
        if batch.unit_cost is None:
            return None
        product = await info.context.loaders.products.load(root.product_id)
        held = root.shelf + root.reserved + root.quarantine
        return cost(info, cost_of(held, product.scale, batch.unit_cost))


async def _quantity(root: tables.BatchLevel, info: Info, base: int) -> Quantity:
    product = await info.context.loaders.products.load(root.product_id)
    return quantity(base, product.scale)
