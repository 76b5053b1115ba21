"""Alerts, and what one sends when one has seen them."""

from datetime import datetime
from enum import Enum
from typing import Annotated
from uuid import UUID

import strawberry
from strawberry.types import Info

from app.db import tables
from app.domain.access import Can
from app.schema import problems
from app.schema.arguments import request_key
from app.schema.catalog import Product
from app.schema.edges import edge, maybe_edge
from app.schema.identity import Actor, Store
from app.schema.orders import Order
from app.schema.scalars import Quantity, quantity
from app.schema.stock import Movement
from app.schema.window import window


@strawberry.enum(description="The rule that raised an alert. 预警规则")
class AlertRule(Enum):
    DISCREPANCY = strawberry.enum_value(
        "DISCREPANCY", description="A counter sale took more than the recorded stock. 账实差异"
    )


@strawberry.enum(description="Whether an alert has been acknowledged. 预警状态")
class AlertState(Enum):
    OPEN = strawberry.enum_value(
        "OPEN",
        description="Not acknowledged yet; at most one alert per rule and product in a store is "
        "open. 待处理",
    )
    ACKNOWLEDGED = strawberry.enum_value(
        "ACKNOWLEDGED", description="Acknowledged by a member of staff; the alert is closed. 已处理"
    )


@window(
    tables.Alert,
    needs=Can.SEE_ALERTS,
    description="A warning about a product in a store that staff should check. 预警",
)
class Alert:
    id: UUID = strawberry.field(description="ID of the alert; pass it to `acknowledgeAlert`.")
    store: Store = edge("stores", "store_id", "Store that the alert is about. 门店")
    product: Product = edge("products", "product_id", "Product that the alert is about. 商品")
    raised_at: datetime = strawberry.field(description="Time when the alert was raised. 预警时间")
    acknowledged_at: datetime | None = strawberry.field(
        description="Time when the alert was acknowledged; null while it is open. 处理时间"
    )
    acknowledged_by: Actor | None = maybe_edge(
        "actors",
        "acknowledged_by",
        "Member of staff who acknowledged the alert; null while it is open. 处理人",
    )
    movement: Movement | None = edge(
        "movements",
        "movement_id",
        "The latest movement behind this alert; null if you lack SEE_STOCK. 单据",
    )

    @strawberry.field(description="Rule that raised the alert. 预警规则")
    def rule(self, root: strawberry.Parent[tables.Alert]) -> AlertRule:
        return AlertRule[root.rule]

    @strawberry.field(description="Whether the alert is open or acknowledged. 预警状态")
    def state(self, root: strawberry.Parent[tables.Alert]) -> AlertState:
        return AlertState[root.state]

    @strawberry.field(
        description="Total quantity sold beyond the recorded stock, in the product's unit. 短缺数量"
    )
    def quantity(self, root: strawberry.Parent[tables.Alert]) -> Quantity:
        return quantity(root.quantity, root.scale)

    @strawberry.field(
        description="Orders whose reserved goods may be missing, those at most risk first. "
        "Contact their customers. 受影响订单"
    )
    async def orders_at_risk(
        self, root: strawberry.Parent[tables.Alert], info: Info
    ) -> list[Order]:
        found = await info.context.loaders_of(root).orders.load_many(root.order_ids)
        return [order for order in found if order is not None]

    @strawberry.field(
        description="Alert as a sentence, in the language of the Accept-Language header (zh-CN "
        "or en). 文字"
    )
    async def text(self, root: strawberry.Parent[tables.Alert], info: Info) -> str:
        product = await info.context.loaders_of(root).products.load(root.product_id)
        lacked, orders = quantity(root.quantity, root.scale), len(root.order_ids)
        if info.context.language == "zh":
            risk = f",{orders} 个线上订单可能无货,请核对" if orders else ",请核对库存"
            return f"{product.name}账面短缺 {lacked} {product.unit}仍已售出{risk}"
        risk = f"; {orders} orders may lack theirs" if orders else ""
        return f"{product.name}: {lacked} {product.unit} more sold than the books held{risk}"


AcknowledgeAlertResult = Annotated[
    Alert | problems.UnknownAlert | problems.KeyReused,
    strawberry.union(
        "AcknowledgeAlertResult",
        description="The acknowledged alert, or the problem that prevented the change.",
    ),
]


@strawberry.input(description="Input of `acknowledgeAlert`. 处理预警")
class AcknowledgeAlertInput:
    key: UUID = request_key()
    alert_id: UUID = strawberry.field(description="ID of the alert to acknowledge.")
