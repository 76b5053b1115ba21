"""Alerts, and what one sends when one has seen them."""

from datetime import datetime
from enum import Enum
from typing import Annotated
from uuid import UUID

import strawberry
from strawberry.types import Info

from app.db import tables
from app.schema import problems
from app.schema.catalog import Product
from app.schema.edges import edge, maybe_edge
from app.schema.identity import Actor, Store
from app.schema.orders import Order
from app.schema.scalars import Quantity, quantity
from app.schema.stock import Movement
from app.schema.window import window


@strawberry.enum(description="What raised an alert. 预警规则")
class AlertRule(Enum):
    DISCREPANCY = strawberry.enum_value(
        "DISCREPANCY", description="More was sold over the counter than the books held. 账实差异"
    )


@strawberry.enum(description="Whether somebody looks after an alert. 预警状态")
class AlertState(Enum):
    OPEN = "OPEN"
    ACKNOWLEDGED = "ACKNOWLEDGED"


@window(tables.Alert, description="Something in a store that somebody should look at. 预警")
class Alert:
    id: UUID
    store: Store = edge("stores", "store_id")
    product: Product = edge("products", "product_id")
    raised_at: datetime
    acknowledged_at: datetime | None
    acknowledged_by: Actor | None = maybe_edge("actors", "acknowledged_by", "Who has seen it.")
    movement: Movement = edge("movements", "movement_id", "The last that gave cause. 单据")

    @strawberry.field
    def rule(self, root: strawberry.Parent[tables.Alert]) -> AlertRule:
        return AlertRule[root.rule]

    @strawberry.field
    def state(self, root: strawberry.Parent[tables.Alert]) -> AlertState:
        return AlertState[root.state]

    @strawberry.field(description="How much the books lacked, altogether. 短缺数量")
    def quantity(self, root: strawberry.Parent[tables.Alert]) -> Quantity:
        return quantity(root.quantity, root.scale)

    @strawberry.field(
        description="Orders that hold what may be gone, those at most risk first: call them. "
        "受影响订单"
    )
    async def orders_at_risk(
        self, root: strawberry.Parent[tables.Alert], info: Info
    ) -> list[Order]:
        found = await info.context.loaders.orders.load_many(root.order_ids)
        return [order for order in found if order is not None]

    @strawberry.field(description="As the shop says it, in the language of Accept-Language. 文字")
    async def text(self, root: strawberry.Parent[tables.Alert], info: Info) -> str:
        product = await info.context.loaders.products.load(root.product_id)
        lacked, orders = quantity(root.quantity, root.scale), len(root.order_ids)
        if info.context.language == "zh":
            risk = f",{orders} 个线上订单可能无货,请核对" if orders else ",请核对库存"
            return f"{product.name}账面短缺 {lacked} {product.unit}仍已售出{risk}"
        risk = f"; {orders} orders may lack theirs" if orders else ""
        return f"{product.name}: {lacked} {product.unit} more sold than the books held{risk}"


AcknowledgeAlertResult = Annotated[
    Alert | problems.UnknownAlert | problems.KeyReused,
    strawberry.union("AcknowledgeAlertResult", description="The alert, or why nothing changed."),
]


@strawberry.input(description="Somebody looks after it. 处理预警")
class AcknowledgeAlertInput:
    key: UUID
    alert_id: UUID
