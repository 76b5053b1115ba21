"""Alerts, and the inputs that acknowledge, resolve and snooze them."""

from datetime import datetime
from enum import Enum
from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID

import strawberry
from strawberry.types import Info

from app.db import tables
from app.db.alert_facts import AlertFacts
from app.domain.access import Can
from app.domain.notices.suggestions import suggest_for
from app.domain.notices.texts import text_of, value_of
from app.domain.rules.replenishment import PERIOD_DAYS
from app.schema import problems
from app.schema.alert_suggestions import AlertSuggestion
from app.schema.arguments import request_key
from app.schema.batches import Batch
from app.schema.boundary import needs
from app.schema.catalog import Product
from app.schema.edges import edge, joined_or_loaded, maybe_edge
from app.schema.identity import Actor, Store
from app.schema.orders import Order
from app.schema.scalars import Money, Quantity, maybe_money, quantity
from app.schema.stock import Movement
from app.schema.window import window

if TYPE_CHECKING:
    from app.schema.notices import NotificationDelivery


@strawberry.enum(description="The rule that raised an alert. 预警规则")
class AlertRule(Enum):
    LOW_STOCK = strawberry.enum_value(
        "LOW_STOCK",
        description="The quantity on the shelf and in transit is at or below the reorder point. "
        "低库存",
    )
    OUT_OF_STOCK = strawberry.enum_value(
        "OUT_OF_STOCK", description="Nothing is left on the shelf. 断货"
    )
    NEAR_EXPIRY = strawberry.enum_value(
        "NEAR_EXPIRY",
        description="A batch on the shelf is near its last day of sale: 30, 15 and 7 days before "
        "it, unless a setting or the product has other days. 临期",
    )
    EXPIRED = strawberry.enum_value(
        "EXPIRED", description="A batch has expired and is still in the store. 过期"
    )
    SLOW_MOVING = strawberry.enum_value(
        "SLOW_MOVING",
        description="Fewer than 5 units were sold in 30 days, although the product was in stock "
        "all the time. 滞销",
    )
    DISCREPANCY = strawberry.enum_value(
        "DISCREPANCY",
        description="A counter sale took more than the recorded stock, or was recorded late and "
        "may be counted in a stocktake already. 账实差异",
    )
    DISH_UNAVAILABLE = strawberry.enum_value(
        "DISH_UNAVAILABLE", description="A dish cannot be made: an ingredient is missing. 菜品缺料"
    )
    TRANSFER_WAITING = strawberry.enum_value(
        "TRANSFER_WAITING",
        description="A request or transfer was not approved, shipped or received in time. "
        "调拨待处理",
    )
    WRITE_OFF_WAITING = strawberry.enum_value(
        "WRITE_OFF_WAITING", description="A write-off was not decided in time. 报损待审批"
    )
    PURCHASE_WAITING = strawberry.enum_value(
        "PURCHASE_WAITING",
        description="A purchase order was received in part, and the rest is late. 采购待到齐",
    )
    EXPECTED_NOT_ARRIVED = strawberry.enum_value(
        "EXPECTED_NOT_ARRIVED",
        description="Nothing of a purchase order has arrived by the expected day. 到期未到货",
    )
    AUDIT_DRIFT = strawberry.enum_value(
        "AUDIT_DRIFT",
        description="The nightly audit of the ledger found breaches; see `health`. It is raised in "
        "the chain's first store and ends with an audit that finds none. 账目异常",
    )


@strawberry.enum(description="The state of an alert. 预警状态")
class AlertState(Enum):
    OPEN = strawberry.enum_value(
        "OPEN",
        description="Not acknowledged yet. At most one alert per rule and subject is open or "
        "acknowledged. 待处理",
    )
    ACKNOWLEDGED = strawberry.enum_value(
        "ACKNOWLEDGED",
        description="Acknowledged by a member of staff. This closes a DISCREPANCY; any other "
        "alert stays until its condition ends. 已知晓",
    )
    RESOLVED = strawberry.enum_value(
        "RESOLVED", description="The condition has ended, or a member of staff resolved it. 已解决"
    )


@strawberry.enum(description="Sort order of a list of alerts. 排序")
class AlertSort(Enum):
    NEWEST = strawberry.enum_value("NEWEST", description="The newest first. 最新")
    URGENCY = strawberry.enum_value(
        "URGENCY",
        description="The most urgent first: expired, out of stock, dishes that cannot be made, "
        "discrepancies, then near expiry by days left, low stock, late documents, slow movers. "
        "最紧急",
    )


@window(
    tables.Alert,
    needs=Can.SEE_ALERTS,
    description="A warning about a product, a batch or a document of a store. 预警",
)
class Alert:
    id: UUID = strawberry.field(description="ID of the alert; pass it to `acknowledgeAlert`.")
    store: Store = edge("stores", "store_id", "Store that the alert is about. 门店")
    product: Product | None = maybe_edge(
        "products",
        "product_id",
        "Product that the alert is about; null if it is about a document. 商品",
    )
    batch: Batch | None = maybe_edge(
        "batches", "batch_id", "Batch that the alert is about; null for any other rule. 批次"
    )
    limiting: Product | None = maybe_edge(
        "products",
        "cause_id",
        "Ingredient that a dish lacks; null for any other rule. 缺少的原料",
    )
    document_id: UUID | None = strawberry.field(
        description="ID of the transfer, write-off or purchase order that waits. For AUDIT_DRIFT "
        "the ID of the chain. Null for any other rule. 单据编号"
    )
    raised_at: datetime = strawberry.field(description="Time when the alert was raised. 预警时间")
    acknowledged_at: datetime | None = strawberry.field(
        description="Time when the alert was acknowledged; null if it was not. 知晓时间"
    )
    acknowledged_by: Actor | None = maybe_edge(
        "actors",
        "acknowledged_by",
        "Member of staff who acknowledged the alert; null if it was not. 知晓人",
    )
    resolved_at: datetime | None = strawberry.field(
        description="Time when the alert was resolved; null while it lasts. 解决时间"
    )
    resolved_by: Actor | None = maybe_edge(
        "actors",
        "resolved_by",
        "Member of staff who resolved the alert; null if it ended by itself. 解决人",
    )
    snoozed_until: datetime | None = strawberry.field(
        description="Time until which notifications are suspended; null if they are not. 暂停提醒至"
    )
    movement: Movement | None = maybe_edge(
        "movements",
        "movement_id",
        "The latest movement behind this alert; null if there is none or if you lack SEE_STOCK. "
        "单据",
    )

    deliveries: list[Annotated["NotificationDelivery", strawberry.lazy("app.schema.notices")]] = (
        edge(
            "alert_deliveries",
            "id",
            "Deliveries of this alert to its recipients, the oldest first. 发送记录",
        )
    )

    @strawberry.field(description="Rule that raised the alert. 预警规则")
    def rule(self, root: strawberry.Parent[tables.Alert]) -> AlertRule:
        return AlertRule[root.rule]

    @strawberry.field(description="State of the alert. 预警状态")
    def state(self, root: strawberry.Parent[tables.Alert]) -> AlertState:
        return AlertState[root.state]

    @strawberry.field(
        description="Quantity that the alert counts, in the product's unit: on the shelf when it "
        "was raised, sold beyond the books (DISCREPANCY), or breaches (AUDIT_DRIFT). Null for "
        "documents. 数量"
    )
    def quantity(self, root: strawberry.Parent[tables.Alert]) -> Quantity | None:
        return None if root.quantity is None else quantity(root.quantity, root.scale or 1)

    @strawberry.field(
        description="Days left: until the last day of sale for NEAR_EXPIRY and EXPIRED, negative "
        "once it has passed; until the shelf is empty at the average sales of 30 days for "
        "LOW_STOCK. Null for other rules, or without sales. 剩余天数"
    )
    async def days_left(self, root: strawberry.Parent[tables.Alert], info: Info) -> int | None:
        facts = await _facts(root, info)
        if root.batch_id is not None:
            return facts.days
        if root.rule != "LOW_STOCK":
            return None
        sold = await _sold(root, info)
        return facts.now * PERIOD_DAYS // sold if sold else None

    @strawberry.field(
        description="Cost in CNY of the goods that the alert is about, for NEAR_EXPIRY, EXPIRED "
        "and SLOW_MOVING; null for other rules, if unknown, or if you lack SEE_COST. 风险金额",
        directives=needs(Can.SEE_COST),
    )
    async def value_at_risk(
        self, root: strawberry.Parent[tables.Alert], info: Info
    ) -> Money | None:
        return maybe_money(value_of(await _facts(root, info)))

    @strawberry.field(
        description="Orders whose reserved goods may be missing, those at most risk first. "
        "Contact their customers. 受影响订单"
    )
    async def orders_at_risk(
        self, root: strawberry.Parent[tables.Alert], info: Info
    ) -> list[Order]:
        orders = await info.context.loaders_of(root).orders.load_many(root.order_ids)
        return [order for order in orders if order is not None]

    @strawberry.field(
        description="Suggested action with its quantities; null if there is nothing to do or the "
        "rule has no suggestion. 建议"
    )
    async def suggestion(
        self, root: strawberry.Parent[tables.Alert], info: Info
    ) -> AlertSuggestion | None:
        return await _suggestion(root, info)

    @strawberry.field(
        description="Alert as a sentence, in the language of the Accept-Language header (zh-CN "
        "or en). 文字"
    )
    async def text(self, root: strawberry.Parent[tables.Alert], info: Info) -> str:
        return text_of(await _facts(root, info), info.context.language)


async def _facts(root: tables.Alert, info: Info) -> AlertFacts:
    return await joined_or_loaded(root, info, "alert_facts", root.id)


async def _sold(root: tables.Alert, info: Info) -> int | None:
    """Base units of the alert's product that were sold lately."""
    pair = root.store_id, root.product_id
    return await joined_or_loaded(root, info, "sold_lately", pair)


async def _suggestion(root: tables.Alert, info: Info) -> Any:
    """The row behind `Alert.suggestion`, from stock that the viewer may see."""
    context = info.context
    facts = await context.loaders_of(root).alert_suggestions.load(root.id)
    return facts and suggest_for(facts, lambda store: context.sees(Can.SEE_STOCK, root, [store]))


@strawberry.type(description="Number of open alerts of a rule. 预警数量")
class AlertCount:
    rule: AlertRule = strawberry.field(description="Rule of the alerts. 预警规则")
    open: int = strawberry.field(description="Number of open alerts. 待处理")
    acknowledged: int = strawberry.field(
        description="Number of acknowledged alerts that are not resolved. 已知晓"
    )


def count_of(rule: AlertRule, opened: int, acknowledged: int) -> AlertCount:
    return AlertCount(rule=rule, open=opened, acknowledged=acknowledged)


AlertResult = Annotated[
    Alert | problems.UnknownAlert | problems.KeyReused,
    strawberry.union(
        "AlertResult",
        description="The alert as it is now, or the problem that prevented the change.",
    ),
]
AcknowledgeAlertResult = Annotated[
    Alert | problems.UnknownAlert | problems.KeyReused,
    strawberry.union(
        "AcknowledgeAlertResult",
        description="The acknowledged alert, or the problem that prevented the change.",
    ),
]


@strawberry.input(description="Input of `acknowledgeAlert`. 知晓预警")
class AcknowledgeAlertInput:
    key: UUID = request_key()
    alert_id: UUID = strawberry.field(description="ID of the alert to acknowledge.")


@strawberry.input(description="Input of `resolveAlert`. 解决预警")
class ResolveAlertInput:
    key: UUID = request_key()
    alert_id: UUID = strawberry.field(description="ID of the alert to resolve.")


@strawberry.input(description="Input of `snoozeAlert`. 暂停提醒")
class SnoozeAlertInput:
    key: UUID = request_key()
    alert_id: UUID = strawberry.field(description="ID of the alert to snooze.")
    until: datetime | None = strawberry.field(
        description="Time until which notifications are suspended, at most 30 days from now; "
        "null resumes them.",
    )
