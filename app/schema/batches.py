"""Batches, and the stock of batches in stores."""

from datetime import date, datetime
from enum import Enum
from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import strawberry
from strawberry.types import Info

from app.db import tables
from app.domain.access import Can
from app.domain.rules.costs import cost_of
from app.domain.rules.days import store_day
from app.domain.rules.fefo import NEVER
from app.schema.boundary import needs
from app.schema.catalog import Product
from app.schema.edges import edge, maybe_edge
from app.schema.identity import Actor, Store
from app.schema.scalars import Money, Quantity, maybe_money, money, quantity
from app.schema.window import window

if TYPE_CHECKING:
    from app.schema.alerts import Alert


@strawberry.enum(description="Sort order of a list of batches. 排序")
class BatchSort(Enum):
    DAYS_LEFT = strawberry.enum_value(
        "DAYS_LEFT", description="By days left, the earliest expiry first. 按剩余天数"
    )


@window(
    tables.Batch,
    description="Goods of one product with the same batch number and expiry date. 批次",
)
class Batch:
    id: UUID = strawberry.field(description="ID of the batch, the same in every store.")
    number: str = strawberry.field(
        description="Batch number as printed on the goods; empty if none was given. 批号"
    )
    produced_on: date | None = strawberry.field(
        description="Date of production; null if unknown. 生产日期"
    )
    supplier: str | None = strawberry.field(
        description="Name of the supplier given with the first receipt; null if unknown or if you "
        "lack SEE_SUPPLIERS. 供应商",
        directives=needs(Can.SEE_SUPPLIERS),
    )
    received_at: datetime = strawberry.field(
        description="Time of the first receipt of this batch. 首次入库"
    )

    @strawberry.field(
        description="Last day on which the batch may be sold; null if it does not expire. 到期日"
    )
    def expires_on(self, root: strawberry.Parent[tables.Batch]) -> date | None:
        return None if root.expires_on == NEVER else root.expires_on

    @strawberry.field(
        description="Cost of one unit in CNY; null if unknown or if you lack SEE_COST. 单位成本",
        directives=needs(Can.SEE_COST),
    )
    def unit_cost(self, root: strawberry.Parent[tables.Batch]) -> Money | None:
        return maybe_money(root.unit_cost)


@window(
    tables.Markdown,
    needs=Can.SEE_STOCK,
    description="A lower price of a batch in a store. 临期折扣",
)
class Markdown:
    percent: int = strawberry.field(
        description="Percent off the product's price, from 1 to 99: 20 is 8 折. 折扣"
    )
    until: date = strawberry.field(description="Last day of the lower price. 截止日")
    set_at: datetime = strawberry.field(description="Time when it was set. 设置时间")
    set_by: Actor | None = maybe_edge("actors", "set_by", "Member of staff who set it. 设置人")


@window(
    tables.BatchLevel,
    needs=Can.SEE_STOCK,
    description="Stock of one batch in one store. 批次库存",
)
class BatchLevel:
    batch: Batch = edge("batches", "batch_id", "Batch that this stock belongs to. 批次")
    store: Store = edge("stores", "store_id", "Store that holds the stock. 门店")
    product: Product = edge("products", "product_id", "Product of the batch. 商品")
    alerts: list[Annotated["Alert", strawberry.lazy("app.schema.alerts")]] = edge(
        "batch_alerts", "triple", "Unresolved alerts about this batch in this store. 预警"
    )

    markdown: Markdown | None = maybe_edge(
        "markdowns", "triple", "Lower price of this batch; null without one. 临期折扣"
    )

    @strawberry.field(description="Quantity on the shelf. An expired batch is never sold. 货架")
    async def shelf(self, root: strawberry.Parent[tables.BatchLevel], info: Info) -> Quantity:
        return await _quantity(root, info, root.shelf)

    @strawberry.field(description="Quantity reserved for orders and passes. 预占")
    async def reserved(self, root: strawberry.Parent[tables.BatchLevel], info: Info) -> Quantity:
        return await _quantity(root, info, root.reserved)

    @strawberry.field(description="Quantity in quarantine, not for sale until it is checked. 待检")
    async def quarantined(self, root: strawberry.Parent[tables.BatchLevel], info: Info) -> Quantity:
        return await _quantity(root, info, root.quarantine)

    @strawberry.field(
        description="Days left until the last day of sale, in the store's time zone: 0 on the "
        "last day, negative once expired, null if the batch does not expire. 剩余天数"
    )
    async def days_left(self, root: strawberry.Parent[tables.BatchLevel], info: Info) -> int | None:
        if root.expires_on == NEVER:
            return None
        store = await info.context.loaders_of(root).stores.load(root.store_id)
        return (root.expires_on - store_day(info.context.now, store.timezone)).days

    @strawberry.field(
        description="Value of this stock in CNY at the batch's own cost; null if unknown or if "
        "you lack SEE_COST. 风险金额",
        directives=needs(Can.SEE_COST),
    )
    async def value_at_risk(
        self, root: strawberry.Parent[tables.BatchLevel], info: Info
    ) -> Money | None:
        batch = await info.context.loaders_of(root).batches.load(root.batch_id)
        if batch.unit_cost is None:
            return None
        product = await info.context.loaders_of(root).products.load(root.product_id)
        held = root.shelf + root.reserved + root.quarantine
        return money(cost_of(held, product.scale, batch.unit_cost))


async def _quantity(root: tables.BatchLevel, info: Info, base: int) -> Quantity:
    product = await info.context.loaders_of(root).products.load(root.product_id)
    return quantity(base, product.scale)
